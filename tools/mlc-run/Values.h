//===- Values.h - Tensors from the command line -----------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_VALUES_H
#define MLC_TOOLS_RUN_VALUES_H

#include "Arguments.h"

namespace mlc::run {

/// A tensor that NAME=VALUE may stand for.
struct NamedType {
  std::string name;
  TensorType type;
};

/// The tensors of `assignments`. Sizes of symbolic dimensions come from `dims`,
/// and where that says nothing from the tensors whose VALUE has a shape. Errors
/// name the option `what` ("input" or "parameter") and list at once all names
/// that are unknown and, with `complete`, all that are missing. Made tensors may
/// take `memoryBytes` in all (0: any number).
Result<TensorMap> readValues(const char *what, const std::vector<NamedType> &expected,
                             const Assignments &assignments,
                             const std::map<std::string, int64_t> &dims, bool complete,
                             int64_t memoryBytes);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_VALUES_H
