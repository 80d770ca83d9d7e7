//===- Validate.cpp - Whether a graph is well formed ----------------------------===//
//
// First each function's structure: names, types, ids, every value defined once
// and before its uses. Then, for functions whose structure is sound, inference.
// Last the calls between functions. Nothing here trusts its input: recursion is
// over nested blocks only, whose depth is checked first.
//
//===----------------------------------------------------------------------===//

#include "mlc/Graph/Validate.h"
#include "CallGraph.h"
#include "Findings.h"
#include "Names.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Support/CheckedMath.h"

#include <algorithm>
#include <unordered_set>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

std::string quoted(std::string_view name) { return '`' + std::string(name) + '`'; }

/// An error, unless the type is one that a value may have.
Status checkType(const TensorType &type, const GraphLimits &limits) {
  if (type.rank() > limits.maxRank)
    return resourceError("has rank " + std::to_string(type.rank()) + ", at most " +
                         std::to_string(limits.maxRank) + " is allowed");
  // Dimensions of size 0 count as 1, so that strides stay bounded too.
  std::optional<int64_t> bytes = dtypeBytes(type.dtype);
  for (const Dim &dim : type.dims) {
    if (dim.isSymbolic() && !isDimName(dim.name))
      return badInputError("has a dimension named \"" + printable(dim.name) +
                           "\"; expected letters, digits and _, not beginning with a digit");
    if (dim.size < 0 || (dim.isSymbolic() && dim.size != 0))
      return badInputError("has the dimension " + std::to_string(dim.size) +
                           "; expected a size >= 0 or a name");
    if (bytes && dim.size > 0)
      bytes = checkedMul(*bytes, dim.size);
  }
  if (!bytes || *bytes > limits.maxTensorBytes)
    return resourceError("is " + toString(type) + ", which takes more than " +
                         std::to_string(limits.maxTensorBytes) + " bytes");
  return {};
}

Status checkConstant(const Tensor &value, const GraphLimits &limits) {
  if (value.byteSize() > limits.maxConstantBytes)
    return resourceError("constant: `value` takes " + std::to_string(value.byteSize()) +
                         " bytes, more than " + std::to_string(limits.maxConstantBytes) +
                         "; make it a parameter");
  if (value.dtype() != DType::Bool)
    return {};
  const auto *bytes = value.dataAs<uint8_t>();
  for (int64_t i = 0; i < value.size(); ++i)
    if (bytes[i] > 1)
      return badInputError("constant: element " + std::to_string(i) + " of `value` is bool " +
                           std::to_string(bytes[i]) + ", expected 0 or 1");
  return {};
}

//===----------------------------------------------------------------------===//
// One function
//===----------------------------------------------------------------------===//

class FunctionChecker {
public:
  FunctionChecker(const Function &function, const GraphLimits &limits, Findings &findings)
      : function(function), limits(limits), findings(findings) {}

  /// Everything that needs no other function. False if there were findings.
  bool checkStructure() {
    int64_t before = findings.size();
    checkNames();
    for (const Value &value : function.values) {
      if (findings.full())
        break;
      if (Status status = checkType(value.type, limits); !status)
        report("value " + quoted(printable(value.name)) + ' ', status.error());
    }
    scopes.assign(function.values.size(), kUndefined);
    if (checkIds(function.body, 0)) {
      defineValues(function.body, 0);
      for (size_t i = 0; i < scopes.size() && !findings.full(); ++i)
        if (scopes[i] == kUndefined)
          report("", badInputError("nothing defines value " + quoted(function.values[i].name)));
      visible.assign(function.values.size(), false);
      nextScope = 0;
      checkOrder(function.body);
    }
    return findings.size() == before;
  }

  /// Attributes and types, by inference. `unsound` functions cannot be called.
  void checkTypes(const GraphIndex &index,
                  const std::unordered_set<const Function *> &unsoundFunctions) {
    context.index = &index;
    unsound = &unsoundFunctions;
    for (const std::string &name : symbolicDims(function))
      inputDims.insert(name);
    context.dims = &inputDims;
    checkSymbolicDims();
    inferBlock(function.body);
  }

private:
  static constexpr int32_t kUndefined = -1;

  void report(const std::string &what, const Error &error) {
    findings.add(
        {error.kind, "function " + quoted(printable(function.name)) + ": " + what + error.message});
  }
  void report(const Node &node, const Error &error) {
    std::string location = node.location.empty() ? "" : " (" + printable(node.location) + ')';
    report("node " + quoted(printable(node.name)) + location + ": ", error);
  }

  const std::string &valueName(ValueId id) const {
    return function.values[static_cast<size_t>(id)].name;
  }

  //===--- Names ---------------------------------------------------------===//

  void checkName(std::unordered_set<std::string_view> &taken, const char *what,
                 const std::string &name) {
    if (!isName(name))
      report("", badInputError(nameError(what, name)));
    else if (!taken.insert(name).second)
      report("", badInputError(std::string("two ") + what + "s are named " + quoted(name)));
  }

  void checkNodeNames(const Block &block, std::unordered_set<std::string_view> &taken, int depth) {
    if (depth > limits.maxBlockDepth)
      return;
    for (const Node &node : block.nodes) {
      if (findings.full())
        return;
      checkName(taken, "node", node.name);
      if (!node.location.empty() && !isName(node.location))
        report(node, badInputError(nameError("location", node.location)));
      for (const Block &inner : node.blocks)
        checkNodeNames(inner, taken, depth + 1);
    }
  }

  void checkNames() {
    std::unordered_set<std::string_view> values, nodes, outputs;
    for (const Value &value : function.values)
      if (!findings.full())
        checkName(values, "value", value.name);
    checkNodeNames(function.body, nodes, 0);
    for (const std::string &name : function.outputNames)
      if (!findings.full())
        checkName(outputs, "output", name);
    if (function.outputNames.size() != function.body.outputs.size())
      report("", badInputError("has " + std::to_string(function.body.outputs.size()) +
                               " outputs, but " + std::to_string(function.outputNames.size()) +
                               " output names"));
  }

  //===--- Definitions and uses ------------------------------------------===//

  /// Whether all ids are those of values and blocks are not nested too deeply.
  bool checkIds(const Block &block, int64_t depth) {
    if (depth > limits.maxBlockDepth) {
      report("", resourceError("blocks are nested deeper than " +
                               std::to_string(limits.maxBlockDepth)));
      return false;
    }
    auto inRange = [&](const std::vector<ValueId> &ids) {
      return std::all_of(ids.begin(), ids.end(), [&](ValueId id) {
        return id >= 0 && static_cast<size_t>(id) < function.values.size();
      });
    };
    if (!inRange(block.inputs) || !inRange(block.outputs)) {
      report("", badInputError("an input or output is not a value of the function"));
      return false;
    }
    for (const Node &node : block.nodes) {
      if (!inRange(node.operands) || !inRange(node.results)) {
        report(node, badInputError("an operand or result is not a value of the function"));
        return false;
      }
      for (const Block &inner : node.blocks)
        if (!checkIds(inner, depth + 1))
          return false;
    }
    return true;
  }

  /// Fills `scopes`: by value, the number of the block that defines it.
  void defineValues(const Block &block, int32_t scope) {
    auto define = [&](ValueId id, const Node *node) {
      int32_t &defined = scopes[static_cast<size_t>(id)];
      if (defined != kUndefined && !findings.full()) {
        Error error = badInputError("value " + quoted(valueName(id)) + " is defined twice");
        node ? report(*node, error) : report("", error);
      }
      defined = scope;
    };
    for (ValueId id : block.inputs)
      define(id, nullptr);
    for (const Node &node : block.nodes) {
      for (ValueId id : node.results)
        define(id, &node);
      for (const Block &inner : node.blocks)
        defineValues(inner, ++nextScope);
    }
  }

  /// Reports uses of values that are not defined yet or belong to other blocks.
  void checkOrder(const Block &block) {
    int32_t scope = nextScope;
    bool early = false;
    auto see = [&](const std::vector<ValueId> &ids) {
      for (ValueId id : ids)
        visible[static_cast<size_t>(id)] = true;
    };
    auto isForeign = [&](ValueId id) {
      int32_t defined = scopes[static_cast<size_t>(id)];
      return defined != scope && defined != kUndefined;
    };
    see(block.inputs);
    for (const Node &node : block.nodes) {
      for (ValueId id : node.operands) {
        if (isForeign(id) && !findings.full())
          report(node, badInputError("uses value " + quoted(valueName(id)) + " of another block"));
        early |= scopes[static_cast<size_t>(id)] == scope && !visible[static_cast<size_t>(id)];
      }
      for (const Block &inner : node.blocks) {
        ++nextScope;
        checkOrder(inner);
      }
      see(node.results);
    }
    for (ValueId id : block.outputs)
      if (isForeign(id) && !findings.full())
        report("", badInputError("a block returns value " + quoted(valueName(id)) +
                                 " of another block"));
    if (early && !findings.full())
      reportEarlyUses(block);
  }

  /// Names the cycles if there are any, else the uses before the definition.
  void reportEarlyUses(const Block &block) {
    constexpr size_t none = static_cast<size_t>(-1);
    std::vector<size_t> definer(function.values.size(), none);
    for (size_t i = 0; i < block.nodes.size(); ++i)
      for (ValueId id : block.nodes[i].results)
        definer[static_cast<size_t>(id)] = i;
    auto successors = [&](size_t node) {
      std::vector<size_t> list;
      for (ValueId id : block.nodes[node].operands)
        if (definer[static_cast<size_t>(id)] != none)
          list.push_back(definer[static_cast<size_t>(id)]);
      return list;
    };
    bool cyclic = false;
    depthFirst(
        block.nodes.size(), successors, [](size_t) {},
        [&](const std::vector<size_t> &cycle) {
          cyclic = true;
          const Node &first = block.nodes[cycle.front()];
          if (cycle.size() == 1)
            report(first, badInputError("uses its own result"));
          else
            report("", badInputError("nodes form a cycle, each using the next: " +
                                     cycleText(cycle, [&](size_t i) -> const std::string & {
                                       return block.nodes[i].name;
                                     })));
          return !findings.full();
        });
    if (cyclic)
      return;
    for (size_t i = 0; i < block.nodes.size(); ++i)
      for (ValueId id : block.nodes[i].operands) {
        size_t by = definer[static_cast<size_t>(id)];
        if (by != none && by > i && !findings.full())
          report(block.nodes[i],
                 badInputError("uses value " + quoted(valueName(id)) + " before node " +
                               quoted(block.nodes[by].name) + " defines it"));
      }
  }

  //===--- Types ---------------------------------------------------------===//

  void checkSymbolicDims() {
    std::set<std::string> unknown;
    for (const Value &value : function.values)
      for (const Dim &dim : value.type.dims)
        if (dim.isSymbolic() && !inputDims.count(dim.name) && unknown.size() <= 20)
          unknown.insert(dim.name);
    if (unknown.empty())
      return;
    std::string list;
    for (const std::string &name : unknown)
      list += (list.empty() ? "" : ", ") + quoted(name);
    report("", badInputError("symbolic dimensions that occur in no input: " + list));
  }

  void inferBlock(const Block &block) {
    for (const Node &node : block.nodes) {
      if (findings.full())
        return;
      if (Status status = checkNode(node); !status)
        report(node, status.error());
      for (const Block &inner : node.blocks)
        inferBlock(inner);
    }
  }

  Status checkNode(const Node &node) {
    const OpInfo &info = opInfo(node.op);
    if (node.attributes.size() > static_cast<size_t>(info.numAttributes))
      if (auto complete = completeAttributes(node.op, node.attributes); !complete)
        return complete.takeError();
    for (const auto &[name, value] : node.attributes)
      if (const auto *dims = std::get_if<Dims>(&value))
        if (Status status = checkType({DType::Bool, *dims}, limits); !status)
          return Error{status.error().kind, std::string(info.name) + ": attribute " + quoted(name) +
                                                ' ' + status.error().message};
    if (node.op == Op::Call)
      if (auto found = node.attributes.find("callee"); found != node.attributes.end())
        if (const auto *callee = std::get_if<std::string>(&found->second))
          if (unsound->count(context.index->findFunction(*callee)))
            return {}; // Reported there.
    std::vector<TensorType> operands, declared;
    for (ValueId id : node.operands)
      operands.push_back(function.values[static_cast<size_t>(id)].type);
    for (ValueId id : node.results)
      declared.push_back(function.values[static_cast<size_t>(id)].type);
    context.blocks = blockTypes(function, node);
    auto inferred = inferTypes(node.op, operands, node.attributes, context);
    if (!inferred)
      return inferred.takeError();
    if (node.op == Op::Constant)
      if (Status status = checkConstant(std::get<Tensor>(node.attributes.at("value")), limits);
          !status)
        return status;
    return checkResultTypes(node.op, *inferred, declared);
  }

  const Function &function;
  const GraphLimits &limits;
  Findings &findings;
  std::vector<int32_t> scopes;
  std::vector<bool> visible;
  int32_t nextScope = 0;
  InferContext context;
  std::set<std::string> inputDims;
  const std::unordered_set<const Function *> *unsound = nullptr;
};

void checkGraphNames(const Graph &graph, const GraphLimits &limits, Findings &findings) {
  auto check = [&](std::unordered_set<std::string_view> &taken, const char *what,
                   const std::string &name) {
    if (!isName(name))
      findings.add(badInputError(nameError(what, name)));
    else if (!taken.insert(name).second)
      findings.add(badInputError(std::string("two ") + what + "s are named " + quoted(name)));
  };
  std::unordered_set<std::string_view> functions, parameters;
  if (graph.functions.empty())
    findings.add(badInputError("the graph has no function"));
  for (const Function &function : graph.functions)
    check(functions, "function", function.name);
  for (const Parameter &parameter : graph.parameters) {
    if (findings.full())
      return;
    check(parameters, "parameter", parameter.name);
    std::string where = "parameter " + quoted(printable(parameter.name)) + ' ';
    if (Status status = checkType(parameter.type, limits); !status)
      findings.add({status.error().kind, where + status.error().message});
    for (const Dim &dim : parameter.type.dims)
      if (dim.isSymbolic())
        findings.add(badInputError(where + "has the symbolic dimension " +
                                   quoted(printable(dim.name)) + "; expected known sizes"));
  }
}

} // namespace

Status validate(const Graph &graph, const GraphLimits &limits) {
  Findings findings;
  checkGraphNames(graph, limits, findings);
  std::unordered_set<const Function *> unsound;
  for (const Function &function : graph.functions)
    if (!findings.full() && !FunctionChecker(function, limits, findings).checkStructure())
      unsound.insert(&function);
  GraphIndex index(graph);
  for (const Function &function : graph.functions)
    if (!findings.full() && !unsound.count(&function))
      FunctionChecker(function, limits, findings).checkTypes(index, unsound);
  if (!findings.full() && unsound.empty())
    checkCalls(graph, limits, findings);
  return findings.status();
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
