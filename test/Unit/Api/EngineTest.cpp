// Engine against compilers that are not there, fail or misbehave.
#include "FakeCompiler.h"
#include "TestGraphs.h"

using namespace mlc;

namespace {

Engine engineWith(std::shared_ptr<CompilerClient> compiler) {
  EngineOptions options;
  options.compiler = std::move(compiler);
  return get(Engine::create(options));
}

std::shared_ptr<FakeCompiler> answering(DoorReply reply) {
  return std::make_shared<FakeCompiler>(
      [reply](const DoorRequest &) -> Result<DoorReply> { return reply; });
}

} // namespace

TEST_CASE("without a compiler half the reference evaluates, where that is allowed") {
  Engine engine = engineWith(noCompiler());
  CompileOptions options;
  options.orReference = true;
  TensorMap parameters = denseParameters();
  Executable model = get(engine.compile(denseGraph(), parameters, options));
  parameters.at("w").dataAs<float>()[0] = 1e9f; // It has its own.
  CHECK(model.imageBytes().empty());
  Tensor x = tensor({3, 2}, {1, 1, 0, 0, 1, 0});
  const std::vector<float> expected{5.5, 0, 10, 0.5, 0, 1, 1.5, 0, 4};
  CHECK(values(get(model({{"x", x}})).at("y")) == expected);
  Call call = get(model.bind({{"x", x.clone()}}));
  CHECK(call.function() == nullptr);
  float y[9];
  const void *inputs[] = {x.data()};
  void *outputs[] = {y};
  check(call.rebind({inputs, 1}, {outputs, 1}));
  check(call.run());
  CHECK(std::vector<float>(y, y + 9) == expected);
  Cancellation cancellation;
  call.setCancellation(cancellation);
  cancellation.request();
  CHECK(call.run().error().kind == ErrorKind::Cancelled);
  Tensor wide = get(Tensor::zeros(DType::F32, {3, 3}));
  CHECK(model.bind({{"x", wide}}).error().kind == ErrorKind::BadInput);

  // The state's memory is read before it is written.
  options.donated = {{"x", "y"}};
  Executable adds = get(engine.compile(addGraph(), {}, options));
  Tensor state = tensor({1, 2}, {1, 2});
  Call step = get(adds.bind({{"x", state}, {"z", tensor({1, 2}, {3, 4})}}, {{"y", state}}));
  check(step.run());
  check(step.run());
  CHECK(values(state) == std::vector<float>{7, 10});
  options.donated = {{"x", "nothing"}};
  CHECK(engine.compile(addGraph(), {}, options).error().kind == ErrorKind::Usage);

  // A compiler that is there and fails is another matter.
  DoorReply reply;
  reply.errorKind = ErrorKind::Unsupported;
  reply.message = "cannot do that";
  options.donated.clear();
  CHECK(engineWith(answering(reply)).compile(addGraph(), {}, options).error().message ==
        "cannot do that");
}

TEST_CASE("what a log throws stays where it is") {
  EngineOptions options;
  options.compiler = noCompiler();
  int lines = 0;
  options.log = [&](const std::string &) {
    ++lines;
    throw std::runtime_error("the disk is full");
  };
  Engine engine = get(Engine::create(options));
  CHECK_FALSE(engine.hasCompiler());
  CHECK(lines == 1);
}

TEST_CASE("without a compiler half compiling is unsupported") {
  auto result = engineWith(noCompiler()).compile(addGraph(), {});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == ErrorKind::Unsupported);
  CHECK(result.error().message == "no compiler here");
}

TEST_CASE("a compiler's error is handed on with its kind") {
  DoorReply reply;
  reply.errorKind = ErrorKind::ResourceLimit;
  reply.message = "too much";
  auto compiler = answering(reply);
  Engine engine = engineWith(compiler);
  auto result = engine.compile(addGraph(), {});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == ErrorKind::ResourceLimit);
  CHECK(result.error().message == "too much");
  // A failure is not remembered.
  CHECK_FALSE(engine.compile(addGraph(), {}).ok());
  CHECK(compiler->calls == 2);
}

TEST_CASE("an image that is none is refused") {
  DoorReply reply;
  reply.ok = true;
  reply.result = "not an image";
  auto result = engineWith(answering(reply)).compile(addGraph(), {});
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == ErrorKind::BadInput);
}

TEST_CASE("a bad graph never reaches the compiler") {
  auto compiler = noCompiler();
  Engine engine = engineWith(compiler);
  Graph graph = addGraph();
  graph.functions[0].body.nodes[0].operands.pop_back();
  CHECK_FALSE(engine.compile(graph, {}).ok());
  CHECK_FALSE(engine.emit(graph, "llvm").ok());
  CHECK(engine.compile(denseGraph(), {}).error().message.find("missing parameter 'w'") !=
        std::string::npos);
  CHECK(compiler->calls == 0);
}

TEST_CASE("emit asks for a phase of one function") {
  DoorRequest seen;
  auto compiler = std::make_shared<FakeCompiler>([&](const DoorRequest &request) {
    seen = request;
    DoorReply reply;
    reply.ok = true;
    reply.result = "text";
    return Result<DoorReply>(reply);
  });
  CompileOptions options;
  options.function = "twice";
  options.target = "x86-64-v3";
  options.fuse = false;
  options.weights = WeightType::Int8Dynamic;
  options.donated = {{"x", "y"}, {"a", "b"}};
  CHECK(get(engineWith(compiler).emit(callGraph(), "vector", options)) == "text");
  CHECK(seen.donated == options.donated);
  CHECK(get(DoorRequest::decode(seen.encode())).donated == options.donated);
  CHECK(seen.weights == options.weights);
  CHECK(get(DoorRequest::decode(seen.encode())).weights == options.weights);
  DoorRequest other = seen; // What images are kept under.
  other.weights = WeightType::AsGiven;
  CHECK(other.encode() != seen.encode());
  seen.weights = static_cast<WeightType>(4);
  CHECK_FALSE(DoorRequest::decode(seen.encode()).ok());
  CHECK(seen.kind == DoorRequest::Kind::Emit);
  CHECK(seen.phase == "vector");
  CHECK(seen.function == "twice");
  CHECK(seen.target == "x86-64-v3");
  CHECK_FALSE(seen.fuse);
}

TEST_CASE("what the compiler parsed is checked") {
  DoorReply reply;
  reply.ok = true;
  reply.result = "not a graph";
  CHECK_FALSE(engineWith(answering(reply)).parseMlir("module {}").ok());
}

TEST_CASE("a model that is not there is an error with its name") {
  auto result = engineWith(noCompiler()).load("/nonexistent/model.json");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().kind == ErrorKind::BadInput);
  CHECK(result.error().message.find("/nonexistent/model.json") != std::string::npos);
}
