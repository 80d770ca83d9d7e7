//===- Matrix.cpp - Targets, optimisation, fusion, threads ----------------===//

#include "Matrix.h"

#include "mlc/Graph/Rewrite.h"

namespace mlc::test {

std::string Combination::name() const {
  std::string text;
  for (const std::string &value : values)
    text += (text.empty() ? "" : "-") + value;
  return text;
}

CompileOptions Combination::options() const {
  CompileOptions options;
  options.target = targetNamed(values[0]);
  options.optimize = values[1] == "opt";
  options.fuse = values[2] == "fused";
  options.grain = threads() > 1 ? 1 : 0;
  return options;
}

std::vector<Combination> allCombinations() {
  std::vector<Combination> all(1);
  for (size_t factor = 0; factor < kFactors.size(); ++factor) {
    std::vector<Combination> longer;
    for (Combination &combination : all)
      for (const std::string &value : kFactors[factor]) {
        combination.values[factor] = value;
        longer.push_back(combination);
      }
    all = std::move(longer);
  }
  return all;
}

std::string targetNamed(const std::string &value) {
  return value == "native" ? value : "x86-64-" + value;
}

Result<std::string> obstacleTo(const Engine &engine, const std::string &target) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  auto negated = builder.node(Op::Neg, {builder.input("x", {DType::F32, {1}})});
  if (!negated)
    return negated.takeError();
  builder.output(*negated, "y");
  graph.functions.push_back(builder.finish());
  CompileOptions options;
  options.target = target;
  auto executable = engine.compile(graph, {}, options);
  if (executable)
    return std::string();
  const Error &error = executable.error();
  if (error.kind == ErrorKind::Unsupported &&
      error.message.find("CPU features that this CPU lacks") != std::string::npos)
    return error.message;
  return error;
}

} // namespace mlc::test
