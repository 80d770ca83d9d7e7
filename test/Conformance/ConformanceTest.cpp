//===- ConformanceTest.cpp - Every op, every executor ---------------------===//
//
// Runs the conformance files under each executor: inputs, parameters and, where
// the executor takes them, outputs lie flush against inaccessible pages, once at
// their end and once at their start; inputs cannot be written. Combinations of
// target, optimisation, fusion and threads are sections of one test case, by name:
//
//   mlc-conformance "[matrix]" -c v3 -c v3-O0-fused-2
//
//===----------------------------------------------------------------------===//

#include "CaseFile.h"
#include "Donations.h"
#include "GuardedTensor.h"
#include "Matrix.h"
#include "Replay.h"
#include "Team.h"
#include "Tolerance.h"
#include "mlc/Runtime/CpuFeatures.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

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
  if (!isFloat(got.dtype()))
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
  /// Every output lies in the memory of an input of its type, as long as there is one.
  bool donates = false;
  /// Ops are applied one by one to tensors in C++ (mlc/Api/Ops.h): at once with
  /// Executor::Eager, else traced and compiled (mlc/Api/Jit.h).
  bool throughCpp = false;
  int threads = 1;
  /// Each case is run on one thread and then twice on `threads` of these, to the same
  /// bits; null: once, on `threads` of the engine.
  std::shared_ptr<Team> team = nullptr;
  std::shared_ptr<CompilerClient> compiler = nullptr; ///< As in EngineOptions.
};

/// Runs a case through C++: the outputs of every run by name.
std::vector<TensorMap> replay(const Case &test, const TensorMap &parameters, bool compiled,
                              Flush flush) {
  Replay body(test.graph, parameters);
  auto wrapped = jit(body, body.options());
  std::vector<TensorMap> results;
  for (const Run &run : test.runs) {
    std::vector<Tensor> inputs = body.ordered(guarded(run.inputs, flush));
    results.push_back(body.named(compiled ? wrapped(inputs) : body(inputs)));
  }
  return results;
}

class Runner {
public:
  explicit Runner(Subject given) : subject(std::move(given)) {
    REQUIRE(kReverseIsDefined);
    EngineOptions options;
    options.print = readPrinted;
    options.threads = subject.threads;
    options.parallelFor = subject.team;
    options.compiler = subject.compiler;
    auto created = Engine::create(options);
    REQUIRE(created.ok());
    defaultEngine().setPrint(readPrinted);
    engine.emplace(std::move(*created));
  }

  /// Outputs of every run of the case, or an error.
  Result<std::vector<TensorMap>> execute(const Case &test, Flush flush) {
    if (!subject.team)
      return executeOnce(test, flush);
    subject.team->resize(1);
    auto results = executeOnce(test, flush);
    subject.team->resize(subject.threads);
    for (int repetition = 0; repetition < 2 && results; ++repetition) {
      auto again = executeOnce(test, flush);
      if (!again)
        return again;
      for (size_t run = 0; run < test.runs.size(); ++run)
        for (const auto &[name, tensor] : (*results)[run])
          if (!(*again)[run].at(name).identical(tensor))
            return Error{ErrorKind::Internal, "output " + name + " has other bits when run " +
                                                  std::to_string(run) + " is repeated on " +
                                                  std::to_string(subject.threads) + " threads"};
    }
    return results;
  }

private:
  Result<std::vector<TensorMap>> executeOnce(const Case &test, Flush flush) {
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
      CompileOptions options = subject.options;
      if (subject.donates)
        options.donated = donations(test.graph.functions[0]);
      auto executable = engine->compile(test.graph, parameters, options);
      if (!executable)
        return executable.takeError();
      for (const Run &run : test.runs) {
        TensorMap outputs;
        for (const auto &[name, expected] : run.outputs)
          outputs.emplace(name,
                          guardedTensor(expected.tensor.dtype(), expected.tensor.shape(), flush));
        TensorMap inputs = guarded(run.inputs, flush);
        for (const auto &[input, output] : options.donated) {
          const Tensor &value = run.inputs.at(input);
          Tensor &memory = inputs.at(input) = outputs.at(output);
          std::copy_n(static_cast<const char *>(value.data()), value.byteSize(),
                      static_cast<char *>(memory.data()));
        }
        auto call = executable->bind(inputs, outputs);
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

TEST_CASE("reference", "[reference]") { runAll({Executor::Reference, {}, false, false}); }
TEST_CASE("eager", "[eager]") { runAll({Executor::Eager, options(true, true), false, false}); }
TEST_CASE("ops in C++", "[cpp]") { runAll({Executor::Eager, {}, false, true}); }

#ifdef MLC_HAS_COMPILER
TEST_CASE("jit, optimised, fused", "[jit]") {
  runAll({Executor::Jit, options(true, true), false, false});
}
TEST_CASE("jit, outputs in the memory of inputs", "[jit-donated]") {
  runAll({Executor::Jit, options(true, true), true, false});
}
TEST_CASE("jit, each iteration for any of four threads", "[jit-threads]") {
  CompileOptions finest = options(true, true);
  finest.grain = 1;
  runAll({Executor::Jit, finest, false, false, 4});
}
TEST_CASE("jit, optimised, unfused", "[jit-unfused]") {
  runAll({Executor::Jit, options(true, false), false, false});
}
TEST_CASE("jit, O0, fused", "[jit-O0]") {
  runAll({Executor::Jit, options(false, true), false, false});
}
TEST_CASE("ops in C++, traced and compiled", "[cpp-jit]") {
  runAll({Executor::Jit, {}, false, true});
}

static Subject subjectOf(const Combination &combination) {
  return {Executor::Jit,         combination.options(),     false, false,
          combination.threads(), std::make_shared<Team>(1), {}};
}

/// Asks once: sections begin the test case again and again.
static bool isSkipped(const std::string &target) {
  static std::map<std::string, std::string> obstacles;
  auto [found, isNew] = obstacles.try_emplace(target);
  if (isNew) {
    found->second = obstacleTo(Engine::create().orThrow(), target).orThrow();
    if (!found->second.empty())
      std::cout << "skipped: " << found->second << std::endl;
  }
  return !found->second.empty();
}

TEST_CASE("combinations", "[.][matrix]") {
  for (const std::string &value : kFactors[0])
    DYNAMIC_SECTION(value) {
      if (isSkipped(targetNamed(value))) {
        SUCCEED("skipped");
        continue;
      }
      for (const Combination &combination : allCombinations())
        if (combination.values[0] == value)
          DYNAMIC_SECTION(combination.name()) { runAll(subjectOf(combination)); }
    }
}

TEST_CASE("the quick combinations cover all pairs", "[pairs]") {
  std::map<std::string, Combination> known;
  std::set<std::pair<std::string, std::string>> missing;
  auto pairs = [](const Combination &combination, auto visit) {
    for (size_t i = 0; i < kFactors.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        visit(std::pair(combination.values[j], combination.values[i]));
  };
  for (const Combination &combination : allCombinations()) {
    known.emplace(combination.name(), combination);
    pairs(combination, [&](auto pair) { missing.insert(pair); });
  }
  CHECK(known.size() == 48);
  CHECK(missing.size() == 4 * 2 + 4 * 2 + 4 * 3 + 2 * 2 + 2 * 3 + 2 * 3);
  std::ifstream list("Conformance/pairwise.txt");
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line[0] == '#')
      continue;
    INFO(line);
    auto found = known.find(line);
    REQUIRE(found != known.end());
    pairs(found->second, [&](auto pair) { missing.erase(pair); });
  }
  for (const auto &[first, second] : missing)
    FAIL_CHECK("no quick combination has both " << first << " and " << second);
}

/// Whether an instruction of AVX traps.
static bool avxTraps() {
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGILL, SIG_DFL);
    __asm__ volatile("vxorps %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGILL;
}

// For an emulator of such a CPU. The compiler is a process that it does not emulate.
TEST_CASE("a CPU without AVX runs x86-64-v2 and refuses the others", "[.][no-avx]") {
  auto compiler = CompilerClient::helperProcess();
  SECTION("it has none, and refuses") {
    const std::vector<std::string> &features = hostCpuFeatures();
    CHECK_FALSE(std::binary_search(features.begin(), features.end(), "avx"));
    CHECK(avxTraps());
    EngineOptions options;
    options.compiler = compiler;
    auto engine = Engine::create(options);
    REQUIRE(engine);
    for (const char *target : {"x86-64-v3", "x86-64-v4"}) {
      auto obstacle = obstacleTo(*engine, target);
      REQUIRE(obstacle);
      CHECK_THAT(*obstacle, Catch::Matchers::Contains(target) && Catch::Matchers::Contains("avx2"));
    }
  }
  Subject subject = subjectOf({{"v2", "opt", "fused", "1"}});
  subject.compiler = compiler;
  runAll(subject);
}
#endif
