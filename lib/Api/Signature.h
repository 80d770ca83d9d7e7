//===- Signature.h - Matching tensors with a function's types ---*- C++ -*-===//
//
// What every executor needs before it runs: the tensors in order, the symbolic
// dimensions' sizes, and an error that lists everything that does not fit. An
// ImageInterface says what a function takes, whether an image exists or not.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_API_SIGNATURE_H
#define MLC_LIB_API_SIGNATURE_H

#include "AlignedBuffer.h"
#include "HostCalls.h"

#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Support/Version.h"
#include "mlc/mlc.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The inputs, outputs and symbolic dimensions of a function.
ImageInterface interfaceOf(const Function &function);

/// A function's tensors in order and the sizes of its symbolic dimensions.
struct Bound {
  std::vector<Tensor> inputs, outputs;
  std::vector<int64_t> dims;
};

/// Orders `inputs`, finds the dimensions' sizes and checks `outputs`, of which
/// those not given are taken from `memory`, zero-filled, or left out altogether if
/// there is none. A dimension larger than `maxDim` is ResourceLimit.
Result<Bound> bindTensors(const ImageInterface &interface, const TensorMap &inputs,
                          const TensorMap &outputs, const std::shared_ptr<Memory> &memory,
                          int64_t maxDim = INT64_MAX);

/// The entry function, by name or the first, of a graph that is valid and that
/// the executors can run. Usage error listing the names if there is none.
Result<const Function *> checkedEntry(const Graph &graph, const std::string &name);

/// Checks that every parameter that `entry` can reach is there with its type,
/// and that no tensor is for a parameter the graph does not have.
Status checkParameters(const Graph &graph, const Function &entry, const TensorMap &parameters);

/// What `make` makes of the graph in which CompileOptions::dims have their sizes, and of
/// the options without them.
template <typename Make>
auto specialized(const Graph &graph, CompileOptions options, const Make &make)
    -> decltype(make(graph, options)) {
  if (Status status = validate(graph); !status)
    return status.takeError();
  auto entry = findEntry(graph, options.function);
  if (!entry)
    return entry.takeError();
  auto made = specializeDims(graph, (*entry)->name, options.dims);
  if (!made)
    return Error{made.error().kind, "CompileOptions: `dims`: " + made.error().message};
  options.dims.clear();
  return make(*made, options);
}

/// Whether two tensors have a byte of memory in common.
bool overlap(const Tensor &a, const Tensor &b);

/// What a run or prepare function returned means. `host` is its frame's, if the engine
/// made it.
Status statusOf(int32_t code, const ImageInterface &interface, HostTable *host = nullptr);

/// Whether a size in the attributes is a symbolic dimension.
bool mentionsDims(const Attributes &attributes);

/// An uninitialised tensor.
Result<Tensor> emptyTensor(DType dtype, Shape shape,
                           const std::shared_ptr<Memory> &memory = Memory::ofProcess());

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_SIGNATURE_H
