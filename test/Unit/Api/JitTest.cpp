// Executable and Call on compiled images.
#include "TestGraphs.h"

#include <atomic>

#include "mlc/Runtime/Image.h"

#include <optional>
#include <thread>

using namespace mlc;

namespace {

/// Counts the requests that reach the compiler half.
class CountingCompiler : public CompilerClient {
public:
  Result<DoorReply> call(const DoorRequest &request, const Cancellation *cancellation) override {
    ++calls;
    return inner->call(request, cancellation);
  }
  std::atomic<int> calls{0};

private:
  std::shared_ptr<CompilerClient> inner = CompilerClient::inProcess();
};

struct Fixture {
  std::shared_ptr<CountingCompiler> compiler = std::make_shared<CountingCompiler>();
  Engine engine;

  Fixture() : engine(make()) {}
  Engine make() {
    EngineOptions options;
    options.compiler = compiler;
    return get(Engine::create(options));
  }
};

} // namespace

TEST_CASE_METHOD(Fixture, "jit computes, at any batch size, with its own copy of the weights") {
  TensorMap parameters = denseParameters();
  Executable model = get(engine.compile(denseGraph(), parameters));
  parameters.at("w").dataAs<float>()[0] = 1e9f; // prepared before, so without effect
  CHECK(values(get(model({{"x", tensor({1, 2}, {1, 1})}})).at("y")) ==
        std::vector<float>{5.5, 0, 10});
  CHECK(values(get(model({{"x", tensor({3, 2}, {1, 1, 0, 0, 1, 0})}})).at("y")) ==
        std::vector<float>{5.5, 0, 10, 0.5, 0, 1, 1.5, 0, 4});
  CHECK(get(model({{"x", tensor({0, 2}, {})}})).at("y").shape() == Shape{0, 3});
}

TEST_CASE_METHOD(Fixture, "sizes compiled for on request") {
  Tensor x = tensor({3, 2}, {1, 1, 0, 0, 1, 0});
  const std::vector<float> expected{5.5, 0, 10, 0.5, 0, 1, 1.5, 0, 4};
  CompileOptions three;
  three.dims = {{"batch", 3}};
  Executable model = get(engine.compile(denseGraph(), denseParameters(), three));
  CHECK(model.interface().dims.empty());
  CHECK(model.interface().inputs[0].dims == std::vector<int64_t>{3, 2});
  CHECK(values(get(model({{"x", x}})).at("y")) == expected);
  auto other = model.bind({{"x", tensor({1, 2}, {1, 1})}});
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().kind == ErrorKind::BadInput);
  CHECK(other.error().message == "input 'x' is f32[1,2], expected f32[3,2]");

  // It is the image of the graph with the number, and another than that for any size.
  Graph written = get(specializeDims(denseGraph(), "main", {{"batch", 3}}));
  int64_t before = engine.stats().compilations;
  Executable same = get(engine.compile(written, denseParameters()));
  CHECK(engine.stats().compilations == before);
  CHECK(same.imageBytes().data() == model.imageBytes().data());
  CHECK(get(engine.compile(denseGraph(), denseParameters())).interface().dims.size() == 1);
  CHECK(engine.stats().compilations == before + 1);

  for (Executor executor : {Executor::Jit, Executor::Eager, Executor::Reference}) {
    auto evaluate = [&](const Tensor &given, const CompileOptions &options) {
      return engine.evaluate(denseGraph(), denseParameters(), {{"x", given}}, executor, options);
    };
    CHECK(values(get(evaluate(x, three)).at("y")) == expected);
    CHECK(evaluate(tensor({1, 2}, {1, 1}), three).error().kind == ErrorKind::BadInput);
  }
  CHECK(get(engine.explain(denseGraph(), three)).dims.empty());
  CHECK(get(engine.emit(denseGraph(), "graph", three)).find("tensor<3x2xf32>") !=
        std::string::npos);

  auto error = [&](const std::map<std::string, int64_t> &dims) {
    CompileOptions options;
    options.dims = dims;
    auto result = engine.compile(denseGraph(), denseParameters(), options);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::Usage);
    return result.error().message;
  };
  CHECK(error({{"rows", 3}}) == "CompileOptions: `dims`: function `main` has no symbolic dimension "
                                "`rows`; it has `batch`");
  CHECK(error({{"batch", -1}}) ==
        "CompileOptions: `dims`: the size of `batch` is -1, expected at least 0");
}

TEST_CASE_METHOD(Fixture, "sizes make known what could not be compiled for any") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({Dim("n"), Dim("m")})), y = b.input("y", type({Dim("m"), 1}));
  b.output(get(b.node(Op::MatMul, {x, y})), "z");
  graph.functions.push_back(b.finish());
  CompileOptions options;
  CHECK(engine.compile(graph, {}, options).error().kind == ErrorKind::Unsupported);
  options.dims = {{"m", 2}};
  Executable model = get(engine.compile(graph, {}, options));
  CHECK(model.interface().dims == std::vector<std::string>{"n"});
  CHECK(values(get(model({{"x", tensor({2, 2}, {1, 2, 3, 4})}, {"y", tensor({2, 1}, {1, 10})}}))
                   .at("z")) == std::vector<float>{21, 43});
}

TEST_CASE_METHOD(Fixture, "parameters that blocks, or what they call, need are checked") {
  Graph graph;
  graph.parameters = {{"w", type({2})}, {"v", type({2})}};
  auto parameter = [](FunctionBuilder &b, const char *name) {
    return get(b.node(Op::Parameter, {}, {{"parameter", std::string(name)}}));
  };
  FunctionBuilder callee(graph, "callee");
  ValueId given = callee.input("x", type({2}));
  callee.output(get(callee.node(Op::Add, {given, parameter(callee, "v")})), "y");
  graph.functions.push_back(callee.finish());
  FunctionBuilder main(graph, "main");
  ValueId p = main.input("p", type({}, DType::Bool)), x = main.input("x", type({2}));
  std::vector<Block> blocks;
  main.beginBlock();
  ValueId a = main.input("a", type({2}));
  blocks.push_back(main.endBlock({get(main.node(Op::Add, {a, parameter(main, "w")}))}));
  main.beginBlock();
  a = main.input("a", type({2}));
  blocks.push_back(
      main.endBlock({get(main.node(Op::Call, {a}, {{"callee", std::string("callee")}}))}));
  main.output(get(main.nodes(Op::If, {p, x}, {}, "", blocks)).front(), "y");
  graph.functions.push_back(main.finish());

  CompileOptions options;
  options.function = "main";
  TensorMap inputs{{"p", get(Tensor::zeros(DType::Bool, {}))}, {"x", tensor({2}, {1, 2})}};
  TensorMap parameters{{"w", tensor({2}, {1, 1})}, {"v", tensor({2}, {10, 10})}};
  for (Executor executor : {Executor::Jit, Executor::Eager, Executor::Reference}) {
    auto evaluate = [&](const TensorMap &with) {
      return engine.evaluate(graph, with, inputs, executor, options);
    };
    CHECK(values(get(evaluate(parameters)).at("y")) == std::vector<float>{11, 12});
    Error error = evaluate({}).takeError();
    CHECK(error.kind == ErrorKind::BadInput);
    CHECK(error.message == "missing parameter 'w': f32[2]\nmissing parameter 'v': f32[2]");
  }
}

TEST_CASE_METHOD(Fixture, "a bound call sees new inputs and writes the caller's outputs") {
  Executable model = get(engine.compile(addGraph(), {}));
  Tensor x = tensor({1, 2}, {1, 2}), z = tensor({1, 2}, {3, 4}), y = tensor({1, 2}, {0, 0});
  Call call = get(model.bind({{"x", x}, {"z", z}}, {{"y", y}}));
  check(call.run());
  CHECK(values(y) == std::vector<float>{4, 6});
  x.dataAs<float>()[0] = 100;
  check(call.run());
  CHECK(values(y) == std::vector<float>{103, 6});
  CHECK(call.outputs()[0].data() == y.data());
  // The same through the frame.
  x.dataAs<float>()[0] = 7;
  CHECK(call.function()(call.frame()) == 0);
  CHECK(values(y) == std::vector<float>{10, 6});
}

TEST_CASE_METHOD(Fixture, "bind lists outputs that do not fit or overlap") {
  Executable model = get(engine.compile(addGraph(), {}));
  Tensor x = tensor({1, 2}, {1, 2}), z = tensor({1, 2}, {3, 4});
  auto error = [&](const TensorMap &outputs) {
    auto result = model.bind({{"x", x}, {"z", z}}, outputs);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::BadInput);
    return result.error().message;
  };
  CHECK(error({{"y", x}}) == "output 'y' overlaps input 'x'");
  CHECK(error({{"y", tensor({2, 2}, {0, 0, 0, 0})}}) ==
        "output 'y' is f32[2,2], expected f32[1,2]");
  CHECK(error({{"q", x}}) == "unknown output 'q'; the outputs are: y");
  // One float of four in common.
  std::vector<float> memory(3);
  x = Tensor::borrow(DType::F32, {1, 2}, memory.data(), nullptr);
  CHECK(error({{"y", Tensor::borrow(DType::F32, {1, 2}, memory.data() + 1, nullptr)}}) ==
        "output 'y' overlaps input 'x'");
}

namespace {

/// next = state + x, y = next x, for states and x of a few f32.
Graph stepGraph() {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({Dim("n"), 2})), state = b.input("state", type({Dim("n"), 2}));
  ValueId next = get(b.node(Op::Add, {state, x}));
  b.output(get(b.node(Op::Mul, {next, x})), "y");
  b.output(next, "next");
  graph.functions.push_back(b.finish());
  return graph;
}

CompileOptions donating(std::vector<std::pair<std::string, std::string>> pairs) {
  CompileOptions options;
  options.donated = std::move(pairs);
  return options;
}

} // namespace

TEST_CASE_METHOD(Fixture, "a donated state goes from call to call in one buffer") {
  Executable model = get(engine.compile(stepGraph(), {}, donating({{"state", "next"}})));
  REQUIRE(model.interface().outputs.size() == 2);
  CHECK(model.interface().outputs[0].donor == -1);
  CHECK(model.interface().outputs[1].donor == 1);
  Tensor x = tensor({1, 2}, {1, 2}), state = tensor({1, 2}, {10, 20});
  Call call = get(model.bind({{"x", x}, {"state", state}}, {{"next", state}}));
  check(call.run());
  CHECK(values(state) == std::vector<float>{11, 22});
  CHECK(values(call.outputs()[0]) == std::vector<float>{11, 44});
  check(call.run());
  CHECK(values(state) == std::vector<float>{12, 24});
  CHECK(values(call.outputs()[0]) == std::vector<float>{12, 48});
  // By position.
  const Tensor *inputs[] = {&x, &state};
  Tensor outputs[] = {tensor({1, 2}, {0, 0}), state};
  check(model.run(inputs, outputs));
  CHECK(values(state) == std::vector<float>{13, 26});
  // The memory need not be shared.
  TensorMap fresh = get(model({{"x", x}, {"state", state}}));
  CHECK(values(fresh.at("next")) == std::vector<float>{14, 28});
  CHECK(values(state) == std::vector<float>{13, 26});
}

TEST_CASE_METHOD(Fixture, "a state that is read element by element is overwritten in place") {
  CompileOptions options = donating({{"state", "next"}});
  std::string text = get(engine.emit(stepGraph(), "buffers", options));
  CHECK(text.find("mlc.may_alias") != std::string::npos);
  CHECK(text.find("@copy") == std::string::npos);
}

TEST_CASE_METHOD(Fixture,
                 "a state that is read after the next one is known is not overwritten before") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({2})), state = b.input("state", type({2}));
  ValueId next = get(b.node(Op::Add, {x, x}));
  b.output(next, "next");
  b.output(get(b.node(Op::Mul, {next, state})), "y");
  graph.functions.push_back(b.finish());
  CompileOptions options = donating({{"state", "next"}});
  CHECK(get(engine.emit(graph, "buffers", options)).find("@copy") != std::string::npos);
  Executable model = get(engine.compile(graph, {}, options));
  Tensor memory = tensor({2}, {10, 20});
  Call call = get(model.bind({{"x", tensor({2}, {1, 2})}, {"state", memory}}, {{"next", memory}}));
  check(call.run());
  CHECK(values(memory) == std::vector<float>{2, 4});
  CHECK(values(call.outputs()[1]) == std::vector<float>{20, 80});
}

TEST_CASE_METHOD(Fixture, "executors without an image ignore donations") {
  for (Executor executor : {Executor::Eager, Executor::Reference}) {
    Tensor x = tensor({1, 2}, {1, 2}), state = tensor({1, 2}, {10, 20});
    TensorMap outputs = get(engine.evaluate(stepGraph(), {}, {{"x", x}, {"state", state}}, executor,
                                            donating({{"state", "next"}})));
    CHECK(values(outputs.at("next")) == std::vector<float>{11, 22});
    CHECK(values(state) == std::vector<float>{10, 20});
  }
}

TEST_CASE_METHOD(Fixture, "nothing but the donated input may be overlapped, and that wholly") {
  Executable model = get(engine.compile(stepGraph(), {}, donating({{"state", "next"}})));
  std::vector<float> memory(8);
  auto at = [&](size_t first) {
    return Tensor::borrow(DType::F32, {1, 2}, memory.data() + first, nullptr);
  };
  auto error = [&](const TensorMap &inputs, const TensorMap &outputs) {
    auto result = model.bind(inputs, outputs);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::BadInput);
    return result.error().message;
  };
  CHECK(model.bind({{"x", at(0)}, {"state", at(2)}}, {{"next", at(2)}}).ok());
  CHECK(error({{"x", at(0)}, {"state", at(2)}}, {{"next", at(3)}}) ==
        "output 'next' overlaps input 'state', all of whose memory or none it may have");
  CHECK(error({{"x", at(0)}, {"state", at(2)}}, {{"next", at(0)}}) ==
        "output 'next' overlaps input 'x'");
  CHECK(error({{"x", at(0)}, {"state", at(2)}}, {{"y", at(2)}}) ==
        "output 'y' overlaps input 'state'");
  // A donated input that another input shares is read under another name.
  CHECK(error({{"x", at(2)}, {"state", at(2)}}, {{"next", at(2)}}) ==
        "output 'next' overlaps input 'x'");
}

TEST_CASE_METHOD(Fixture, "a donation that cannot be is a usage error") {
  auto error = [&](const Graph &graph, std::vector<std::pair<std::string, std::string>> pairs) {
    auto result = engine.compile(graph, denseParameters(), donating(std::move(pairs)));
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::Usage);
    return result.error().message;
  };
  Graph dense = denseGraph(), step = stepGraph();
  step.parameters = dense.parameters;
  CHECK(error(step, {{"h", "next"}}) == "input 'h' cannot be donated to output 'next': no input "
                                        "'h'; the inputs are: x, state");
  CHECK(error(step, {{"state", "z"}}) == "input 'state' cannot be donated to output 'z': no output "
                                         "'z'; the outputs are: y, next");
  CHECK(error(step, {{"state", "next"}, {"state", "y"}}) ==
        "input 'state' cannot be donated to output 'y': it is donated to output 'next'");
  CHECK(error(step, {{"state", "next"}, {"x", "next"}}) ==
        "input 'x' cannot be donated to output 'next': that has input 'state'");
  CHECK(error(dense, {{"x", "y"}}) ==
        "input 'x' cannot be donated to output 'y': one is f32[batch,2], the other f32[batch,3]");
}

TEST_CASE_METHOD(Fixture, "two donated inputs may change places") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId p = b.input("p", type({3})), q = b.input("q", type({3}));
  b.output(q, "r");
  b.output(p, "s");
  graph.functions.push_back(b.finish());
  Executable model = get(engine.compile(graph, {}, donating({{"p", "r"}, {"q", "s"}})));
  Tensor first = tensor({3}, {1, 2, 3}), second = tensor({3}, {4, 5, 6});
  check(get(model.bind({{"p", first}, {"q", second}}, {{"r", first}, {"s", second}})).run());
  CHECK(values(first) == std::vector<float>{4, 5, 6});
  CHECK(values(second) == std::vector<float>{1, 2, 3});
}

TEST_CASE_METHOD(Fixture, "two outputs may not share memory") {
  Executable model = get(engine.compile(callGraph(), {}));
  Tensor shared = tensor({2}, {0, 0});
  auto result = model.bind({{"a", tensor({2}, {1, 2})}, {"b", tensor({2}, {1, 2})}},
                           {{"sum", shared}, {"same", shared}});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message == "output 'sum' overlaps output 'same'");
}

TEST_CASE_METHOD(Fixture, "a dimension that no buffer could hold is a limit, not an overflow") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  b.input("x", type({Dim("n"), 0}));
  ValueId one = b.input("one", type({}));
  b.output(get(b.node(Op::Broadcast, {one},
                      {{"shape", Dims{Dim("n"), 8}}, {"axes", std::vector<int64_t>{}}})),
           "y");
  graph.functions.push_back(b.finish());
  Executable model = get(engine.compile(graph, {}));
  auto result = model.bind(
      {{"x", get(Tensor::zeros(DType::F32, {int64_t(1) << 58, 0}))}, {"one", tensor({}, {1})}});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == ErrorKind::ResourceLimit);
  CHECK(result.error().message.find("dimension 'n' is 288230376151711744, the largest size is") ==
        0);
}

TEST_CASE_METHOD(Fixture, "an output without elements overlaps nothing") {
  Graph graph;
  FunctionBuilder b(graph, "main");
  ValueId x = b.input("x", type({2}));
  b.output(get(b.node(Op::Slice, {x},
                      {{"axes", std::vector<int64_t>{0}},
                       {"starts", std::vector<int64_t>{1}},
                       {"limits", std::vector<int64_t>{1}},
                       {"strides", std::vector<int64_t>{1}}})),
           "y");
  graph.functions.push_back(b.finish());
  Executable model = get(engine.compile(graph, {}));
  Tensor in = tensor({2}, {1, 2});
  Tensor out = Tensor::borrow(DType::F32, {0}, in.dataAs<float>() + 1, nullptr);
  check(get(model.bind({{"x", in}}, {{"y", out}})).run());
  CHECK(values(in) == std::vector<float>{1, 2});
}

TEST_CASE_METHOD(Fixture, "the engine compiles equal graphs once") {
  get(engine.compile(denseGraph(), denseParameters()));
  TensorMap other = denseParameters();
  other.at("bias").dataAs<float>()[1] = 0;
  Executable model = get(engine.compile(denseGraph(), other));
  CHECK(compiler->calls == 1);
  // The same image, other weights.
  CHECK(values(get(model({{"x", tensor({1, 2}, {1, 1})}})).at("y")) ==
        std::vector<float>{5.5, 7, 10});
  CompileOptions slow;
  slow.optimize = false;
  get(engine.compile(denseGraph(), other, slow));
  CHECK(compiler->calls == 2);
}

TEST_CASE_METHOD(Fixture, "threads that ask for one graph wait for one compilation") {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { good += engine.compile(addGraph(), {}).ok(); });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(good == 4);
  CHECK(compiler->calls == 1);
}

TEST_CASE_METHOD(Fixture, "calls of one executable run in parallel") {
  Executable model = get(engine.compile(denseGraph(), denseParameters()));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      auto value = static_cast<float>(t);
      auto x = Tensor::zeros(DType::F32, {1, 2});
      x->dataAs<float>()[0] = value;
      auto call = model.bind({{"x", *x}});
      for (int i = 0; call.ok() && i < 1000; ++i)
        wrong += !call->run().ok() || call->outputs()[0].dataAs<float>()[2] != 3 * value + 1;
      wrong += !call.ok();
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a call outlives what it was made from") {
  std::optional<Call> call;
  {
    Engine engine = get(Engine::create());
    Executable model = get(engine.compile(addGraph(), {}));
    call.emplace(get(model.bind({{"x", tensor({1, 2}, {1, 2})}, {"z", tensor({1, 2}, {3, 4})}})));
  }
  Call moved = std::move(*call);
  call.reset();
  check(moved.run());
  CHECK(values(moved.outputs()[0]) == std::vector<float>{4, 6});
}

TEST_CASE_METHOD(Fixture, "image bytes load again") {
  Executable model = get(engine.compile(addGraph(), {}));
  auto image = get(Image::load(model.imageBytes()));
  CHECK(image->interface().encode() == model.interface().encode());
  REQUIRE(model.interface().inputs.size() == 2);
  CHECK(model.interface().inputs[1].name == "z");
}

TEST_CASE_METHOD(Fixture, "the host's flag cancels a run between two kernels") {
  CompileOptions options;
  options.fuse = false;
  Executable model = get(engine.compile(callGraph(), {}, options));
  auto bind = [&] {
    TensorMap inputs;
    for (const ImageTensor &input : model.interface().inputs)
      inputs[input.name] = tensor({2}, {1, 2});
    return get(model.bind(inputs));
  };
  Call call = bind();
  volatile int32_t cancel = 1;
  mlc_host host{};
  host.version = MLC_FRAME_VERSION;
  CHECK(call.function()(call.frame()) == 0); // no host
  call.frame()->host = &host;
  CHECK(call.function()(call.frame()) == 0); // no flag
  host.cancel = &cancel;
  CHECK(call.function()(call.frame()) == MLC_RUN_CANCELLED);
  CHECK_FALSE(call.run());
  cancel = 0;
  CHECK(call.function()(call.frame()) == 0);
}

TEST_CASE_METHOD(Fixture, "the host's flag cancels a loop, and a limit ends it") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", {DType::Bool, {}}), x = builder.input("x", {DType::F32, {}});
  std::vector<Block> blocks;
  for (bool body : {false, true}) {
    builder.beginBlock();
    ValueId state = builder.input("s", {DType::F32, {}}),
            on = builder.input("q", {DType::Bool, {}});
    blocks.push_back(builder.endBlock({body ? get(builder.node(Op::Neg, {state})) : on}));
  }
  Attributes attributes{{"carried", int64_t(1)}, {"limit", int64_t(3)}};
  builder.output(get(builder.nodes(Op::While, {x, p}, attributes, "spin", blocks))[0], "y");
  graph.functions.push_back(builder.finish());
  Executable model = get(engine.compile(graph, {}));

  Tensor yes = *Tensor::zeros(DType::Bool, {}), no = yes.clone();
  *yes.dataAs<bool>() = true;
  Call ends = get(model.bind({{"p", no}, {"x", tensor({}, {2})}}));
  REQUIRE(ends.run());
  CHECK(ends.outputs()[0].item<float>() == 2);

  Call spins = get(model.bind({{"p", yes}, {"x", tensor({}, {2})}}));
  CHECK(spins.function()(spins.frame()) == MLC_RUN_STOPPED);
  Status status = spins.run();
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::ResourceLimit);
  CHECK(status.error().message == "function `main`: node `spin`: while: has run 3 times, its "
                                  "`limit`, and would go on");
  volatile int32_t cancel = 1;
  mlc_host host{};
  host.version = MLC_FRAME_VERSION;
  host.cancel = &cancel;
  spins.frame()->host = &host;
  CHECK(spins.function()(spins.frame()) == MLC_RUN_CANCELLED);
}
