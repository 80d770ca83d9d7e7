//===- Golden.h - Recorded calls in a model file ------------------*- C++ -*-===//
#ifndef MLC_LIB_MODEL_GOLDEN_H
#define MLC_LIB_MODEL_GOLDEN_H

#include "Json.h"
#include "mlc/Model/Model.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// A golden whose tensors are still names of tensors in the file.
struct GoldenEntry {
  Golden golden;
  std::map<std::string, std::string> inputs, outputs;
};

/// The metadata text "mlc.golden". Messages start with `name`.
Result<std::vector<GoldenEntry>> readGoldens(std::string_view text, const std::string &name);
std::string writeGoldens(const std::vector<GoldenEntry> &entries);

/// Whether the golden is a call of a function of `graph`: its inputs complete,
/// types and sizes of named dimensions consistent.
Status checkGolden(const Golden &golden, const Graph &graph);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_MODEL_GOLDEN_H
