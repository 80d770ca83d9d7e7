// Each allocation of libmlc fails in turn, while it loads a model, binds and runs: the
// status says so, nothing is lost, and afterwards all is as it was.
//
//   c-abi-no-memory MODEL CACHE-DIRECTORY
#include "mlc/c/mlc.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

static long allocations = 0, live = 0, failing = -1; // counts; the number of what fails

static void *allocate(size_t bytes, size_t alignment) {
  if (allocations++ == failing)
    return nullptr;
  void *memory = nullptr;
  alignment = std::max(alignment, sizeof(void *)); // or posix_memalign will not
  if (posix_memalign(&memory, alignment, bytes ? bytes : 1) != 0)
    return nullptr;
  ++live;
  return memory;
}

static void release(void *memory) {
  live -= memory != nullptr;
  std::free(memory);
}

static void *allocateOrThrow(size_t bytes, size_t alignment) {
  if (void *memory = allocate(bytes, alignment))
    return memory;
  throw std::bad_alloc();
}

// The library's as well: a program's own come first.
void *operator new(size_t bytes) { return allocateOrThrow(bytes, 16); }
void *operator new[](size_t bytes) { return allocateOrThrow(bytes, 16); }
void *operator new(size_t bytes, const std::nothrow_t &) noexcept { return allocate(bytes, 16); }
void *operator new[](size_t bytes, const std::nothrow_t &) noexcept { return allocate(bytes, 16); }
void *operator new(size_t bytes, std::align_val_t a) { return allocateOrThrow(bytes, size_t(a)); }
void operator delete(void *memory) noexcept { release(memory); }
void operator delete[](void *memory) noexcept { release(memory); }
void operator delete(void *memory, size_t) noexcept { release(memory); }
void operator delete[](void *memory, size_t) noexcept { release(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { release(memory); }

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::fprintf(stderr, "%s:%d: %s, when allocation %ld fails; the last error is: %s\n",        \
                   __FILE__, __LINE__, #condition, failing, mlc_last_error());                     \
      std::exit(1);                                                                                \
    }                                                                                              \
  } while (0)

enum { PIXELS = 64, CLASSES = 10 };

/// Everything that a host does. Handles are null when a function fails.
static mlc_status use(const char *model, const char *cache, const char *compiler, float *logits) {
  mlc_engine_options options = {};
  options.size = sizeof options;
  options.cache_directory = cache;
  options.compiler = compiler;
  options.allocate = [](void *, size_t bytes, size_t alignment) {
    return allocate(bytes, alignment);
  };
  options.deallocate = [](void *, void *memory, size_t, size_t) { release(memory); };
  mlc_engine *engine = nullptr;
  mlc_executable *executable = nullptr;
  mlc_call *call = nullptr;
  mlc_cancellation *cancellation = nullptr;
  static float image[PIXELS];
  int64_t in[] = {1, PIXELS}, out[] = {1, CLASSES};
  mlc_tensor input = {MLC_F32, 2, in, image}, output = {MLC_F32, 2, out, logits};
  mlc_status status = mlc_engine_create(&options, &engine);
  if (status == MLC_OK)
    status = mlc_engine_load(engine, model, nullptr, &executable);
  if (status == MLC_OK)
    status = mlc_executable_bind(executable, &input, 1, &output, 1, &call);
  if (status == MLC_OK)
    status = mlc_cancellation_create(&cancellation);
  if (status == MLC_OK)
    status = mlc_call_set_cancellation(call, cancellation);
  long before = allocations;
  if (status == MLC_OK) {
    status = mlc_call_run(call);
    CHECK(allocations == before);
  }
  mlc_call_free(call);
  mlc_cancellation_free(cancellation);
  mlc_executable_free(executable);
  mlc_engine_free(engine);
  return status;
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  float expected[CLASSES] = {}, logits[CLASSES];
  // The image comes from the cache afterwards: LLVM ends the process without memory.
  CHECK(use(argv[1], argv[2], nullptr, expected) == MLC_OK);
  CHECK(use(argv[1], argv[2], "/nowhere", logits) == MLC_OK);
  // A status with a text leaves the text.
  failing = allocations;
  CHECK(use(argv[1], argv[2], "/nowhere", logits) == MLC_RESOURCE_LIMIT);
  failing = -1;
  long first = allocations, kept = live, failures = 0;
  CHECK(use(argv[1], argv[2], "/nowhere", logits) == MLC_OK);
  long count = allocations - first;
  CHECK(count > 100 && live == kept);
  for (long i = 0; i < count; ++i) {
    std::memset(logits, 0, sizeof logits);
    failing = allocations + i;
    mlc_status status = use(argv[1], argv[2], "/nowhere", logits);
    bool wasReached = allocations > failing;
    failing = wasReached ? i : -1; // for messages
    CHECK(wasReached);
    // What fails in the cache alone is a miss, and there is no compiler then.
    if (status == MLC_OK) {
      CHECK(std::memcmp(logits, expected, sizeof logits) == 0);
    } else {
      CHECK(status == MLC_RESOURCE_LIMIT || status == MLC_UNSUPPORTED);
      ++failures;
    }
    CHECK(live <= kept + 1); // the text of the last error
    failing = -1;
  }
  CHECK(failures > count / 2);
  CHECK(use(argv[1], argv[2], "/nowhere", logits) == MLC_OK);
  CHECK(std::memcmp(logits, expected, sizeof logits) == 0);
  std::printf("%ld allocations failed one by one, %ld of them with an error\n", count, failures);
}
