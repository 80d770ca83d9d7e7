//===- ControlFlow.h - if, while and scan on tensors at hand ----*- C++ -*-===//
#ifndef MLC_LIB_API_CONTROLFLOW_H
#define MLC_LIB_API_CONTROLFLOW_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

#include <functional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Runs a block of the node, by its number.
using RunBlock =
    std::function<Result<std::vector<Tensor>>(size_t block, const std::vector<Tensor> &inputs)>;

/// dtype and shape of what the block of a scan returns beside its carried values.
using CollectedTypes = std::function<Result<std::vector<std::pair<DType, Shape>>>()>;

/// The results of an if, while or scan whose operands are tensors with elements. They
/// may share memory with the operands. `collected` is asked of a scan without steps. A
/// while that exceeds its limit is ErrorKind::ResourceLimit.
Result<std::vector<Tensor>> runControlFlow(const Node &node, const std::vector<Tensor> &operands,
                                           const RunBlock &runBlock,
                                           const CollectedTypes &collected);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_CONTROLFLOW_H
