// Every numbered constraint of every op has a graph here that violates it, and
// validate() must name its number. The list is held against the op
// table, so that a new constraint without a test is reported by name.

#include "Build.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Validate.h"

#include <set>

using namespace mlc;

namespace {

struct Case {
  std::string violates;
  std::vector<std::string> operands;
  Attributes attributes;
  std::string result;
  std::string says; ///< Part of the message.
  /// What each block takes and returns.
  std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> blocks = {};
};

Attributes slice(Ints axes, Ints starts, Ints limits, Ints strides) {
  return {{"axes", axes}, {"starts", starts}, {"limits", limits}, {"strides", strides}};
}
Attributes broadcast(Dims shape, Ints axes) { return {{"shape", shape}, {"axes", axes}}; }
Attributes reduce(const char *kind, Ints axes, bool keepDims = false) {
  return {{"kind", std::string(kind)}, {"axes", axes}, {"keep_dims", keepDims}};
}
Attributes text(const char *name, const char *value) { return {{name, std::string(value)}}; }

Attributes custom(const char *function, const char *dtype, Dims shape) {
  return {{"function", std::string(function)}, {"dtype", std::string(dtype)}, {"shape", shape}};
}

Attributes loop(int64_t carried, int64_t limit = 9) {
  return {{"carried", carried}, {"limit", limit}};
}
Attributes scan(int64_t carried, int64_t sequences, int64_t length = -1) {
  return {{"carried", carried}, {"sequences", sequences}, {"length", length}};
}

std::vector<Case> cases() {
  return {
      {"parameter [C1]", {}, text("parameter", "v"), "f32[2]", "no parameter \"v\""},
      {"parameter [C2]",
       {},
       text("parameter", "w"),
       "f32[3]",
       "result 0 is f32[3], expected f32[2]"},
      {"constant [C1]", {}, {{"value", zeros(DType::I32, {2})}}, "i32[3]", "expected i32[2]"},

      {"print [C1]", {"f32[2]"}, text("label", "x"), "f32[2]", "1 results, expected 0"},
      {"check [C1]", {"f32[2]"}, text("message", "m"), "bool[]", "expected bool, got f32"},
      {"check [C2]", {"bool[2]"}, text("message", "m"), "bool[]", "1 results, expected 0"},
      {"custom [C1]", {"f32[2]"}, custom("", "f32", {2}), "f32[2]", "`function` is empty"},
      {"custom [C2]", {}, custom("f", "f33", {2}), "f32[2]", "\"f33\" is not the name of a dtype"},
      {"custom [C3]", {"f32[n]"}, custom("f", "f32", {Dim("m")}), "f32[m]", "\"m\" occurs in no"},
      {"custom [C4]", {"f32[n]"}, custom("f", "i32", {Dim("n")}), "f32[n]", "expected i32[n]"},

      {"matmul [C1]", {"f32[2,2]", "f64[2,2]"}, {}, "f32[2,2]", "f32 and f64"},
      {"matmul [C1]", {"u8[2,2]", "u8[2,2]"}, {}, "u8[2,2]", "got u8"},
      {"matmul [C1]", {"bool[2,2]", "bool[2,2]"}, {}, "bool[2,2]", "got bool"},
      {"matmul [C2]", {"f32[2]", "f32[2]"}, {}, "f32[]", "ranks 1 and 1"},
      {"matmul [C2]", {"f32[2,2]", "f32[1,2,2]"}, {}, "f32[1,2,2]", "ranks 2 and 3"},
      {"matmul [C3]", {"f32[4,2,3]", "f32[5,3,2]"}, {}, "f32[4,2,2]", "dimension 0 is 4 and 5"},
      {"matmul [C3]", {"f32[n,2,3]", "f32[4,3,2]"}, {}, "f32[n,2,2]", "dimension 0 is n and 4"},
      {"matmul [C4]",
       {"f32[2,3]", "f32[4,5]"},
       {},
       "f32[2,5]",
       "matmul [C4]: contracted dimensions differ: 3 (lhs dimension 1) and 4 (rhs dimension 0)"},
      {"matmul [C4]",
       {"f32[2,3]", "f32[4,5]"},
       {{"transpose_a", true}, {"transpose_b", true}},
       "f32[3,4]",
       "2 (lhs dimension 0) and 5 (rhs dimension 1)"},
      {"matmul [C4]",
       {"f32[7,2,3]", "f32[7,4,2]"},
       {{"transpose_b", true}},
       "f32[7,2,4]",
       "3 (lhs dimension 2) and 2 (rhs dimension 2)"},
      {"matmul [C5]", {"f32[2,3]", "f32[3,5]"}, {}, "f32[5,2]", "expected f32[2,5]"},
      {"matmul [C5]",
       {"f32[9,3,2]", "f32[9,5,3]"},
       {{"transpose_a", true}, {"transpose_b", true}},
       "f32[9,3,3]",
       "expected f32[9,2,5]"},

      {"gelu [C3]", {"f32[2]"}, text("approximate", "none"), "f32[2]", "not \"none\""},
      {"compare [C1]", {"f32[2]", "f32[3]"}, text("direction", "lt"), "bool[2]", "f32[3]"},
      {"compare [C2]", {"f32[2]", "f32[2]"}, text("direction", "<"), "bool[2]", "not \"<\""},
      {"compare [C3]", {"bool[2]", "bool[2]"}, text("direction", "lt"), "bool[2]", "not lt"},
      {"compare [C4]", {"f32[2]", "f32[2]"}, text("direction", "lt"), "f32[2]", "expected bool[2]"},
      {"select [C1]", {"i32[2]", "f32[2]", "f32[2]"}, {}, "f32[2]", "got i32"},
      {"select [C2]", {"bool[2]", "f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"select [C2]", {"bool[2]", "f32[2]", "f32[2]"}, {}, "f32[1]", "expected f32[2]"},
      {"select [C3]", {"bool[1]", "f32[2]", "f32[2]"}, {}, "f32[2]", "bool[1]"},

      {"cast [C1]", {"f32[2]"}, text("dtype", "float"), "f32[2]", "\"float\""},
      {"cast [C2]", {"f32[2]"}, text("dtype", "i32"), "i64[2]", "expected i32[2]"},
      {"broadcast [C1]", {"f32[2]"}, broadcast({3, 2}, {}), "f32[3,2]", "0 entries"},
      {"broadcast [C1]", {"f32[2]"}, broadcast({3, 2}, {2}), "f32[3,2]", "axis 2"},
      {"broadcast [C1]", {"f32[2]"}, broadcast({3, 2}, {-1}), "f32[3,2]", "axis -1"},
      {"broadcast [C1]", {"f32[2,2]"}, broadcast({2, 2}, {1, 0}), "f32[2,2]", "0 follows 1"},
      {"broadcast [C1]", {"f32[2,2]"}, broadcast({2, 2}, {1, 1}), "f32[2,2]", "1 follows 1"},
      {"broadcast [C2]", {"f32[2]"}, broadcast({3, 3}, {1}), "f32[3,3]", "neither 1 nor"},
      {"broadcast [C2]", {"f32[0]"}, broadcast({3}, {0}), "f32[3]", "dimension 0 is 0"},
      {"broadcast [C2]", {"f32[2]"}, broadcast({0}, {0}), "f32[0]", "shape[0], 0"},
      {"broadcast [C3]", {"f32[1]"}, broadcast({Dim("m")}, {0}), "f32[m]", "\"m\""},
      {"broadcast [C4]", {"f32[2]"}, broadcast({3, 2}, {1}), "f32[2,3]", "expected f32[3,2]"},
      {"reshape [C1]", {"f32[2,3]"}, {{"shape", Dims{4}}}, "f32[4]", "6 elements, `shape` has 4"},
      {"reshape [C1]", {"f32[2]"}, {{"shape", Dims{0}}}, "f32[0]", "2 elements, `shape` has 0"},
      {"reshape [C2]", {"f32[n,4]"}, {{"shape", Dims{Dim("n"), 2}}}, "f32[n,2]", "after `n`"},
      {"reshape [C2]", {"f32[2,n]"}, {{"shape", Dims{4, Dim("n")}}}, "f32[4,n]", "before `n`"},
      {"reshape [C2]", {"f32[2,n]"}, {{"shape", Dims{Dim("n"), 2}}}, "f32[n,2]", "2 and 1"},
      {"reshape [C2]", {"f32[n]"}, {{"shape", Dims{4}}}, "f32[4]", "symbolic dimensions differ"},
      {"reshape [C2]",
       {"f32[n,m]"},
       {{"shape", Dims{Dim("m"), Dim("n")}}},
       "f32[m,n]",
       "symbolic dimensions differ"},
      {"reshape [C3]", {"f32[4]"}, {{"shape", Dims{2, 2}}}, "f32[4]", "expected f32[2,2]"},
      {"transpose [C1]", {"f32[2,3]"}, {{"permutation", Ints{0}}}, "f32[2,3]", "1 entries"},
      {"transpose [C1]", {"f32[2,3]"}, {{"permutation", Ints{0, 2}}}, "f32[2,3]", "out of range"},
      {"transpose [C1]", {"f32[2,3]"}, {{"permutation", Ints{1, 1}}}, "f32[2,3]", "1 occurs twice"},
      {"transpose [C2]", {"f32[2,3]"}, {{"permutation", Ints{1, 0}}}, "f32[2,3]", "f32[3,2]"},
      {"slice [C1]", {"f32[4]"}, slice({0}, {0, 0}, {4}, {1}), "f32[4]", "1, 2, 1 and 1"},
      {"slice [C1]", {"f32[4]"}, slice({1}, {0}, {4}, {1}), "f32[4]", "axis 1 is out of range"},
      {"slice [C1]", {"f32[4,4]"}, slice({1, 0}, {0, 0}, {4, 4}, {1, 1}), "f32[4,4]", "increase"},
      {"slice [C2]", {"f32[4]"}, slice({0}, {-1}, {4}, {1}), "f32[4]", "start -1 and limit 4"},
      {"slice [C2]", {"f32[4]"}, slice({0}, {3}, {2}, {1}), "f32[0]", "start 3 and limit 2"},
      {"slice [C2]", {"f32[4]"}, slice({0}, {0}, {5}, {1}), "f32[5]", "limit 5"},
      {"slice [C3]", {"f32[4]"}, slice({0}, {0}, {4}, {0}), "f32[4]", "at least 1, not 0"},
      {"slice [C4]", {"f32[n]"}, slice({0}, {0}, {4}, {1}), "f32[4]", "`n` is symbolic"},
      {"slice [C5]", {"f32[5,2]"}, slice({0}, {0}, {5}, {2}), "f32[2,2]", "expected f32[3,2]"},
      {"concat [C1]", {}, {{"axis", int64_t(0)}}, "f32[]", "at least one operand"},
      {"concat [C2]", {"f32[2]"}, {{"axis", int64_t(1)}}, "f32[2]", "axis 1"},
      {"concat [C2]", {"f32[2]"}, {{"axis", int64_t(-1)}}, "f32[2]", "axis -1"},
      {"concat [C2]", {"f32[]"}, {{"axis", int64_t(0)}}, "f32[]", "rank 0"},
      {"concat [C3]", {"f32[2]", "i32[2]"}, {{"axis", int64_t(0)}}, "f32[4]", "i32[2]"},
      {"concat [C3]", {"f32[2]", "f32[2,1]"}, {{"axis", int64_t(0)}}, "f32[4]", "f32[2,1]"},
      {"concat [C3]", {"f32[2,3]", "f32[2,4]"}, {{"axis", int64_t(0)}}, "f32[4,3]", "f32[2,4]"},
      {"concat [C4]", {"f32[n]", "f32[2]"}, {{"axis", int64_t(0)}}, "f32[n]", "`n`, is symbolic"},
      {"concat [C5]", {"f32[2]", "f32[3]"}, {{"axis", int64_t(0)}}, "f32[6]", "expected f32[5]"},
      {"take [C1]", {"f32[2]", "i32[]"}, {{"axis", int64_t(1)}}, "f32[]", "axis 1"},
      {"take [C1]", {"f32[2]", "i32[]"}, {{"axis", int64_t(-1)}}, "f32[]", "axis -1"},
      {"take [C1]", {"f32[]", "i32[]"}, {{"axis", int64_t(0)}}, "f32[]", "rank 0"},
      {"take [C2]", {"f32[2]", "f32[3]"}, {{"axis", int64_t(0)}}, "f32[3]", "i64, got f32"},
      {"take [C2]", {"f32[2]", "bool[3]"}, {{"axis", int64_t(0)}}, "f32[3]", "i64, got bool"},
      {"take [C3]", {"f32[n]", "i32[3]"}, {{"axis", int64_t(0)}}, "f32[3]", "`n`, is symbolic"},
      {"take [C4]", {"f32[2]", "i64[3]"}, {{"axis", int64_t(0)}}, "i64[3]", "expected f32[3]"},
      {"take [C4]",
       {"f32[2,5]", "i64[3,4]"},
       {{"axis", int64_t(1)}},
       "f32[3,4,5]",
       "expected f32[2,3,4]"},

      {"reduce [C1]", {"f32[2]"}, reduce("prod", {0}), "f32[]", "not \"prod\""},
      {"reduce [C2]", {"bool[2]"}, reduce("max", {0}), "bool[]", "got bool"},
      {"reduce [C2]", {"i32[2]"}, reduce("mean", {0}), "i32[]", "expected a float dtype, got i32"},
      {"reduce [C3]", {"f32[2]"}, reduce("sum", {1}), "f32[]", "axis 1"},
      {"reduce [C3]", {"f32[2,2]"}, reduce("sum", {0, 0}), "f32[]", "0 follows 0"},
      {"reduce [C4]", {"f32[2,3]"}, reduce("sum", {1}), "f32[2,1]", "expected f32[2]"},
      {"reduce [C4]", {"f32[2,3]"}, reduce("sum", {1}, true), "f32[2]", "expected f32[2,1]"},
      {"softmax [C1]", {"f32[2,3]"}, {{"axis", int64_t(1)}}, "f32[2]", "expected f32[2,3]"},
      {"softmax [C2]", {"i32[2]"}, {{"axis", int64_t(0)}}, "i32[2]", "got i32"},
      {"softmax [C3]", {"f32[2]"}, {{"axis", int64_t(1)}}, "f32[2]", "axis 1"},

      {"if [C1]", {"f32[]"}, {}, "f32[]", "is f32[]", {{{}, {"f32[]"}}, {{}, {"f32[]"}}}},
      {"if [C1]", {"bool[1]"}, {}, "f32[]", "is bool[1]", {{{}, {"f32[]"}}, {{}, {"f32[]"}}}},
      {"if [C2]",
       {"bool[]", "f32[2]"},
       {},
       "f32[]",
       "takes (f32[3]), expected (f32[2])",
       {{{"f32[2]"}, {"f32[]"}}, {{"f32[3]"}, {"f32[]"}}}},
      {"if [C3]", {"bool[]"}, {}, "f32[]", "returns nothing", {{{}, {}}, {{}, {}}}},
      {"if [C3]",
       {"bool[]"},
       {},
       "f32[]",
       "second block returns (i32[]), expected (f32[])",
       {{{}, {"f32[]"}}, {{}, {"i32[]"}}}},
      {"if [C4]", {"bool[]"}, {}, "i32[]", "expected f32[]", {{{}, {"f32[]"}}, {{}, {"f32[]"}}}},
      {"while [C1]", {"i32[]"}, loop(0), "i32[]", "is 0, expected 1 to 1", {{}, {}}},
      {"while [C1]", {"i32[]"}, loop(2), "i32[]", "is 2, expected 1 to 1", {{}, {}}},
      {"while [C2]", {"i32[]"}, loop(1, -1), "i32[]", "`limit` is -1", {{}, {}}},
      {"while [C3]",
       {"i32[]"},
       loop(1),
       "i32[]",
       "takes (f32[]), expected (i32[])",
       {{{"i32[]"}, {"bool[]"}}, {{"f32[]"}, {"i32[]"}}}},
      {"while [C4]",
       {"i32[]"},
       loop(1),
       "i32[]",
       "returns (i32[]), expected (bool[])",
       {{{"i32[]"}, {"i32[]"}}, {{"i32[]"}, {"i32[]"}}}},
      {"while [C5]",
       {"i32[]", "f32[2]"},
       loop(1),
       "i32[]",
       "returns (i64[]), expected (i32[])",
       {{{"i32[]", "f32[2]"}, {"bool[]"}}, {{"i32[]", "f32[2]"}, {"i64[]"}}}},
      {"while [C6]",
       {"i32[]"},
       loop(1),
       "i32[1]",
       "expected i32[]",
       {{{"i32[]"}, {"bool[]"}}, {{"i32[]"}, {"i32[]"}}}},
      {"scan [C1]", {"i32[]"}, scan(-1, 0), "i32[]", "`carried` is -1", {{}}},
      {"scan [C1]", {"i32[]"}, scan(1, 1), "i32[]", "there are 1 operands", {{}}},
      {"scan [C1]", {"i32[]"}, scan(1, INT64_MAX), "i32[]", "there are 1 operands", {{}}},
      {"scan [C2]", {"f32[]"}, scan(0, 1), "f32[]", "has no steps", {{}}},
      {"scan [C2]", {"f32[2]", "f32[3]"}, scan(0, 2), "f32[2]", "of 2 and of 3 steps", {{}}},
      {"scan [C3]", {"f32[2]"}, scan(0, 1, 2), "f32[2]", "expected -1", {{}}},
      {"scan [C3]", {"f32[2]"}, scan(1, 0), "f32[2]", "at least 0", {{}}},
      {"scan [C4]",
       {"f32[3]", "f32[2,5]", "i32[]"},
       scan(1, 1),
       "f32[3]",
       "expected (f32[3], f32[5], i32[])",
       {{{"f32[3]", "f32[2,5]", "i32[]"}, {"f32[3]"}}}},
      {"scan [C5]", {"f32[2]"}, scan(0, 1), "f32[2]", "returns nothing", {{{"f32[]"}, {}}}},
      {"scan [C5]",
       {"f32[3]", "f32[3]"},
       scan(2, 0, 4),
       "f32[3]",
       "(f32[3]), expected (f32[3], f32[3])",
       {{{"f32[3]", "f32[3]"}, {"f32[3]"}}}},
      {"scan [C6]",
       {"f32[7,3]"},
       scan(0, 1),
       "i32[2]",
       "expected i32[7,2]",
       {{{"f32[3]"}, {"i32[2]"}}}},

      {"call [C1]", {"f32[2]"}, text("callee", "g"), "f32[2]", "no function \"g\""},
      {"call [C2]", {}, text("callee", "twice"), "f32[2]", "takes 2 inputs, got 0"},
      {"call [C2]", {"f32[2]", "i32[2]"}, text("callee", "twice"), "f32[2]", "got i32[2]"},
      {"call [C2]", {"f32[2]", "f32[3]"}, text("callee", "twice"), "f32[2]", "`n` is 2"},
      {"call [C3]", {"f32[2]", "f32[2]"}, text("callee", "twice"), "f32[4]", "expected f32[2]"},
      {"call [C4]", {"f32[2]"}, text("callee", "main"), "f32[2]", "`main` -> `main`"},

      {"add [C1]", {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"add [C2]", {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"},
      {"sub [C1]", {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"sub [C2]", {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"},
      {"mul [C1]", {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"mul [C2]", {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"},
      {"div [C1]", {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"div [C2]", {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"},
      {"max [C1]", {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"max [C2]", {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"},
      {"min [C1]", {"f32[2]", "i32[2]"}, {}, "f32[2]", "f32[2] and i32[2]"},
      {"min [C2]", {"bool[2]", "bool[2]"}, {}, "bool[2]", "got bool"},
      {"add [C1]", {"f32[2]", "f32[1]"}, {}, "f32[2]", "f32[2] and f32[1]"},
      {"add [C1]", {"f32[n]", "f32[n]"}, {}, "f32[2]", "expected f32[n]"},
      {"neg [C1]", {"f32[2]"}, {}, "f32[3]", "expected f32[2]"},
      {"neg [C2]", {"bool[2]"}, {}, "bool[2]", "got bool"},
      {"abs [C1]", {"f32[2]"}, {}, "f32[3]", "expected f32[2]"},
      {"abs [C2]", {"bool[2]"}, {}, "bool[2]", "got bool"},
      {"relu [C1]", {"f32[2]"}, {}, "f32[3]", "expected f32[2]"},
      {"relu [C2]", {"bool[2]"}, {}, "bool[2]", "got bool"},
      {"exp [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"exp [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"log [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"log [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"sqrt [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"sqrt [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"rsqrt [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"rsqrt [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"tanh [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"tanh [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"sigmoid [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"sigmoid [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"erf [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"erf [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"gelu [C1]", {"f32[2]"}, {}, "f64[2]", "expected f32[2]"},
      {"gelu [C2]", {"i32[2]"}, {}, "i32[2]", "expected a float dtype, got i32"},
      {"logical_and [C1]", {"bool[2]", "bool[3]"}, {}, "bool[2]", "bool[3]"},
      {"logical_and [C2]", {"i32[2]", "i32[2]"}, {}, "i32[2]", "got i32"},
      {"logical_or [C1]", {"bool[2]", "bool[3]"}, {}, "bool[2]", "bool[3]"},
      {"logical_or [C2]", {"i32[2]", "i32[2]"}, {}, "i32[2]", "got i32"},
      {"logical_not [C1]", {"bool[2]"}, {}, "bool[3]", "expected bool[2]"},
      {"logical_not [C2]", {"u8[2]"}, {}, "u8[2]", "got u8"},
  };
}

/// Gives the node its blocks, which return constants.
void addBlocks(Function &function, const Case &c) {
  auto add = [&](const std::string &text) {
    function.values.push_back({"b" + std::to_string(function.values.size()), type(text)});
    return static_cast<ValueId>(function.values.size() - 1);
  };
  for (const auto &[inputs, outputs] : c.blocks) {
    Block block;
    for (const std::string &input : inputs)
      block.inputs.push_back(add(input));
    for (const std::string &output : outputs) {
      Node constant;
      constant.op = Op::Constant;
      constant.results = {add(output)};
      constant.name = "c" + std::to_string(constant.results[0]);
      const TensorType &made = function.values.back().type;
      Shape shape;
      for (const Dim &dim : made.dims)
        shape.push_back(dim.size);
      constant.attributes = {{"value", zeros(made.dtype, shape)}};
      block.outputs.push_back(constant.results[0]);
      block.nodes.push_back(std::move(constant));
    }
    function.body.nodes[0].blocks.push_back(std::move(block));
  }
}

Graph graphOf(const Case &c) {
  Graph graph;
  graph.parameters.push_back({"w", type("f32[2]")});
  Op op = *parseOp(c.violates.substr(0, c.violates.find(' ')));
  Attributes attributes = c.attributes;
  // Complete what can be: some cases have no valid attributes.
  if (auto complete = completeAttributes(op, attributes))
    attributes = *complete;
  graph.functions.push_back(oneNode(op, types(c.operands), attributes, {type(c.result)}));
  addBlocks(graph.functions.back(), c);
  Function twice = oneNode(Op::Add, types({"f32[n]", "f32[n]"}), {}, {type("f32[n]")});
  twice.name = "twice";
  graph.functions.push_back(twice);
  return graph;
}

} // namespace

TEST_CASE("every violated constraint is named by its number") {
  for (const Case &c : cases()) {
    Status status = validate(graphOf(c));
    INFO(c.violates << " " << c.says);
    REQUIRE(!status.ok());
    CHECK(status.error().kind == ErrorKind::BadInput);
    CHECK_THAT(status.error().message, Catch::Contains(c.violates + ": "));
    CHECK_THAT(status.error().message, Catch::Contains(c.says));
  }
}

TEST_CASE("every constraint of the op table has a case that violates it") {
  std::set<std::string> tested;
  for (const Case &c : cases())
    tested.insert(c.violates);
  for (int32_t i = 0; i < numOps(); ++i) {
    const OpInfo &info = opInfo(opAt(i));
    for (int32_t n = 1; n <= info.numConstraints; ++n) {
      std::string name = std::string(info.name) + " [C" + std::to_string(n) + ']';
      INFO(name << " has no violating case in ConstraintTest.cpp");
      CHECK(tested.count(name) == 1);
    }
  }
}

TEST_CASE("the op table is complete and ordered") {
  CHECK(parseOp("matmul") == Op::MatMul);
  CHECK(parseOp("logical_not") == Op::LogicalNot);
  CHECK(!parseOp("mlc.matmul").has_value());
  CHECK(!parseOp("").has_value());
  for (int32_t i = 0; i < numOps(); ++i) {
    const OpInfo &info = opInfo(opAt(i));
    CHECK(static_cast<int32_t>(info.op) == i);
    CHECK(parseOp(info.name) == info.op);
    CHECK(info.constraints[0].substr(0, 5) == "[C1] ");
  }
  const OpInfo &gelu = opInfo(Op::Gelu);
  REQUIRE(gelu.numAttributes == 1);
  CHECK(gelu.attributes[0].name == "approximate");
  CHECK(gelu.attributes[0].kind == AttributeKind::String);
  CHECK(gelu.attributes[0].optional);
  CHECK(gelu.attributes[0].defaultText == "erf");
  CHECK(opInfo(Op::Broadcast).attributes[0].kind == AttributeKind::Dims);
  CHECK(opInfo(Op::Constant).attributes[0].kind == AttributeKind::Dense);
  CHECK(opInfo(Op::Concat).maxOperands == -1);
  CHECK(opInfo(Op::Call).numResults == -1);
  CHECK(opInfo(Op::Select).minOperands == 3);
}
