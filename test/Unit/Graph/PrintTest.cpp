// Tests of printing: one line per node, defaults left out, constants elided.

#include "mlc/Graph/Print.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"

#include <catch2/catch.hpp>

using namespace mlc;

TEST_CASE("print: one line per node, with types") {
  Graph graph;
  graph.parameters.push_back({"w", {DType::F32, {512, 256}}});
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", {DType::F32, {Dim("batch"), 512}});
  ValueId w = *builder.node(Op::Parameter, {}, {{"parameter", "w"}}, "w");
  ValueId h = *builder.node(Op::MatMul, {x, w}, {}, "h");
  ValueId t = *builder.node(Op::MatMul, {h, w}, {{"transpose_b", true}}, "t");
  builder.output(t, "y");
  graph.functions.push_back(builder.finish());
  REQUIRE(validate(graph).ok());
  CHECK(print(graph) == R"(parameter w : f32[512,256]

function main(x : f32[batch,512]) -> (y : f32[batch,512])
  w : f32[512,256] = parameter {parameter="w"}
  h : f32[batch,256] = matmul x w
  t : f32[batch,512] = matmul h w {transpose_b=true}
  return t
)");
}

TEST_CASE("print: lists, dimensions, constants and several results") {
  Graph graph;
  {
    FunctionBuilder two(graph, "two");
    ValueId a = two.input("a", {DType::I32, {Dim("n")}});
    two.output(a, "same");
    two.output(*two.node(Op::Neg, {a}), "negated");
    graph.functions.push_back(two.finish());
  }
  FunctionBuilder main(graph, "main");
  ValueId x = main.input("x", {DType::I32, {Dim("batch")}});
  auto pair = main.nodes(Op::Call, {x}, {{"callee", "two"}}, "pair");
  REQUIRE(pair.ok());
  int32_t values[] = {1, -2};
  ValueId c = *main.node(
      Op::Constant, {},
      {{"value", *Tensor::fromBytes(DType::I32, {2}, {reinterpret_cast<char *>(values), 8})}});
  main.output(*main.node(Op::Broadcast, {c},
                         {{"shape", Dims{Dim("batch"), 2}}, {"axes", std::vector<int64_t>{1}}}),
              "y");
  main.output((*pair)[1], "z");
  Function function = main.finish();
  CHECK(print(function) ==
        "function main(x : i32[batch]) -> (y : i32[batch,2], z : i32[batch])\n"
        "  pair/1 : i32[batch], pair/2 : i32[batch] = call x {callee=\"two\"}\n"
        "  constant : i32[2] = constant {value=" +
            toString(*Tensor::fromBytes(DType::I32, {2}, {reinterpret_cast<char *>(values), 8})) +
            "}\n"
            "  broadcast : i32[batch,2] = broadcast constant {axes=[1], shape=[batch,2]}\n"
            "  return broadcast pair/2\n");
}
