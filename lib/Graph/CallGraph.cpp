//===- CallGraph.cpp - Call cycles and sizes after inlining ----------------------===//
//
// A chain of functions that each call the next one twice doubles with every
// link, so sizes are added up, saturating, before anything is inlined.
//
//===----------------------------------------------------------------------===//

#include "CallGraph.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"

#include <algorithm>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

/// What a function amounts to with its calls inlined. Stops growing just above
/// its limit.
struct Cost {
  int64_t nodes = 0;
  int64_t bytes = 0;
  int64_t depth = 0;
};

bool exceeds(const Cost &cost, const GraphLimits &limits) {
  return cost.nodes > limits.maxNodes || cost.bytes > limits.maxGraphBytes ||
         cost.depth > limits.maxCallDepth;
}

Error tooLarge(const Function &function, const Cost &cost, const GraphLimits &limits) {
  std::string prefix = "function `" + function.name + "`: ";
  if (cost.depth > limits.maxCallDepth)
    return resourceError(prefix + "calls are nested deeper than " +
                         std::to_string(limits.maxCallDepth));
  if (cost.nodes > limits.maxNodes)
    return resourceError(prefix + "has more than " + std::to_string(limits.maxNodes) +
                         " nodes after inlining calls");
  return resourceError(prefix + "takes more than " + std::to_string(limits.maxGraphBytes) +
                       " bytes after inlining calls");
}

/// Empty unless the node is a call that names its callee.
std::string_view calleeName(const Node &node) {
  auto name = node.attributes.find("callee");
  if (node.op != Op::Call || name == node.attributes.end())
    return {};
  const auto *text = std::get_if<std::string>(&name->second);
  return text ? *text : std::string_view();
}

} // namespace

void checkCalls(const Graph &graph, const GraphLimits &limits, Findings &findings) {
  std::unordered_map<std::string_view, size_t> indices;
  for (size_t i = 0; i < graph.functions.size(); ++i)
    indices.emplace(graph.functions[i].name, i);
  std::vector<Cost> costs(graph.functions.size());
  std::vector<std::vector<size_t>> callees(graph.functions.size());
  for (size_t i = 0; i < graph.functions.size(); ++i) {
    costs[i].bytes = static_cast<int64_t>(serialize(graph.functions[i]).size());
    walk(graph.functions[i], [&](const Node &node) {
      ++costs[i].nodes;
      if (auto callee = indices.find(calleeName(node)); callee != indices.end())
        callees[i].push_back(callee->second);
    });
  }
  auto leave = [&](size_t i) {
    Cost &cost = costs[i];
    bool calleeExceeds = false;
    for (size_t callee : callees[i]) {
      const Cost &inner = costs[callee];
      calleeExceeds |= exceeds(inner, limits);
      cost.nodes = std::min(cost.nodes + inner.nodes, limits.maxNodes + 1);
      cost.bytes = std::min(cost.bytes + inner.bytes, limits.maxGraphBytes + 1);
      cost.depth = std::max(cost.depth, inner.depth + 1);
    }
    if (!calleeExceeds && exceeds(cost, limits))
      findings.add(tooLarge(graph.functions[i], cost, limits));
  };
  auto cycle = [&](const std::vector<size_t> &functions) {
    findings.add(badInputError("call [C4]: functions call each other in a cycle: " +
                               cycleText(functions, [&](size_t i) -> const std::string & {
                                 return graph.functions[i].name;
                               })));
    return !findings.full();
  };
  depthFirst(graph.functions.size(), [&](size_t i) { return callees[i]; }, leave, cycle);
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
