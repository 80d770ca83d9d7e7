// Tests of what checkExecutable accepts and refuses.

#include "Build.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"

using namespace mlc;

/// The message for a function of one node, empty if it can be executed.
static std::string check(Op op, const std::vector<std::string> &operands,
                         Attributes attributes = {}) {
  attributes = *completeAttributes(op, std::move(attributes));
  auto results = inferTypes(op, types(operands), attributes);
  REQUIRE(results.ok());
  Graph graph;
  graph.functions.push_back(oneNode(op, types(operands), attributes, *results));
  REQUIRE(validate(graph).ok());
  Status status = checkExecutable(graph, graph.functions[0]);
  if (status.ok())
    return "";
  CHECK(status.error().kind == ErrorKind::Unsupported);
  return status.error().message;
}

TEST_CASE("a leading symbolic dimension that ops iterate over can be executed") {
  CHECK(check(Op::Add, {"f32[n,3]", "f32[n,3]"}) == "");
  CHECK(check(Op::MatMul, {"f32[n,3]", "f32[3,4]"}) == "");
  CHECK(check(Op::MatMul, {"f32[n,3]", "f32[4,3]"}, {{"transpose_b", true}}) == "");
  CHECK(check(Op::MatMul, {"f32[n,2,3]", "f32[n,3,4]"}) == "");
  CHECK(check(Op::MatMul, {"f32[n,3,2]", "f32[n,3,4]"}, {{"transpose_a", true}}) == "");
  CHECK(check(Op::Reduce, {"f32[n,3]"}, {{"kind", "sum"}, {"axes", Ints{1}}}) == "");
  CHECK(check(Op::Softmax, {"f32[n,3]"}, {{"axis", int64_t(1)}}) == "");
  CHECK(check(Op::Transpose, {"f32[n,2,3]"}, {{"permutation", Ints{0, 2, 1}}}) == "");
  CHECK(check(Op::Reshape, {"f32[n,6]"}, {{"shape", Dims{Dim("n"), 2, 3}}}) == "");
  CHECK(check(Op::Broadcast,
              {
                  "f32[3]",
              },
              {{"shape", Dims{2, 3}}, {"axes", Ints{1}}}) == "");
  CHECK(check(Op::Concat, {"f32[n,3]", "f32[n,1]"}, {{"axis", int64_t(1)}}) == "");
}

TEST_CASE("ops along a symbolic dimension cannot be compiled yet") {
  CHECK_THAT(check(Op::MatMul, {"f32[n,3]", "f32[n,4]"}, {{"transpose_a", true}}),
             Catch::Contains("node `node`: matmul contracts a symbolic dimension"));
  CHECK_THAT(check(Op::Reduce, {"f32[n,3]"}, {{"kind", "sum"}, {"axes", Ints{0}}}),
             Catch::Contains("reduce reduces a symbolic dimension"));
  CHECK_THAT(check(Op::Softmax, {"f32[n,3]"}, {{"axis", int64_t(0)}}),
             Catch::Contains("softmax normalises over a symbolic dimension"));
}

TEST_CASE("symbolic dimensions behind the first cannot be compiled yet") {
  CHECK_THAT(check(Op::Neg, {"f32[3,n]"}),
             Catch::Contains("value `x0` is f32[3,n]") && Catch::Contains("value `y0`"));
  CHECK_THAT(check(Op::Transpose, {"f32[n,2]"}, {{"permutation", Ints{1, 0}}}),
             Catch::Contains("value `y0` is f32[2,n]"));
  CHECK_THAT(check(Op::MatMul, {"f32[3,2]", "f32[n,2]"}, {{"transpose_b", true}}),
             Catch::Contains("value `y0` is f32[3,n]"));
}

TEST_CASE("one symbolic name only, and all unsupported dtypes at once") {
  CHECK_THAT(check(Op::MatMul, {"f32[n,3]", "f32[3,m]"}),
             Catch::Contains("symbolic dimensions `n`, `m`; at most one"));
  CHECK_THAT(check(Op::Cast, {"f64[2]"}, {{"dtype", "u8"}}),
             Catch::Contains("dtypes that cannot be executed yet: f64, u8"));
}

TEST_CASE("callees are checked with the caller's dimensions") {
  Graph graph;
  graph.functions.push_back(oneNode(Op::Neg, {type("f32[a,b]")}, {}, {type("f32[a,b]")}));
  graph.functions[0].name = "callee";
  FunctionBuilder main(graph, "main");
  ValueId x = main.input("x", type("f32[n,3]"));
  main.output(*main.node(Op::Call, {x}, {{"callee", "callee"}}), "y");
  graph.functions.push_back(main.finish());
  REQUIRE(validate(graph).ok());
  CHECK(checkExecutable(graph, graph.functions[1]).ok());
  CHECK(!checkExecutable(graph, graph.functions[0]).ok());
  graph.functions[0].body.nodes[0].name = "deep";
  graph.functions[0].values[1].type = type("f64[a,b]");
  graph.functions[0].body.nodes[0].op = Op::Cast;
  graph.functions[0].body.nodes[0].attributes = {{"dtype", "f64"}};
  graph.functions[1].values[1].type = type("f64[n,3]");
  REQUIRE(validate(graph).ok());
  CHECK_THAT(checkExecutable(graph, graph.functions[1]).error().message, Catch::Contains("f64"));
}
