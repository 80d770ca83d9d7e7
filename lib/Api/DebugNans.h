//===- DebugNans.h - Finding the op that makes a NaN ------------*- C++ -*-===//
#ifndef MLC_LIB_API_DEBUGNANS_H
#define MLC_LIB_API_DEBUGNANS_H

#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <string>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// BadInput, beginning with the op's name, if a result has a NaN and no operand has.
Status refuseNewNan(std::string_view op, const std::vector<const Tensor *> &operands,
                    const std::vector<Tensor> &results);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_DEBUGNANS_H
