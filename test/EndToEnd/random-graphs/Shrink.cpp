//===- Shrink.cpp - Smaller specimens that still fail ---------------------===//

#include "Shrink.h"

#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"

#include <algorithm>
#include <optional>
#include <set>

namespace mlc::test {

namespace {

Function &entry(Specimen &specimen) { return specimen.graph.functions[0]; }

/// Drops what nothing needs any more: nodes, inputs, parameters, functions.
void tidy(Specimen &specimen) {
  Function &function = entry(specimen);
  removeDeadNodes(function);
  std::set<ValueId> used(function.body.outputs.begin(), function.body.outputs.end());
  std::set<std::string> parameters;
  walk(static_cast<const Function &>(function), [&](const Node &node) {
    used.insert(node.operands.begin(), node.operands.end());
    if (node.op == Op::Parameter)
      parameters.insert(std::get<std::string>(node.attributes.at("parameter")));
  });
  std::vector<ValueId> inputs;
  for (ValueId id : function.body.inputs)
    if (used.count(id))
      inputs.push_back(id);
    else
      specimen.inputs.erase(function.values[static_cast<size_t>(id)].name);
  function.body.inputs = inputs;
  removeDeadNodes(function); // forgets the values of those inputs
  if (specimen.graph.functions.size() > 1)
    return; // callees may need any parameter
  std::vector<Parameter> kept;
  for (Parameter &parameter : specimen.graph.parameters)
    if (parameters.count(parameter.name))
      kept.push_back(std::move(parameter));
  specimen.graph.parameters = std::move(kept);
  // Also those that inlining has dropped from the graph: a tensor that is no parameter is an
  // error, which would look like the failure.
  for (auto it = specimen.parameters.begin(); it != specimen.parameters.end();)
    it = parameters.count(it->first) ? std::next(it) : specimen.parameters.erase(it);
}

class Shrinker {
public:
  Shrinker(Specimen specimen, const std::function<bool(const Specimen &)> &fails)
      : best(std::move(specimen)), fails(fails) {}

  Specimen run() {
    inlineAll();
    bool progress = true;
    while (progress) {
      progress = takeEarliestOutput();
      progress |= cutNodes();
      progress |= fixDim();
    }
    return std::move(best);
  }

private:
  Specimen best;
  const std::function<bool(const Specimen &)> &fails;

  bool accept(Specimen candidate) {
    tidy(candidate);
    if (!validate(candidate.graph) ||
        !checkExecutable(candidate.graph, candidate.graph.functions[0]) || !fails(candidate))
      return false;
    best = std::move(candidate);
    return true;
  }

  void inlineAll() {
    if (best.graph.functions.size() == 1)
      return;
    auto inlined = inlineCalls(best.graph, entry(best).name);
    if (!inlined)
      return;
    Specimen candidate = best;
    candidate.graph = std::move(*inlined);
    accept(std::move(candidate));
  }

  /// The first value that fails as the only output.
  bool takeEarliestOutput() {
    const Function &function = entry(best);
    size_t before = function.body.nodes.size() + function.body.outputs.size();
    for (const Node &node : function.body.nodes)
      for (ValueId result : node.results) {
        Specimen candidate = best;
        entry(candidate).body.outputs = {result};
        entry(candidate).outputNames = {"y"};
        if (accept(std::move(candidate)))
          return entry(best).body.nodes.size() + entry(best).body.outputs.size() < before;
      }
    return false;
  }

  /// Turns the results of one node after the other into inputs.
  bool cutNodes() {
    bool progress = false;
    for (size_t i = 0; i < entry(best).body.nodes.size();)
      if (cut(i))
        progress = true; // the node at i is another one now
      else
        ++i;
    return progress;
  }

  bool cut(size_t index) {
    Specimen candidate = best;
    Function &function = entry(candidate);
    auto values = evaluateValues(best.graph, entry(best), best.parameters, orderedInputs(best));
    if (!values)
      return false;
    for (ValueId id : function.body.nodes[index].results) {
      function.body.inputs.push_back(id);
      candidate.inputs.emplace(function.values[static_cast<size_t>(id)].name,
                               (*values)[static_cast<size_t>(id)].value);
    }
    function.body.nodes.erase(function.body.nodes.begin() + static_cast<int64_t>(index));
    return accept(std::move(candidate));
  }

  bool fixDim() {
    std::map<std::string, int64_t> sizes = dimSizes(best);
    if (sizes.empty())
      return false;
    auto made = specializeDims(best.graph, entry(best).name, sizes);
    if (!made)
      return false;
    Specimen candidate = best;
    candidate.graph = std::move(*made);
    return accept(std::move(candidate));
  }
};

} // namespace

Specimen shrink(Specimen specimen, const std::function<bool(const Specimen &)> &fails) {
  return Shrinker(std::move(specimen), fails).run();
}

} // namespace mlc::test
