//===- Benchmark.h - Timing calls -------------------------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_BENCHMARK_H
#define MLC_TOOLS_RUN_BENCHMARK_H

#include "Arguments.h"

#include <functional>

namespace mlc::run {

/// What one executor costs. Times per call are of samples of `batch` calls each.
struct Timing {
  std::string executor;
  double compileMs = 0; ///< Until the first call can be made, in milliseconds.
  int64_t calls = 0;    ///< That were timed.
  int64_t samples = 0;
  int64_t batch = 0;
  double median = 0, p90 = 0, p99 = 0, fastest = 0; ///< ns per call.
  double spread = 0;                                ///< (75th - 25th percentile) / median.
};

struct BenchmarkResult {
  std::vector<Timing> timings; ///< The chosen executor, then eager if it is another.
  double ratio = 1;            ///< Eager's median / the chosen executor's.
};

/// Compiles for the chosen executor and for eager, each in an Engine of its own
/// from `makeEngine`, and times both in turns.
Result<BenchmarkResult> benchmark(const std::function<Result<Engine>()> &makeEngine,
                                  const Arguments &arguments, const Graph &graph,
                                  const TensorMap &parameters, const TensorMap &inputs);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_BENCHMARK_H
