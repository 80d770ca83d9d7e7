//===- ParameterOnly.h - What depends on parameters alone -------*- C++ -*-===//
#ifndef MLC_LIB_TRANSFORMS_GRAPH_PARAMETERONLY_H
#define MLC_LIB_TRANSFORMS_GRAPH_PARAMETERONLY_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Value.h"

#include "llvm/ADT/DenseSet.h"

namespace mlc::ir {

/// The values of `block`, and of blocks in it, that depend on parameters and
/// constants alone and have known sizes, so that they can be computed once.
llvm::DenseSet<mlir::Value> parameterOnlyValues(mlir::Block &block);

/// Whether `value` is a constant that repeats one element, or has none: cheaper
/// to write again than to keep.
bool isSplatConstant(mlir::Value value);

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_GRAPH_PARAMETERONLY_H
