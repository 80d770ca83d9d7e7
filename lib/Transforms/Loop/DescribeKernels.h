//===- DescribeKernels.h - What a kernel computes, for people ---*- C++ -*-===//
#ifndef MLC_LIB_TRANSFORMS_LOOP_DESCRIBEKERNELS_H
#define MLC_LIB_TRANSFORMS_LOOP_DESCRIBEKERNELS_H

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlc::ir {

/// An entry of mlc.kernels, which mlc::ImageKernel (Abi/Interface.h) explains: the ops of a
/// fusion, which `driver` computes by calling `function`, and what they cost. Operations
/// and bytes are two numbers, c0 and c1 of c0 + c1 * size of the symbolic dimension.
mlir::DictionaryAttr describeKernel(FusionOp fusion, llvm::StringRef function,
                                    llvm::StringRef driver);

/// Adds an entry for a call of @run, of a kernel that copies a whole output to its place;
/// nothing unless kernels are described.
void describeCopy(mlir::func::CallOp call, mlir::MemRefType type);

/// Adds an entry for `made`, the call of a chain, in which what only the chain has to do with
/// costs no bytes, and notes in those of its kernels that they are in it; nothing unless kernels
/// are described.
void describeChain(llvm::ArrayRef<mlir::func::CallOp> chain, mlir::func::CallOp made,
                   llvm::function_ref<bool(mlir::Value)> isOwn);

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_DESCRIBEKERNELS_H
