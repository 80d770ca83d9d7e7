//===- Frontend.h - Graph to the mlc dialect, and back ----------*- C++ -*-===//
#ifndef MLC_FRONTEND_FRONTEND_H
#define MLC_FRONTEND_FRONTEND_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Result.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mlc::ir {

/// A module in the phase graph: one func.func per function, the graph's
/// parameters in the module attribute mlc.parameters. The dialects must be
/// loaded. `graph` must be valid and executable.
Result<mlir::OwningOpRef<mlir::ModuleOp>> importGraph(mlir::MLIRContext &context,
                                                      const Graph &graph);

/// The graph of a module in the phase graph or fused (fusions are inlined,
/// @prepare is joined with @run again). Refuses other dialects than mlc and func.
Result<Graph> exportGraph(mlir::ModuleOp module);

/// Parses .mlir text with caps on size and nesting that hold before MLIR's
/// parser runs; only mlc and func are registered.
Result<Graph> parseMlir(llvm::StringRef text);

} // namespace mlc::ir

#endif // MLC_FRONTEND_FRONTEND_H
