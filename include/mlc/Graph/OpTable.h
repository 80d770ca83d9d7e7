//===- OpTable.h - The vocabulary as data -----------------------*- C++ -*-===//
//
// Op and its table are generated from include/mlc/Dialect/MLCOps.td by
// scripts/generate-op-table into OpTable.inc, which is committed so that the
// runtime half builds without LLVM; a test compares it with a fresh one.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_GRAPH_OPTABLE_H
#define MLC_GRAPH_OPTABLE_H

#include "mlc/Support/Version.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The ops of the model file, in the order of MLCOps.td: Op::Parameter,
/// Op::Constant, Op::MatMul, Op::Add, ... (the td's `graphEnum`).
enum class Op : uint16_t {
#define MLC_OP(ENUM, ...) ENUM,
#include "mlc/Graph/OpTable.inc"
};

enum class AttributeKind : uint8_t { Bool, Int, String, Ints, Dims, Dense };

struct AttributeInfo {
  std::string_view name;
  AttributeKind kind;
  /// Whether it may be left out, and then what it means ("false", "0", "erf").
  bool optional;
  std::string_view defaultText;
};

struct OpInfo {
  Op op;
  std::string_view name; ///< "matmul"; in MLIR "mlc.matmul".
  std::string_view summary;
  int32_t minOperands;
  int32_t maxOperands; ///< -1: any number.
  int32_t numResults;  ///< -1: any number.
  int32_t numBlocks;
  /// How results compare with the reference: "exact", "ulp4", "contraction",
  /// "reduction", "composite".
  std::string_view tolerance;
  const AttributeInfo *attributes;
  int32_t numAttributes;
  const std::string_view *constraints; ///< "[C1] ...", "[C2] ...", ...
  int32_t numConstraints;
};

const OpInfo &opInfo(Op op);
/// Whether an op does something beside computing: then it has no results.
inline bool hasEffect(Op op) { return opInfo(op).numResults == 0; }
std::optional<Op> parseOp(std::string_view name);
int32_t numOps();
Op opAt(int32_t index);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_OPTABLE_H
