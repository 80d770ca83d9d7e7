//===- Describe.h - What an image says about itself -------------*- C++ -*-===//
#ifndef MLC_LIB_COMPILER_DESCRIBE_H
#define MLC_LIB_COMPILER_DESCRIBE_H

#include "mlc/Abi/Interface.h"
#include "mlc/Graph/Graph.h"

#include "mlir/IR/BuiltinOps.h"

namespace mlc {

/// The interface of the image of `function`, which `module` has become; the CPU is
/// Codegen's to fill in.
ImageInterface describe(const Graph &graph, const Function &function, mlir::ModuleOp module);

} // namespace mlc

#endif // MLC_LIB_COMPILER_DESCRIBE_H
