//===- Describe.h - What an image says about itself -------------*- C++ -*-===//
#ifndef MLC_LIB_COMPILER_DESCRIBE_H
#define MLC_LIB_COMPILER_DESCRIBE_H

#include "mlc/Abi/Interface.h"
#include "mlc/Graph/Graph.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlc {

/// The part of an image's interface that the graph says.
ImageInterface describe(const Graph &graph, const Function &function);
/// Adds what the module says when it is lowered; the CPU is Codegen's to fill in.
void describe(mlir::ModuleOp module, ImageInterface &interface);

} // namespace mlc

#endif // MLC_LIB_COMPILER_DESCRIBE_H
