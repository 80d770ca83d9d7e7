//===- Convert.h - Graph's types and attributes in MLIR, and back -*- C++ -*-===//
//
// Generic over the op table: the verifiers and the frontend share it. A
// dimension `?` stands for the one symbolic dimension of its function.
// Thread-safety: as the MLIRContext.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_DIALECT_CONVERT_H
#define MLC_DIALECT_CONVERT_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Result.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <optional>
#include <string>

namespace mlc::ir {

/// The vocabulary's op, or nothing for internal ops and other dialects.
std::optional<Op> vocabularyOp(mlir::Operation *op);

mlir::Type toMlir(mlir::MLIRContext *context, DType dtype);
std::optional<DType> toDType(mlir::Type elementType);

/// Every symbolic dimension becomes `?`.
mlir::RankedTensorType toMlir(mlir::MLIRContext *context, const TensorType &type);
/// `?` becomes `symbol`. Refuses types that are not the dialect's.
Result<TensorType> toGraph(mlir::Type type, const std::string &symbol);

/// What `?` is called at `op`: the entry of mlc.dims of the function around it,
/// "?" without one.
std::string symbolicDim(mlir::Operation *op);

mlir::DenseElementsAttr toMlir(mlir::MLIRContext *context, const Tensor &tensor);
Result<Tensor> toTensor(mlir::DenseElementsAttr elements);

/// A dimension that is symbolic becomes -1.
mlir::Attribute toMlir(mlir::MLIRContext *context, const Attribute &attribute);
/// The attributes of an op of the vocabulary, complete. Without `constants`,
/// tensors have a dtype and a shape but no elements to read.
Result<Attributes> attributesOf(mlir::Operation *op, const std::string &symbol, bool constants);

} // namespace mlc::ir

#endif // MLC_DIALECT_CONVERT_H
