//===- Executors.cpp - The ways to run a specimen -------------------------===//

#include "Executors.h"

#include "../../Conformance/Donations.h"
#include "../../Conformance/Replay.h"
#include "../../Conformance/Team.h"
#include "mlc/Graph/Rewrite.h"

#include <cmath>

namespace mlc::test {

namespace {

Way way(const char *name, Executor executor, const std::string &target, bool optimize = true,
        bool fuse = true) {
  CompileOptions options;
  options.target = target;
  options.optimize = optimize;
  options.fuse = fuse;
  return {name,
          [=](const Engine &engine, const Specimen &s) {
            return engine.evaluate(s.graph, s.parameters, s.inputs, executor, options);
          },
          /*prints=*/true};
}

/// The graph written in C++: op by op by the default engine, or traced and compiled.
Way throughCpp(const char *name, bool compiled) {
  return {name, [=](const Engine &engine, const Specimen &s) -> Result<TensorMap> {
            Replay body(s.graph, s.parameters);
            JitOptions options = body.options();
            options.engine = engine;
            try {
              std::vector<Tensor> inputs = body.ordered(s.inputs);
              return body.named(compiled ? jit(body, options)(inputs) : body(inputs));
            } catch (const Error &error) {
              return error;
            }
          }};
}

/// With every input donated to an output of its type, which gets the input's memory
/// if it is `shared`, and memory of its own else.
Way donating(const char *name, const std::string &target, bool shared) {
  return {name, [=](const Engine &engine, const Specimen &s) -> Result<TensorMap> {
            CompileOptions options;
            options.target = target;
            options.donated = donations(s.graph.functions[0]);
            auto executable = engine.compile(s.graph, s.parameters, options);
            if (!executable)
              return executable.takeError();
            TensorMap inputs, outputs;
            for (const auto &[input, tensor] : s.inputs)
              inputs.emplace(input, tensor.clone());
            if (shared)
              for (const auto &[input, output] : options.donated)
                outputs.emplace(output, inputs.at(input));
            auto call = executable->bind(inputs, outputs);
            if (!call)
              return call.takeError();
            if (Status status = call->run(); !status)
              return status.takeError();
            TensorMap results;
            for (size_t i = 0; i < call->outputs().size(); ++i)
              results.emplace(executable->interface().outputs[i].name, call->outputs()[i]);
            return results;
          }};
}

/// Runs the parts of kernels forwards, backwards, or on threads.
class Spreading : public ParallelFor {
public:
  enum class Order { Forwards, Backwards, Threads } order = Order::Forwards;

  void run(int64_t count, void (*body)(void *, int64_t), void *argument) override {
    if (order == Order::Threads)
      return threads->run(count, body, argument);
    for (int64_t i = 0; i < count; ++i)
      body(argument, order == Order::Forwards ? i : count - 1 - i);
  }

private:
  std::shared_ptr<ParallelFor> threads = ParallelFor::threads(4).orThrow();
};

/// Where two runs of a graph differ in a bit, or empty.
std::string difference(const TensorMap &a, const TensorMap &b) {
  for (const auto &[output, tensor] : a)
    if (!b.at(output).identical(tensor))
      return output;
  return "";
}

bool mentions(const Graph &graph, Op op) {
  bool found = false;
  for (const Function &function : graph.functions)
    walk(function, [&](const Node &node) { found |= node.op == op; });
  return found;
}

/// Compiled for the size that the symbolic dimension has here: the same bits as for any size,
/// unless it may be the number of an attention's queries, which are fused if there may be many.
Way specialized(const char *name, const std::string &target) {
  return {name, [=](const Engine &engine, const Specimen &s) -> Result<TensorMap> {
            CompileOptions options;
            options.target = target;
            auto evaluate = [&] {
              return engine.evaluate(s.graph, s.parameters, s.inputs, Executor::Jit, options);
            };
            auto expected = evaluate();
            if (!expected)
              return expected;
            options.dims = dimSizes(s);
            auto got = evaluate();
            if (!got || mentions(s.graph, Op::Softmax))
              return got;
            if (std::string output = difference(*expected, *got); !output.empty())
              return Error{ErrorKind::Internal, "output " + output + " has other bits"};
            return got;
          }};
}

/// With every iteration of a loop that may be anywhere and at any time: the same bits.
Way threaded(const char *name, const std::string &target) {
  return {name, [=](const Engine &engine, const Specimen &s) -> Result<TensorMap> {
            static auto spreading = std::make_shared<Spreading>();
            static Engine spread = [] {
              EngineOptions options;
              options.parallelFor = spreading;
              options.print = Evaluator::ignore;
              return Engine::create(std::move(options)).orThrow();
            }();
            CompileOptions options;
            options.target = target;
            auto expected =
                engine.evaluate(s.graph, s.parameters, s.inputs, Executor::Jit, options);
            if (!expected)
              return expected;
            options.grain = 1;
            auto executable = spread.compile(s.graph, s.parameters, options);
            if (!executable)
              return executable.takeError();
            using Order = Spreading::Order;
            for (Order order : {Order::Forwards, Order::Backwards, Order::Threads}) {
              spreading->order = order;
              auto got = (*executable)(s.inputs);
              if (!got)
                return got;
              if (std::string output = difference(*expected, *got); !output.empty())
                return Error{ErrorKind::Internal, "output " + output + " has other bits in order " +
                                                      std::to_string(static_cast<int>(order))};
            }
            return expected;
          }};
}

/// Compiled as usual, and for its threads; run on one thread and twice on all.
Way combined(const Combination &combination) {
  return {combination.name(), [=](const Engine &engine, const Specimen &s) -> Result<TensorMap> {
            static auto team = std::make_shared<Team>(1);
            static Engine teamed = [] {
              EngineOptions options;
              options.parallelFor = team;
              options.print = Evaluator::ignore;
              return Engine::create(std::move(options)).orThrow();
            }();
            CompileOptions options = combination.options();
            options.grain = 0;
            auto expected =
                engine.evaluate(s.graph, s.parameters, s.inputs, Executor::Jit, options);
            if (!expected)
              return expected;
            auto executable = teamed.compile(s.graph, s.parameters, combination.options());
            if (!executable)
              return executable.takeError();
            for (int threads : {1, combination.threads(), combination.threads()}) {
              team->resize(threads);
              auto got = (*executable)(s.inputs);
              if (!got)
                return got;
              if (std::string output = difference(*expected, *got); !output.empty())
                return Error{ErrorKind::Internal, "output " + output + " has other bits on " +
                                                      std::to_string(threads) + " threads"};
            }
            return expected;
          }};
}

/// Every result of `op` off by 1, or far off, in the first element.
void spoil(Bounded &bounded) {
  if (bounded.value.size() == 0)
    return;
  bounded.value = bounded.value.clone();
  switch (bounded.value.dtype()) {
  case DType::F32:
    bounded.value.dataAs<float>()[0] += 1;
    break;
  case DType::F16:
  case DType::BF16:
    bounded.value.dataAs<uint16_t>()[0] ^= 0x4000;
    break;
  case DType::I32:
    bounded.value.dataAs<int32_t>()[0] ^= 1;
    break;
  case DType::I64:
    bounded.value.dataAs<int64_t>()[0] ^= 1;
    break;
  default:
    bounded.value.dataAs<bool>()[0] ^= true;
  }
}

} // namespace

std::vector<Way> allWays(const std::string &target) {
  return {way("reference", Executor::Reference, target),
          way("eager", Executor::Eager, target),
          way("jit, optimised, fused", Executor::Jit, target),
          way("jit, optimised, unfused", Executor::Jit, target, true, false),
          way("jit, O0, fused", Executor::Jit, target, false, true),
          way("jit, O0, unfused", Executor::Jit, target, false, false),
          specialized("jit, for one size", target),
          donating("jit, outputs in inputs", target, true),
          donating("jit, outputs beside inputs", target, false),
          threaded("jit, on threads", target),
          throughCpp("C++, op by op", false),
          throughCpp("C++, traced and compiled", true)};
}

std::vector<Way> matrixWays(const std::string &prefix) {
  std::vector<Way> ways;
  for (const Combination &combination : allCombinations())
    if (combination.name().rfind(prefix, 0) == 0)
      ways.push_back(combined(combination));
  return ways;
}

Way brokenReference(const std::string &op) {
  return {"reference with a wrong " + op,
          [op](const Engine &, const Specimen &s) -> Result<TensorMap> {
            const Function &function = s.graph.functions[0];
            std::vector<Bounded> values(function.values.size());
            std::vector<Bounded> inputs = orderedInputs(s);
            for (size_t i = 0; i < inputs.size(); ++i)
              values[static_cast<size_t>(function.body.inputs[i])] = std::move(inputs[i]);
            Evaluator evaluator(s.graph, s.parameters, dimSizes(s));
            for (const Node &node : function.body.nodes) {
              std::vector<Bounded> operands;
              for (ValueId id : node.operands)
                operands.push_back(values[static_cast<size_t>(id)]);
              auto results = evaluator.evaluate(node, operands, function.values);
              if (!results)
                return results.takeError();
              for (size_t i = 0; i < node.results.size(); ++i) {
                if (opInfo(node.op).name == op)
                  spoil((*results)[i]);
                values[static_cast<size_t>(node.results[i])] = std::move((*results)[i]);
              }
            }
            TensorMap outputs;
            for (size_t i = 0; i < function.outputNames.size(); ++i)
              outputs.emplace(function.outputNames[i],
                              values[static_cast<size_t>(function.body.outputs[i])].value);
            return outputs;
          }};
}

/// The labels of what is printed, in their order.
static PrintFunction noteLabels(std::string &labels) {
  return [&](std::string_view label, const Tensor &) { labels += ' ' + std::string(label); };
}

std::string check(const Engine &engine, const Specimen &specimen, const Way &way, Tally *tally) {
  const Function &function = specimen.graph.functions[0];
  std::string expectedLabels, labels;
  auto expected = evaluateBounded(specimen.graph, function, specimen.parameters,
                                  orderedInputs(specimen), noteLabels(expectedLabels));
  if (!expected)
    return "the reference fails: " + expected.error().message;
  engine.setPrint(noteLabels(labels));
  auto got = way.run(engine, specimen);
  engine.setPrint(Evaluator::ignore);
  if (!got)
    return "fails: " + got.error().message;
  // Which branch runs may hang on the last bit of a float, and with it what is printed.
  if (way.prints && labels != expectedLabels && !mentions(specimen.graph, Op::If))
    return "prints" + labels + ", expected" + expectedLabels;
  for (size_t i = 0; i < function.outputNames.size(); ++i) {
    const std::string &name = function.outputNames[i];
    auto found = got->find(name);
    if (found == got->end())
      return "gives no output " + name;
    const Bounded &bounded = (*expected)[i];
    if (way.name == "reference" && !found->second.identical(bounded.value))
      return "output " + name + " differs from the same nodes evaluated one by one";
    std::string message = compareBounded(found->second, bounded);
    if (!message.empty())
      return "output " + name + ": " + message;
    if (tally) {
      for (double e : bounded.error) {
        tally->unknown += std::isinf(e);
        tally->exact += e == 0;
      }
      tally->elements += bounded.value.size();
    }
  }
  return "";
}

} // namespace mlc::test
