//===- Executors.h - The ways to run a specimen -----------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_EXECUTORS_H
#define MLC_TEST_ENDTOEND_EXECUTORS_H

#include "../../Conformance/Matrix.h"
#include "Specimen.h"

#include <optional>

namespace mlc::test {

/// A way to execute a graph. `run` gives the outputs by name.
struct Way {
  std::string name;
  std::function<Result<TensorMap>(const Engine &, const Specimen &)> run;
  bool prints = false; ///< Whether what the graph prints goes to the engine.
};

/// reference, eager, jit at O0 and optimised, fused and unfused, and with donated
/// inputs, for a target as in CompileOptions; and for the host, written in C++, run at
/// once and traced.
std::vector<Way> allWays(const std::string &target);
/// jit in the combinations whose names begin with `prefix`, each to the same bits on one
/// thread and on all of its own.
std::vector<Way> matrixWays(const std::string &prefix);
/// The reference with one op (by name) computed wrongly: what a defect looks like.
Way brokenReference(const std::string &op);

/// How much a comparison was worth.
struct Tally {
  int64_t elements = 0, unknown = 0; ///< Of outputs; unknown ones are not compared.
  int64_t exact = 0;                 ///< Compared without any tolerance.
};

/// What is wrong with the way's outputs, or with what it prints, or empty.
std::string check(const Engine &engine, const Specimen &specimen, const Way &way,
                  Tally *tally = nullptr);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_EXECUTORS_H
