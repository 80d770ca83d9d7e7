//===- Model.h - Model files ------------------------------------*- C++ -*-===//
//
// docs/format.md is the specification: a safetensors file whose tensors are the
// parameters and whose __metadata__ carries the graph as JSON, or the JSON alone.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_MODEL_MODEL_H
#define MLC_MODEL_MODEL_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

#include <map>
#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Inputs and expected outputs of one call that travel with the model.
struct Golden {
  std::string function;
  std::map<std::string, Tensor> inputs;
  std::map<std::string, Tensor> outputs;
  double relativeTolerance = 0;
  double absoluteTolerance = 0;
};

struct Model {
  Graph graph;
  std::map<std::string, Tensor> parameters; ///< By parameter name.
  std::vector<Golden> golden;
};

struct LoadOptions {
  /// Map the weights instead of copying them: the caller promises not to
  /// truncate or change the file while the model lives.
  bool mapWeights = false;
  int64_t maxFileBytes = int64_t(1) << 36;
};

/// Reads, checks and validates a model; nothing in it is trusted. Accepts
/// .safetensors and .json (told apart by their first bytes).
Result<Model> loadModel(const std::string &path, const LoadOptions &options = {});
Result<Model> parseModel(std::string_view bytes, const std::string &nameForErrors);
/// Writes safetensors, or JSON when there are no parameters and no goldens and
/// the path ends in ".json".
Status saveModel(const std::string &path, const Model &model);

/// The tensors of any safetensors file, by name; nothing in it is trusted.
Result<std::map<std::string, Tensor>> loadTensors(const std::string &path,
                                                  const LoadOptions &options = {});
/// Writes a safetensors file of tensors alone, such as a state dictionary.
Status saveTensors(const std::string &path, const std::map<std::string, Tensor> &tensors);

/// The JSON of the graph alone, as docs/format.md specifies it.
std::string graphToJson(const Graph &graph);
Result<Graph> graphFromJson(std::string_view text, const std::string &nameForErrors);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_MODEL_MODEL_H
