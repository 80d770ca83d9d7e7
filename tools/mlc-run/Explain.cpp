//===- Explain.cpp - What became of each op, and why ----------------------===//
//
// Joins the nodes of the graph with the kernels that the compiler describes, by the
// nodes' names.
//
//===----------------------------------------------------------------------===//
#include "Explain.h"

#include "Limits.h"

#include "mlc/Graph/OpTable.h"
#include "mlc/Graph/Rewrite.h"

#include <algorithm>

namespace mlc::run {

namespace {

const char *whyInNoKernel(const Node &node) {
  switch (node.op) {
  case Op::Parameter:
    return "is read where it lies, or prepared";
  case Op::If:
  case Op::While:
  case Op::Scan:
    return "branches around the kernels of its blocks";
  case Op::Print:
  case Op::Custom:
    return "calls the host";
  case Op::Check:
    return "branches behind a kernel";
  default:
    return "simplified away, or the same as another";
  }
}

/// Why the kernels end that have the node's op as their last; what prepares parameters for
/// the op proper is no matter.
std::string whyEnded(const std::string &node, const std::vector<ImageKernel> &all,
                     const std::vector<size_t> &kernels) {
  bool isInRun =
      std::any_of(kernels.begin(), kernels.end(), [&](size_t i) { return !all[i].prepares; });
  for (size_t i : kernels)
    if (all[i].prepares != isInRun && all[i].ops.back().node == node)
      return all[i].reason;
  return "";
}

} // namespace

Result<Explanation> explain(const Engine &engine, const Arguments &arguments, const Graph &graph) {
  enterStage("compiling");
  auto interface = engine.explain(graph, arguments.compile);
  if (!interface)
    return interface.takeError();
  auto inlined = inlineCalls(graph, interface->function);
  if (!inlined)
    return inlined.takeError();

  Explanation result;
  result.kernels = std::move(interface->kernels);
  if (!interface->dims.empty())
    result.dim = interface->dims[0];
  std::map<std::string, std::vector<size_t>> kernelsOf; // by node
  for (size_t i = 0; i < result.kernels.size(); ++i)
    for (const ImageOp &op : result.kernels[i].ops)
      if (auto &list = kernelsOf[op.node]; list.empty() || list.back() != i)
        list.push_back(i);
  walk(inlined->functions.front(), [&](const Node &node) {
    std::vector<size_t> kernels = kernelsOf[node.name];
    std::string note =
        kernels.empty() ? whyInNoKernel(node) : whyEnded(node.name, result.kernels, kernels);
    result.ops.push_back({node.name, std::string(opInfo(node.op).name), node.location,
                          std::move(kernels), std::move(note)});
  });
  return result;
}

std::string formula(const ImageCount &count, const std::string &dim) {
  if (count.factor == 0)
    return std::to_string(count.constant);
  std::string text = count.constant == 0 ? "" : std::to_string(count.constant) + " + ";
  return text + std::to_string(count.factor) + " * " + dim;
}

std::string nameOf(const ImageOp &op) {
  return (op.node.empty() ? op.op : op.node) + (op.place.empty() ? "" : " (" + op.place + ")");
}

} // namespace mlc::run
