//===- Passes.h - Passes on kernels, buffers and loops ----------*- C++ -*-===//
#ifndef MLC_TRANSFORMS_LOOP_PASSES_H
#define MLC_TRANSFORMS_LOOP_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlc::ir {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "mlc/Transforms/Loop/Passes.h.inc"

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_LOOP_PASSES_H
