//===- Matrix.h - Targets, optimisation, fusion, threads --------*- C++ -*-===//
#ifndef MLC_TEST_CONFORMANCE_MATRIX_H
#define MLC_TEST_CONFORMANCE_MATRIX_H

#include "mlc/mlc.h"

#include <array>
#include <string>
#include <vector>

namespace mlc::test {

/// What is varied, and the values of each.
inline const std::array<std::vector<std::string>, 4> kFactors = {{
    {"v2", "v3", "v4", "native"},
    {"opt", "O0"},
    {"fused", "unfused"},
    {"1", "2", "4"},
}};

/// One value of each factor.
struct Combination {
  std::array<std::string, kFactors.size()> values;

  std::string name() const; ///< "v2-opt-fused-4"
  int threads() const { return std::stoi(values[3]); }
  /// For more than one thread every iteration that may run on any of them does so alone.
  CompileOptions options() const;
};

/// All of them, the first factor varying slowest.
std::vector<Combination> allCombinations();

/// The target of a value of the first factor, as in CompileOptions.
std::string targetNamed(const std::string &value);
/// Why this machine cannot run images for a target, or empty.
Result<std::string> obstacleTo(const Engine &engine, const std::string &target);

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_MATRIX_H
