//===- EagerRunner.cpp - Op by op -----------------------------------------===//
//
// Works on graphs, the way an eager framework does: for every op of every run
// it looks at the operands' shapes, finds the kernel for them, allocates the
// result and calls the kernel. A kernel is the op alone, compiled as a graph of
// one node on inputs of those shapes; equal ops share one image in the Engine.
// Parameters and constants are tensors at hand. Intermediate tensors are freed
// after their last use. What is prepared once per function is what a traced
// program would hold in its code: which op, on which values.
//
//===----------------------------------------------------------------------===//
#include "ControlFlow.h"
#include "DebugNans.h"
#include "OpKernel.h"
#include "Signature.h"

#include <algorithm>
#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

namespace {

/// One op for one set of shapes.
struct Kernel {
  /// The operands' dimensions, in order, then the function's symbolic ones if an
  /// attribute mentions any.
  std::vector<int64_t> key;
  OpKernel op;
};

struct BlockPlan;

struct NodePlan {
  const Node *node = nullptr;
  BlockPlan *callee = nullptr;     ///< Of a call.
  std::vector<BlockPlan *> blocks; ///< Of if, while and scan.
  bool dependsOnDims = false;      ///< An attribute mentions a symbolic dimension.
  std::vector<Kernel> kernels;
  std::vector<ValueId> dead; ///< Values that nobody needs after this node.
};

/// What stays the same from run to run, of a function or a block in one.
struct BlockPlan {
  const Function *function = nullptr;
  const Block *block = nullptr;
  std::vector<NodePlan> nodes;
  std::vector<std::pair<ValueId, Tensor>> atHand; ///< Parameters and constants.
  std::vector<std::string> dimNames;
  /// Where the size of each symbolic dimension is read: input and dimension.
  std::vector<std::pair<size_t, size_t>> dimSources;
  /// Outputs that may share memory with an input, a parameter or each other.
  std::vector<bool> aliases;
};

bool matches(const Kernel &kernel, const std::vector<const Tensor *> &operands,
             const std::vector<int64_t> *dims) {
  const int64_t *expected = kernel.key.data();
  for (const Tensor *operand : operands)
    for (int64_t size : operand->shape())
      if (*expected++ != size)
        return false;
  return !dims || std::equal(dims->begin(), dims->end(), expected);
}

} // namespace

struct EagerRunner::State {
  Graph graph;
  Engine engine;
  CompileOptions options;
  ImageInterface interface; ///< Of the entry.
  std::map<const Block *, BlockPlan> plans;
  BlockPlan *entry = nullptr;
  std::vector<const Tensor *> operands; ///< Of the op that is dispatched.
  std::vector<Tensor> results;          ///< Likewise.

  explicit State(const Engine &engine) : engine(engine) {}

  BlockPlan *plan(const Function &function, const Block &body, const TensorMap &parameters);
  Result<Kernel> makeKernel(const BlockPlan &plan, const NodePlan &step,
                            const std::vector<int64_t> &dims);
  Result<std::vector<Tensor>> executeFunction(BlockPlan &plan, const std::vector<Tensor> &inputs);
  Result<std::vector<Tensor>> execute(BlockPlan &plan, const std::vector<Tensor> &inputs,
                                      const std::vector<int64_t> &dims);
  Status dispatch(const BlockPlan &plan, NodePlan &step, const std::vector<int64_t> &dims,
                  std::vector<std::optional<Tensor>> &owned);
};

/// Calls do not recurse in a valid graph, so this ends; a function that is
/// called from many places is planned once.
BlockPlan *EagerRunner::State::plan(const Function &function, const Block &body,
                                    const TensorMap &parameters) {
  if (auto found = plans.find(&body); found != plans.end())
    return &found->second;
  BlockPlan result;
  result.function = &function;
  result.block = &body;

  result.dimNames = symbolicDims(function);
  for (const std::string &name : result.dimNames)
    for (size_t i = 0; i < body.inputs.size(); ++i) {
      const Dims &dims = function.values[static_cast<size_t>(body.inputs[i])].type.dims;
      auto found = std::find(dims.begin(), dims.end(), Dim(name));
      if (found == dims.end())
        continue;
      result.dimSources.emplace_back(i, static_cast<size_t>(found - dims.begin()));
      break;
    }

  std::vector<bool> borrowed(function.values.size(), false);
  for (ValueId input : body.inputs)
    borrowed[static_cast<size_t>(input)] = true;
  std::vector<size_t> lastUse(function.values.size(), 0);
  for (const Node &node : body.nodes) {
    if (node.op == Op::Parameter || node.op == Op::Constant) {
      Tensor tensor = node.op == Op::Parameter
                          ? parameters.at(std::get<std::string>(node.attributes.at("parameter")))
                          : std::get<Tensor>(node.attributes.at("value"));
      result.atHand.emplace_back(node.results[0], std::move(tensor));
      borrowed[static_cast<size_t>(node.results[0])] = true;
      continue;
    }
    NodePlan step;
    step.node = &node;
    if (node.op == Op::Call) {
      const Function &callee =
          *graph.findFunction(std::get<std::string>(node.attributes.at("callee")));
      step.callee = plan(callee, callee.body, parameters);
      for (size_t i = 0; i < node.results.size(); ++i)
        borrowed[static_cast<size_t>(node.results[i])] = step.callee->aliases[i];
    }
    for (const Block &block : node.blocks)
      step.blocks.push_back(plan(function, block, parameters));
    if (!step.blocks.empty()) // a block may return what it was given
      for (ValueId value : node.results)
        borrowed[static_cast<size_t>(value)] = true;
    step.dependsOnDims = mentionsDims(node.attributes);
    for (const auto *list : {&node.operands, &node.results})
      for (ValueId value : *list)
        lastUse[static_cast<size_t>(value)] = result.nodes.size();
    result.nodes.push_back(std::move(step));
  }
  for (size_t i = 0; i < result.nodes.size(); ++i) {
    NodePlan &step = result.nodes[i];
    for (const auto *list : {&step.node->operands, &step.node->results})
      for (ValueId value : *list)
        if (lastUse[static_cast<size_t>(value)] == i &&
            std::find(body.outputs.begin(), body.outputs.end(), value) == body.outputs.end())
          step.dead.push_back(value);
  }
  for (ValueId output : body.outputs) {
    result.aliases.push_back(borrowed[static_cast<size_t>(output)]);
    borrowed[static_cast<size_t>(output)] = true; // a second mention shares with the first
  }
  return &plans.emplace(&body, std::move(result)).first->second;
}

/// The size of `dim`, whose name is one of the function's.
static int64_t sizeOf(const BlockPlan &plan, const std::vector<int64_t> &dims, const Dim &dim) {
  auto name = std::find(plan.dimNames.begin(), plan.dimNames.end(), dim.name);
  return dim.isSymbolic() ? dims[static_cast<size_t>(name - plan.dimNames.begin())] : dim.size;
}

/// What a step of a scan collects.
static std::vector<std::pair<DType, Shape>> collectedTypes(const BlockPlan &plan, const Node &node,
                                                           const std::vector<int64_t> &dims) {
  std::vector<std::pair<DType, Shape>> types;
  for (size_t i = static_cast<size_t>(std::get<int64_t>(node.attributes.at("carried")));
       i < node.results.size(); ++i) {
    const TensorType &type = plan.function->values[static_cast<size_t>(node.results[i])].type;
    Shape shape;
    for (size_t d = 1; d < type.dims.size(); ++d)
      shape.push_back(sizeOf(plan, dims, type.dims[d]));
    types.emplace_back(type.dtype, std::move(shape));
  }
  return types;
}

/// Compiles the op of `step` for the shapes of `operands`.
Result<Kernel> EagerRunner::State::makeKernel(const BlockPlan &plan, const NodePlan &step,
                                              const std::vector<int64_t> &dims) {
  Kernel kernel;
  for (const Tensor *operand : operands)
    kernel.key.insert(kernel.key.end(), operand->shape().begin(), operand->shape().end());
  Node node = *step.node;
  if (step.dependsOnDims) {
    kernel.key.insert(kernel.key.end(), dims.begin(), dims.end());
    for (auto &attribute : node.attributes)
      if (auto *sizes = std::get_if<Dims>(&attribute.second))
        for (Dim &dim : *sizes)
          dim = Dim(sizeOf(plan, dims, dim));
  }
  auto op = OpKernel::make(engine, std::move(node), operands, options);
  if (!op)
    return op.takeError();
  kernel.op = std::move(*op);
  return kernel;
}

/// Runs one op on the values in `operands`, into fresh tensors.
Status EagerRunner::State::dispatch(const BlockPlan &plan, NodePlan &step,
                                    const std::vector<int64_t> &dims,
                                    std::vector<std::optional<Tensor>> &owned) {
  auto found = std::find_if(step.kernels.begin(), step.kernels.end(), [&](const Kernel &kernel) {
    return matches(kernel, operands, step.dependsOnDims ? &dims : nullptr);
  });
  if (found == step.kernels.end()) {
    auto kernel = makeKernel(plan, step, dims);
    if (!kernel)
      return kernel.takeError();
    found = step.kernels.insert(found, std::move(*kernel));
  }
  if (Status status = found->op.run(operands, results); !status)
    return status;
  if (engine.debugsNans())
    if (Status status = refuseNewNan(opInfo(step.node->op).name, operands, results); !status)
      return status;
  for (size_t i = 0; i < results.size(); ++i)
    owned[static_cast<size_t>(step.node->results[i])] = std::move(results[i]);
  return {};
}

Result<std::vector<Tensor>> EagerRunner::State::executeFunction(BlockPlan &plan,
                                                                const std::vector<Tensor> &inputs) {
  std::vector<int64_t> dims;
  dims.reserve(plan.dimSources.size());
  for (const auto &source : plan.dimSources)
    dims.push_back(inputs[source.first].shape()[source.second]);
  return execute(plan, inputs, dims);
}

Result<std::vector<Tensor>> EagerRunner::State::execute(BlockPlan &plan,
                                                        const std::vector<Tensor> &inputs,
                                                        const std::vector<int64_t> &dims) {
  const Function &function = *plan.function;
  const Block &body = *plan.block;
  // Where each value lives: here, or with an input, a parameter or a constant.
  std::vector<std::optional<Tensor>> owned(function.values.size());
  std::vector<const Tensor *> values(function.values.size(), nullptr);
  for (size_t i = 0; i < inputs.size(); ++i)
    values[static_cast<size_t>(body.inputs[i])] = &inputs[i];
  for (const auto &entry : plan.atHand)
    values[static_cast<size_t>(entry.first)] = &entry.second;

  // Of nested blocks and calls, the innermost node is the one to name.
  auto failed = [&](const Node &node, Error error) {
    if (error.message.compare(0, 10, "function `") != 0)
      error.message = placeOf(function, node) + error.message;
    return error;
  };
  for (NodePlan &step : plan.nodes) {
    const Node &node = *step.node;
    if (step.callee || !step.blocks.empty()) {
      std::vector<Tensor> arguments;
      arguments.reserve(node.operands.size());
      for (ValueId operand : node.operands)
        arguments.push_back(*values[static_cast<size_t>(operand)]);
      auto runBlock = [&](size_t block, const std::vector<Tensor> &given) {
        return execute(*step.blocks[block], given, dims);
      };
      auto collected = [&] { return collectedTypes(plan, node, dims); };
      auto results = step.callee ? executeFunction(*step.callee, arguments)
                                 : runControlFlow(node, arguments, runBlock, collected);
      if (!results)
        return failed(node, results.takeError());
      for (size_t i = 0; i < results->size(); ++i)
        owned[static_cast<size_t>(node.results[i])] = std::move((*results)[i]);
    } else {
      operands.clear();
      for (ValueId operand : node.operands)
        operands.push_back(values[static_cast<size_t>(operand)]);
      if (Status status = dispatch(plan, step, dims, owned); !status)
        return failed(node, status.takeError());
    }
    for (ValueId result : node.results)
      values[static_cast<size_t>(result)] = &*owned[static_cast<size_t>(result)];
    for (ValueId value : step.dead)
      owned[static_cast<size_t>(value)].reset();
  }

  std::vector<Tensor> outputs;
  outputs.reserve(body.outputs.size());
  for (ValueId output : body.outputs)
    outputs.push_back(*values[static_cast<size_t>(output)]);
  return outputs;
}

EagerRunner::EagerRunner(std::unique_ptr<State> state) : state(std::move(state)) {}
EagerRunner::EagerRunner(EagerRunner &&) noexcept = default;
EagerRunner &EagerRunner::operator=(EagerRunner &&) noexcept = default;
EagerRunner::~EagerRunner() = default;

Result<EagerRunner> EagerRunner::create(const Engine &engine, const Graph &graph,
                                        const TensorMap &parameters,
                                        const CompileOptions &options) {
  if (!options.dims.empty())
    return specialized(graph, options, [&](const Graph &made, const CompileOptions &rest) {
      return create(engine, made, parameters, rest);
    });
  auto entry = checkedEntry(graph, options.function);
  if (!entry)
    return entry.takeError();
  if (Status status = checkParameters(graph, **entry, parameters); !status)
    return status.takeError();
  auto state = std::make_unique<State>(engine);
  state->graph = graph;
  state->options = options;
  state->options.function.clear(); // This and the next are the graph's, not an op's.
  state->options.donated.clear();
  state->options.weights = WeightType::AsGiven; // An op alone has no parameters.
  const Function &function = *state->graph.findFunction((*entry)->name);
  state->interface = interfaceOf(function);
  state->entry = state->plan(function, function.body, parameters);
  return EagerRunner(std::move(state));
}

Result<std::vector<Tensor>> EagerRunner::run(const std::vector<Tensor> &inputs) {
  if (inputs.size() != state->interface.inputs.size())
    return badInputError("got " + std::to_string(inputs.size()) + " inputs, expected " +
                         std::to_string(state->interface.inputs.size()));
  auto outputs = state->executeFunction(*state->entry, inputs);
  if (!outputs)
    return outputs;
  for (size_t i = 0; i < outputs->size(); ++i)
    if (state->entry->aliases[i])
      (*outputs)[i] = (*outputs)[i].clone();
  return outputs;
}

Result<TensorMap> EagerRunner::operator()(const TensorMap &inputs) {
  auto bound = bindTensors(state->interface, inputs, {}, /*memory=*/nullptr);
  if (!bound)
    return bound.takeError();
  auto outputs = run(bound->inputs);
  if (!outputs)
    return outputs.takeError();
  TensorMap results;
  for (size_t i = 0; i < outputs->size(); ++i)
    results.emplace(state->interface.outputs[i].name, std::move((*outputs)[i]));
  return results;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
