//===- CaseFile.h - Reads conformance files ---------------------*- C++ -*-===//
//
// What scripts/generate-conformance writes, one file per op: see there.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TEST_CONFORMANCE_CASEFILE_H
#define MLC_TEST_CONFORMANCE_CASEFILE_H

#include "mlc/Graph/Graph.h"

#include <map>
#include <string>
#include <vector>

namespace mlc::test {

/// An expected output. `exact` are the elements of a tensor of floats in double
/// precision; other dtypes are in `tensor`.
struct Expectation {
  Tensor tensor; ///< Floats are rounded.
  std::vector<double> exact;
};

struct Run {
  std::map<std::string, Tensor> inputs;
  std::map<std::string, Expectation> outputs;
};

struct Case {
  std::string name;
  Graph graph; ///< Valid.
  std::map<std::string, Tensor> parameters;
  std::vector<Run> runs;
};

struct CaseFile {
  std::string op;
  std::vector<Case> cases;
};

/// Throws std::runtime_error naming the file and case that is wrong.
CaseFile readCaseFile(const std::string &path);

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_CASEFILE_H
