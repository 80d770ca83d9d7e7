//===- Commands.cpp - What mlc-run does -----------------------------------===//
//
// Loads the model, then emits, checks its examples, times it or runs it.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"

#include "Limits.h"
#include "Values.h"

#include "mlc/Graph/Print.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Support/File.h"
#include "mlc/Tensor/Element.h"
#include "mlc/Tensor/Npy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mlc::run {

namespace {

constexpr int64_t kMaxMlirBytes = int64_t(16) << 20;

/// The largest finite magnitude in a tensor, at least 1.
double scaleOf(const Tensor &tensor) {
  double scale = 1;
  for (int64_t i = 0; i < tensor.size(); ++i)
    if (double value = std::abs(elementAsDouble(tensor, i)); std::isfinite(value))
      scale = std::max(scale, value);
  return scale;
}

Tolerance f32Tolerance(WeightType weights, double scale) {
  switch (weights) {
  case WeightType::AsGiven:
    break;
  case WeightType::BF16:
    return {2e-2, 1e-2 * scale};
  case WeightType::Int8:
  case WeightType::Int8Dynamic:
    return {5e-2, 5e-2 * scale};
  }
  return {1e-5, 1e-5 * scale};
}

/// What may differ when the user did not say: a sum that cancels is as uncertain
/// as the largest elements of its tensor, so the absolute part grows with them.
Tolerance toleranceFor(const Arguments &arguments, const Tensor &expected) {
  if (arguments.tolerance)
    return *arguments.tolerance;
  switch (expected.dtype()) {
  case DType::F32:
    return f32Tolerance(arguments.compile.weights, scaleOf(expected));
  case DType::F64:
    return {1e-12, 1e-12 * scaleOf(expected)};
  case DType::F16:
    return {1e-2, 1e-3 * scaleOf(expected)};
  case DType::BF16:
    return {2e-2, 1e-2 * scaleOf(expected)};
  default:
    return {};
  }
}

bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

class Command {
public:
  explicit Command(const Arguments &arguments) : arguments(arguments) {}

  Result<Report> execute();

private:
  Result<Engine> makeEngine() const;
  Status load(const Engine &engine);
  Status emit(const Engine &engine);
  Status explain(const Engine &engine);
  Status selftest(const Engine &engine);
  Status run(const Engine &engine, const ImageInterface &interface);
  Result<Comparison> compareWithFile(const std::string &output, const std::string &path,
                                     const Tensor &got) const;
  Comparison compareTensors(const std::string &output, std::string expectation, const Tensor &got,
                            const Tensor &expected, Tolerance tolerance) const;

  const Arguments &arguments;
  Model model;
  Report report;
};

Result<Engine> Command::makeEngine() const {
  EngineOptions options;
  options.log = [](const std::string &message) {
    std::fprintf(stderr, "mlc-run: %s\n", message.c_str());
  };
  if (arguments.memoryBytes == 0 && arguments.seconds == 0)
    options.compiler = CompilerClient::inProcess();
  else
    options.compiler =
        CompilerClient::helperProcess(HelperLimits{arguments.memoryBytes, arguments.seconds});
  options.threads = arguments.threads;
  auto engine = Engine::create(std::move(options));
  if (engine && arguments.debugNans)
    engine->setDebugNans(true);
  return engine;
}

Status Command::load(const Engine &engine) {
  enterStage("loading the model");
  if (endsWith(arguments.model, ".mlir")) {
    auto text = readFile(arguments.model, kMaxMlirBytes);
    if (!text)
      return text.takeError();
    auto graph = engine.parseMlir(*text);
    if (!graph)
      return Error{graph.error().kind, arguments.model + ": " + graph.error().message};
    model.graph = std::move(*graph);
  } else {
    LoadOptions options;
    options.mapWeights = arguments.mapWeights;
    if (arguments.memoryBytes > 0 && !arguments.mapWeights)
      options.maxFileBytes = std::min(options.maxFileBytes, arguments.memoryBytes);
    auto loaded = loadModel(arguments.model, options);
    if (!loaded)
      return loaded.takeError();
    model = std::move(*loaded);
  }
  if (!arguments.specialized.empty()) {
    auto entry = findEntry(model.graph, arguments.compile.function);
    if (!entry)
      return entry.takeError();
    auto graph = specializeDims(model.graph, (*entry)->name, arguments.specialized);
    if (!graph)
      return Error{graph.error().kind, "--specialize: " + graph.error().message};
    model.graph = std::move(*graph);
  }
  std::vector<NamedType> expected;
  expected.reserve(model.graph.parameters.size());
  for (const Parameter &parameter : model.graph.parameters)
    expected.push_back({parameter.name, parameter.type});
  auto given = readValues("parameter", expected, arguments.parameters, {}, /*complete=*/false,
                          arguments.memoryBytes);
  if (!given)
    return given.takeError();
  for (auto &[name, tensor] : *given)
    model.parameters[name] = std::move(tensor);
  return {};
}

Status Command::emit(const Engine &engine) {
  enterStage("compiling");
  report.phase = arguments.emit;
  if (arguments.emit == "graph") {
    auto entry = findEntry(model.graph, arguments.compile.function);
    if (!entry)
      return entry.takeError();
    report.function = (*entry)->name;
    report.text = arguments.compile.function.empty() ? print(model.graph) : print(**entry);
    return {};
  }
  // The graph phase of the compiler is the graph in the mlc dialect.
  auto text = engine.emit(model.graph, arguments.emit == "mlir" ? "graph" : arguments.emit,
                          arguments.compile);
  if (!text)
    return text.takeError();
  report.text = std::move(*text);
  return {};
}

Status Command::explain(const Engine &engine) {
  auto result = run::explain(engine, arguments, model.graph);
  if (!result)
    return result.takeError();
  report.explanation = std::move(*result);
  return {};
}

Comparison Command::compareTensors(const std::string &output, std::string expectation,
                                   const Tensor &got, const Tensor &expected,
                                   Tolerance tolerance) const {
  return {output, std::move(expectation),
          compare(got, expected, tolerance.relative, tolerance.absolute), tolerance};
}

Status Command::selftest(const Engine &engine) {
  enterStage("running the goldens");
  for (const Golden &golden : model.golden) {
    if (!arguments.compile.function.empty() && golden.function != arguments.compile.function)
      continue;
    CompileOptions options = arguments.compile;
    options.function = golden.function;
    auto outputs =
        engine.evaluate(model.graph, model.parameters, golden.inputs, arguments.executor, options);
    if (!outputs)
      return outputs.takeError();
    GoldenResult result{golden.function, {}};
    for (const auto &[name, expected] : golden.outputs) {
      Tolerance own{golden.relativeTolerance, golden.absoluteTolerance};
      bool isReduced = arguments.compile.weights != WeightType::AsGiven;
      result.comparisons.push_back(compareTensors(name, "golden", outputs->at(name), expected,
                                                  isReduced ? toleranceFor(arguments, expected)
                                                            : arguments.tolerance.value_or(own)));
    }
    report.goldens.push_back(std::move(result));
  }
  if (report.goldens.empty())
    return badInputError(arguments.model + " has no goldens" +
                         (arguments.compile.function.empty()
                              ? std::string()
                              : " for function '" + arguments.compile.function + "'"));
  return {};
}

Result<Comparison> Command::compareWithFile(const std::string &output, const std::string &path,
                                            const Tensor &got) const {
  auto expected = readNpy(path);
  if (!expected)
    return expected.takeError();
  return compareTensors(output, path, got, *expected, toleranceFor(arguments, *expected));
}

Status Command::run(const Engine &engine, const ImageInterface &interface) {
  for (const auto &[name, size] : arguments.dims)
    if (std::find(interface.dims.begin(), interface.dims.end(), name) == interface.dims.end())
      return usageError("--dim: the function has no symbolic dimension '" + name + "'");
  for (const auto *list : {&arguments.outputs, &arguments.expectedOutputs})
    for (const auto &[name, path] : *list)
      if (std::none_of(interface.outputs.begin(), interface.outputs.end(),
                       [&, &name = name](const ImageTensor &t) { return t.name == name; })) {
        std::string known;
        for (const ImageTensor &tensor : interface.outputs)
          known += (known.empty() ? "" : ", ") + tensor.name;
        return badInputError("unknown output '" + name + "'; the outputs are: " + known);
      }

  enterStage("reading the inputs");
  std::vector<NamedType> expected;
  expected.reserve(interface.inputs.size());
  for (const ImageTensor &input : interface.inputs)
    expected.push_back({input.name, typeOf(input, interface.dims)});
  auto inputs = readValues("input", expected, arguments.inputs, arguments.dims, /*complete=*/true,
                           arguments.memoryBytes);
  if (!inputs)
    return inputs.takeError();

  enterStage("running the model");
  auto evaluate = [&](Executor executor) {
    return engine.evaluate(model.graph, model.parameters, *inputs, executor, arguments.compile);
  };
  auto outputs = evaluate(arguments.executor);
  if (!outputs)
    return outputs.takeError();

  for (const auto &[name, path] : arguments.outputs)
    if (Status status = writeNpy(path, outputs->at(name)); !status)
      return status;
  for (const auto &[name, path] : arguments.expectedOutputs) {
    auto comparison = compareWithFile(name, path, outputs->at(name));
    if (!comparison)
      return comparison.takeError();
    report.comparisons.push_back(std::move(*comparison));
  }
  if (arguments.compareReference) {
    enterStage("running the reference");
    auto reference = evaluate(Executor::Reference);
    if (!reference)
      return reference.takeError();
    for (const ImageTensor &output : interface.outputs) {
      const Tensor &expected = reference->at(output.name);
      report.comparisons.push_back(compareTensors(output.name, "reference",
                                                  outputs->at(output.name), expected,
                                                  toleranceFor(arguments, expected)));
    }
  }
  if (arguments.benchmark) {
    auto result =
        benchmark([&] { return makeEngine(); }, arguments, model.graph, model.parameters, *inputs);
    if (!result)
      return result.takeError();
    report.benchmark = std::move(*result);
  }
  if (arguments.profile) {
    auto result = profile(engine, arguments, model.graph, model.parameters, *inputs);
    if (!result)
      return result.takeError();
    report.profile = std::move(*result);
  }
  report.showOutputs = arguments.outputs.empty() && !arguments.benchmark && !arguments.profile;
  for (const ImageTensor &output : interface.outputs)
    report.outputs.emplace_back(output.name, outputs->at(output.name));
  return {};
}

Result<Report> Command::execute() {
  auto engine = makeEngine();
  if (!engine)
    return engine.takeError();
  if (Status status = load(*engine); !status)
    return status.takeError();
  report.model = arguments.model;
  report.executor = executorName(arguments.executor);
  Status status;
  if (arguments.emit == "graph") {
    status = emit(*engine);
  } else {
    auto interface = describe(model.graph, arguments.compile.function);
    if (!interface)
      return interface.takeError();
    report.function = interface->function;
    status = !arguments.emit.empty() ? emit(*engine)
             : arguments.explain     ? explain(*engine)
             : arguments.selftest    ? selftest(*engine)
                                     : run(*engine, *interface);
  }
  if (!status)
    return status.takeError();
  return std::move(report);
}

} // namespace

Result<Report> execute(const Arguments &arguments) { return Command(arguments).execute(); }

} // namespace mlc::run
