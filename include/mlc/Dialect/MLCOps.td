//===- MLCOps.td - The vocabulary: every op, said once --------*- tablegen -*-===//
//
// From this file come the MLIR op classes, the Graph op table, the model file's
// op names, docs/ops.md and the test that no op lacks an inference function, a
// reference, a lowering or a conformance file. New ops go to the end of the list
// of vocabulary ops: the order is part of the canonical bytes.
//
//===----------------------------------------------------------------------===//

#ifndef MLC_DIALECT_MLCOPS
#define MLC_DIALECT_MLCOPS

include "mlc/Dialect/MLCBase.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ViewLikeInterface.td"

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

def MLC_ParameterOp : MLC_Op<"parameter", "Parameter"> {
  let summary = "A named weight of the model";
  let arguments = (ins StrAttr:$parameter);
  let assemblyFormat = "attr-dict `:` functional-type(operands, results)";
  let constraints = ["[C1] `parameter` names a parameter of the model",
                     "[C2] the result has the dtype and shape of that parameter"];
  let example = "mlc.parameter {parameter = \"w\"}: the tensor w";
}

def MLC_ConstantOp : MLC_Op<"constant", "Constant", [ConstantLike]> {
  let summary = "A small tensor written in the graph";
  let arguments = (ins ElementsAttr:$value);
  let assemblyFormat = "attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let constraints = ["[C1] the result has the dtype and shape of `value`"];
  let example = "mlc.constant {value = dense<[1.0, 2.0]>}: [1, 2]";
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

def MLC_MatMulOp : MLC_Op<"matmul", "MatMul"> {
  let summary = "Matrix product of the two trailing dimensions, batched over the others";
  let arguments = (ins MLC_Tensor:$lhs, MLC_Tensor:$rhs,
                   DefaultValuedAttr<BoolAttr, "false">:$transpose_a,
                   DefaultValuedAttr<BoolAttr, "false">:$transpose_b);
  let constraints = [
      "[C1] both operands have the same dtype: f32, f64, f16, bf16, i32 or i64",
      "[C2] both operands have the same rank, at least 2",
      "[C3] the leading (batch) dimensions are equal",
      "[C4] the contracted dimensions are equal: the last of lhs (or the one before, with transpose_a) and the one before the last of rhs (or the last, with transpose_b)",
      "[C5] the result has the batch dimensions, the rows of lhs and the columns of rhs"];
  let example = "[[1, 2]] x [[3], [4]] = [[11]]; integers wrap";
  let tolerance = "contraction";
}

//===----------------------------------------------------------------------===//
// Element-wise, binary
//===----------------------------------------------------------------------===//

def MLC_AddOp : MLC_BinaryOp<"add", "Add", [Commutative]> {
  let summary = "Sum; integers wrap";
  let constraints = [SameTypes, Numeric];
  let example = "[1, 2] + [3, 4] = [4, 6]; i32: 2147483647 + 1 = -2147483648";
  let hasFolder = 1;
}
def MLC_SubOp : MLC_BinaryOp<"sub", "Sub"> {
  let summary = "Difference; integers wrap";
  let constraints = [SameTypes, Numeric];
  let example = "[1, 2] - [3, 4] = [-2, -2]";
  let hasFolder = 1;
}
def MLC_MulOp : MLC_BinaryOp<"mul", "Mul", [Commutative]> {
  let summary = "Product; integers wrap";
  let constraints = [SameTypes, Numeric];
  let example = "[1, 2] * [3, 4] = [3, 8]";
  let hasFolder = 1;
}
def MLC_DivOp : MLC_BinaryOp<"div", "Div"> {
  let summary = "Quotient; integers truncate towards zero, x / 0 = 0 and INT_MIN / -1 = INT_MIN";
  let constraints = [SameTypes, Numeric];
  let example = "i32: [7, -7, 5] / [2, 2, 0] = [3, -3, 0]";
  let hasFolder = 1;
}
def MLC_MaxOp : MLC_BinaryOp<"max", "Max", [Commutative]> {
  let summary = "Larger of two; NaN if either is NaN, and +0 above -0";
  let constraints = [SameTypes, Numeric];
  let example = "max([1, nan], [3, 0]) = [3, nan]";
  let hasFolder = 1;
}
def MLC_MinOp : MLC_BinaryOp<"min", "Min", [Commutative]> {
  let summary = "Smaller of two; NaN if either is NaN, and -0 below +0";
  let constraints = [SameTypes, Numeric];
  let example = "min([1, nan], [3, 0]) = [1, nan]";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Element-wise, unary
//===----------------------------------------------------------------------===//

def MLC_NegOp : MLC_UnaryOp<"neg", "Neg"> {
  let summary = "Negation; the sign bit of a float flips, integers wrap";
  let constraints = [SameTypes, Numeric];
  let example = "-[1, -2] = [-1, 2]; i32: -(INT_MIN) = INT_MIN";
  let hasFolder = 1;
}
def MLC_AbsOp : MLC_UnaryOp<"abs", "Abs"> {
  let summary = "Absolute value; integers wrap";
  let constraints = [SameTypes, Numeric];
  let example = "|[1, -2]| = [1, 2]; i32: |INT_MIN| = INT_MIN";
  let hasFolder = 1;
}
def MLC_ExpOp : MLC_UnaryOp<"exp", "Exp"> {
  let summary = "e to the power x";
  let constraints = [SameTypes, FloatOnly];
  let example = "exp([0, -inf]) = [1, 0]";
  let tolerance = "ulp4";
}
def MLC_LogOp : MLC_UnaryOp<"log", "Log"> {
  let summary = "Natural logarithm; NaN below 0, -inf at 0";
  let constraints = [SameTypes, FloatOnly];
  let example = "log([1, 0]) = [0, -inf]";
  let tolerance = "ulp4";
}
def MLC_SqrtOp : MLC_UnaryOp<"sqrt", "Sqrt"> {
  let summary = "Square root, correctly rounded";
  let constraints = [SameTypes, FloatOnly];
  let example = "sqrt([4, -1]) = [2, nan]";
}
def MLC_RsqrtOp : MLC_UnaryOp<"rsqrt", "Rsqrt"> {
  let summary = "1 / sqrt(x)";
  let constraints = [SameTypes, FloatOnly];
  let example = "rsqrt([4, 0]) = [0.5, inf]";
  let tolerance = "ulp4";
}
def MLC_TanhOp : MLC_UnaryOp<"tanh", "Tanh"> {
  let summary = "Hyperbolic tangent";
  let constraints = [SameTypes, FloatOnly];
  let example = "tanh([0, inf]) = [0, 1]";
  let tolerance = "ulp4";
}
def MLC_SigmoidOp : MLC_UnaryOp<"sigmoid", "Sigmoid"> {
  let summary = "1 / (1 + exp(-x))";
  let constraints = [SameTypes, FloatOnly];
  let example = "sigmoid([0, inf]) = [0.5, 1]";
  let tolerance = "ulp4";
}
def MLC_ReluOp : MLC_UnaryOp<"relu", "Relu"> {
  let summary = "max(x, 0); NaN stays NaN";
  let constraints = [SameTypes, Numeric];
  let example = "relu([-1, 2]) = [0, 2]";
  let hasFolder = 1;
}
def MLC_ErfOp : MLC_UnaryOp<"erf", "Erf"> {
  let summary = "Error function";
  let constraints = [SameTypes, FloatOnly];
  let example = "erf([0, inf]) = [0, 1]";
  let tolerance = "ulp4";
}
def MLC_GeluOp : MLC_UnaryOp<"gelu", "Gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `approximate = "erf"`: x/2 * (1 + erf(x/sqrt(2))).
    `approximate = "tanh"`: x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
    gelu(-inf) = -0, the limit.
  }];
  let arguments = (ins MLC_Tensor:$operand, DefaultValuedAttr<StrAttr, "\"erf\"">:$approximate);
  let constraints = [SameTypes, FloatOnly, "[C3] `approximate` is \"erf\" or \"tanh\""];
  let example = "gelu([0, 1]) = [0, 0.8413447]";
  let tolerance = "ulp4";
}

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

def MLC_CompareOp : MLC_BinaryOp<"compare", "Compare"> {
  let summary = "Element-wise comparison; comparisons with NaN are false, except ne";
  let arguments = (ins MLC_Tensor:$lhs, MLC_Tensor:$rhs, StrAttr:$direction);
  let constraints = ["[C1] operands have the same dtype and shape",
                     "[C2] `direction` is eq, ne, lt, le, gt or ge",
                     "[C3] bool operands take eq or ne only",
                     "[C4] the result is bool of the operands' shape"];
  let example = "compare([1, 2], [2, 2]) {direction = \"lt\"} = [true, false]";
  let hasFolder = 1;
}
def MLC_LogicalAndOp : MLC_BinaryOp<"logical_and", "LogicalAnd", [Commutative]> {
  let summary = "Both";
  let constraints = [SameTypes, "[C2] the dtype is bool"];
  let example = "and([true, true], [true, false]) = [true, false]";
  let hasFolder = 1;
}
def MLC_LogicalOrOp : MLC_BinaryOp<"logical_or", "LogicalOr", [Commutative]> {
  let summary = "Either";
  let constraints = [SameTypes, "[C2] the dtype is bool"];
  let example = "or([true, false], [false, false]) = [true, false]";
  let hasFolder = 1;
}
def MLC_LogicalNotOp : MLC_UnaryOp<"logical_not", "LogicalNot"> {
  let summary = "Not";
  let constraints = [SameTypes, "[C2] the dtype is bool"];
  let example = "not([true, false]) = [false, true]";
  let hasFolder = 1;
}
def MLC_SelectOp : MLC_Op<"select", "Select"> {
  let summary = "on_true where the predicate holds, else on_false";
  let arguments = (ins MLC_Tensor:$predicate, MLC_Tensor:$on_true, MLC_Tensor:$on_false);
  let constraints = ["[C1] the predicate is bool",
                     "[C2] on_true, on_false and result have the same dtype and shape",
                     "[C3] the predicate has that shape too"];
  let example = "select([true, false], [1, 2], [3, 4]) = [1, 4]";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Conversion and shape
//===----------------------------------------------------------------------===//

def MLC_CastOp : MLC_UnaryOp<"cast", "Cast"> {
  let summary = "Conversion to another dtype";
  let description = [{
    Float to integer truncates towards zero and saturates, NaN gives 0. Integer
    to narrower integer wraps. To bool: x != 0 (NaN is true). From bool: 0 or 1.
    To a float: rounds to nearest even.
  }];
  let arguments = (ins MLC_Tensor:$operand, StrAttr:$dtype);
  let constraints = ["[C1] `dtype` is the name of a dtype",
                     "[C2] the result has that dtype and the operand's shape"];
  let example = "cast([1.9, nan, 1e20]) {dtype = \"i32\"} = [1, 0, 2147483647]";
  let hasFolder = 1;
}
def MLC_BroadcastOp : MLC_Op<"broadcast", "Broadcast"> {
  let summary = "Repeats a tensor along new dimensions or dimensions of size 1";
  let description = [{
    Operand dimension i becomes result dimension axes[i].
  }];
  let arguments = (ins MLC_Tensor:$operand, MLC_DimsAttr:$shape, DenseI64ArrayAttr:$axes);
  let constraints = ["[C1] `axes` has one entry per operand dimension, strictly increasing, each below the result's rank",
                     "[C2] operand dimension i is 1 or equals shape[axes[i]]",
                     "[C3] a symbolic name in `shape` occurs in an input of the function",
                     "[C4] the result has the operand's dtype and the dimensions `shape`"];
  let example = "broadcast([1, 2]) {shape = [2, 2], axes = [1]} = [[1, 2], [1, 2]]";
  let hasFolder = 1;
}
def MLC_ReshapeOp : MLC_Op<"reshape", "Reshape"> {
  let summary = "The same elements in row-major order under other dimensions";
  let arguments = (ins MLC_Tensor:$operand, MLC_DimsAttr:$shape);
  let constraints = ["[C1] `shape` has as many elements as the operand",
                     "[C2] symbolic dimensions are the same, in the same order, and with the same product of known dimensions before and after each",
                     "[C3] the result has the operand's dtype and the dimensions `shape`"];
  let example = "reshape([1, 2, 3, 4]) {shape = [2, 2]} = [[1, 2], [3, 4]]";
  let hasFolder = 1;
}
def MLC_TransposeOp : MLC_Op<"transpose", "Transpose"> {
  let summary = "Permutes dimensions: result dimension i is operand dimension permutation[i]";
  let arguments = (ins MLC_Tensor:$operand, DenseI64ArrayAttr:$permutation);
  let constraints = ["[C1] `permutation` is a permutation of 0 ... rank - 1",
                     "[C2] the result has the operand's dtype and permuted dimensions"];
  let example = "transpose([[1, 2]]) {permutation = [1, 0]} = [[1], [2]]";
  let hasFolder = 1;
}
def MLC_SliceOp : MLC_Op<"slice", "Slice"> {
  let summary = "Elements start, start + stride, ... below limit, along the given axes";
  let arguments = (ins MLC_Tensor:$operand, DenseI64ArrayAttr:$axes, DenseI64ArrayAttr:$starts,
                   DenseI64ArrayAttr:$limits, DenseI64ArrayAttr:$strides);
  let constraints = ["[C1] `axes`, `starts`, `limits` and `strides` have the same length; axes increase strictly and are below the rank",
                     "[C2] 0 <= start <= limit <= size of the axis",
                     "[C3] every stride is at least 1",
                     "[C4] a sliced axis is not symbolic",
                     "[C5] the result has ceil((limit - start) / stride) elements along a sliced axis and the operand's dimensions and dtype otherwise"];
  let example = "slice([1, 2, 3, 4]) {axes = [0], starts = [1], limits = [4], strides = [2]} = [2, 4]";
  let hasFolder = 1;
}
def MLC_ConcatOp : MLC_Op<"concat", "Concat"> {
  let summary = "Joins tensors along an axis";
  let arguments = (ins Variadic<MLC_Tensor>:$operands, I64Attr:$axis);
  let constraints = ["[C1] there is at least one operand",
                     "[C2] `axis` is a dimension of the operands, 0 <= axis < rank",
                     "[C3] operands have the same dtype, rank and, but for the axis, dimensions",
                     "[C4] the axis is not symbolic",
                     "[C5] the result's axis is the sum of the operands'"];
  let example = "concat([1], [2, 3]) {axis = 0} = [1, 2, 3]";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

def MLC_ReduceOp : MLC_Op<"reduce", "Reduce"> {
  let summary = "Sum, maximum, minimum or mean over axes";
  let description = [{
    An empty reduction gives 0 (sum), the dtype's lowest or highest value, an
    infinity for floats (max, min), or NaN (mean). max and min propagate NaN.
  }];
  let arguments = (ins MLC_Tensor:$operand, StrAttr:$kind, DenseI64ArrayAttr:$axes,
                   DefaultValuedAttr<BoolAttr, "false">:$keep_dims);
  let constraints = ["[C1] `kind` is sum, max, min or mean",
                     "[C2] the dtype is a float or integer dtype; mean takes floats only",
                     "[C3] `axes` increase strictly and are below the rank",
                     "[C4] the result drops the axes, or keeps them as 1 with keep_dims"];
  let example = "reduce([[1, 2], [3, 4]]) {kind = \"sum\", axes = [1]} = [3, 7]";
  let tolerance = "reduction";
}
def MLC_SoftmaxOp : MLC_Op<"softmax", "Softmax"> {
  let summary = "exp(x - max) / sum(exp(x - max)) along an axis";
  let arguments = (ins MLC_Tensor:$operand, I64Attr:$axis);
  let constraints = [SameTypes, FloatOnly,
                     "[C3] `axis` is a dimension of the operand, 0 <= axis < rank"];
  let example = "softmax([0, 0]) {axis = 0} = [0.5, 0.5]";
  let tolerance = "composite";
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

// Its callee, which it does not see, may have effects.
def MLC_CallOp : MLC_Op<"call", "Call", [DeclareOpInterfaceMethods<SymbolUserOpInterface>],
                        [MemoryEffects<[MemWrite]>]> {
  let summary = "Calls a function of the same file; calls are inlined";
  let arguments = (ins Variadic<MLC_Tensor>:$operands, StrAttr:$callee);
  let results = (outs Variadic<MLC_Tensor>:$outputs);
  // The callee's signature is looked up by verifySymbolUses.
  let hasVerifier = 0;
  let extraClassDefinition = "";
  let constraints = ["[C1] `callee` names a function of the model",
                     "[C2] operands have the types of its inputs, its symbolic dimensions bound consistently",
                     "[C3] results have the types of its outputs, with those bindings",
                     "[C4] no function calls itself, directly or through others"];
  let example = "call(a, b) {callee = \"add2\"}";
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

// Blocks see their own arguments alone; what they need from outside is passed in.
// The tolerance is "exact": these ops add no error to that of their blocks.
class MLC_ControlOp<string mnemonic, string enum>
    : MLC_Op<mnemonic, enum, [IsolatedFromAbove, SingleBlock], [RecursiveMemoryEffects]> {
  let results = (outs Variadic<MLC_Tensor>:$outputs);
  let assemblyFormat =
      "operands attr-dict `:` functional-type(operands, results) regions";
  let hasVerifier = 0;
  let hasRegionVerifier = 1; // After the blocks: their types are part of the op's.
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verifyRegions() {
      return ::mlc::ir::verifyByInference(getOperation());
    }
  }];
}

def MLC_IfOp : MLC_ControlOp<"if", "If"> {
  let summary = "Runs the first block if the predicate holds, else the second";
  let description = [{
    Both blocks take all operands but the predicate. Only one of them runs.
  }];
  let arguments = (ins MLC_Tensor:$predicate, Variadic<MLC_Tensor>:$inputs);
  let regions = (region SizedRegion<1>:$then, SizedRegion<1>:$otherwise);
  let constraints = [
      "[C1] the predicate is bool[]",
      "[C2] both blocks take values of the types of the other operands",
      "[C3] both blocks return at least one value, and values of the same types",
      "[C4] the results have the types of what the blocks return"];
  let example = "if(true, a, b) {(x, y) -> x} {(x, y) -> y} = a";
}

def MLC_WhileOp : MLC_ControlOp<"while", "While"> {
  let summary = "Runs the second block as long as the first returns true";
  let description = [{
    The first `carried` operands are the values that change: the second block
    returns them anew. Both blocks also take the other operands, which stay the
    same. A loop that has run `limit` times and would go on is an error of the run.
  }];
  let arguments = (ins Variadic<MLC_Tensor>:$operands, I64Attr:$carried,
                   DefaultValuedAttr<I64Attr, "1000000">:$limit);
  let regions = (region SizedRegion<1>:$condition, SizedRegion<1>:$body);
  let constraints = [
      "[C1] `carried` is at least 1 and at most the number of operands",
      "[C2] `limit` is at least 0",
      "[C3] both blocks take values of the operands' types",
      "[C4] the first block returns one bool[]",
      "[C5] the second block returns values of the types of the carried operands",
      "[C6] the results have the types of the carried operands"];
  let example = "while(1, 100) {carried = 1} {(x, n) -> x < n} {(x, n) -> x + x} = 128";
}

def MLC_ScanOp : MLC_ControlOp<"scan", "Scan"> {
  let summary = "Runs its block for every step of its sequences, carrying values along";
  let description = [{
    The operands are `carried` initial values, `sequences` tensors whose first
    dimension is the number of steps, and values that stay the same. In step t the
    block takes the carried values, slice t of every sequence, and the rest; it
    returns the carried values anew and any number of values more, of which the
    results collect all steps. `reverse` takes the last slice first and leaves its
    result in its place. Without a sequence, `length` is the number of steps.
  }];
  let arguments = (ins Variadic<MLC_Tensor>:$operands, I64Attr:$carried, I64Attr:$sequences,
                   DefaultValuedAttr<I64Attr, "-1">:$length,
                   DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let regions = (region SizedRegion<1>:$body);
  let constraints = [
      "[C1] `carried` and `sequences` are not negative and together at most the number of operands",
      "[C2] sequences have a rank of at least 1 and equal first dimensions",
      "[C3] `length` is -1 with sequences, and without them at least 0",
      "[C4] the block takes values of the types of the carried operands, of the sequences without their first dimension, and of the other operands",
      "[C5] the block returns at least one value, and first values of the types of the carried operands",
      "[C6] the results have the types of the carried operands, then those of the block's other values with the number of steps as first dimension"];
  let example = "scan(0, [1, 2, 3]) {carried = 1, sequences = 1} {(s, x) -> (s + x, s)} = 6, [0, 1, 3]";
}

//===----------------------------------------------------------------------===//
// Effects and functions of the host
//===----------------------------------------------------------------------===//

// Writing stands for whatever the host sees: such ops are never dead, repeated or
// moved past each other. They have no results.
class MLC_EffectOp<string mnemonic, string enum>
    : MLC_Op<mnemonic, enum, [], [MemoryEffects<[MemWrite]>]> {
  let results = (outs);
}

def MLC_PrintOp : MLC_EffectOp<"print", "Print"> {
  let summary = "Shows a value to the host, under a label";
  let description = [{
    Happens every time the op is executed, in the order of the graph among prints and
    checks. The host says where it goes: EngineOptions::print, by default stderr.
  }];
  let arguments = (ins MLC_Tensor:$operand, StrAttr:$label);
  let constraints = ["[C1] there are no results"];
  let example = "print([1, 2]) {label = \"x\"}: x: f32[2] [1, 2]";
}

def MLC_CheckOp : MLC_EffectOp<"check", "Check"> {
  let summary = "Ends the run with an error unless all elements are true";
  let description = [{
    The error says `message` and where the op stands. A tensor without elements passes.
  }];
  let arguments = (ins MLC_Tensor:$condition, StrAttr:$message);
  let constraints = ["[C1] the operand is bool", "[C2] there are no results"];
  let example = "check([true, false]) {message = \"x is positive\"}: error \"x is positive\"";
}

// It may fail, so it is not run where the graph would not run it.
def MLC_CustomOp : MLC_Op<"custom", "Custom", [], [NoMemoryEffect]> {
  let summary = "A function of the host, by its name";
  let description = [{
    The host defines it (defineCustomOp in Graph/HostOps.h) and a rule that gives the
    type of the result for those of the operands; the rule must agree with `dtype` and
    `shape`. The function is taken to depend on its operands alone: calls may be
    dropped, merged, or made when parameters are prepared.
  }];
  let arguments = (ins Variadic<MLC_Tensor>:$operands, StrAttr:$function, StrAttr:$dtype,
                   MLC_DimsAttr:$shape);
  let constraints = ["[C1] `function` is not empty",
                     "[C2] `dtype` is the name of a dtype",
                     "[C3] a size in `shape` is not negative, and a symbolic name in it occurs in an input of the function",
                     "[C4] the result has that dtype and the dimensions `shape`"];
  let example = "custom([3, 1, 2]) {function = \"sort\", dtype = \"f32\", shape = [3]} = [1, 2, 3], if the host has such a function";
}

//===----------------------------------------------------------------------===//
// Indexing
//===----------------------------------------------------------------------===//

def MLC_TakeOp : MLC_Op<"take", "Take"> {
  let summary = "Slices of a tensor along an axis, picked by their indices";
  let description = [{
    result[a..., i..., b...] = operand[a..., indices[i...], b...], with as many a as
    there are dimensions before the axis. A negative index counts from the end, as
    numpy's does. An index outside -n ... n - 1, where n is the size of the axis, is
    an error of the run.
  }];
  let arguments = (ins MLC_Tensor:$operand, MLC_Tensor:$indices, I64Attr:$axis);
  let constraints = ["[C1] `axis` is a dimension of the operand, 0 <= axis < rank",
                     "[C2] the indices are i32 or i64",
                     "[C3] the axis is not symbolic",
                     "[C4] the result has the operand's dtype, and its dimensions with those of the indices in place of the axis"];
  let example = "take([[1, 2], [3, 4]], [1, 0, -1]) {axis = 0} = [[3, 4], [1, 2], [3, 4]]";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Internal ops: made by passes, never in a model file
//===----------------------------------------------------------------------===//

def MLC_FusionOp
    : Op<MLC_Dialect, "fusion", [IsolatedFromAbove, Pure, SingleBlock]>, MLC_Facts {
  let summary = "A group of ops that becomes one kernel";
  let description = [{
    `kind` is "contraction" (a matmul or packed matmul and its element-wise
    epilogue), "elementwise" (broadcasts and slices included), "reduction" (reduces and
    element-wise ops), "softmax", "attention" (a matmul, element-wise ops on its result, a
    softmax of its rows and the matmul with that) or "data" (at most one op, which moves
    elements). `reason` says why the group stopped growing. The body's arguments
    are the operands; constants may stand in every body.

        %r = mlc.fusion "elementwise" (%x = %a, %y = %b) : (tensor<4xf32>, tensor<4xf32>)
            -> tensor<4xf32> reason "function result" {
          %s = mlc.add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
          mlc.yield %s : tensor<4xf32>
        }
  }];
  let arguments = (ins Variadic<MLC_Tensor>:$inputs, StrAttr:$kind, OptionalAttr<StrAttr>:$reason);
  let results = (outs Variadic<MLC_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let constraints = [
      "[C1] `kind` is contraction, elementwise, reduction, softmax, attention or data",
      "[C2] the body's arguments have the types of the operands",
      "[C3] the body yields the results",
      "[C4] the body holds ops of the vocabulary and packed ones, but no parameter, call, control flow, fusion, print, check or custom",
      "[C5] the body is of its kind"];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    ::mlc::ir::YieldOp getYield();
  }];
}

def MLC_YieldOp
    : Op<MLC_Dialect, "yield", [Pure, Terminator, ReturnLike, ParentOneOf<["FusionOp", "IfOp", "WhileOp", "ScanOp", "AttendOp"]>]> {
  let summary = "The values of a fusion, of a block of if, while or scan, or of an attend";
  let arguments = (ins Variadic<AnyTypeOf<[MLC_Tensor, F32]>>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def MLC_PackOp : Op<MLC_Dialect, "pack", [Pure]>, MLC_Facts {
  let summary = "Lays a matrix out in column panels for packed_matmul";
  let description = [{
    A K x N matrix (N x K with `transpose`) becomes ceil(N / tile) x K x tile,
    zero-padded: result[p, k, i] = operand[k, p * tile + i]. With a `depth` above 1 as many
    elements of a column lie side by side: result[p, k, i, j] =
    operand[k * depth + j, p * tile + i].
  }];
  let arguments = (ins MLC_Tensor:$operand, I64Attr:$tile,
                   DefaultValuedAttr<BoolAttr, "false">:$transpose,
                   DefaultValuedAttr<I64Attr, "1">:$depth);
  let results = (outs MLC_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let constraints = [
      "[C1] the operand has rank 2 and a known number of columns",
      "[C2] `tile` and `depth` are at least 1, and K is known if `depth` is not 1",
      "[C3] the result has the operand's dtype and dimensions ceil(N / tile) x K x tile, or ceil(N / tile) x ceil(K / depth) x tile x depth"];
  let hasVerifier = 1;
}

def MLC_PackedMatMulOp : Op<MLC_Dialect, "packed_matmul", [Pure]>, MLC_Facts {
  let summary = "Matrix product with a right-hand side packed by mlc.pack";
  let description = [{
    The number N of columns is the result's: the packed operand is zero-padded. A narrower
    packed operand is widened exactly; products of integers are added in i32, which wraps.
  }];
  let arguments = (ins MLC_Tensor:$lhs, MLC_Tensor:$rhs,
                   DefaultValuedAttr<BoolAttr, "false">:$transpose_a);
  let results = (outs MLC_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let constraints = [
      "[C1] operands and result have the same dtype; or lhs and result are f32 and rhs is bf16 or i8; or lhs is u8 or i16, rhs i8 and the result i32",
      "[C2] lhs has rank 2, rhs rank 3, or 4 with a depth, its last dimension; tile and depth are known",
      "[C3] the contracted dimensions are equal: the last of lhs (or the first, with transpose_a) and the second of rhs, times its depth and rounded up to that",
      "[C4] the result has the rows of lhs and N columns, where rhs has ceil(N / tile) panels"];
  let hasVerifier = 1;
}

def MLC_QuantizeOp : Op<MLC_Dialect, "quantize", [Pure]>, MLC_Facts {
  let summary = "Elements over their scales, as small integers";
  let description = [{
    operand * (1 / scale), rounded to nearest even; in u8, 128 more. The caller sees to it
    that the scale is no denormal and the result between -127 and 127: else, and for NaN, it is
    some integer.
  }];
  let arguments = (ins MLC_Tensor:$operand, MLC_Tensor:$scale);
  let results = (outs MLC_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let constraints = [
      "[C1] operand and scale are f32 and have the same shape",
      "[C2] the result is i8, i16 or u8 and has that shape"];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Internal ops on tensors or buffers of kernels
//===----------------------------------------------------------------------===//

def MLC_AttendOp
    : Op<MLC_Dialect, "attend", [SingleBlock, DestinationStyleOpInterface]>, MLC_Facts {
  let summary = "Attention: rows of values, weighted by the softmax of scores";
  let description = [{
    Over loops (batch..., m, n, k, c), as linalg's structured ops are, where `maps` say
    which element of each operand a step of the loops reads:

        score[m, n] = body(sum over k of queries[m, k] * keys[n, k], others[m, n]...)
        out[m, c]   = sum over n of softmax over n of score[m, n] * values[n, c]

    The body gets the sum and an element of each of the others and yields the score. Nothing
    is left of the scores afterwards.
  }];
  let arguments = (ins AnyShaped:$queries, AnyShaped:$keys, AnyShaped:$values,
                       Variadic<AnyShaped>:$others, AnyShaped:$out, AffineMapArrayAttr:$maps);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` operands `)` attr-dict `:` functional-type(operands, results) $body
  }];
  let constraints = [
      "[C1] there is a map for each operand, of as many loops as the queries have dimensions and two more",
      "[C2] queries, keys, values and out are f32",
      "[C3] the body takes f32 and an element of each of the others, and yields f32"];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutMutable(); }
    ::mlir::AffineMap mapOf(::mlir::OpOperand &operand) {
      return ::mlir::cast<::mlir::AffineMapAttr>(getMaps()[operand.getOperandNumber()]).getValue();
    }
  }];
}

//===----------------------------------------------------------------------===//
// Internal ops on buffers
//===----------------------------------------------------------------------===//

def MLC_SlotOp
    : Op<MLC_Dialect, "slot", [Pure, DeclareOpInterfaceMethods<ViewLikeOpInterface>]>, MLC_Facts {
  let summary = "One index of a buffer's first dimension, as a buffer of its own";
  let description = [{
    A memref.subview would give the slice a layout with an offset; a slot is dense
    like every buffer that kernels take.
  }];
  let arguments = (ins AnyMemRef:$source, Index:$index);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$source `[` $index `]` attr-dict `:` type($source) `->` type($result)";
  let constraints = ["[C1] the result has the source's type without its first dimension"];
  let hasVerifier = 1;
}

def MLC_RowsOp
    : Op<MLC_Dialect, "rows", [Pure, DeclareOpInterfaceMethods<ViewLikeOpInterface>]>, MLC_Facts {
  let summary = "Some rows of a buffer, as a buffer of its own";
  let description = [{
    In kernels, for the kernels that they call: the memory from row `index` of the source on,
    as `size` rows of the result's type, dense like a slot.
  }];
  let arguments = (ins AnyMemRef:$source, Index:$index, Index:$size);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $source `[` $index `]` `size` $size attr-dict `:` type($source) `->` type($result)
  }];
  let constraints = [
    "[C1] the result's rows are of the source's elements, and of no more than the source's rows are"];
  let hasVerifier = 1;
}

def MLC_StopUnlessOp : Op<MLC_Dialect, "stop_unless", [MemoryEffects<[MemWrite]>]>, MLC_Facts {
  let summary = "Ends the run with an error unless the condition holds";
  let description = [{
    `message` is an index into the module's attribute mlc.messages, a list of
    [kind, text] with the number of an mlc::ErrorKind.
  }];
  let arguments = (ins I1:$condition, I64Attr:$message);
  let assemblyFormat = "$condition attr-dict";
}

def MLC_CancelledOp : Op<MLC_Dialect, "cancelled", [MemoryEffects<[MemRead, MemWrite]>]>, MLC_Facts {
  let summary = "Whether the host wants this run to end";
  let description = [{
    In kernels; two of them may differ, so each has to stay where it is.
  }];
  let results = (outs I1:$result);
  let assemblyFormat = "attr-dict";
}

def MLC_ParallelForOp : Op<MLC_Dialect, "parallel_for", [MemoryEffects<[MemRead, MemWrite]>]>, MLC_Facts {
  let summary = "A range of independent iterations, cut in pieces for the host's threads";
  let description = [{
    In kernels: calls `callee` with the values and the ends of a piece, for pieces that
    together are [from, to), at the same time and in any order if the host has a
    parallel_for and there are two pieces. A piece is `chunk` long, but for the last.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$values, Index:$from,
                       Index:$to, Index:$chunk);
  let assemblyFormat = [{
    $callee `(` $values `)` `from` $from `to` $to `by` $chunk attr-dict `:` `(` type($values) `)`
  }];
}

#endif // MLC_DIALECT_MLCOPS
