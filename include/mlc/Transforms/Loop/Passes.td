//===- Passes.td - Passes on kernels, buffers and loops -------*- tablegen -*-===//

#ifndef MLC_TRANSFORMS_LOOP_PASSES
#define MLC_TRANSFORMS_LOOP_PASSES

include "mlir/Pass/PassBase.td"

def OutlineKernelsPass : Pass<"mlc-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn every distinct mlc.fusion into a private destination-passing function";
  let description = [{
    Equal fusions share one kernel, so that compile time grows with distinct
    kernels. A print or custom op becomes a call of a function without a body, which
    the module's attribute mlc.host_calls describes. @run and @prepare take their
    results as trailing arguments from here on; a result that no kernel computes, of
    a function or a block, is copied by a kernel of its own, unless a loop just
    carries it to its next step. With `describe`, every call says by mlc.kernel = i which
    entry of the module's attribute mlc.kernels describes what it computes.
  }];
  let options = [Option<"describe", "describe", "bool", "false",
                        "Describe what kernels compute, for people">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def LowerControlFlowPass : Pass<"mlc-lower-control-flow", "::mlir::ModuleOp"> {
  let summary = "Turn mlc.if, while, scan and check in @run and @prepare into scf";
  let description = [{
    Nothing is copied from step to step. A carried value takes turns in two
    buffers: a step reads one and writes the other; in more, if the block passes it
    on in another place. What a scan collects is written to its slice of the result,
    and carried from there. Both blocks of an if write to one destination. A while
    that would exceed its limit, and a check of what is false, end the run by
    mlc.stop_unless, whose texts are the module's attribute mlc.messages.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def BufferizePass : Pass<"mlc-bufferize", "::mlir::ModuleOp"> {
  let summary = "Replace tensors by memrefs; results become destination arguments";
  let description = [{
    Kernels go through One-Shot Bufferize. In @run and @prepare, and in their scf
    blocks, a call's result is its destination, a tensor.empty is an allocation, a
    slice along the first dimension an mlc.slot, and nothing is copied.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def ShareInputsPass : Pass<"mlc-share-inputs", "::mlir::ModuleOp"> {
  let summary = "Make outputs right in the memory of the inputs donated to them";
  let description = [{
    An output of @run with mlc.donor may lie in the memory of that input, or not. It
    is computed where it is if the input has been read for the last time before, or
    if one kernel reads each of the input's elements and then writes the same of the
    output: its arguments get mlc.may_alias. Else it is computed in a buffer of its
    own, which is copied at the end.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"];
}

def ChainKernelsPass : Pass<"mlc-chain-kernels", "::mlir::ModuleOp"> {
  let summary = "Compute layers that follow each other for a block of rows at a time";
  let description = [{
    Calls of @run that follow each other become a call of one kernel if each computes a row of its
    results from that row of what came before, as layers of a network do for each
    sample, if two of them at least are contractions, if weights and a
    block of rows stay in the second level of the cache, and if the number of rows is not known or
    makes eight equal blocks or more. The kernel is an mlc.parallel_for of rows, over one that calls those of the
    chain for blocks of rows, mlc.rows of what it is given. What only the chain reads is written
    to the rows at the start of each thread's piece, for all of its blocks.
  }];
  let options = [
    Option<"l2Bytes", "l2-bytes", "int64_t", "1 << 20", "Size of the second level of the cache">,
    Option<"grain", "grain", "int64_t", "1 << 16", "As of mlc-parallelize">,
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def PlanMemoryPass : Pass<"mlc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place every buffer in the prepared block or the workspace arena";
  let description = [{
    Kernel-local allocations become arguments; the allocations of @run and
    @prepare become views of one arena, at offsets that buffers with disjoint
    lifetimes share. A lifetime is a range of ops, those of nested blocks counted in
    their places; a use inside a block that the buffer was not made in extends over
    the whole op that holds the block. Sizes are c0 + c1 * d
    for the symbolic dimension d; constant and growing buffers are packed apart.
    Sets mlc.workspace = [c0, c1] on both functions and mlc.prepared_bytes on the
    module.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def ShareKernelsPass : Pass<"mlc-share-kernels", "::mlir::ModuleOp"> {
  let summary = "Give kernels their sizes as arguments, and make those one that differ in nothing else";
  let description = [{
    Contractions with packed right-hand sides, and kernels that pack or copy, are
    compiled once for all numbers of columns and depths that show in their code as
    numbers only: that leave as many odd columns in the last panel, and so on, which
    mlc.form of the contraction says. Sizes are arguments of type index behind the
    buffers, and mlc.sizes lists for every buffer the arguments that are its dynamic
    dimensions. Contractions of less than about 100 ns and of more than about half a
    millisecond keep their constants. Kernels of less than `slice` vector
    instructions are marked mlc.short: they are neither spread over threads nor
    cancelled. Other options are those of mlc-tile-contractions.
  }];
  let options = [
    Option<"slice", "slice", "int64_t", "131072", "Vector instructions of the longest short kernel">,
    Option<"least", "least", "int64_t", "1", "Kernels that have to become one, or keep constants">,
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register">,
    Option<"vectorRegisters", "vector-registers", "int64_t", "32", "Number of vector registers">,
    Option<"blockM", "block-m", "int64_t", "128", "Rows per cache block">,
    Option<"blockK", "block-k", "int64_t", "1024", "Contracted elements per cache block">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::linalg::LinalgDialect"];
}

def TileAttentionPass : Pass<"mlc-tile-attention", "::mlir::func::FuncOp"> {
  let summary = "Lower mlc.attend to register tiles and a softmax that goes along";
  let description = [{
    An mlc.attend on memrefs becomes loops over the batch, blocks of queries and blocks
    of keys. The scores of a block, keys by queries, lie on the stack, where a vector
    is of one key and as many queries. Maximum and sum of each query's scores so far
    are carried along, and what has been accumulated of the values is scaled when the
    maximum grows. Queries and masks, in which they lie apart, are transposed on the
    stack, 48 KiB of which are enough altogether.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register">,
    Option<"vectorRegisters", "vector-registers", "int64_t", "32", "Number of vector registers">,
    Option<"fma", "fma", "bool", "true", "Whether fused multiply-add may be used">,
    Option<"blockKeys", "block-keys", "int64_t", "128", "Keys per block, about">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def TileContractionsPass : Pass<"mlc-tile-contractions", "::mlir::func::FuncOp"> {
  let summary = "Lower contractions to register tiles with their epilogue";
  let description = [{
    A contraction on memrefs becomes loops over cache blocks of rows and of the
    contracted dimension, column panels and register tiles of rows; the accumulators of a tile are
    one-dimensional vectors carried through the innermost loop. The generic that
    follows in place is computed on the accumulators before they are stored. Odd
    columns are masked, odd rows get tiles of their own. A packed right-hand side that
    is larger than the second level of the cache is prefetched, panel by panel. One
    whose columns lie apart is gathered on the stack, panel by panel, if 32 KiB are
    enough for that.

    Operands may be narrower than the accumulators, and are widened in registers. In panels
    of (n floordiv tile, k floordiv size, n mod tile, k mod size) elements that follow each
    other along k lie side by side, as many as fill an accumulator: a vector of them is
    loaded once and then taken apart, or its products are added up by one instruction.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register">,
    Option<"vectorRegisters", "vector-registers", "int64_t", "32", "Number of vector registers">,
    Option<"fma", "fma", "bool", "true", "Whether fused multiply-add may be used">,
    Option<"dotProducts", "dot-products", "bool", "false", "Whether the CPU adds up products of four bytes in one step">,
    Option<"blockM", "block-m", "int64_t", "128", "Rows per cache block">,
    Option<"blockK", "block-k", "int64_t", "1024", "Contracted elements per cache block">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def VectorizeKernelsPass : Pass<"mlc-vectorize-kernels", "::mlir::func::FuncOp"> {
  let summary = "Lower the remaining structured ops to loops over vectors";
  let description = [{
    One parallel or innermost reduction dimension, along which every operand is
    contiguous or constant, is computed in vectors with a masked tail; without such
    a dimension the loops are scalar. Reductions are carried in registers, up to four
    vectors side by side, which are combined pairwise: in an order of the size alone.

    Ops that follow each other share their outer parallel loops, if each reads of the
    others' results the row that it writes: a softmax is one loop over rows, which
    stay in the cache. Inside of it, ops along the same dimension share the loop over
    vectors, if each needs of the others the vector that it is at. Rows in which lanes
    are combined are computed in pairs, each as it would be alone, since what is next in a
    row has to wait for the sum.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "512", "Width of a vector register">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMathPass : Pass<"mlc-expand-math"> {
  let summary = "Rewrite exp, log, tanh and erf of f32 as arithmetic";
  let description = [{
    math.exp, math.log, math.tanh and math.erf on f32 and vectors of f32 become
    polynomials in arith and math.fma that no library is needed for. The errors are
    listed in MathFunctions.h. Other element types are left alone. Without fused
    multiply-add, math.fma of f32 is computed in f64, where the product is exact, and
    rounded to f32.
  }];
  let options = [
    Option<"fma", "fma", "bool", "true", "Whether fused multiply-add may be used">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def ExpandHalvesPass : Pass<"mlc-expand-halves", "::mlir::ModuleOp"> {
  let summary = "Store bf16 and f16 as integers of 16 bits; convert them to and from f32";
  let description = [{
    arith.extf of bf16 and f16 to f32, and arith.truncf from f32, become integer
    arithmetic, which rounds to nearest even, keeps denormals and makes a NaN a quiet
    one; with `f16c` those of f16 stay, between bitcasts. In all else, which only moves
    elements, the types are replaced by i16: what a CPU has for the two differs, and
    what it has not LLVM would compute in calls of a library.
  }];
  let options = [
    Option<"f16c", "f16c", "bool", "true", "Whether the CPU converts f16">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ParallelizePass : Pass<"mlc-parallelize", "::mlir::ModuleOp"> {
  let summary = "Let the host spread long loops of kernels over threads";
  let description = [{
    A loop of a kernel that is marked mlc.independent, and may run at least four times
    `grain` ops, becomes a function of its own, which takes the range of iterations to
    run, and an mlc.parallel_for of that function. Each index is computed as it was, so
    that results do not depend on the number of threads. Of loops in one another the
    outermost with eight iterations is taken, or the one with the most.
  }];
  let options = [
    Option<"grain", "grain", "int64_t", "1 << 16", "Ops, each counted as one, that a thread runs at a time">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect"];
}

def PollCancelPass : Pass<"mlc-poll-cancel", "::mlir::func::FuncOp"> {
  let summary = "Let kernels that may take long look at the host's cancel flag";
  let description = [{
    A loop of a kernel that may run more than `slice` ops is cut into pieces of about
    as many, before each of which mlc.cancelled is asked. What a kernel has written
    is undefined then: the driver looks again when it has returned.
  }];
  let options = [
    Option<"slice", "slice", "int64_t", "1 << 20", "Ops, each counted as one, between two looks">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

#endif // MLC_TRANSFORMS_LOOP_PASSES
