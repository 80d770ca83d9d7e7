//===- Passes.h - Passes on kernels, buffers and loops ----------*- C++ -*-===//
#ifndef MLC_TRANSFORMS_LOOP_PASSES_H
#define MLC_TRANSFORMS_LOOP_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlc::ir {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "mlc/Transforms/Loop/Passes.h.inc"

/// How mlc-bufferize treats ops of the mlc dialect.
void registerBufferizationModels(mlir::DialectRegistry &registry);

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_LOOP_PASSES_H
