//===- OpTable.cpp - The vocabulary as data -----------------------------------===//

#include "mlc/Graph/OpTable.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

static constexpr AttributeInfo kAttributes[] = {
#define MLC_ATTRIBUTE(NAME, KIND, OPTIONAL, DEFAULT) {NAME, AttributeKind::KIND, OPTIONAL, DEFAULT},
#include "mlc/Graph/OpTable.inc"
};

static constexpr std::string_view kConstraints[] = {
#define MLC_CONSTRAINT(TEXT) TEXT,
#include "mlc/Graph/OpTable.inc"
};

static constexpr OpInfo kOps[] = {
#define MLC_OP(ENUM, NAME, SUMMARY, MIN_OPERANDS, MAX_OPERANDS, RESULTS, BLOCKS, TOLERANCE,        \
               FIRST_ATTRIBUTE, ATTRIBUTES, FIRST_CONSTRAINT, CONSTRAINTS)                         \
  {Op::ENUM,                                                                                       \
   NAME,                                                                                           \
   SUMMARY,                                                                                        \
   MIN_OPERANDS,                                                                                   \
   MAX_OPERANDS,                                                                                   \
   RESULTS,                                                                                        \
   BLOCKS,                                                                                         \
   TOLERANCE,                                                                                      \
   kAttributes + FIRST_ATTRIBUTE,                                                                  \
   ATTRIBUTES,                                                                                     \
   kConstraints + FIRST_CONSTRAINT,                                                                \
   CONSTRAINTS},
#include "mlc/Graph/OpTable.inc"
};

const OpInfo &opInfo(Op op) { return kOps[static_cast<size_t>(op)]; }

std::optional<Op> parseOp(std::string_view name) {
  for (const OpInfo &info : kOps)
    if (info.name == name)
      return info.op;
  return std::nullopt;
}

int32_t numOps() { return static_cast<int32_t>(std::size(kOps)); }

Op opAt(int32_t index) { return kOps[index].op; }

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
