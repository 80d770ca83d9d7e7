//===- Threads.cpp - Parallel-for on oneTBB -------------------------------===//
//
// One arena for each engine. Its threads are those of the process's one scheduler, which
// makes one fewer than there are processors; a caller that finds as many callers as
// processors runs alone, so that threads do not wait for processors.
//
//===----------------------------------------------------------------------===//
#include "mlc/Abi/Threads.h"

#include <algorithm>
#include <atomic>
#include <new>

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <unistd.h>
#ifdef MLC_TSAN
#include <sanitizer/tsan_interface.h>
#endif

struct mlc_threads {
  explicit mlc_threads(int count)
      : mostCallers(count - 1), arena(std::max(2 * mostCallers, 1), mostCallers) {}
  /// Callers that spread at a time, each of which has a place in the arena. No more places: a
  /// thread that looks for work tries them at random, and sleeps after some in vain.
  const int mostCallers;
  tbb::task_arena arena;
};

// ThreadSanitizer, to which oneTBB is unknown, is told what happens before what.
#ifdef MLC_TSAN
static void happensBefore(void *address) { __tsan_release(address); }
static void happensAfter(void *address) { __tsan_acquire(address); }
#else
static void happensBefore(void *) {}
static void happensAfter(void *) {}
#endif

namespace {

/// Its children by fork have none of its threads, and perhaps locked locks.
const pid_t process = getpid();

std::atomic<int> callers{0}; ///< Of all engines.

mlc_threads *create(int32_t count) {
  try {
    int most = process == getpid() ? tbb::info::default_concurrency() : 1;
    return new mlc_threads(count > 0 ? std::min(count, most) : most);
  } catch (...) {
    return nullptr;
  }
}

void release(mlc_threads *threads) {
  if (process == getpid())
    delete threads;
}

int32_t spread(mlc_threads *threads, int64_t count, void (*body)(void *, int64_t), void *argument) {
  try {
    threads->arena.execute([&] {
      // Threads compute as the caller does: rounding, FTZ and DAZ of now.
      tbb::task_group_context context(tbb::task_group_context::isolated,
                                      tbb::task_group_context::fp_settings);
      auto part = [&](int64_t i) {
        happensAfter(argument);
        body(argument, i);
        happensBefore(argument);
      };
      happensBefore(argument);
      tbb::parallel_for(int64_t(0), count, part, context);
      happensAfter(argument);
    });
    return 0;
  } catch (...) {
    return 1;
  }
}

int32_t parallelFor(mlc_threads *threads, int64_t count, void (*body)(void *, int64_t),
                    void *argument) {
  int32_t code = 0;
  bool spreads = callers.fetch_add(1) < threads->mostCallers && process == getpid();
  if (spreads)
    code = spread(threads, count, body, argument);
  for (int64_t i = 0; !spreads && i < count; ++i)
    body(argument, i);
  callers.fetch_sub(1);
  return code;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const mlc_threads_table *
mlc_threads_functions(void) {
  static const mlc_threads_table table = {create, release, parallelFor};
  return &table;
}
