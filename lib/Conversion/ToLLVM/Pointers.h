//===- Pointers.h - Reading frames and tables -------------------*- C++ -*-===//
#ifndef MLC_LIB_CONVERSION_TOLLVM_POINTERS_H
#define MLC_LIB_CONVERSION_TOLLVM_POINTERS_H

#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {

/// Whether a type is a memref that has the symbolic dimension.
inline bool isSymbolic(mlir::Type type) {
  auto memref = mlir::dyn_cast<mlir::MemRefType>(type);
  return memref && !memref.hasStaticShape();
}

/// Whether a kernel on buffers is to get the size of the symbolic dimension: not if it has
/// arguments for the sizes of its buffers.
inline bool takesSymbolicSize(mlir::func::FuncOp kernel) {
  return !kernel->hasAttr(kSizesAttr) && llvm::any_of(kernel.getArgumentTypes(), isSymbolic);
}

inline mlir::Value byteOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                              mlir::Value bytes) {
  return mlir::LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer,
                                   mlir::ValueRange{bytes});
}

inline mlir::Value byteOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer, int64_t bytes) {
  return byteOffset(b, pointer,
                    mlir::LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(bytes)));
}

/// The pointer (or integer) at `pointer + bytes`.
inline mlir::Value loadAt(mlir::ImplicitLocOpBuilder &b, mlir::Type type, mlir::Value pointer,
                          int64_t bytes) {
  return mlir::LLVM::LoadOp::create(b, type, byteOffset(b, pointer, bytes));
}

/// The integer that another thread, or the host, may write at any time.
inline mlir::Value loadFlag(mlir::ImplicitLocOpBuilder &b, mlir::Value address) {
  return mlir::LLVM::LoadOp::create(b, b.getI32Type(), address, /*alignment=*/4,
                                    /*isVolatile=*/true);
}

inline mlir::Value isNotZero(mlir::ImplicitLocOpBuilder &b, mlir::Value code) {
  mlir::Value zero = mlir::LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(0));
  return mlir::LLVM::ICmpOp::create(b, mlir::LLVM::ICmpPredicate::ne, code, zero);
}

} // namespace mlc::ir

#endif // MLC_LIB_CONVERSION_TOLLVM_POINTERS_H
