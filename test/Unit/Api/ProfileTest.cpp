// Kernels that describe themselves and count what they take.
#include "TestGraphs.h"

using namespace mlc;

namespace {

CompileOptions profiling() {
  CompileOptions options;
  options.profile = true;
  return options;
}

int64_t callsOf(const Call &call, const ImageInterface &interface, const std::string &op) {
  std::vector<KernelProfile> profile = call.profile();
  REQUIRE(profile.size() == interface.kernels.size());
  int64_t calls = 0;
  for (size_t i = 0; i < profile.size(); ++i)
    for (const ImageOp &inside : interface.kernels[i].ops)
      if (inside.op == op)
        calls += profile[i].calls;
  return calls;
}

/// y = tanh(tanh(... x)), n times, and prints x.
Graph loopGraph(int64_t n) {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({64}));
  get(builder.nodes(Op::Print, {x}, {{"label", std::string("x")}}));
  builder.beginBlock();
  ValueId inner = builder.input("a", type({64}));
  ValueId bent = get(builder.node(Op::Tanh, {inner}));
  std::vector<Block> blocks{builder.endBlock({bent})};
  auto y = get(builder.nodes(Op::Scan, {x},
                             {{"carried", int64_t(1)}, {"sequences", int64_t(0)}, {"length", n}},
                             "", std::move(blocks)));
  builder.output(y[0], "y");
  graph.functions.push_back(builder.finish());
  return graph;
}

} // namespace

TEST_CASE("a profiled call counts what its kernels take") {
  Engine engine = get(Engine::create());
  Executable executable = get(engine.compile(denseGraph(), denseParameters(), profiling()));
  const ImageInterface &interface = executable.interface();
  REQUIRE(!interface.kernels.empty());
  Call call = get(executable.bind({{"x", tensor({2, 2}, {1, 2, 3, 4})}}));
  Call other = get(executable.bind({{"x", tensor({2, 2}, {1, 2, 3, 4})}}));
  for (int i = 0; i < 3; ++i)
    check(call.run());
  CHECK(callsOf(call, interface, "relu") == 3);
  CHECK(callsOf(other, interface, "relu") == 0);
  std::vector<KernelProfile> profile = call.profile();
  for (size_t i = 0; i < profile.size(); ++i) {
    CHECK((profile[i].calls == 0) == interface.kernels[i].prepares);
    CHECK(profile[i].seconds >= 0);
    CHECK(profile[i].seconds < 1);
  }
  call.resetProfile();
  CHECK(callsOf(call, interface, "relu") == 0);
  // Without a Call nobody counts.
  TensorMap results = get(executable({{"x", tensor({2, 2}, {1, 2, 3, 4})}}));
  CHECK(values(results.at("y")) == values(call.outputs()[0]));
}

TEST_CASE("without profiling an image describes no kernels") {
  Engine engine = get(Engine::create());
  Executable plain = get(engine.compile(denseGraph(), denseParameters()));
  CHECK(plain.interface().kernels.empty());
  Call call = get(plain.bind({{"x", tensor({1, 2}, {1, 2})}}));
  check(call.run());
  CHECK(call.profile().empty());
  CHECK(call.frame()->host == nullptr);
}

TEST_CASE("kernels in loops are counted every time, beside the host's calls and cancellation") {
  EngineOptions options;
  int prints = 0;
  options.print = [&](std::string_view, const Tensor &) { ++prints; };
  Engine engine = get(Engine::create(std::move(options)));
  Executable executable = get(engine.compile(loopGraph(5), {}, profiling()));
  Call call = get(executable.bind({{"x", tensor({64}, std::vector<float>(64, 1))}}));
  check(call.run());
  CHECK(prints == 1);
  CHECK(callsOf(call, executable.interface(), "tanh") == 5);

  Cancellation cancellation;
  call.setCancellation(cancellation);
  check(call.run());
  CHECK(callsOf(call, executable.interface(), "tanh") == 10);
  cancellation.request();
  Status status = call.run();
  REQUIRE(!status);
  CHECK(status.error().kind == ErrorKind::Cancelled);
}

TEST_CASE("what is explained is what is compiled") {
  Engine engine = get(Engine::create());
  ImageInterface explained = get(engine.explain(denseGraph()));
  Executable executable = get(engine.compile(denseGraph(), denseParameters(), profiling()));
  const std::vector<ImageKernel> &made = executable.interface().kernels;
  REQUIRE(explained.kernels.size() == made.size());
  for (size_t i = 0; i < made.size(); ++i) {
    CHECK(explained.kernels[i].function == made[i].function);
    CHECK(explained.kernels[i].strategy == made[i].strategy);
    CHECK(explained.kernels[i].reason == made[i].reason);
    REQUIRE(explained.kernels[i].ops.size() == made[i].ops.size());
  }
  const ImageKernel &product = made.back();
  // 2 * 2 * 3 of the product, an addition and relu, for each row.
  CHECK(product.operations.at(10) == 10 * (12 + 3 + 3));
  CHECK(product.kind == "contraction");
}
