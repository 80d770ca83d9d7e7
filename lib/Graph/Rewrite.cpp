//===- Rewrite.cpp - Walking and editing graphs ----------------------------------===//
//
// Works on valid graphs, whose nesting of blocks and of calls validate() bounds:
// what recurses here recurses over those.
//
//===----------------------------------------------------------------------===//

#include "mlc/Graph/Rewrite.h"
#include "UniqueNames.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Validate.h"

#include <algorithm>
#include <set>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

template <typename BlockT, typename Visit> void walkBlock(BlockT &block, const Visit &visit) {
  for (auto &node : block.nodes) {
    visit(node);
    for (auto &inner : node.blocks)
      walkBlock(inner, visit);
  }
}

/// Sizes in attributes, too, can be symbolic.
void substituteDims(Attributes &attributes, const std::map<std::string, Dim> &bindings) {
  for (auto &[name, value] : attributes)
    if (auto *dims = std::get_if<Dims>(&value))
      *dims = substituteDims({DType::F32, std::move(*dims)}, bindings).dims;
}

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

/// Copies functions into one.
class Inliner {
public:
  explicit Inliner(const Graph &graph) : index(graph) {}

  Status run(const Function &entry) {
    result.name = entry.name;
    result.outputNames = entry.outputNames;
    // The entry's own names stay as they are.
    for (const Value &value : entry.values)
      valueNames.emplace(value.name, 1);
    walk(entry, [&](const Node &node) { nodeNames.emplace(node.name, 1); });
    Copy copy{entry, {}, std::vector<ValueId>(entry.values.size(), -1), "", ""};
    defineAll(copy, entry.body.inputs, result.body.inputs);
    if (Status status = copyNodes(copy, entry.body, result.body.nodes, 0); !status)
      return status;
    result.body.outputs = mapped(copy, entry.body.outputs);
    return {};
  }

  Function result;

private:
  /// One copy of one function.
  struct Copy {
    const Function &function;
    std::map<std::string, Dim> dims;
    std::vector<ValueId> values; ///< By id in `function`: the id in `result`.
    std::string prefix;          ///< Empty in the entry.
    std::string location;        ///< Of the call.
  };

  std::string nameIn(const Copy &copy, std::unordered_map<std::string, int64_t> &names,
                     const std::string &name) {
    return copy.prefix.empty() ? name : takeUniqueName(names, copy.prefix + name);
  }

  void defineAll(Copy &copy, const std::vector<ValueId> &from, std::vector<ValueId> &to) {
    for (ValueId id : from) {
      const Value &value = copy.function.values[static_cast<size_t>(id)];
      copy.values[static_cast<size_t>(id)] = static_cast<ValueId>(result.values.size());
      to.push_back(static_cast<ValueId>(result.values.size()));
      result.values.push_back(
          {nameIn(copy, valueNames, value.name), substituteDims(value.type, copy.dims)});
    }
  }

  std::vector<ValueId> mapped(const Copy &copy, const std::vector<ValueId> &ids) const {
    std::vector<ValueId> list;
    list.reserve(ids.size());
    for (ValueId id : ids)
      list.push_back(copy.values[static_cast<size_t>(id)]);
    return list;
  }

  /// Appends the nodes of `from`, calls replaced by their callees' nodes.
  Status copyNodes(Copy &copy, const Block &from, std::vector<Node> &to, int64_t depth) {
    for (const Node &node : from.nodes) {
      if (++nodeCount > GraphLimits().maxNodes)
        return resourceError("function `" + result.name + "` has more than " +
                             std::to_string(GraphLimits().maxNodes) +
                             " nodes after inlining calls");
      Status status =
          node.op == Op::Call ? inlineCall(copy, node, to, depth) : copyNode(copy, node, to, depth);
      if (!status)
        return status;
    }
    return {};
  }

  Status copyNode(Copy &copy, const Node &node, std::vector<Node> &to, int64_t depth) {
    Node made;
    made.name = nameIn(copy, nodeNames, node.name);
    made.op = node.op;
    made.operands = mapped(copy, node.operands);
    made.attributes = node.attributes;
    substituteDims(made.attributes, copy.dims);
    defineAll(copy, node.results, made.results);
    for (const Block &inner : node.blocks) {
      Block &block = made.blocks.emplace_back();
      defineAll(copy, inner.inputs, block.inputs);
      if (Status status = copyNodes(copy, inner, block.nodes, depth); !status)
        return status;
      block.outputs = mapped(copy, inner.outputs);
    }
    made.location = node.location.empty() ? copy.location : node.location;
    to.push_back(std::move(made));
    return {};
  }

  Status inlineCall(Copy &caller, const Node &call, std::vector<Node> &to, int64_t depth) {
    if (depth >= GraphLimits().maxCallDepth)
      return resourceError("calls are nested deeper than " +
                           std::to_string(GraphLimits().maxCallDepth));
    const auto &name = std::get<std::string>(call.attributes.at("callee"));
    const Function *callee = index.findFunction(name);
    if (!callee)
      return badInputError("call [C1]: the model has no function `" + name + '`');
    std::vector<ValueId> arguments = mapped(caller, call.operands);
    std::vector<TensorType> types;
    types.reserve(arguments.size());
    for (ValueId id : arguments)
      types.push_back(result.values[static_cast<size_t>(id)].type);
    auto dims = bindDims(*callee, types);
    if (!dims)
      return badInputError("call [C2]: " + dims.error().message);
    Copy copy{*callee, std::move(*dims), std::vector<ValueId>(callee->values.size(), -1),
              calleePrefix(caller.prefix, callee->name),
              call.location.empty() ? caller.location : call.location};
    for (size_t i = 0; i < arguments.size(); ++i)
      copy.values[static_cast<size_t>(callee->body.inputs[i])] = arguments[i];
    if (Status status = copyNodes(copy, callee->body, to, depth + 1); !status)
      return status;
    std::vector<ValueId> outputs = mapped(copy, callee->body.outputs);
    for (size_t i = 0; i < outputs.size(); ++i)
      caller.values[static_cast<size_t>(call.results[i])] = outputs[i];
    return {};
  }

  /// "outer/callee/", cut in front where the chain is long.
  static std::string calleePrefix(const std::string &outer, const std::string &callee) {
    constexpr size_t maxLength = 256;
    std::string prefix = outer + callee + '/';
    if (prefix.size() <= maxLength)
      return prefix;
    return "..." + prefix.substr(prefix.find('/', prefix.size() - maxLength));
  }

  GraphIndex index;
  std::unordered_map<std::string, int64_t> valueNames, nodeNames;
  int64_t nodeCount = 0;
};

//===----------------------------------------------------------------------===//
// Dead nodes
//===----------------------------------------------------------------------===//

void dropDeadNodes(Block &block, std::vector<bool> &live) {
  auto mark = [&](const std::vector<ValueId> &ids) {
    for (ValueId id : ids)
      live[static_cast<size_t>(id)] = true;
  };
  auto isLive = [&](ValueId id) { return live[static_cast<size_t>(id)]; };
  mark(block.inputs);
  mark(block.outputs);
  std::vector<bool> keep(block.nodes.size());
  for (size_t i = block.nodes.size(); i-- > 0;) {
    Node &node = block.nodes[i];
    keep[i] = hasEffect(node) || std::any_of(node.results.begin(), node.results.end(), isLive);
    if (!keep[i])
      continue;
    mark(node.operands);
    mark(node.results);
    for (Block &inner : node.blocks)
      dropDeadNodes(inner, live);
  }
  size_t kept = 0;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (keep[i] && kept != i)
      block.nodes[kept] = std::move(block.nodes[i]);
    kept += keep[i];
  }
  block.nodes.resize(kept);
}

void renumber(Block &block, const std::vector<ValueId> &newIds) {
  auto update = [&](std::vector<ValueId> &ids) {
    for (ValueId &id : ids)
      id = newIds[static_cast<size_t>(id)];
  };
  update(block.inputs);
  update(block.outputs);
  for (Node &node : block.nodes) {
    update(node.operands);
    update(node.results);
    for (Block &inner : node.blocks)
      renumber(inner, newIds);
  }
}

} // namespace

void walk(const Function &function, const std::function<void(const Node &)> &visit) {
  walkBlock(function.body, visit);
}

void walk(Function &function, const std::function<void(Node &)> &visit) {
  walkBlock(function.body, visit);
}

bool hasEffect(const Node &node) {
  bool found = false;
  auto visit = [&](const Node &n) { found |= hasEffect(n.op) || n.op == Op::Call; };
  visit(node);
  for (const Block &block : node.blocks)
    walkBlock(block, visit);
  return found;
}

Result<Graph> inlineCalls(const Graph &graph, std::string_view entry) {
  const Function *function = graph.findFunction(entry);
  if (!function)
    return usageError("the model has no function `" + std::string(entry) + '`');
  Inliner inliner(graph);
  if (Status status = inliner.run(*function); !status)
    return status.takeError();
  std::set<std::string> used;
  walk(static_cast<const Function &>(inliner.result), [&](const Node &node) {
    if (node.op == Op::Parameter)
      used.insert(std::get<std::string>(node.attributes.at("parameter")));
  });
  Graph inlined;
  for (const Parameter &parameter : graph.parameters)
    if (used.count(parameter.name))
      inlined.parameters.push_back(parameter);
  inlined.functions.push_back(std::move(inliner.result));
  return inlined;
}

std::vector<const Function *> reachableFunctions(const Graph &graph, const Function &entry) {
  std::vector<const Function *> reached{&entry};
  for (size_t i = 0; i < reached.size(); ++i)
    walk(*reached[i], [&](const Node &node) {
      if (node.op != Op::Call)
        return;
      const Function *callee =
          graph.findFunction(std::get<std::string>(node.attributes.at("callee")));
      if (std::find(reached.begin(), reached.end(), callee) == reached.end())
        reached.push_back(callee);
    });
  return reached;
}

Result<Graph> specializeDims(const Graph &graph, std::string_view entry,
                             const std::map<std::string, int64_t> &sizes) {
  const Function *function = graph.findFunction(entry);
  if (!function)
    return usageError("the model has no function `" + std::string(entry) + '`');
  std::vector<std::string> names = symbolicDims(*function);
  std::map<std::string, Dim> bindings;
  std::string given;
  for (const auto &[name, size] : sizes) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string known;
      for (const std::string &other : names)
        known += (known.empty() ? "; it has `" : ", `") + other + '`';
      return usageError("function `" + function->name + "` has no symbolic dimension `" + name +
                        '`' + known);
    }
    if (size < 0)
      return usageError("the size of `" + name + "` is " + std::to_string(size) +
                        ", expected at least 0");
    bindings.emplace(name, size);
    given += (given.empty() ? "" : ", ") + name + " = " + std::to_string(size);
  }
  Graph result;
  result.parameters = graph.parameters;
  // Callers of `entry` may rely on any size, and are not needed.
  std::vector<const Function *> reached = reachableFunctions(graph, *function);
  for (const Function &other : graph.functions)
    if (std::find(reached.begin(), reached.end(), &other) != reached.end())
      result.functions.push_back(other);
  for (Function &made : result.functions) {
    if (made.name != function->name)
      continue;
    for (Value &value : made.values)
      value.type = substituteDims(std::move(value.type), bindings);
    walk(made, [&](Node &node) { substituteDims(node.attributes, bindings); });
  }
  if (Status status = validate(result); !status)
    return Error{status.error().kind, "with " + given + ": " + status.error().message};
  return result;
}

void removeDeadNodes(Function &function) {
  std::vector<bool> live(function.values.size());
  dropDeadNodes(function.body, live);
  std::vector<ValueId> newIds(function.values.size(), -1);
  std::vector<Value> values;
  for (size_t i = 0; i < live.size(); ++i) {
    if (!live[i])
      continue;
    newIds[i] = static_cast<ValueId>(values.size());
    values.push_back(std::move(function.values[i]));
  }
  function.values = std::move(values);
  renumber(function.body, newIds);
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
