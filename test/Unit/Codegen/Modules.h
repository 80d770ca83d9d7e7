//===- Modules.h - Hand-written modules in the phase llvm -------*- C++ -*-===//
#ifndef MLC_TEST_UNIT_CODEGEN_MODULES_H
#define MLC_TEST_UNIT_CODEGEN_MODULES_H

#include "mlc/Codegen/Codegen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

namespace mlc::test {

/// The exports that a module needs besides `run`.
inline const char *const kOtherExports = R"(
  llvm.func @prepare(%frame: !llvm.ptr) -> i32 {
    %c = llvm.mlir.constant(7 : i32) : i32
    llvm.return %c : i32
  }
  llvm.func @workspace_bytes(%dims: !llvm.ptr) -> i64 {
    %n = llvm.load %dims : !llvm.ptr -> i64
    %c = llvm.mlir.constant(4 : i64) : i64
    %r = llvm.mul %n, %c : i64
    llvm.return %r : i64
  }
  llvm.func @prepare_workspace_bytes(%dims: !llvm.ptr) -> i64 {
    %c = llvm.mlir.constant(0 : i64) : i64
    llvm.return %c : i64
  }
)";

/// run: outputs[0][0..8) = inputs[0][0..8) * 2 + (0 1 2 ... 7), in a kernel of
/// its own, so that there is a call and a constant to link.
inline const char *const kVectorRun = R"(
  llvm.func @kernel_0(%x: !llvm.ptr, %y: !llvm.ptr) {
    %v = llvm.load %x {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %two = llvm.mlir.constant(dense<2.0> : vector<8xf32>) : vector<8xf32>
    %iota = llvm.mlir.constant(dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : vector<8xf32>) : vector<8xf32>
    %r = llvm.intr.fma(%v, %two, %iota) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    llvm.store %r, %y {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    llvm.return
  }
  llvm.func @run(%frame: !llvm.ptr) -> i32 {
    %ins_at = llvm.getelementptr %frame[8] : (!llvm.ptr) -> !llvm.ptr, i8
    %outs_at = llvm.getelementptr %frame[16] : (!llvm.ptr) -> !llvm.ptr, i8
    %ins = llvm.load %ins_at : !llvm.ptr -> !llvm.ptr
    %outs = llvm.load %outs_at : !llvm.ptr -> !llvm.ptr
    %x = llvm.load %ins : !llvm.ptr -> !llvm.ptr
    %y = llvm.load %outs : !llvm.ptr -> !llvm.ptr
    llvm.call @kernel_0(%x, %y) : (!llvm.ptr, !llvm.ptr) -> ()
    %c = llvm.mlir.constant(0 : i32) : i32
    llvm.return %c : i32
  }
)";

struct TestContext {
  TestContext() { context.loadDialect<mlir::LLVM::LLVMDialect>(); }
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &body) {
    return mlir::parseSourceString<mlir::ModuleOp>(body, &context);
  }
};

/// The error of a failed result, or empty.
template <typename T> std::string messageOf(const Result<T> &result) {
  return result ? std::string() : result.error().message;
}

} // namespace mlc::test

#endif // MLC_TEST_UNIT_CODEGEN_MODULES_H
