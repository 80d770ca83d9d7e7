//===- Arguments.h - mlc-run's command line ---------------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_ARGUMENTS_H
#define MLC_TOOLS_RUN_ARGUMENTS_H

#include "mlc/mlc.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mlc::run {

/// NAME=VALUE options, in the order given; every name occurs once.
using Assignments = std::vector<std::pair<std::string, std::string>>;

struct Tolerance {
  double relative = 0, absolute = 0;
};

struct Arguments {
  std::string model;
  Assignments inputs, parameters, outputs, expectedOutputs;
  std::map<std::string, int64_t> dims;
  std::map<std::string, int64_t> specialized; ///< Numbers in the graph, as in CompileOptions::dims.
  Executor executor = Executor::Jit;
  CompileOptions compile;
  std::string emit; ///< A phase; empty: run.
  bool compareReference = false;
  bool benchmark = false;
  bool profile = false; ///< So is CompileOptions::profile then.
  bool explain = false;
  bool selftest = false;
  bool debugNans = false; ///< The executor is Eager then.
  int threads = 1;        ///< As EngineOptions has it.
  bool json = false;
  bool mapWeights = false;
  bool help = false;
  bool version = false;
  std::optional<Tolerance> tolerance;
  int64_t memoryBytes = int64_t(4) << 30; ///< 0: no limit.
  int64_t seconds = 120;                  ///< 0: no limit.
};

/// Errors are of kind Usage and name the option.
Result<Arguments> parseArguments(int argc, const char *const *argv);

/// The text of --help.
std::string helpText();

const char *executorName(Executor executor);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_ARGUMENTS_H
