//===- MLCBase.td - The mlc dialect and its op base classes ---*- tablegen -*-===//

#ifndef MLC_DIALECT_MLCBASE
#define MLC_DIALECT_MLCBASE

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MLC_Dialect : Dialect {
  let name = "mlc";
  let cppNamespace = "::mlc::ir";
  let summary = "Tensor ops of traced neural networks";
  let description = [{
    Ops on ranked tensors, one for each op of the model file. Broadcasting is
    explicit. A dimension `?` is the function's one symbolic dimension, whose
    name is the function's attribute `mlc.dims`.
  }];
  let hasConstantMaterializer = 1;
  let hasCanonicalizer = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = [];
}

def MLC_Tensor : RankedTensorOf<[F32, F64, F16, BF16, I<8>, UI<8>, I<16>, I<32>, I<64>, I<1>]>;

// Dimensions of a result: sizes, with -1 for the symbolic dimension.
def MLC_DimsAttr : DenseArrayAttrBase<"DenseI64ArrayAttr", "int64_t", "i64">;

// Facts about an op that ODS does not know. scripts/generate-op-table reads
// them from `llvm-tblgen --dump-json`; ODS ignores them.
class MLC_Facts {
  string graphEnum = "";         // The C++ enumerator; empty: not in the vocabulary.
  list<string> constraints = []; // "[C1] ...": recur in errors and tests.
  string example = "";           // Input values -> result values, in words or IR.
  string tolerance = "exact";    // exact | ulp4 | contraction | reduction | composite
}

// An mlc op is free of side effects unless it says otherwise, prints as
//   %r = mlc.add %a, %b {attributes} : (types) -> type
// and is verified by Graph's inference function.
class MLC_Op<string mnemonic, string enum, list<Trait> traits = [], list<Trait> effects = [Pure]>
    : Op<MLC_Dialect, mnemonic, !listconcat(traits, effects)>, MLC_Facts {
  let graphEnum = enum;
  let results = (outs MLC_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() {
      return ::mlc::ir::verifyByInference(getOperation());
    }
  }];
}

class MLC_UnaryOp<string mnemonic, string enum, list<Trait> traits = []>
    : MLC_Op<mnemonic, enum, traits> {
  let arguments = (ins MLC_Tensor:$operand);
}

class MLC_BinaryOp<string mnemonic, string enum, list<Trait> traits = []>
    : MLC_Op<mnemonic, enum, traits> {
  let arguments = (ins MLC_Tensor:$lhs, MLC_Tensor:$rhs);
}

defvar SameTypes = "[C1] operands and result have the same dtype and shape";
defvar Numeric = "[C2] the dtype is a float or integer dtype, not bool";
defvar FloatOnly = "[C2] the dtype is a float dtype";

#endif // MLC_DIALECT_MLCBASE
