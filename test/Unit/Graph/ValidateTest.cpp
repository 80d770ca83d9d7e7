// Tests of validation beyond the ops' constraints: names, order, cycles, sizes.

#include "mlc/Graph/Validate.h"
#include "Build.h"
#include "mlc/Graph/Rewrite.h"

#include <algorithm>

using namespace mlc;

namespace {

/// x -> neg -> abs -> exp, by hand, so that tests can break it.
Graph chain() {
  Graph graph;
  Function function;
  function.name = "main";
  for (const char *name : {"x", "a", "b", "c"})
    function.values.push_back({name, type("f32[2]")});
  function.body.inputs = {0};
  Op ops[] = {Op::Neg, Op::Abs, Op::Exp};
  for (ValueId i = 0; i < 3; ++i) {
    Node node;
    node.name = std::string("node_") + "abc"[i];
    node.op = ops[i];
    node.operands = {i};
    node.results = {i + 1};
    function.body.nodes.push_back(node);
  }
  function.body.outputs = {3};
  function.outputNames = {"y"};
  graph.functions.push_back(function);
  return graph;
}

void checkFinding(const Graph &graph, const std::string &text, ErrorKind kind = ErrorKind::BadInput,
                  const GraphLimits &limits = {}) {
  Status status = validate(graph, limits);
  INFO(text);
  REQUIRE(!status.ok());
  CHECK_THAT(status.error().message, Catch::Contains(text));
  CHECK(status.error().kind == kind);
}

int64_t lines(const std::string &text) { return 1 + std::count(text.begin(), text.end(), '\n'); }

} // namespace

TEST_CASE("validate accepts a chain") { CHECK(validate(chain()).ok()); }

TEST_CASE("validate: names") {
  Graph graph = chain();
  Function &f = graph.functions[0];
  SECTION("no function") {
    graph.functions.clear();
    checkFinding(graph, "the graph has no function");
  }
  SECTION("two functions of one name") {
    graph.functions.push_back(f);
    checkFinding(graph, "two functions are named `main`");
  }
  SECTION("two parameters of one name") {
    graph.parameters = {{"w", type("f32[1]")}, {"w", type("f32[1]")}};
    checkFinding(graph, "two parameters are named `w`");
  }
  SECTION("two values of one name") {
    f.values[2].name = "a";
    checkFinding(graph, "function `main`: two values are named `a`");
  }
  SECTION("two nodes of one name") {
    f.body.nodes[2].name = "node_a";
    checkFinding(graph, "two nodes are named `node_a`");
  }
  SECTION("two outputs of one name") {
    f.body.outputs = {3, 3};
    f.outputNames = {"y", "y"};
    checkFinding(graph, "two outputs are named `y`");
  }
  SECTION("empty") {
    f.values[1].name = "";
    checkFinding(graph, "a value has no name");
  }
  SECTION("control character") {
    f.body.nodes[0].name = "a\nb";
    checkFinding(graph, "a node is named \"a?b\"; expected UTF-8 without control characters");
  }
  SECTION("not UTF-8") {
    for (const char *name : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82"}) {
      f.name = name;
      checkFinding(graph, "expected UTF-8");
    }
    for (const char *name : {"\xc3\xa9t\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
      f.name = name;
      CHECK(validate(graph).ok());
    }
  }
  SECTION("too long") {
    f.outputNames[0] = std::string(2000, 'y');
    checkFinding(graph, "at most 1024 bytes");
  }
  SECTION("location") {
    f.body.nodes[0].location = "\x1b[31m";
    checkFinding(graph, "node `node_a` (?[31m): a location is named");
  }
  SECTION("a name for each output") {
    f.outputNames.push_back("z");
    checkFinding(graph, "has 1 outputs, but 2 output names");
  }
}

TEST_CASE("validate: dimensions") {
  Graph graph = chain();
  Function &f = graph.functions[0];
  SECTION("negative") {
    f.values[0].type.dims[0] = Dim(-1);
    checkFinding(graph, "value `x` has the dimension -1");
  }
  SECTION("a name and a size") {
    f.values[0].type.dims[0].name = "n";
    checkFinding(graph, "value `x` has the dimension 2; expected a size >= 0 or a name");
  }
  SECTION("a number as a name") {
    for (const char *name : {"4", "1e3", "2.0", "a b", "?", "n-1"}) {
      f.values[0].type.dims[0] = Dim(name);
      checkFinding(graph, std::string("has a dimension named \"") + name + '"');
    }
  }
  SECTION("rank") {
    f.values[0].type.dims = Dims(9, Dim(1));
    checkFinding(graph, "has rank 9, at most 8", ErrorKind::ResourceLimit);
  }
  SECTION("bytes") {
    f.values[0].type.dims = {int64_t(1) << 35};
    checkFinding(graph, "takes more than 68719476736 bytes", ErrorKind::ResourceLimit);
    f.values[0].type.dims = {int64_t(1) << 62, int64_t(1) << 62};
    checkFinding(graph, "takes more than", ErrorKind::ResourceLimit);
    f.values[0].type.dims = {0, int64_t(1) << 62, int64_t(1) << 62};
    checkFinding(graph, "takes more than", ErrorKind::ResourceLimit);
  }
  SECTION("unbound symbolic names are listed at once") {
    for (size_t i = 0; i < 4; ++i)
      f.values[i].type = type("f32[n]");
    CHECK(validate(graph).ok());
    f.values[1].type = type("f32[p,q]");
    f.values[2].type = type("f32[r]");
    checkFinding(graph, "symbolic dimensions that occur in no input: `p`, `q`, `r`");
  }
  SECTION("parameters have known sizes") {
    graph.parameters = {{"w", type("f32[n]")}};
    checkFinding(graph, "parameter `w` has the symbolic dimension `n`");
    graph.parameters = {{"w", type("f32[-3]")}};
    checkFinding(graph, "parameter `w` has the dimension -3");
  }
  SECTION("attributes") {
    Node &node = f.body.nodes[0];
    node.op = Op::Reshape;
    node.attributes = {{"shape", Dims{Dim("4")}}};
    checkFinding(graph, "reshape: attribute `shape` has a dimension named \"4\"");
    node.attributes = {{"shape", Dims(100, Dim(1))}};
    checkFinding(graph, "reshape: attribute `shape` has rank 100", ErrorKind::ResourceLimit);
  }
}

TEST_CASE("validate: definitions and uses") {
  Graph graph = chain();
  Function &f = graph.functions[0];
  SECTION("ids out of range") {
    for (ValueId id : {-1, 4, 1 << 30}) {
      f = chain().functions[0];
      f.body.nodes[1].operands = {id};
      checkFinding(graph, "node `node_b`: an operand or result is not a value");
      f = chain().functions[0];
      f.body.outputs = {id};
      checkFinding(graph, "an input or output is not a value");
    }
  }
  SECTION("defined twice") {
    f.body.nodes[2].results = {2};
    f.body.outputs = {2};
    checkFinding(graph, "node `node_c`: value `b` is defined twice");
  }
  SECTION("an input that is also a result") {
    f.body.inputs = {0, 3};
    checkFinding(graph, "node `node_c`: value `c` is defined twice");
  }
  SECTION("never defined") {
    f.body.inputs = {};
    checkFinding(graph, "nothing defines value `x`");
  }
  SECTION("a node that feeds itself") {
    f.body.nodes[1].operands = {2};
    f.body.nodes[1].location = "net.py:3:1";
    checkFinding(graph, "node `node_b` (net.py:3:1): uses its own result");
  }
  SECTION("a cycle") {
    f.body.nodes[0].op = Op::Add;
    f.body.nodes[0].operands = {0, 3};
    checkFinding(graph, "nodes form a cycle, each using the next: "
                        "`node_a` -> `node_c` -> `node_b` -> `node_a`");
  }
  SECTION("wrong order") {
    std::swap(f.body.nodes[0], f.body.nodes[1]);
    checkFinding(graph, "node `node_b`: uses value `a` before node `node_a` defines it");
  }
  SECTION("a long cycle is found without recursion and named briefly") {
    constexpr ValueId length = 200000;
    f.values.resize(1);
    f.body.nodes.clear();
    for (ValueId i = 0; i < length; ++i) {
      f.values.push_back({"v" + std::to_string(i), type("f32[2]")});
      Node node;
      node.name = "n" + std::to_string(i);
      node.op = Op::Neg;
      node.operands = {i == 0 ? length : i};
      node.results = {i + 1};
      f.body.nodes.push_back(node);
    }
    f.body.outputs = {1};
    Status status = validate(graph);
    REQUIRE(!status.ok());
    CHECK_THAT(status.error().message, Catch::Contains("(200000 in all)"));
    CHECK(status.error().message.size() < 1000);
  }
}

TEST_CASE("validate: blocks") {
  Graph graph = chain();
  Function &f = graph.functions[0];
  SECTION("no op has blocks yet") {
    f.body.nodes[0].blocks.emplace_back();
    checkFinding(graph, "neg: has 1 blocks, expected 0");
  }
  SECTION("a block may not use values of another") {
    Block &inner = f.body.nodes[0].blocks.emplace_back();
    Node node;
    node.name = "inner";
    node.op = Op::Neg;
    node.operands = {0};
    f.values.push_back({"d", type("f32[2]")});
    node.results = {4};
    inner.nodes.push_back(node);
    inner.outputs = {0};
    checkFinding(graph, "node `inner`: uses value `x` of another block");
    checkFinding(graph, "a block returns value `x` of another block");
    f.body.nodes[2].operands = {4};
    checkFinding(graph, "node `node_c`: uses value `d` of another block");
  }
  SECTION("depth") {
    Block *block = &f.body;
    for (int i = 0; i < 70; ++i) {
      Node node;
      node.name = "deep" + std::to_string(i);
      node.op = Op::Constant;
      node.blocks.emplace_back();
      block->nodes.push_back(node);
      block = &block->nodes.back().blocks[0];
    }
    checkFinding(graph, "blocks are nested deeper than 64", ErrorKind::ResourceLimit);
  }
}

TEST_CASE("validate: attributes") {
  Graph graph = chain();
  Node &node = graph.functions[0].body.nodes[0];
  SECTION("missing: defaults must be filled in") {
    node.op = Op::Gelu;
    checkFinding(graph, "node `node_a`: gelu: attribute `approximate` is missing");
  }
  SECTION("unknown") {
    node.attributes = {{"axis", int64_t(1)}};
    checkFinding(graph, "neg: attribute `axis` is unknown");
  }
  SECTION("arity") {
    node.operands = {0, 0};
    checkFinding(graph, "neg: takes 1 operand, got 2");
    node.operands = {0};
    node.results = {};
    graph.functions[0].body.nodes[1].operands = {0};
    checkFinding(graph, "nothing defines value `a`");
  }
  SECTION("constants") {
    GraphLimits limits;
    limits.maxConstantBytes = 8;
    graph.functions[0] =
        oneNode(Op::Constant, {}, {{"value", zeros(DType::F32, {2})}}, {type("f32[2]")});
    CHECK(validate(graph, limits).ok());
    limits.maxConstantBytes = 7;
    checkFinding(graph, "`value` takes 8 bytes, more than 7; make it a parameter",
                 ErrorKind::ResourceLimit, limits);
    Tensor flags = *Tensor::fromBytes(DType::Bool, {2}, std::string_view("\x01\x02", 2));
    graph.functions[0] = oneNode(Op::Constant, {}, {{"value", flags}}, {type("bool[2]")});
    checkFinding(graph, "element 1 of `value` is bool 2, expected 0 or 1");
  }
}

TEST_CASE("validate lists findings together, at most 20") {
  Graph graph = chain();
  Function &f = graph.functions[0];
  f.values[2].type = type("f32[3]");
  f.body.nodes[0].attributes = {{"axis", int64_t(1)}};
  Status status = validate(graph);
  REQUIRE(!status.ok());
  CHECK(lines(status.error().message) == 3);
  CHECK_THAT(status.error().message,
             Catch::Contains("node_a") && Catch::Contains("node_b") && Catch::Contains("node_c"));

  for (int i = 0; i < 100; ++i)
    graph.parameters.push_back({"w", type("f32[1]")});
  status = validate(graph);
  REQUIRE(!status.ok());
  CHECK(lines(status.error().message) == 21);
  CHECK_THAT(status.error().message, Catch::EndsWith("(further findings are not listed)"));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// `name` calls each of `callees` on its input, in a chain.
static Function caller(const std::string &name, const std::vector<std::string> &callees) {
  Function function;
  function.name = name;
  function.values.push_back({"x", type("f32[2]")});
  function.body.inputs = {0};
  for (const std::string &callee : callees) {
    auto last = static_cast<ValueId>(function.values.size() - 1);
    Node node;
    node.name = "call" + std::to_string(last);
    node.op = Op::Call;
    node.operands = {last};
    node.results = {last + 1};
    node.attributes = {{"callee", callee}};
    function.values.push_back({"v" + std::to_string(last), type("f32[2]")});
    function.body.nodes.push_back(node);
  }
  function.body.outputs = {static_cast<ValueId>(callees.size())};
  function.outputNames = {"y"};
  return function;
}

TEST_CASE("validate: call cycles are named") {
  Graph graph;
  graph.functions = {caller("a", {"leaf", "b"}), caller("b", {"c"}), caller("c", {"a"}),
                     caller("leaf", {})};
  checkFinding(graph, "call [C4]: functions call each other in a cycle: "
                      "`a` -> `b` -> `c` -> `a`");
}

TEST_CASE("validate: exponential chains of calls are refused quickly") {
  Graph graph;
  for (int i = 0; i < 200; ++i) {
    std::string next = i == 199 ? "leaf" : "f" + std::to_string(i + 1);
    graph.functions.push_back(caller("f" + std::to_string(i), {next, next}));
  }
  graph.functions.push_back(oneNode(Op::Neg, {type("f32[2]")}, {}, {type("f32[2]")}));
  graph.functions.back().name = "leaf";
  checkFinding(graph, "has more than 1048576 nodes after inlining calls", ErrorKind::ResourceLimit);
  CHECK(lines(validate(graph).error().message) == 1);
  CHECK(!inlineCalls(graph, "f0").ok());

  GraphLimits limits;
  limits.maxGraphBytes = 100000;
  checkFinding(graph, "takes more than 100000 bytes after inlining", ErrorKind::ResourceLimit,
               limits);
}

TEST_CASE("validate: deep chains of calls are refused without recursion") {
  Graph graph;
  constexpr int depth = 50000;
  for (int i = 0; i < depth; ++i)
    graph.functions.push_back(caller("f" + std::to_string(i), {"f" + std::to_string(i + 1)}));
  graph.functions.push_back(caller("f" + std::to_string(depth), {}));
  checkFinding(graph, "calls are nested deeper than 256", ErrorKind::ResourceLimit);
  CHECK(!inlineCalls(graph, "f0").ok());
  CHECK(inlineCalls(graph, "f" + std::to_string(depth - 200)).ok());
}
