//===- Passes.h - Passes on the mlc dialect ---------------------*- C++ -*-===//
#ifndef MLC_TRANSFORMS_GRAPH_PASSES_H
#define MLC_TRANSFORMS_GRAPH_PASSES_H

#include "mlc/Abi/WeightType.h"
#include "mlc/Dialect/MLCDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include "llvm/Support/CommandLine.h"

namespace mlc::ir {

/// The values of an option of that type.
inline auto weightTypeValues() {
  auto value = [](WeightType type, const char *description) {
    return llvm::cl::OptionEnumValue{kWeightTypeNames[static_cast<int>(type)],
                                     static_cast<int>(type), description};
  };
  return llvm::cl::values(value(WeightType::AsGiven, "As they are"),
                          value(WeightType::BF16, "Rounded to bf16"),
                          value(WeightType::Int8, "Integers and a scale for each column"),
                          value(WeightType::Int8Dynamic, "The same, and what they multiply"));
}

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "mlc/Transforms/Graph/Passes.h.inc"

} // namespace mlc::ir

#endif // MLC_TRANSFORMS_GRAPH_PASSES_H
