// Tests of building, walking, inlining and removing dead nodes.

#include "mlc/Graph/Rewrite.h"
#include "Build.h"
#include "mlc/Graph/Print.h"
#include "mlc/Graph/Serialize.h"
#include "mlc/Graph/Validate.h"

using namespace mlc;

TEST_CASE("the builder makes names unique") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type("f32[2]"));
  ValueId y = builder.input("x", type("f32[2]"));
  ValueId sum = *builder.node(Op::Add, {x, y});
  ValueId twice = *builder.node(Op::Add, {sum, sum});
  ValueId named = *builder.node(Op::Neg, {twice}, {}, "add_1");
  for (int i = 0; i < 3; ++i)
    builder.output(named, "y");
  graph.functions.push_back(builder.finish());
  CHECK(validate(graph).ok());
  CHECK(print(graph) == "function main(x : f32[2], x_1 : f32[2]) -> "
                        "(y : f32[2], y_1 : f32[2], y_2 : f32[2])\n"
                        "  add : f32[2] = add x x_1\n"
                        "  add_1 : f32[2] = add add add\n"
                        "  add_1_1 : f32[2] = neg add_1\n"
                        "  return add_1_1 add_1_1 add_1_1\n");
}

TEST_CASE("the builder checks every step") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type("f32[n,3]"));
  CHECK_THAT(builder.node(Op::MatMul, {x, x}).error().message, Catch::Contains("matmul [C4]"));
  CHECK_THAT(builder.node(Op::Neg, {7}).error().message,
             Catch::Contains("operand 7 is not a value of function `main`"));
  CHECK_THAT(builder.node(Op::Cast, {x}).error().message, Catch::Contains("`dtype` is missing"));
  CHECK_THAT(
      builder
          .node(Op::Broadcast, {x}, {{"shape", Dims{Dim("m"), Dim("n"), 3}}, {"axes", Ints{1, 2}}})
          .error()
          .message,
      Catch::Contains("broadcast [C3]"));
  CHECK_THAT(builder.node(Op::Call, {x}, {{"callee", "f"}}).error().message,
             Catch::Contains("call [C1]"));
  // What was refused left nothing behind.
  CHECK(builder.finish().body.nodes.empty());
}

/// main calls layer twice on different shapes; layer calls act.
static Graph nested() {
  Graph graph;
  graph.parameters = {{"unused", type("f32[1]")}, {"w", type("f32[2,2]")}};
  {
    FunctionBuilder act(graph, "act");
    ValueId x = act.input("x", type("f32[m,k]"));
    ValueId zero = *act.node(Op::Constant, {}, {{"value", zeros(DType::F32, {})}}, "zero");
    ValueId zeros =
        *act.node(Op::Broadcast, {zero}, {{"shape", Dims{Dim("m"), Dim("k")}}, {"axes", Ints{}}});
    act.output(*act.node(Op::Max, {x, zeros}, {}, "max"), "y");
    act.output(x, "before");
    graph.functions.push_back(act.finish());
  }
  {
    FunctionBuilder layer(graph, "layer");
    ValueId x = layer.input("x", type("f32[rows,2]"));
    ValueId w = *layer.node(Op::Parameter, {}, {{"parameter", "w"}}, "w");
    ValueId h = *layer.node(Op::MatMul, {x, w}, {}, "h");
    auto both = layer.nodes(Op::Call, {h}, {{"callee", "act"}}, "act");
    layer.output((*both)[0], "y");
    graph.functions.push_back(layer.finish());
    graph.functions.back().body.nodes[1].location = "layer.py:2:1";
  }
  FunctionBuilder main(graph, "main");
  ValueId x = main.input("x", type("f32[batch,2]"));
  ValueId y = main.input("y", type("f32[5,2]"));
  ValueId a = *main.node(Op::Call, {x}, {{"callee", "layer"}}, "first");
  ValueId b = *main.node(Op::Call, {y}, {{"callee", "layer"}}, "second");
  main.output(a, "a");
  main.output(b, "b");
  graph.functions.push_back(main.finish());
  graph.functions.back().body.nodes[0].location = "main.py:9:1";
  REQUIRE(validate(graph).ok());
  return graph;
}

TEST_CASE("blocks are built inside out and see their own values alone") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", type("bool[]")), x = builder.input("x", type("f32[2]"));
  builder.beginBlock();
  ValueId a = builder.input("a", type("f32[2]"));
  CHECK(builder.depth(x) == 0);
  CHECK(builder.depth(a) == 1);
  CHECK_THAT(builder.node(Op::Neg, {x}).error().message,
             Catch::Contains("neg: operand `x` is a value of another block"));
  std::vector<Block> blocks{builder.endBlock({*builder.node(Op::Neg, {a})})};
  CHECK(builder.depth(a) == -1);
  CHECK_THAT(builder.node(Op::Neg, {a}).error().message, Catch::Contains("of another block"));
  builder.beginBlock();
  ValueId b = builder.input("a", type("f32[2]"));
  blocks.push_back(builder.endBlock({b}));
  CHECK_THAT(builder.nodes(Op::If, {p, x}).error().message,
             Catch::Contains("if: has 0 blocks, expected 2"));
  builder.output((*builder.nodes(Op::If, {p, x}, {}, "", blocks))[0], "y");
  graph.functions.push_back(builder.finish());
  CHECK(validate(graph).ok());
  CHECK(print(graph) == "function main(p : bool[], x : f32[2]) -> (y : f32[2])\n"
                        "  if : f32[2] = if p x\n"
                        "    block a\n"
                        "      neg : f32[2] = neg a\n"
                        "      return neg\n"
                        "    block a_1\n"
                        "      return a_1\n"
                        "  return if\n");
}

TEST_CASE("inlining substitutes dimensions and keeps names and locations traceable") {
  auto inlined = inlineCalls(nested(), "main");
  REQUIRE(inlined.ok());
  CHECK(validate(*inlined).ok());
  CHECK(print(*inlined) ==
        "parameter w : f32[2,2]\n"
        "\n"
        "function main(x : f32[batch,2], y : f32[5,2]) -> (a : f32[batch,2], b : f32[5,2])\n"
        "  layer/w : f32[2,2] = parameter {parameter=\"w\"}\n"
        "  layer/h : f32[batch,2] = matmul x layer/w\n"
        "  layer/act/zero : f32[] = constant {value=f32[] 0}\n"
        "  layer/act/broadcast : f32[batch,2] = broadcast layer/act/zero "
        "{axes=[], shape=[batch,2]}\n"
        "  layer/act/max : f32[batch,2] = max layer/h layer/act/broadcast\n"
        "  layer/w_1 : f32[2,2] = parameter {parameter=\"w\"}\n"
        "  layer/h_1 : f32[5,2] = matmul y layer/w_1\n"
        "  layer/act/zero_1 : f32[] = constant {value=f32[] 0}\n"
        "  layer/act/broadcast_1 : f32[5,2] = broadcast layer/act/zero_1 {axes=[], shape=[5,2]}\n"
        "  layer/act/max_1 : f32[5,2] = max layer/h_1 layer/act/broadcast_1\n"
        "  return layer/act/max layer/act/max_1\n");
  const std::vector<Node> &nodes = inlined->functions[0].body.nodes;
  CHECK(nodes[0].location == "main.py:9:1");  // Its own is empty: that of the call.
  CHECK(nodes[1].location == "layer.py:2:1"); // Its own.
  CHECK(nodes[2].location == "main.py:9:1");  // That of the call of the call.
  CHECK(nodes[5].location == "");
}

TEST_CASE("inlining a callee that gives back its inputs") {
  auto inlined = inlineCalls(nested(), "act");
  REQUIRE(inlined.ok());
  CHECK(inlined->parameters.empty());
  Graph graph = nested();
  FunctionBuilder main(graph, "swap");
  ValueId x = main.input("x", type("f32[2,3]"));
  auto both = main.nodes(Op::Call, {x}, {{"callee", "act"}});
  main.output((*both)[1], "same");
  main.output((*both)[0], "y");
  graph.functions.push_back(main.finish());
  inlined = inlineCalls(graph, "swap");
  REQUIRE(inlined.ok());
  CHECK(validate(*inlined).ok());
  CHECK(inlined->functions[0].body.outputs[0] == inlined->functions[0].body.inputs[0]);
}

TEST_CASE("inlined names give way to the entry's own") {
  Graph graph = nested();
  graph.functions[2].values[0].name = "layer/h";
  graph.functions[2].body.nodes[0].name = "layer/h";
  auto inlined = inlineCalls(graph, "main");
  REQUIRE(inlined.ok());
  CHECK(validate(*inlined).ok());
  CHECK(inlined->functions[0].values[0].name == "layer/h");
}

TEST_CASE("inlining: unknown entries and missing callees are errors") {
  Graph graph = nested();
  CHECK(inlineCalls(graph, "nothing").error().kind == ErrorKind::Usage);
  graph.functions.erase(graph.functions.begin());
  CHECK_THAT(inlineCalls(graph, "main").error().message, Catch::Contains("`act`"));
}

TEST_CASE("dimensions are specialised in the entry alone, and callers of it dropped") {
  Graph graph = nested();
  auto layer = specializeDims(graph, "layer", {{"rows", 5}});
  REQUIRE(layer.ok());
  CHECK(print(*layer) == "parameter unused : f32[1]\n"
                         "parameter w : f32[2,2]\n"
                         "\n"
                         "function act(x : f32[m,k]) -> (y : f32[m,k], before : f32[m,k])\n"
                         "  zero : f32[] = constant {value=f32[] 0}\n"
                         "  broadcast : f32[m,k] = broadcast zero {axes=[], shape=[m,k]}\n"
                         "  max : f32[m,k] = max x broadcast\n"
                         "  return max x\n"
                         "\n"
                         "function layer(x : f32[5,2]) -> (y : f32[5,2])\n"
                         "  w : f32[2,2] = parameter {parameter=\"w\"}\n"
                         "  h : f32[5,2] = matmul x w\n"
                         "  act/1 : f32[5,2], act/2 : f32[5,2] = call h {callee=\"act\"}\n"
                         "  return act/1\n");
  // Some of several dimensions, also in attributes; and the same as written with numbers.
  auto act = specializeDims(graph, "act", {{"k", 0}});
  REQUIRE(act.ok());
  CHECK(print(act->functions[0]) ==
        "function act(x : f32[m,0]) -> (y : f32[m,0], before : f32[m,0])\n"
        "  zero : f32[] = constant {value=f32[] 0}\n"
        "  broadcast : f32[m,0] = broadcast zero {axes=[], shape=[m,0]}\n"
        "  max : f32[m,0] = max x broadcast\n"
        "  return max x\n");
  auto both = specializeDims(graph, "act", {{"m", 3}, {"k", 0}});
  REQUIRE(both.ok());
  CHECK(serialize(*both) == serialize(*specializeDims(*act, "act", {{"m", 3}})));
  CHECK(serialize(*specializeDims(*both, "act", {})) == serialize(*both));
}

TEST_CASE("dimensions are specialised in blocks") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", type("bool[]")), x = builder.input("x", type("f32[n,2]"));
  std::vector<Block> blocks;
  for (int i = 0; i < 2; ++i) {
    builder.beginBlock();
    ValueId v = builder.input("v", type("f32[n,2]"));
    ValueId zero = *builder.node(Op::Constant, {}, {{"value", zeros(DType::F32, {})}});
    ValueId many =
        *builder.node(Op::Broadcast, {zero}, {{"shape", Dims{Dim("n"), 2}}, {"axes", Ints{}}});
    blocks.push_back(builder.endBlock({*builder.node(Op::Add, {v, many})}));
  }
  builder.output((*builder.nodes(Op::If, {p, x}, {}, "", blocks))[0], "y");
  graph.functions.push_back(builder.finish());
  auto made = specializeDims(graph, "main", {{"n", 7}});
  REQUIRE(made.ok());
  std::string text = print(*made);
  CHECK(text.find("f32[n") == std::string::npos);
  CHECK(text.find("shape=[7,2]") != std::string::npos);
}

TEST_CASE("specialising: what is not there, cannot be or does not fit") {
  Graph graph = nested();
  auto error = [&](const char *entry, const std::map<std::string, int64_t> &sizes) {
    auto made = specializeDims(graph, entry, sizes);
    REQUIRE_FALSE(made.ok());
    return made.takeError();
  };
  CHECK(error("nothing", {}).kind == ErrorKind::Usage);
  Error unknown = error("act", {{"batch", 8}});
  CHECK(unknown.kind == ErrorKind::Usage);
  CHECK(unknown.message == "function `act` has no symbolic dimension `batch`; it has `m`, `k`");
  Error negative = error("main", {{"batch", -1}});
  CHECK(negative.kind == ErrorKind::Usage);
  CHECK(negative.message == "the size of `batch` is -1, expected at least 0");
  Error large = error("main", {{"batch", int64_t(1) << 62}});
  CHECK(large.kind == ErrorKind::ResourceLimit);
  CHECK_THAT(large.message, Catch::StartsWith("with batch = 4611686018427387904: function `main`"));
}

TEST_CASE("reachable functions are also those that blocks call") {
  Graph graph = nested();
  FunctionBuilder builder(graph, "choose");
  ValueId p = builder.input("p", type("bool[]")), x = builder.input("x", type("f32[3,2]"));
  std::vector<Block> blocks;
  for (bool calls : {true, false}) {
    builder.beginBlock();
    ValueId v = builder.input("v", type("f32[3,2]"));
    blocks.push_back(
        builder.endBlock({calls ? *builder.node(Op::Call, {v}, {{"callee", "layer"}}) : v}));
  }
  builder.output((*builder.nodes(Op::If, {p, x}, {}, "", blocks))[0], "y");
  graph.functions.push_back(builder.finish());
  std::string names;
  for (const Function *function : reachableFunctions(graph, graph.functions.back()))
    names += function->name + ' ';
  CHECK(names == "choose layer act ");
}

TEST_CASE("long chains of calls have short names") {
  Graph graph;
  for (int i = 0; i < 100; ++i) {
    std::string name = "a_function_with_a_long_name_" + std::to_string(i);
    FunctionBuilder f(graph, name);
    ValueId x = f.input("x", type("f32[2]"));
    x = *f.node(Op::Neg, {x});
    if (i > 0)
      x = *f.node(Op::Call, {x}, {{"callee", graph.functions.back().name}});
    f.output(x, "y");
    graph.functions.push_back(f.finish());
  }
  auto inlined = inlineCalls(graph, graph.functions.back().name);
  REQUIRE(inlined.ok());
  CHECK(validate(*inlined).ok());
  CHECK(inlined->functions[0].body.nodes.size() == 100);
  for (const Value &value : inlined->functions[0].values)
    CHECK(value.name.size() < 300);
}

TEST_CASE("dead nodes and the values only they mention go") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId unused = builder.input("unused", type("f32[2]"));
  ValueId x = builder.input("x", type("f32[2]"));
  ValueId dead = *builder.node(Op::Neg, {x}, {}, "dead");
  builder.node(Op::Add, {dead, unused}, {}, "deader").ok();
  ValueId live = *builder.node(Op::Abs, {x}, {}, "live");
  builder.output(live, "y");
  Function function = builder.finish();
  removeDeadNodes(function);
  CHECK(print(function) == "function main(unused : f32[2], x : f32[2]) -> (y : f32[2])\n"
                           "  live : f32[2] = abs x\n"
                           "  return live\n");
  CHECK(function.values.size() == 3);
  graph.functions.push_back(function);
  CHECK(validate(graph).ok());
}

TEST_CASE("what has an effect is not dead, nor is what holds it, nor a call") {
  Graph graph;
  FunctionBuilder callee(graph, "callee");
  callee.output(callee.input("v", type("f32[]")), "v");
  graph.functions.push_back(callee.finish());
  FunctionBuilder builder(graph, "main");
  ValueId p = builder.input("p", type("bool[]")), x = builder.input("x", type("f32[]"));
  ValueId shown = *builder.node(Op::Neg, {x}, {}, "shown");
  REQUIRE(builder.nodes(Op::Print, {shown}, {{"label", std::string("s")}}, "print").ok());
  REQUIRE(builder.nodes(Op::Check, {p}, {{"message", std::string("m")}}, "check").ok());
  REQUIRE(builder.node(Op::Call, {x}, {{"callee", std::string("callee")}}, "call").ok());
  for (bool prints : {true, false}) {
    std::vector<Block> blocks;
    for (int i = 0; i < 2; ++i) {
      builder.beginBlock();
      ValueId v = builder.input("v", type("f32[]"));
      if (prints)
        REQUIRE(builder.nodes(Op::Print, {v}, {{"label", std::string("v")}}, "inner").ok());
      blocks.push_back(builder.endBlock({v}));
    }
    REQUIRE(builder.nodes(Op::If, {p, x}, {}, prints ? "kept" : "dead", blocks).ok());
  }
  CHECK_THAT(builder.node(Op::Print, {x}, {{"label", std::string("x")}}).error().message,
             Catch::Contains("print: has no result, expected 1"));
  builder.output(x, "y");
  Function function = builder.finish();
  removeDeadNodes(function);
  std::string names;
  walk(static_cast<const Function &>(function),
       [&](const Node &node) { names += node.name + ' '; });
  CHECK(names == "shown print check call kept inner inner_1 ");
  graph.functions.push_back(function);
  CHECK(validate(graph).ok());
  CHECK(print(function).find("  print shown {label=\"s\"}\n") != std::string::npos);
  auto back = deserialize(serialize(graph));
  REQUIRE(back.ok());
  CHECK(print(*back) == print(graph));
}

TEST_CASE("walk visits inner blocks after their node") {
  Function function = oneNode(Op::Neg, {type("f32[2]")}, {}, {type("f32[2]")});
  Node inner;
  inner.name = "inner";
  function.body.nodes[0].blocks.emplace_back().nodes.push_back(inner);
  Node last;
  last.name = "last";
  function.body.nodes.push_back(last);
  std::string names;
  walk(static_cast<const Function &>(function),
       [&](const Node &node) { names += node.name + ' '; });
  CHECK(names == "node inner last ");
  walk(function, [](Node &node) { node.name += '!'; });
  CHECK(function.body.nodes[0].blocks[0].nodes[0].name == "inner!");
}
