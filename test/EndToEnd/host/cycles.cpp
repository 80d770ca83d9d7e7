// Compiles, runs and destroys again and again: memory and mappings may not grow.
//
//   mlc-host-cycles CYCLES WARM-UP
#include "mlc/Graph/Rewrite.h"
#include "mlc/mlc.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <unistd.h>

using namespace mlc;

namespace {

constexpr int64_t kMostGrowth = int64_t(4) << 20; // bytes

template <typename T> T get(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "mlc-host-cycles: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

/// y = tanh(x * w), x: f32[n, 8]; w is a parameter of `columns` columns.
Graph graphOf(int64_t columns) {
  Graph graph;
  graph.parameters.push_back({"w", {DType::F32, {8, columns}}});
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", {DType::F32, {Dim("n"), 8}});
  ValueId w = get(builder.node(Op::Parameter, {}, {{"parameter", std::string("w")}}));
  builder.output(get(builder.node(Op::Tanh, {get(builder.node(Op::MatMul, {x, w}))})), "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

void cycle(int i) {
  int64_t columns = 1 + i % 7;
  Engine engine = get(Engine::create());
  Tensor w = get(Tensor::zeros(DType::F32, {8, columns}));
  Executable model = get(engine.compile(graphOf(columns), {{"w", w}}));
  Call call = get(model.bind({{"x", get(Tensor::zeros(DType::F32, {3, 8}))}}));
  if (Status status = call.run(); !status || call.outputs()[0].dataAs<float>()[0] != 0)
    std::exit(1);
}

struct Footprint {
  int64_t bytes = 0, mappings = 0;
};

Footprint footprint() {
  malloc_trim(0);
  Footprint now;
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  statm >> pages >> pages; // the second number is what is resident
  now.bytes = pages * sysconf(_SC_PAGESIZE);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    ++now.mappings;
  return now;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return std::fprintf(stderr, "usage: mlc-host-cycles CYCLES WARM-UP\n"), 2;
  int cycles = std::atoi(argv[1]), warmUp = std::atoi(argv[2]);
  for (int i = 0; i < warmUp; ++i)
    cycle(i);
  Footprint before = footprint();
  for (int i = 0; i < cycles; ++i)
    cycle(i);
  Footprint after = footprint();
  std::printf("%d cycles: %+lld KiB resident, %+lld mappings\n", cycles,
              static_cast<long long>((after.bytes - before.bytes) / 1024),
              static_cast<long long>(after.mappings - before.mappings));
  bool isGood =
      after.bytes - before.bytes <= kMostGrowth && after.mappings == before.mappings && cycles > 0;
  return isGood ? 0 : 1;
}
