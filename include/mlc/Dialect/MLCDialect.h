//===- MLCDialect.h - The mlc dialect in MLIR -------------------*- C++ -*-===//
#ifndef MLC_DIALECT_MLCDIALECT_H
#define MLC_DIALECT_MLCDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "mlc/Dialect/MLCDialect.h.inc"

namespace mlc::ir {
class YieldOp;
/// The verifier of every op of the vocabulary: converts the operand types and
/// attributes to Graph's and asks inferTypes.
llvm::LogicalResult verifyByInference(mlir::Operation *op);
} // namespace mlc::ir

#define GET_OP_CLASSES
#include "mlc/Dialect/MLCOps.h.inc"

namespace mlc::ir {

/// Names of module, function and argument attributes. See docs/architecture.md.
inline constexpr char kPhaseAttr[] = "mlc.phase";           // module: the phase reached
inline constexpr char kParametersAttr[] = "mlc.parameters"; // module: [[name, type], ...]
inline constexpr char kDimsAttr[] = "mlc.dims";             // func: names of symbolic dims
inline constexpr char kInputAttr[] = "mlc.input";           // arg: name of a graph input
inline constexpr char kOutputAttr[] = "mlc.output";         // result, later arg: graph output
inline constexpr char kParameterAttr[] = "mlc.parameter";   // arg of @prepare: its name
inline constexpr char kPreparedAttr[] = "mlc.prepared"; // result of @prepare, arg of @run: index
inline constexpr char kRunFunction[] = "run";
inline constexpr char kPrepareFunction[] = "prepare";

} // namespace mlc::ir

#endif // MLC_DIALECT_MLCDIALECT_H
