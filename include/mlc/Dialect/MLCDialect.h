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
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include <optional>

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

/// Whether `op` is if, while or scan.
inline bool isControlFlow(mlir::Operation *op) { return mlir::isa<IfOp, WhileOp, ScanOp>(op); }
/// Whether `op` of the vocabulary computes each element of its result from one of each operand.
/// Broadcasts are such ops; constants are not.
bool isElementwise(mlir::Operation *op);

/// What all of attention is made of, element-wise ops on the scores aside.
struct Attention {
  MatMulOp scores;
  SoftmaxOp softmax;
  MatMulOp values;

  /// Nothing unless `result`, of the body of a fusion or a kernel, is computed so.
  static std::optional<Attention> of(mlir::Value result);
};

/// The operand of an if, while or scan that its block takes as `argument`; for a
/// value that changes from step to step, that of the first step, or its sequence.
inline mlir::OpOperand &operandOf(mlir::BlockArgument argument) {
  mlir::Operation *op = argument.getOwner()->getParentOp();
  return op->getOpOperand(argument.getArgNumber() + (mlir::isa<IfOp>(op) ? 1 : 0));
}
/// The number of leading block arguments of an if, while or scan that change.
inline unsigned numChanging(mlir::Operation *op) {
  if (auto loop = mlir::dyn_cast<WhileOp>(op))
    return loop.getCarried();
  if (auto loop = mlir::dyn_cast<ScanOp>(op))
    return loop.getCarried() + loop.getSequences();
  return 0;
}

/// Names of module, function and argument attributes. See docs/architecture.md.
inline constexpr char kPhaseAttr[] = "mlc.phase";           // module: the phase reached
inline constexpr char kParametersAttr[] = "mlc.parameters"; // module: [[name, type], ...]
inline constexpr char kMessagesAttr[] = "mlc.messages";     // module: [[kind, text], ...]
inline constexpr char kHostCallsAttr[] = "mlc.host_calls";  // module: what the host is called for
inline constexpr char kHostCallAttr[] = "mlc.host_call";    // func: which of them it stands for
inline constexpr char kKernelsAttr[] = "mlc.kernels";       // module: what runs in each kernel
inline constexpr char kKernelAttr[] = "mlc.kernel";         // call of a kernel: which of them it is
inline constexpr char kStrategyAttr[] = "mlc.strategy";     // kernel: how its loops were chosen
inline constexpr char kSizesAttr[] = "mlc.sizes";   // kernel: which arguments are sizes of others
inline constexpr char kShortAttr[] = "mlc.short";   // kernel: over before it need ask the host
inline constexpr char kAsksAttr[] = "mlc.asks";     // declared kernel: takes what those that ask do
inline constexpr char kWorkAttr[] = "mlc.work";     // call in a kernel: ops that it runs at most
inline constexpr char kDimsAttr[] = "mlc.dims";     // func: names of symbolic dims
inline constexpr char kInputAttr[] = "mlc.input";   // arg: name of a graph input
inline constexpr char kOutputAttr[] = "mlc.output"; // result, later arg: graph output
inline constexpr char kDonorAttr[] = "mlc.donor";   // with mlc.output: name of an input
inline constexpr char kParameterAttr[] = "mlc.parameter"; // arg of @prepare: its name
inline constexpr char kPreparedAttr[] = "mlc.prepared";   // result of @prepare, arg of @run: index
inline constexpr char kMayAliasAttr[] = "mlc.may_alias";  // arg of a kernel: others may overlap it
inline constexpr char kIndependentAttr[] = "mlc.independent"; // loop of a kernel: in any order
inline constexpr char kRunFunction[] = "run";
inline constexpr char kPrepareFunction[] = "prepare";

} // namespace mlc::ir

#endif // MLC_DIALECT_MLCDIALECT_H
