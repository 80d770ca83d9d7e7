//===- Passes.td - Passes on the mlc dialect ------------------*- tablegen -*-===//

#ifndef MLC_TRANSFORMS_GRAPH_PASSES
#define MLC_TRANSFORMS_GRAPH_PASSES

include "mlir/Pass/PassBase.td"

def InlineCallsPass : Pass<"mlc-inline-calls", "::mlir::ModuleOp"> {
  let summary = "Inline all calls of the entry function and drop the other functions";
  let description = [{
    A callee's symbolic dimension takes the size that it has at the call. Refuses
    functions that call themselves, directly or through others, and more ops than
    `max-ops` after inlining.
  }];
  let options = [
    Option<"entry", "entry", "std::string", "\"\"", "Function to keep; empty: the first">,
    Option<"maxOps", "max-ops", "int64_t", "1 << 20", "Most ops that inlining may make">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def CheckIndicesPass : Pass<"mlc-check-indices", "::mlir::func::FuncOp"> {
  let summary = "Make a run end with an error where an index of a take does not exist";
  let description = [{
    Before every take, its indices are compared with the size of the axis, and an
    mlc.check asks that all are inside. Constant indices that exist are not compared.
    The comparisons are ordinary ops, which may be hoisted and fused; the check stays
    in its block.
  }];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

def ReduceChecksPass : Pass<"mlc-reduce-checks", "::mlir::func::FuncOp"> {
  let summary = "Let every mlc.check ask for one bool";
  let description = [{
    A check of a tensor becomes a check of whether all its elements are true, which
    ops of the vocabulary compute.
  }];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

def SimplifyPass : Pass<"mlc-simplify", "::mlir::func::FuncOp"> {
  let summary = "Fold and canonicalise mlc ops";
  let description = [{
    Applies the dialect's folders and patterns until nothing changes. Every rewrite
    is exact: it keeps each bit of every result, NaNs' payloads aside.
  }];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

def FuseAttentionPass : Pass<"mlc-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "Group attention into mlc.fusion of that kind";
  let description = [{
    A matmul with the softmax of rows of scores, which element-wise ops compute of
    another matmul, and the scores' own element-wise ops and broadcasts (scales and
    masks) become one fusion if nothing else uses what lies in between: its kernel
    never stores the scores. Of f32, of `min-rows` rows at least or of any number,
    and of rows of at most 256 elements in queries, keys and values, which have to
    fit the cache. The values must not be transposed.
  }];
  let options = [
    Option<"minRows", "min-rows", "int64_t", "16", "Fewest rows of scores">,
    Option<"maxOps", "max-ops", "int64_t", "128", "Most ops in a group">
  ];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

def PackWeightsPass : Pass<"mlc-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Lay right-hand sides of matrix products out in column panels";
  let description = [{
    A matmul of matrices of f32, f16 or bf16 becomes mlc.pack and mlc.packed_matmul when its
    right-hand side depends on parameters and constants alone, so that packing can
    be hoisted, when it is transposed, so that kernels read rows of columns only, or
    when many rows read it. Panels have `tile` columns, or `tile-of-few` if six
    rows or fewer read them, `tile-of-any` if any number of rows may, or `tile-of-one` of
    elements that are widened if one does. Matrices with fewer columns get a panel of their own
    width, rounded up to `vector`.

    With `weights` those that depend on parameters and constants alone are stored in fewer
    bits: as bf16, or as integers of 8 bits with a scale for each column, with which the
    products are multiplied (mlc.quantize). `int8-dynamic` has the left-hand sides as integers,
    too, with a scale for each row, and adds up products of integers: with `dot-products` u8
    times i8 in groups of four, otherwise i16 times i8 in groups of two.
  }];
  let options = [
    Option<"tile", "tile", "int64_t", "48", "Columns of a panel">,
    Option<"tileOfFew", "tile-of-few", "int64_t", "64", "Columns of a panel for few rows">,
    Option<"tileOfAny", "tile-of-any", "int64_t", "64",
           "Columns of a panel for any number of rows">,
    Option<"tileOfOne", "tile-of-one", "int64_t", "128",
           "Columns of a panel of narrower elements for one row">,
    Option<"vector", "vector", "int64_t", "16", "Elements of a vector register">,
    Option<"weights", "weights", "::mlc::WeightType", "::mlc::WeightType::AsGiven",
           "What weights are stored as", "::mlc::ir::weightTypeValues()">,
    Option<"dotProducts", "dot-products", "bool", "false",
           "Whether the CPU adds up products of four bytes in one step">
  ];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

def HoistInvariantsPass : Pass<"mlc-hoist-invariants", "::mlir::func::FuncOp"> {
  let summary = "Move out of if, while and scan what is the same in every step";
  let description = [{
    Pure ops whose operands do not change from step to step move before the op that
    holds their block, and their results become operands of it; out of the blocks
    of an if, only what depends on parameters and constants alone. Splat constants
    move the other way, broadcasts are repeated, and operands that no block uses
    are dropped.
  }];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

def HoistParametersPass : Pass<"mlc-hoist-parameters", "::mlir::ModuleOp"> {
  let summary = "Split the one function into @prepare and @run";
  let description = [{
    What depends on parameters and constants alone moves to @prepare, whose results
    @run takes as trailing arguments. Splat constants stay where they are used, and
    so do broadcasts that make a tensor larger: the smaller tensor is prepared.
    Values with a symbolic dimension stay in @run.
  }];
  let dependentDialects = ["::mlc::ir::MLCDialect", "::mlir::func::FuncDialect"];
}

def FusePass : Pass<"mlc-fuse", "::mlir::func::FuncOp"> {
  let summary = "Group ops into mlc.fusion, one kernel each";
  let description = [{
    Groups grow from their last op to its producers. A producer joins when all its
    users are in the group and it has the group's iteration shape: element-wise ops
    join element-wise groups, epilogues and reductions; a contraction joins its
    epilogue. A reduction along the trailing dimensions, and what is computed of its
    result for each row, joins what is computed of whole rows. Splat constants, broadcasts and slices with contiguous rows are copied
    into every group that uses them. Other ops that move data, and softmax, stay
    alone. The attribute `reason` of a group says why its result did not join the
    group of its users.
  }];
  let options = [
    Option<"fuse", "fuse", "bool", "true", "Whether groups may hold more than one op">,
    Option<"maxOps", "max-ops", "int64_t", "128", "Most ops in a group">
  ];
  let dependentDialects = ["::mlc::ir::MLCDialect"];
}

#endif // MLC_TRANSFORMS_GRAPH_PASSES
