//===- Report.h - What a command found out ----------------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_REPORT_H
#define MLC_TOOLS_RUN_REPORT_H

#include "Benchmark.h"
#include "Explain.h"
#include "Profile.h"

namespace mlc::run {

/// One output beside what it should be.
struct Comparison {
  std::string output;
  std::string expectation; ///< "reference", "golden", or a file.
  Difference difference;
  Tolerance tolerance;
};

/// One of the recorded calls in the model file.
struct GoldenResult {
  std::string function;
  std::vector<Comparison> comparisons;
};

struct Report {
  std::string model, function, executor;
  std::string phase, text; ///< Of --emit.
  bool showOutputs = false;
  std::vector<std::pair<std::string, Tensor>> outputs;
  std::vector<Comparison> comparisons;
  std::vector<GoldenResult> goldens;
  std::optional<BenchmarkResult> benchmark;
  std::optional<ProfileResult> profile;
  std::optional<Explanation> explanation;

  /// Comparisons that failed, in words; empty if none did.
  std::string mismatches() const;
};

std::string renderText(const Report &report);
/// docs/mlc-run.md describes it.
std::string renderJson(const Report &report);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_REPORT_H
