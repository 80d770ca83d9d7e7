// The door as its callers see it: bytes in, bytes out, through every phase.
#include "mlc/Runtime/Compiler.h"
#include "mlc/Abi/Frame.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"
#include "mlc/Runtime/CompilerLibrary.h"
#include "mlc/Runtime/Image.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <thread>

using namespace mlc;
using Catch::Matchers::Contains;

static const CompilerLibrary &library() {
  static const CompilerLibrary opened = [] {
    auto result = CompilerLibrary::open(COMPILER);
    if (!result)
      throw std::runtime_error(result.error().message);
    return *result;
  }();
  return opened;
}

static DoorReply ask(const DoorRequest &request, const volatile int32_t *cancel = nullptr) {
  std::string bytes = request.encode(), reply;
  int replies = 0;
  std::pair<std::string *, int *> context{&reply, &replies};
  library().door(
      bytes.data(), bytes.size(), cancel,
      [](void *context, const void *data, size_t size) {
        auto [out, count] = *static_cast<std::pair<std::string *, int *> *>(context);
        out->assign(static_cast<const char *>(data), size);
        ++*count;
      },
      &context);
  CHECK(replies == 1);
  auto decoded = DoorReply::decode(reply);
  REQUIRE(decoded);
  return *decoded;
}

static TensorType type(DType dtype, Dims dims) {
  TensorType type;
  type.dtype = dtype;
  type.dims = std::move(dims);
  return type;
}

/// twice(x) = relu(x + x) + w on [batch, 3], and sum(x) = x + x on [3].
static Graph makeGraph(DType dtype = DType::F32) {
  Graph graph;
  graph.parameters.push_back({"w", type(dtype, {3})});
  FunctionBuilder twice(graph, "twice");
  ValueId x = twice.input("x", type(dtype, {Dim("batch"), 3}));
  ValueId sum = *twice.node(Op::Add, {x, x});
  ValueId w = *twice.node(Op::Parameter, {}, {{"parameter", std::string("w")}});
  ValueId wide = *twice.node(Op::Broadcast, {w},
                             {{"shape", Dims{Dim("batch"), 3}}, {"axes", std::vector<int64_t>{1}}});
  ValueId y = *twice.node(Op::Add, {*twice.node(Op::Relu, {sum}), wide});
  twice.output(y, "y");
  graph.functions.push_back(twice.finish());
  FunctionBuilder plain(graph, "sum");
  ValueId a = plain.input("a", type(dtype, {3}));
  plain.output(*plain.node(Op::Add, {a, a}), "b");
  graph.functions.push_back(plain.finish());
  return graph;
}

static DoorRequest compileRequest(const Graph &graph = makeGraph()) {
  DoorRequest request;
  request.payload = serialize(graph);
  return request;
}

static void checkError(const DoorReply &reply, ErrorKind kind, const std::string &words) {
  CHECK_FALSE(reply.ok);
  CHECK(int(reply.errorKind) == int(kind));
  CHECK_THAT(reply.message, Contains(words));
  CHECK(reply.result.empty());
}

TEST_CASE("a graph becomes an image that runs") {
  DoorRequest request = compileRequest();
  request.optimize = GENERATE(true, false);
  request.fuse = GENERATE(true, false);
  DoorReply reply = ask(request);
  INFO(reply.message);
  REQUIRE(reply.ok);
  auto image = Image::load(reply.result);
  REQUIRE(image);

  const ImageInterface &interface = (*image)->interface();
  CHECK(interface.function == "twice");
  CHECK(interface.dims == std::vector<std::string>{"batch"});
  REQUIRE(interface.inputs.size() == 1);
  CHECK(interface.inputs[0].name == "x");
  CHECK(interface.inputs[0].dtype == int64_t(DType::F32));
  CHECK(interface.inputs[0].dims == std::vector<int64_t>{-1, 3});
  REQUIRE(interface.outputs.size() == 1);
  CHECK(interface.outputs[0].name == "y");
  CHECK(interface.outputs[0].dims == std::vector<int64_t>{-1, 3});
  REQUIRE(interface.parameters.size() == 1);
  CHECK(interface.parameters[0].name == "w");

  struct alignas(MLC_ALIGNMENT) Block {
    char bytes[4096];
  } prepared, workspace;
  const int64_t dims[] = {2};
  REQUIRE(interface.preparedBytes <= 4096);
  REQUIRE((*image)->workspaceBytes()(dims) <= 4096);
  REQUIRE((*image)->prepareWorkspaceBytes()(dims) <= 4096);
  float x[6] = {1, -1, 2, -2, 3, -3}, w[3] = {10, 20, 30}, y[6] = {};
  const void *inputs[] = {x}, *parameters[] = {w};
  void *outputs[] = {y};
  mlc_frame frame = {MLC_FRAME_VERSION, 0,          inputs, outputs, parameters,
                     &prepared,         &workspace, dims,   nullptr};
  CHECK((*image)->prepare()(&frame) == 0);
  CHECK((*image)->run()(&frame) == 0);
  const float expected[6] = {12, 20, 34, 10, 26, 30};
  for (int i = 0; i < 6; ++i)
    CHECK(y[i] == expected[i]);
}

TEST_CASE("every phase has a text") {
  DoorRequest request = compileRequest();
  request.kind = DoorRequest::Kind::Emit;
  request.target = "x86-64-v3";
  const std::pair<const char *, const char *> expected[] = {
      {"graph", "mlc.relu"},  {"fused", "mlc.fusion"}, {"linalg", "linalg.generic"},
      {"buffers", "memref<"}, {"vector", "vector<"},   {"llvm", "define dso_local i32 @run"},
      {"asm", "vaddps"},
  };
  for (auto [phase, words] : expected) {
    request.phase = phase;
    DoorReply reply = ask(request);
    INFO(phase << ": " << reply.message);
    CHECK(reply.ok);
    CHECK_THAT(reply.result, Contains(words));
    CHECK(ask(request).result == reply.result);
  }
  request.phase = "soup";
  checkError(ask(request), ErrorKind::Usage, "'soup'");
}

TEST_CASE("the function is chosen by name") {
  DoorRequest request = compileRequest();
  request.function = "sum";
  DoorReply reply = ask(request);
  REQUIRE(reply.ok);
  auto image = Image::load(reply.result);
  REQUIRE(image);
  CHECK((*image)->interface().function == "sum");
  CHECK((*image)->interface().dims.empty());
  request.function = "none";
  checkError(ask(request), ErrorKind::Usage, "'none'");
}

TEST_CASE("a callee may have more symbolic dimensions than the entry") {
  Graph graph = makeGraph();
  FunctionBuilder half(graph, "negate");
  ValueId x = half.input("x", type(DType::F32, {Dim("m"), Dim("n")}));
  half.output(*half.node(Op::Neg, {x}), "y");
  graph.functions.push_back(half.finish());
  FunctionBuilder main(graph, "main");
  ValueId a = main.input("a", type(DType::F32, {Dim("batch"), 3}));
  main.output((*main.nodes(Op::Call, {a}, {{"callee", std::string("negate")}}))[0], "b");
  graph.functions.push_back(main.finish());

  DoorRequest request;
  request.kind = DoorRequest::Kind::Emit;
  request.payload = serialize(graph);
  request.function = "main";
  request.phase = "fused";
  DoorReply reply = ask(request);
  INFO(reply.message);
  REQUIRE(reply.ok);
  CHECK_THAT(reply.result, Contains("mlc.neg") && Contains("mlc.dims = [\"batch\"]"));
  // The frame's parameters stay, though main uses none.
  CHECK_THAT(reply.result, Contains("mlc.parameter = \"w\""));
  request.function = "negate";
  CHECK(ask(request).errorKind == ErrorKind::Unsupported);
}

TEST_CASE("what cannot be compiled is refused before MLIR sees it") {
  checkError(ask(compileRequest(makeGraph(DType::F64))), ErrorKind::Unsupported, "f64");
  Graph cyclic = makeGraph();
  std::swap(cyclic.functions[0].body.nodes.front(), cyclic.functions[0].body.nodes.back());
  CHECK_FALSE(ask(compileRequest(cyclic)).ok);
  checkError(ask(compileRequest(Graph())), ErrorKind::BadInput, "no function");
  DoorRequest request = compileRequest();
  request.target = "pentium";
  checkError(ask(request), ErrorKind::Usage, "'pentium'");
}

TEST_CASE("damaged requests are errors") {
  auto raw = [](std::string_view bytes) {
    auto reply = DoorReply::decode(library().call(bytes));
    REQUIRE(reply);
    return *reply;
  };
  CHECK_FALSE(raw("").ok);
  checkError(raw(std::string(8, '\x7f')), ErrorKind::Usage, "different versions");
  std::string request = compileRequest().encode();
  for (size_t size = 8; size < request.size(); ++size)
    CHECK_FALSE(raw(std::string_view(request).substr(0, size)).ok);
  DoorRequest cut = compileRequest();
  std::string payload = cut.payload;
  for (size_t size = 0; size < payload.size(); ++size) {
    cut.payload = payload.substr(0, size);
    DoorReply reply = ask(cut);
    CHECK_FALSE(reply.ok);
    CHECK(int(reply.errorKind) == int(ErrorKind::BadInput));
  }
}

TEST_CASE("MLIR text becomes a graph") {
  DoorRequest emit = compileRequest();
  emit.kind = DoorRequest::Kind::Emit;
  emit.phase = "graph";
  DoorRequest parse;
  parse.kind = DoorRequest::Kind::ParseMlir;
  parse.payload = ask(emit).result;
  DoorReply graph = ask(parse);
  INFO(graph.message);
  REQUIRE(graph.ok);
  DoorRequest compile;
  compile.payload = graph.result;
  CHECK(ask(compile).ok);
  parse.payload = "func.func @f(";
  CHECK_FALSE(ask(parse).ok);
}

TEST_CASE("a cancelled compilation gives up") {
  volatile int32_t cancel = 1;
  checkError(ask(compileRequest(), &cancel), ErrorKind::Cancelled, "cancelled");
  cancel = 0;
  CHECK(ask(compileRequest(), &cancel).ok);
}

TEST_CASE("many threads may use the door, and get equal images") {
  DoorRequest request = compileRequest();
  std::string expected = ask(request).result, results[4];
  std::vector<std::thread> threads;
  for (std::string &result : results)
    threads.emplace_back([&] {
      auto reply = DoorReply::decode(library().call(request.encode()));
      result = reply ? reply->result : "";
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &result : results)
    CHECK(result == expected);
}

TEST_CASE("a helper process compiles, and keeps its limit") {
  HelperLimits limits;
  auto reply = CompilerClient::helperProcess(limits, HELPER)->call(compileRequest());
  REQUIRE(reply);
  INFO(reply->message);
  CHECK(reply->ok);
  CHECK(reply->result == ask(compileRequest()).result);
}

TEST_CASE("a helper that runs out of memory says so wherever it is") {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  int refused = 0;
  for (int64_t quarters = 1440; quarters <= 1600; quarters += 16) {
    HelperLimits limits;
    limits.memoryBytes = quarters << 18; // 360 to 400 MiB: it fails later and later
    auto reply = CompilerClient::helperProcess(limits, HELPER)->call(compileRequest());
    INFO(limits.memoryBytes << ": " << (reply ? reply->message : reply.error().message));
    if (reply)
      CHECK(reply->ok);
    else
      CHECK(int(reply.error().kind) == int(ErrorKind::ResourceLimit));
    refused += !reply;
  }
  CHECK(refused > 0);
#endif
}

TEST_CASE("the library exports the door and nothing of mlc") {
  FILE *pipe = popen("nm -D --defined-only " COMPILER, "r");
  REQUIRE(pipe);
  std::string text;
  for (char buffer[4096]; size_t n = fread(buffer, 1, sizeof buffer, pipe);)
    text.append(buffer, n);
  CHECK(pclose(pipe) == 0);
  CHECK_THAT(text, Contains(" T " MLC_DOOR_SYMBOL "\n") &&
                       Contains(" T " MLC_DOOR_EXIT_WITHOUT_MEMORY_SYMBOL "\n"));
  size_t functions = 0;
  for (size_t at = 0; (at = text.find(" T ", at)) != std::string::npos; ++at)
    ++functions;
  CHECK(functions == 2);
}
