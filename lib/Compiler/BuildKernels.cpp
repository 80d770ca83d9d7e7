//===- BuildKernels.cpp - Compiles common kernels together with mlc -------===//
//
// A program of the build: compiles networks of common layers for each level and writes the kernels
// that they have in common with others to a file (BuiltInKernels.cpp).
//
//===----------------------------------------------------------------------===//
#include "Compile.h"
#include "KernelLibrary.h"

#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"
#include "mlc/Support/File.h"

#include <cstdio>

using namespace mlc;

namespace {

/// Widths of layers. What a kernel is depends on the columns that a last panel has, and a little
/// on the depth.
constexpr int64_t kDepths[] = {16, 32, 64, 256, 512, 1024};
constexpr int64_t kWidths[] = {16, 32, 48, 64, 96, 128, 256, 512, 768, 1024};
/// The same of layers in the middle, less common; and of last ones.
constexpr int64_t kOtherWidths[] = {8, 20, 24, 40, 50, 80, 100, 200, 300, 400, 500};
constexpr int64_t kResults[] = {1, 2, 3, 4, 5, 6, 8, 10};

/// What follows a product: nothing, a bias, or a bias and an op.
enum class Epilogue { None, Bias, Relu, Tanh, Sigmoid, Gelu };
constexpr Epilogue kEpilogues[] = {Epilogue::None, Epilogue::Bias,    Epilogue::Relu,
                                   Epilogue::Tanh, Epilogue::Sigmoid, Epilogue::Gelu};

/// Layers of the given widths on `rows` rows.
Graph network(const Dim &rows, const std::vector<int64_t> &widths, Epilogue epilogue) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId value = builder.input("x", {DType::F32, Dims{rows, widths.front()}});
  auto parameter = [&](const std::string &name, Dims dims) {
    graph.parameters.push_back({name, {DType::F32, std::move(dims)}});
    return builder.node(Op::Parameter, {}, {{"parameter", name}}).orThrow();
  };
  auto then = [&](Op op) { value = builder.node(op, {value}).orThrow(); };
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    std::string number = std::to_string(i);
    Dims dims{rows, widths[i + 1]};
    ValueId weights = parameter("w" + number, Dims{widths[i], widths[i + 1]});
    value = builder.node(Op::MatMul, {value, weights}).orThrow();
    if (epilogue == Epilogue::None)
      continue;
    ValueId bias = parameter("b" + number, Dims{widths[i + 1]});
    bias = builder.node(Op::Broadcast, {bias}, {{"shape", dims}, {"axes", std::vector<int64_t>{1}}})
               .orThrow();
    value = builder.node(Op::Add, {value, bias}).orThrow();
    if (epilogue == Epilogue::Relu)
      then(Op::Relu);
    else if (epilogue == Epilogue::Tanh)
      then(Op::Tanh);
    else if (epilogue == Epilogue::Sigmoid)
      then(Op::Sigmoid);
    else if (epilogue == Epilogue::Gelu)
      then(Op::Gelu);
  }
  builder.output(value, "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

void compile(const Graph &graph, const std::string &target) {
  DoorRequest request;
  request.payload = serialize(graph);
  request.target = target;
  DoorReply reply = answer(request, nullptr);
  if (!reply.ok)
    throw std::runtime_error(reply.message);
}

void build(const std::string &target, const std::string &path) {
  // Of any number of rows a layer has other code alone than in a chain.
  auto layers = [&](llvm::ArrayRef<int64_t> widths, Epilogue epilogue) {
    for (int64_t k : kDepths)
      for (int64_t n : widths) {
        compile(network(Dim(1), {k, n}, epilogue), target);
        compile(network(Dim("batch"), {k, n}, epilogue), target);
        compile(network(Dim("batch"), {k, n, k}, epilogue), target);
      }
  };
  for (Epilogue epilogue : kEpilogues)
    layers(kWidths, epilogue);
  for (Epilogue epilogue : {Epilogue::Relu, Epilogue::Tanh})
    layers(kOtherWidths, epilogue);
  layers(kResults, Epilogue::Bias);
  if (int64_t dropped = kernelCounts().dropped)
    throw std::runtime_error(target + ": " + std::to_string(dropped) +
                             " kernels are more than a process keeps; shorten the lists of layers");
  std::string kernels = packKernels();
  writeFile(path, kernels).orThrow();
  std::fprintf(stderr, "%s: %lld kernels, %.1f MB\n", target.c_str(),
               static_cast<long long>(kernelCounts().compiled),
               static_cast<double>(kernels.size()) / 1e6);
}

} // namespace

int main(int argc, char **argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: mlc-build-kernels TARGET FILE\n");
    return 2;
  }
  build(argv[1], argv[2]);
  return 0;
} catch (const std::exception &error) {
  std::fprintf(stderr, "mlc-build-kernels: %s\n", error.what());
  return 1;
}
