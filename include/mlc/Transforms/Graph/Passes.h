//===- Passes.h - Passes on the mlc dialect ---------------------*- C++ -*-===//
#ifndef MLC_TRANSFORMS_GRAPH_PASSES_H
#define MLC_TRANSFORMS_GRAPH_PASSES_H

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlc::ir {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "mlc/Transforms/Graph/Passes.h.inc"

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_GRAPH_PASSES_H
