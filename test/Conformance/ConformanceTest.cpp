//===- ConformanceTest.cpp - Every op, every executor ---------------------===//
//
// Runs the conformance files under each executor: inputs, parameters and, where
// the executor takes them, outputs lie flush against inaccessible pages, once at
// their end and once at their start; inputs cannot be written.
//
//===----------------------------------------------------------------------===//

#include "CaseFile.h"
#include "GuardedTensor.h"
#include "Tolerance.h"

#include "mlc/Api/Jit.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>

using namespace mlc;
using namespace mlc::test;

namespace {

/// Reads what is printed, and shows nothing.
void readPrinted(std::string_view, const Tensor &value) { (void)toString(value); }

/// The function of custom.json: the elements in reverse order.
Status reverse(const std::vector<Tensor> &operands, Tensor &result) {
  int64_t size = dtypeBytes(result.dtype());
  for (int64_t i = 0; i < result.size(); ++i)
    std::memcpy(result.dataAs<char>() + i * size,
                operands[0].dataAs<char>() + (result.size() - 1 - i) * size,
                static_cast<size_t>(size));
  return {};
}

const bool kReverseIsDefined =
    defineCustomOp("reverse", {[](const std::vector<TensorType> &operands) -> Result<TensorType> {
                                 return operands.at(0);
                               },
                               reverse})
        .ok();

std::string pathOf(std::string_view op) { return "Conformance/" + std::string(op) + ".json"; }

/// The node that the file is about: its op decides the tolerance.
const Node *findNode(const Case &test, std::string_view op) {
  for (const Node &node : test.graph.functions[0].body.nodes)
    if (opInfo(node.op).name == op)
      return &node;
  return nullptr;
}

TensorMap guarded(const TensorMap &tensors, Flush flush) {
  TensorMap result;
  for (const auto &[name, tensor] : tensors)
    result.emplace(name, guardedCopy(tensor, flush));
  return result;
}

std::string compareOutput(const Node &node, const Run &run, const Expectation &expected,
                          const Tensor &got) {
  if (got.dtype() != expected.tensor.dtype() || got.shape() != expected.tensor.shape())
    return "has another dtype or shape than expected";
  if (got.dtype() != DType::F32)
    return compare(got, expected.tensor, 0, 0).message;
  std::vector<Tensor> operands;
  for (const auto &input : run.inputs) // x0, x1, ...: in order
    operands.push_back(input.second);
  return disagreement(got, expected.exact, allowance(node, operands, expected.exact));
}

/// A way to execute the cases.
struct Subject {
  Executor executor;
  CompileOptions options;
  /// Ops are applied one by one to tensors in C++ (mlc/Api/Ops.h): at once with
  /// Executor::Eager, else traced and compiled (mlc/Api/Jit.h).
  bool throughCpp = false;
};

/// The first function of a case as C++ code would be written.
class Replay {
public:
  Replay(const Graph &graph, const TensorMap &parameters) : graph(graph), parameters(parameters) {}

  static constexpr const char *kDim = "n"; ///< The symbolic dimension in a trace.

  std::vector<Tensor> operator()(const std::vector<Tensor> &inputs) const {
    return call(graph.functions[0], inputs);
  }

private:
  using Tensors = std::vector<Tensor>;
  using Sizes = std::map<std::string, Dim>; ///< Of symbolic dimensions; a name in a trace.

  Tensors call(const Function &function, const Tensors &inputs) const {
    Sizes sizes;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Dims &dims = function.values[static_cast<size_t>(function.body.inputs[i])].type.dims;
      for (size_t d = 0; d < dims.size(); ++d)
        if (int64_t size = inputs[i].shape()[d]; dims[d].isSymbolic())
          sizes[dims[d].name] = size == kSymbolic ? Dim(kDim) : Dim(size);
    }
    return run(function, function.body, inputs, sizes);
  }

  Tensors run(const Function &function, const Block &block, const Tensors &inputs,
              const Sizes &sizes) const {
    Tensors values(function.values.size());
    for (size_t i = 0; i < inputs.size(); ++i)
      values[static_cast<size_t>(block.inputs[i])] = inputs[i];
    for (const Node &node : block.nodes) {
      Tensors operands;
      for (ValueId id : node.operands)
        operands.push_back(values[static_cast<size_t>(id)]);
      Tensors results;
      if (node.op == Op::Parameter)
        results = {parameters.at(std::get<std::string>(node.attributes.at("parameter")))};
      else if (node.op == Op::Call)
        results = call(*graph.findFunction(std::get<std::string>(node.attributes.at("callee"))),
                       operands);
      else if (!node.blocks.empty())
        results = control(node, operands, [&](size_t i, const Tensors &given) {
          return run(function, node.blocks[i], given, sizes);
        });
      else
        results = apply(node.op, operands, known(node.attributes, sizes));
      for (size_t i = 0; i < results.size(); ++i)
        values[static_cast<size_t>(node.results[i])] = results[i];
    }
    Tensors outputs;
    for (ValueId id : block.outputs)
      outputs.push_back(values[static_cast<size_t>(id)]);
    return outputs;
  }

  /// What does not change from step to step is used from around the functions.
  template <typename RunBlock>
  static Tensors control(const Node &node, const Tensors &operands, const RunBlock &runBlock) {
    auto number = [&](const char *name) { return std::get<int64_t>(node.attributes.at(name)); };
    auto join = [](const Tensors &a, auto begin, auto end) {
      Tensors all = a;
      all.insert(all.end(), begin, end);
      return all;
    };
    if (node.op == Op::If)
      return cond(
          operands[0], [&](const Tensors &given) { return runBlock(0, given); },
          [&](const Tensors &given) { return runBlock(1, given); },
          Tensors(operands.begin() + 1, operands.end()));
    auto afterState = operands.begin() + number("carried");
    Tensors state(operands.begin(), afterState);
    if (node.op == Op::While)
      return whileLoop(
          [&](const Tensors &given) {
            return runBlock(0, join(given, afterState, operands.end()))[0];
          },
          [&](const Tensors &given) {
            return runBlock(1, join(given, afterState, operands.end()));
          },
          state, number("limit"));
    auto afterSequences = afterState + number("sequences");
    auto step = [&](const Tensors &given, const Tensors &elements) {
      Tensors all = runBlock(
          0, join(join(given, elements.begin(), elements.end()), afterSequences, operands.end()));
      auto middle = all.begin() + static_cast<ptrdiff_t>(given.size());
      return std::pair(Tensors(all.begin(), middle), Tensors(middle, all.end()));
    };
    bool reverse = std::get<bool>(node.attributes.at("reverse"));
    auto [last, collected] = afterState == afterSequences
                                 ? scan([&](const Tensors &given) { return step(given, {}); },
                                        state, number("length"), reverse)
                                 : scan(step, state, Tensors(afterState, afterSequences), reverse);
    return join(last, collected.begin(), collected.end());
  }

  static Attributes known(Attributes attributes, const Sizes &sizes) {
    for (auto &attribute : attributes)
      if (auto *dims = std::get_if<Dims>(&attribute.second))
        for (Dim &dim : *dims)
          if (dim.isSymbolic())
            dim = sizes.at(dim.name);
    return attributes;
  }

  const Graph &graph;
  const TensorMap &parameters;
};

/// Runs a case through C++: the outputs of every run by name.
std::vector<TensorMap> replay(const Case &test, const TensorMap &parameters, bool compiled,
                              Flush flush) {
  const Function &function = test.graph.functions[0];
  Replay body(test.graph, parameters);
  JitOptions options;
  for (ValueId input : function.body.inputs) {
    const Dims &dims = function.values[static_cast<size_t>(input)].type.dims;
    options.dims.emplace_back(!dims.empty() && dims[0].isSymbolic() ? Replay::kDim : "");
  }
  auto wrapped = jit(body, options);
  std::vector<TensorMap> results;
  for (const Run &run : test.runs) {
    TensorMap given = guarded(run.inputs, flush);
    std::vector<Tensor> inputs;
    for (ValueId input : function.body.inputs)
      inputs.push_back(given.at(function.values[static_cast<size_t>(input)].name));
    std::vector<Tensor> outputs = compiled ? wrapped(inputs) : body(inputs);
    TensorMap named;
    for (size_t i = 0; i < outputs.size(); ++i)
      named.emplace(function.outputNames[i], outputs[i]);
    results.push_back(std::move(named));
  }
  return results;
}

class Runner {
public:
  explicit Runner(Subject subject) : subject(std::move(subject)) {
    REQUIRE(kReverseIsDefined);
    EngineOptions options;
    options.print = readPrinted;
    auto created = Engine::create(options);
    REQUIRE(created.ok());
    defaultEngine().setPrint(readPrinted);
    engine.emplace(std::move(*created));
  }

  /// Outputs of every run of the case, or an error.
  Result<std::vector<TensorMap>> execute(const Case &test, Flush flush) {
    TensorMap parameters = guarded(test.parameters, flush);
    if (subject.throughCpp) {
      try {
        return replay(test, parameters, subject.executor == Executor::Jit, flush);
      } catch (const Error &error) {
        return error;
      }
    }
    std::vector<TensorMap> results;
    if (subject.executor == Executor::Jit) {
      auto executable = engine->compile(test.graph, parameters, subject.options);
      if (!executable)
        return executable.takeError();
      for (const Run &run : test.runs) {
        TensorMap outputs;
        for (const auto &[name, expected] : run.outputs)
          outputs.emplace(name,
                          guardedTensor(expected.tensor.dtype(), expected.tensor.shape(), flush));
        auto call = executable->bind(guarded(run.inputs, flush), outputs);
        if (!call)
          return call.takeError();
        if (Status status = call->run(); !status)
          return status.takeError();
        results.push_back(std::move(outputs));
      }
      return results;
    }
    std::optional<EagerRunner> eager;
    if (subject.executor == Executor::Eager) {
      auto runner = EagerRunner::create(*engine, test.graph, parameters, subject.options);
      if (!runner)
        return runner.takeError();
      eager.emplace(std::move(*runner));
    }
    for (const Run &run : test.runs) {
      TensorMap inputs = guarded(run.inputs, flush);
      auto outputs = eager ? (*eager)(inputs)
                           : engine->evaluate(test.graph, parameters, inputs, subject.executor);
      if (!outputs)
        return outputs.takeError();
      results.push_back(std::move(*outputs));
    }
    return results;
  }

private:
  Subject subject;
  std::optional<Engine> engine;
};

void checkCase(Runner &runner, const std::string &op, const Case &test, Flush flush) {
  std::string where = op + ": " + test.name +
                      (flush == Flush::End ? " (flush at the end)" : " (flush at the start)");
  INFO(where);
  const Node *node = findNode(test, op);
  REQUIRE(node);
  auto results = runner.execute(test, flush);
  if (!results) {
    FAIL_CHECK(results.error().message);
    return;
  }
  for (size_t i = 0; i < test.runs.size(); ++i)
    for (const auto &[name, expected] : test.runs[i].outputs) {
      auto got = (*results)[i].find(name);
      if (got == (*results)[i].end()) {
        FAIL_CHECK("run " << i << ": no output " << name);
        continue;
      }
      std::string message = compareOutput(*node, test.runs[i], expected, got->second);
      if (!message.empty())
        FAIL_CHECK("run " << i << ", output " << name << ": " << message);
      else
        SUCCEED();
    }
}

void runAll(const Subject &subject) {
  Runner runner(subject);
  for (int32_t i = 0; i < numOps(); ++i) {
    std::string op(opInfo(opAt(i)).name);
    if (!std::filesystem::exists(pathOf(op)))
      continue; // "every op has a conformance file" says so
    DYNAMIC_SECTION(op) {
      CaseFile file = readCaseFile(pathOf(op));
      for (const Case &test : file.cases)
        for (Flush flush : {Flush::End, Flush::Start})
          checkCase(runner, op, test, flush);
    }
  }
}

CompileOptions options(bool optimize, bool fuse, const char *target = "native") {
  CompileOptions result;
  result.optimize = optimize;
  result.fuse = fuse;
  result.target = target;
  return result;
}

} // namespace

TEST_CASE("every op has a conformance file", "[complete]") {
  for (int32_t i = 0; i < numOps(); ++i) {
    std::string op(opInfo(opAt(i)).name);
    INFO(op << " wants test/" << pathOf(op));
    CHECK(std::filesystem::exists(pathOf(op)));
    if (!std::filesystem::exists(pathOf(op)))
      continue;
    CaseFile file = readCaseFile(pathOf(op));
    CHECK(file.op == op);
    CHECK(!file.cases.empty());
    for (const Case &test : file.cases) {
      INFO(test.name);
      CHECK(findNode(test, op));
    }
  }
}

TEST_CASE("reference", "[reference]") { runAll({Executor::Reference, {}, false}); }
TEST_CASE("eager", "[eager]") { runAll({Executor::Eager, options(true, true), false}); }
TEST_CASE("ops in C++", "[cpp]") { runAll({Executor::Eager, {}, true}); }

#ifdef MLC_HAS_COMPILER
TEST_CASE("jit, optimised, fused", "[jit]") { runAll({Executor::Jit, options(true, true), false}); }
TEST_CASE("jit, optimised, unfused", "[jit-unfused]") {
  runAll({Executor::Jit, options(true, false), false});
}
TEST_CASE("jit, O0, fused", "[jit-O0]") { runAll({Executor::Jit, options(false, true), false}); }
TEST_CASE("jit, O0, unfused", "[jit-O0-unfused]") {
  runAll({Executor::Jit, options(false, false), false});
}
TEST_CASE("ops in C++, traced and compiled", "[cpp-jit]") { runAll({Executor::Jit, {}, true}); }
TEST_CASE("jit, x86-64-v3", "[jit-v3]") {
  runAll({Executor::Jit, options(true, true, "x86-64-v3"), false});
}
#endif
