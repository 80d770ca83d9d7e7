//===- Passes.td - Conversions between levels of IR -----------*- tablegen -*-===//

#ifndef MLC_CONVERSION_PASSES
#define MLC_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def MLCToLinalgPass : Pass<"convert-mlc-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower the mlc ops of outlined kernels to linalg on tensors";
  let description = [{
    Every kernel becomes a few destination-passing structured ops: one
    linalg.generic for a group of element-wise ops, a fill and a contraction with
    its epilogue in place, a fill and a reduction, an mlc.attend, or views and copies
    for ops that move elements. bool is stored as i8 from here on.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def LowerFramePass : Pass<"mlc-lower-frame", "::mlir::ModuleOp"> {
  let summary = "Give @run and @prepare the signature of a frame, and kernels bare pointers";
  let description = [{
    After this pass run and prepare take a pointer to an mlc_frame
    (include/mlc/Abi/Frame.h), kernels take noalias pointers and the symbolic size,
    and workspace_bytes and prepare_workspace_bytes exist. Between two kernels the
    host's cancel flag is read. Memrefs are left inside
    kernels only, made from pointers by casts that convert-to-llvm folds away.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

#endif // MLC_CONVERSION_PASSES
