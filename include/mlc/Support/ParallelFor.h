//===- ParallelFor.h - Long kernels on several threads ----------*- C++ -*-===//
#ifndef MLC_SUPPORT_PARALLELFOR_H
#define MLC_SUPPORT_PARALLELFOR_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <cstdint>
#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Who runs the parts of long kernels: a host with threads of its own implements this.
/// Results have the same bits however parts are spread.
/// Thread-safety: run() is called from each thread that runs a model, at the same time.
class ParallelFor {
public:
  virtual ~ParallelFor() = default;

  /// Calls body(argument, i) once for every i in [0, count), in any order and on any
  /// threads, this one included, and returns when all calls have returned. `body` throws
  /// nothing, calls nothing of the host, and takes some tens of microseconds. What run()
  /// throws ends the run of the model with an error, and comes after the last call.
  virtual void run(int64_t count, void (*body)(void *argument, int64_t index), void *argument) = 0;

  /// Threads of oneTBB, `count` together with the one that calls, but no more than the
  /// process may run at a time, which 0 stands for. They are made when they are first needed, sleep
  /// soon after they were, and are shared with what else uses oneTBB in the process, so that
  /// several engines do not have more threads than there are processors. A child of fork() has
  /// none, and runs alone. Unsupported if there is no libmlc-threads, which is looked
  /// for as CompilerClient::inProcess() says, by the environment variable MLC_THREADS.
  static Result<std::shared_ptr<ParallelFor>> threads(int count);
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_PARALLELFOR_H
