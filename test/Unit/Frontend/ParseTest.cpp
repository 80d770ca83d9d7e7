// Tests of .mlir text from outside: what is accepted, and that everything else
// is one clear error, soon and in little memory.

#include "mlc/Frontend/Frontend.h"
#include "mlc/Graph/Print.h"

#include <catch2/catch.hpp>

using namespace mlc;

namespace {

std::string repeat(const std::string &text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i)
    result += text;
  return result;
}

Error refused(const std::string &text) {
  Result<Graph> graph = ir::parseMlir(text);
  REQUIRE_FALSE(graph.ok());
  CHECK_THAT(graph.error().message, !Catch::EndsWith("\n"));
  return graph.error();
}

// One op in a function of `x` and `y`.
std::string oneOp(const std::string &op) {
  return "func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = " + op +
         "\n  return %0 : tensor<4xf32>\n}\n";
}

} // namespace

TEST_CASE("text without names gets some") {
  Result<Graph> graph = ir::parseMlir("func.func @f(%x: tensor<?x4xf32>) -> tensor<?xf32> {\n"
                                      "  %0 = mlc.exp %x : (tensor<?x4xf32>) -> tensor<?x4xf32>\n"
                                      "  %1 = mlc.exp %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>\n"
                                      "  %2 = mlc.reduce %1 {kind = \"sum\", axes = array<i64: 1>}"
                                      " : (tensor<?x4xf32>) -> tensor<?xf32>\n"
                                      "  return %2 : tensor<?xf32>\n"
                                      "}\n");
  REQUIRE(graph.ok());
  CHECK(print(*graph) == "function f(arg0 : f32[n,4]) -> (out0 : f32[n])\n"
                         "  exp : f32[n,4] = exp arg0\n"
                         "  exp_2 : f32[n,4] = exp exp\n"
                         "  reduce : f32[n] = reduce exp_2 {axes=[1], kind=\"sum\"}\n"
                         "  return reduce\n");
}

TEST_CASE("errors of the text name line and column") {
  Error error = refused(oneOp("mlc.add %x, %z : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>"));
  CHECK(error.kind == ErrorKind::BadInput);
  CHECK_THAT(error.message, Catch::Contains("line 2, column 20: use of undeclared SSA value"));
  error = refused(oneOp("mlc.gelu %x {approximate = \"?\"} : (tensor<4xf32>) -> tensor<4xf32>"));
  CHECK_THAT(error.message, Catch::Contains("line 2, column 8: gelu [C3]"));
  CHECK(refused("").kind == ErrorKind::BadInput);
  CHECK(refused("module {").kind == ErrorKind::BadInput);
}

TEST_CASE("ops of other dialects are refused by name") {
  Error error =
      refused(oneOp("\"arith.addf\"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>"));
  CHECK(error.kind == ErrorKind::BadInput);
  CHECK_THAT(error.message, Catch::Contains("arith.addf"));
  CHECK_THAT(refused(oneOp("arith.addf %x, %y : tensor<4xf32>")).message,
             Catch::Contains("arith.addf"));
  CHECK_THAT(
      refused(oneOp("func.call @f(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>"))
          .message,
      Catch::Contains("func.call"));
  CHECK_THAT(refused("module { module {} }").message, Catch::Contains("builtin.module"));
  CHECK_THAT(refused("\"llvm.func\"() : () -> ()").message, Catch::Contains("llvm.func"));
  CHECK_THAT(refused("func.func private @f(tensor<4xf32>)").message, Catch::Contains("body"));
  CHECK_THAT(refused("module attributes {mlc.phase = \"linalg\"} {}").message,
             Catch::Contains("linalg"));
}

TEST_CASE("what the parser must not see is refused before it") {
  CHECK_THAT(refused(std::string("ML\xefR") + std::string(100, 'x')).message,
             Catch::Contains("bytecode"));
  CHECK_THAT(refused(std::string("module {\0}", 10)).message, Catch::Contains("not text"));
  CHECK(refused(std::string((16 << 20) + 1, ' ')).kind == ErrorKind::ResourceLimit);
  CHECK_THAT(refused("{-# dialect_resources: {} #-}").message, Catch::Contains("resource"));
  CHECK_THAT(
      refused("module attributes {a = affine_map<(d0) -> (" + repeat("-", 100000) + "d0)>} {}")
          .message,
      Catch::Contains("affine"));
}

TEST_CASE("nesting is bounded, whatever nests") {
  for (std::string open : {"[", "(", "{", "<", "tensor<", "[ /* */ (", "module {\n", "{a = [",
                           "\"a.b\"() ({\n", "-> [", "// [\n["}) {
    INFO(open);
    Error error = refused("module attributes {a = " + repeat(open, 100000));
    CHECK(error.kind == ErrorKind::BadInput);
    CHECK_THAT(error.message, Catch::Contains("nested more than") && Catch::Contains("line "));
  }
  // Aliases of aliases nest without brackets.
  std::string aliases = "#a0 = [0]\n";
  for (int i = 1; i < 1000; ++i)
    aliases += "#a" + std::to_string(i) + " = [#a" + std::to_string(i - 1) + "]\n";
  CHECK_THAT(refused(aliases + "module attributes {a = #a999} {}").message,
             Catch::Contains("aliases are nested"));
  // Strings and comments do not nest.
  std::string harmless = "// " + repeat("[", 1000) + "\nmodule attributes {a = \"" +
                         repeat("([{<\\\"", 1000) + "\"} {}";
  Result<Graph> graph = ir::parseMlir(harmless);
  CHECK((graph.ok() || graph.error().message.find("nested") == std::string::npos));
}

TEST_CASE("a huge splat is not written out") {
  Error error = refused("func.func @f() -> tensor<1000000x1000000xf32> {\n"
                        "  %0 = mlc.constant {value = dense<1.0> : tensor<1000000x1000000xf32>}"
                        " : () -> tensor<1000000x1000000xf32>\n"
                        "  return %0 : tensor<1000000x1000000xf32>\n}\n");
  CHECK(error.kind == ErrorKind::BadInput);
  CHECK_THAT(error.message, Catch::Contains("line 2") || Catch::Contains(":2:"));
  CHECK_THAT(error.message, Catch::Contains("larger than"));
  // Element counts that overflow.
  refused("func.func @f() {\n  %0 = mlc.constant {value = dense<1> : "
          "tensor<4294967296x4294967296x4294967296xi64>}"
          " : () -> tensor<4294967296x4294967296x4294967296xi64>\n  return\n}\n");
}

TEST_CASE("what is not the entry's is validated like any graph") {
  CHECK_THAT(refused("func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
                     "  %0 = mlc.call %x {callee = \"f\"} : (tensor<4xf32>) -> tensor<4xf32>\n"
                     "  return %0 : tensor<4xf32>\n}\n")
                 .message,
             Catch::Contains("call [C4]"));
  CHECK_THAT(refused("func.func @f(%x: tensor<1x1x1x1x1x1x1x1x1xf32>) { return }").message,
             Catch::Contains("rank"));
}
