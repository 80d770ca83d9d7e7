// Tests of the canonical bytes: round trips, and bytes of strangers.

#include "mlc/Graph/Serialize.h"
#include "Build.h"
#include "mlc/Graph/Print.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Support/Bytes.h"

#include <random>

using namespace mlc;

/// A valid graph with every kind of attribute.
static Graph variedGraph() {
  Graph graph;
  graph.parameters = {{"w", type("f32[3,2]")}, {"unused", type("u8[0]")}};
  {
    FunctionBuilder f(graph, "f");
    ValueId x = f.input("x", type("f32[n,2]"));
    f.output(*f.node(Op::Softmax, {x}, {{"axis", int64_t(1)}}), "y");
    f.output(x, "same");
    graph.functions.push_back(f.finish());
  }
  FunctionBuilder main(graph, "main");
  ValueId x = main.input("x", type("f32[batch,3]"));
  ValueId w = *main.node(Op::Parameter, {}, {{"parameter", "w"}});
  ValueId h = *main.node(Op::MatMul, {x, w});
  auto pair = main.nodes(Op::Call, {h}, {{"callee", "f"}});
  ValueId c = *main.node(Op::Constant, {}, {{"value", zeros(DType::F32, {2})}});
  c = *main.node(Op::Broadcast, {c}, {{"shape", Dims{Dim("batch"), 2}}, {"axes", Ints{1}}});
  main.output(*main.node(Op::Add, {(*pair)[0], c}), "y");
  graph.functions.push_back(main.finish());
  graph.functions[1].body.nodes[0].location = "net.py:7:2";
  REQUIRE(validate(graph).ok());
  return graph;
}

TEST_CASE("bytes and graphs are each other's inverse") {
  Graph graph = variedGraph();
  std::string bytes = serialize(graph);
  auto copy = deserialize(bytes);
  REQUIRE(copy.ok());
  CHECK(serialize(*copy) == bytes);
  CHECK(print(*copy) == print(graph));
  CHECK(validate(*copy).ok());
  CHECK(copy->functions[1].body.nodes[0].location == "net.py:7:2");
}

TEST_CASE("every part of a graph is in its bytes") {
  Graph graph = variedGraph();
  std::string bytes = serialize(graph);
  auto differs = [&](auto change) {
    Graph changed = variedGraph();
    change(changed);
    std::string other = serialize(changed);
    CHECK(other != bytes);
    auto copy = deserialize(other);
    REQUIRE(copy.ok());
    CHECK(serialize(*copy) == other);
  };
  auto &&node = [](Graph &g, size_t i) -> Node & { return g.functions[1].body.nodes[i]; };
  differs([&](Graph &g) { g.parameters[0].name = "v"; });
  differs([&](Graph &g) { g.parameters[0].type.dtype = DType::BF16; });
  differs([&](Graph &g) { g.functions[0].name = "g"; });
  differs([&](Graph &g) { g.functions[0].values[0].name = "z"; });
  differs([&](Graph &g) { g.functions[0].values[0].type.dims[0] = Dim(7); });
  differs([&](Graph &g) { g.functions[0].outputNames[0] = "z"; });
  differs([&](Graph &g) { g.functions[0].body.outputs[0] = 0; });
  differs([&](Graph &g) { node(g, 1).attributes["transpose_b"] = true; });
  differs([&](Graph &g) { node(g, 1).name = "other"; });
  differs([&](Graph &g) { node(g, 1).op = Op::Add; });
  differs([&](Graph &g) { node(g, 1).location = "here"; });
  differs([&](Graph &g) { node(g, 1).operands.pop_back(); });
  differs([&](Graph &g) { node(g, 3).attributes["value"] = zeros(DType::I32, {2}); });
  differs([&](Graph &g) { node(g, 1).blocks.emplace_back().inputs = {1}; });
}

static std::string bytesWith(void (*fill)(ByteWriter &)) {
  ByteWriter out;
  out.string("mlc-graph");
  out.integer(1);
  fill(out);
  return out.take();
}

TEST_CASE("malformed bytes are refused") {
  CHECK_THAT(deserialize("").error().message, Catch::Contains("not the bytes of a graph"));
  std::string bytes = serialize(variedGraph());
  CHECK(!deserialize(bytes + '\0').ok());
  std::string version = bytes;
  version[8 + 9] = 2;
  CHECK_THAT(deserialize(version).error().message, Catch::Contains("version 2, expected 1"));
  CHECK(deserialize(bytesWith([](ByteWriter &out) {
          out.integer(0);
          out.integer(0);
        })).ok());
  // A count that the bytes cannot hold takes no memory.
  CHECK(!deserialize(bytesWith([](ByteWriter &out) {
           out.integer(0);
           out.integer(int64_t(1) << 60);
         })).ok());
  // A dtype that does not exist.
  CHECK(!deserialize(bytesWith([](ByteWriter &out) {
           out.integer(1);
           out.string("w");
           out.integer(10);
           out.integer(0);
           out.integer(0);
         })).ok());
}

TEST_CASE("deeply nested blocks are refused without recursing into them") {
  auto nested = [](int depth) {
    Graph graph = variedGraph();
    Block *block = &graph.functions[0].body;
    for (int i = 0; i < depth; ++i)
      block = &block->nodes.emplace_back().blocks.emplace_back();
    return serialize(graph);
  };
  CHECK(deserialize(nested(64)).ok());
  CHECK(!deserialize(nested(65)).ok());
  // As bytes alone: 100,000 levels.
  ByteWriter out;
  out.string("mlc-graph");
  for (int64_t value : {1, 0, 1}) // Version, parameters, functions.
    out.integer(value);
  out.string("f");
  out.integer(0);
  for (int i = 0; i < 100000; ++i) {
    out.integer(0); // Block inputs.
    out.integer(1); // Nodes.
    out.string("n");
    for (int64_t value : {0, 0, 0, 0, 1}) // Op, operands, results, attributes, blocks.
      out.integer(value);
  }
  CHECK(!deserialize(out.take()).ok());
}

TEST_CASE("attributes out of order or twice are refused") {
  Graph graph = variedGraph();
  std::string bytes = serialize(graph);
  size_t at = bytes.find("transpose_b");
  REQUIRE(at != std::string::npos);
  std::string twice = bytes;
  twice[at + 10] = 'a';
  CHECK(!deserialize(twice).ok());
  std::string sorted = bytes;
  sorted[at + 10] = 'c';
  CHECK(deserialize(sorted).ok());
}

TEST_CASE("truncated bytes are refused at every length") {
  std::string bytes = serialize(variedGraph());
  for (size_t length = 0; length < bytes.size(); ++length)
    CHECK(!deserialize(std::string_view(bytes).substr(0, length)).ok());
}

TEST_CASE("changed bytes neither crash the reader nor the validator") {
  const std::string bytes = serialize(variedGraph());
  std::mt19937 random(1);
  int read = 0, valid = 0;
  auto attempt = [&](const std::string &changed) {
    auto graph = deserialize(changed);
    if (!graph)
      return;
    ++read;
    // What is read is canonical.
    CHECK(serialize(*graph) == changed);
    if (!validate(*graph))
      return;
    ++valid;
    for (const Function &function : graph->functions) {
      print(function);
      static_cast<void>(checkExecutable(*graph, function));
    }
  };
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(value);
      attempt(changed);
    }
  for (int round = 0; round < 20000; ++round) {
    std::string changed = bytes;
    for (size_t flips = 1 + random() % 4; flips > 0; --flips)
      changed[random() % changed.size()] = static_cast<char>(random());
    attempt(changed);
  }
  CHECK(read > 100);
  CHECK(valid > 10);
}
