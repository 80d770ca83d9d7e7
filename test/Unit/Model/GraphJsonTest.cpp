// The graph's JSON: read, written, and broken in every place.
#include "TestModels.h"

#include "mlc/Graph/Serialize.h"

#include <cmath>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

/// kGraph with a change.
static std::string changed(const std::string &from, const std::string &to) {
  return with(kGraph, from, to);
}

TEST_CASE("the graph is what the text says") {
  Result<Graph> graph = graphFromJson(kGraph, "g");
  REQUIRE(graph.ok());
  REQUIRE(graph->functions.size() == 1);
  const Function &f = graph->functions[0];
  CHECK(f.name == "main");
  CHECK(graph->findParameter("w")->type == TensorType{DType::F32, {Dim(3), Dim(2)}});
  REQUIRE(f.body.nodes.size() == 3);
  const Node &product = f.body.nodes[1];
  CHECK(product.name == "product");
  CHECK(product.op == Op::MatMul);
  CHECK(f.values[static_cast<size_t>(product.operands[1])].name == "wv");
  CHECK(f.values[static_cast<size_t>(product.results[0])].type ==
        TensorType{DType::F32, {Dim("batch"), Dim(2)}});
  // Defaults are filled in.
  CHECK(std::get<bool>(product.attributes.at("transpose_b")) == false);
  CHECK(f.outputNames == std::vector<std::string>{"y"});
}

TEST_CASE("writing and reading give the same graph, and the same text") {
  Result<Graph> graph = graphFromJson(
      changed(R"("op":"relu",)", R"("op":"relu","location":"a \"b\"\\c.py:1:2",)"), "g");
  REQUIRE(graph.ok());
  CHECK(graph->functions[0].body.nodes[2].location == "a \"b\"\\c.py:1:2");
  std::string text = graphToJson(*graph);
  Result<Graph> again = graphFromJson(text, "g");
  REQUIRE(again.ok());
  CHECK(serialize(*again) == serialize(*graph));
  CHECK(graphToJson(*again) == text);
}

TEST_CASE("dimensions are sizes or names") {
  const std::string at = "functions[0].inputs[0].dims[1]: ";
  auto dim = [&](const std::string &text) {
    return graphError(changed("[\"batch\",3]", "[\"batch\"," + text + "]"));
  };
  CHECK_THAT(dim("-1"), Contains(at + "expected a size >= 0, not -1"));
  CHECK_THAT(dim("2.0"), Contains(at + "a dimension is an integer"));
  CHECK_THAT(dim("1e3"), Contains(at + "a dimension is an integer"));
  CHECK_THAT(dim("\"4\""), Contains(at + "the name of a dimension"));
  CHECK_THAT(dim("9223372036854775808"), Contains(at + "9223372036854775808 does not fit"));
  CHECK_THAT(dim("18446744073709551616"), Contains(at + "18446744073709551616 does not fit"));
  CHECK_THAT(dim("-9223372036854775809"), Contains("does not fit"));
  for (const char *text : {"null", "true", "[3]", "{}"})
    CHECK_THAT(dim(text), Contains(at + "a dimension is an integer"));
  for (const char *text : {"\"\"", "\"a-b\"", "\"a b\"", "\"\xc3\xa4\"", "\"?\"", "\"-1\""})
    CHECK_THAT(dim(text), Contains(at + "the name of a dimension"));
  // A size that no tensor can have.
  CHECK_THAT(graphError(changed("[\"batch\",3]", "[\"batch\",9223372036854775807]"),
                        ErrorKind::ResourceLimit),
             Contains("`x`"));
  CHECK_THAT(graphError(changed("\"dims\":[\"batch\",3]", "\"dims\":3")),
             Contains("inputs[0].dims: expected an array"));
}

TEST_CASE("ops that are unknown are listed, all at once") {
  std::string text =
      with(changed("\"op\":\"matmul\"", "\"op\":\"conv\""), "\"op\":\"relu\"", "\"op\":\"lstm\"");
  std::string message = graphError(text, ErrorKind::Unsupported);
  CHECK_THAT(message, Contains("`conv` (first at functions[0].nodes[1].op)"));
  CHECK_THAT(message, Contains("`lstm` (first at functions[0].nodes[2].op)"));
  // Whatever else is wrong with such a node.
  CHECK_THAT(graphError(with(text, "\"operands\":[\"h\"]", "\"inputs\":7"), ErrorKind::Unsupported),
             Contains("`lstm`"));
  CHECK_THAT(graphError(changed("\"relu\"", "\"Relu\""), ErrorKind::Unsupported),
             Contains("`Relu`"));
  CHECK_THAT(graphError(changed("\"relu\"", "\"fusion\""), ErrorKind::Unsupported),
             Contains("`fusion`"));
  CHECK_THAT(graphError(changed("\"relu\"", "\"\""), ErrorKind::Unsupported), Contains("``"));
  CHECK_THAT(graphError(changed("\"relu\"", "7")),
             Contains("functions[0].nodes[2].op: expected a string"));
}

TEST_CASE("versions") {
  const std::string key = "\"format_version\":1";
  CHECK_THAT(graphError(changed(key, "\"format_version\":2"), ErrorKind::Unsupported),
             Contains("format_version: version 2 is newer"));
  // A newer file may have anything.
  CHECK_THAT(graphError("{\"format_version\":2,\"more\":[1]}", ErrorKind::Unsupported),
             Contains("version 2"));
  CHECK_THAT(graphError(changed(key, "\"format_version\":0")), Contains("no version 0"));
  CHECK_THAT(graphError(changed(key, "\"format_version\":-1")), Contains("no version -1"));
  CHECK_THAT(graphError(changed(key, "\"format_version\":1.0")), Contains("expected an integer"));
  CHECK_THAT(graphError(changed(key, "\"format_version\":\"1\"")), Contains("expected an integer"));
  CHECK_THAT(graphError(changed(key + ",", "")), Contains("`format_version` is missing"));
}

TEST_CASE("dtypes") {
  CHECK_THAT(graphError(changed("\"dtype\":\"f32\"", "\"dtype\":\"f8\""), ErrorKind::Unsupported),
             Contains("parameters[0].dtype: unknown dtype `f8`"));
  CHECK_THAT(graphError(changed("\"dtype\":\"f32\"", "\"dtype\":32")),
             Contains("parameters[0].dtype: expected a string"));
}

TEST_CASE("unknown and missing keys name their place") {
  struct Place {
    const char *before, *path;
  };
  const Place places[] = {{R"("format_version")", ""},
                          {R"("name":"w")", "parameters[0]"},
                          {R"("name":"main")", "functions[0]"},
                          {R"("name":"x")", "functions[0].inputs[0]"},
                          {R"("name":"load")", "functions[0].nodes[0]"},
                          {R"("name":"wv")", "functions[0].nodes[0].results[0]"},
                          {R"("name":"y")", "functions[0].outputs[0]"}};
  for (const Place &place : places) {
    std::string path = place.path[0] ? place.path + std::string(".extra") : "extra";
    CHECK_THAT(graphError(changed(place.before, "\"extra\":1," + std::string(place.before))),
               Contains(": " + path + ": unknown key"));
    std::string member = place.before + std::string(place.path[0] ? "" : ":1");
    CHECK_THAT(graphError(changed(member, member + "," + member)), Contains("twice"));
    if (!place.path[0])
      continue;
    CHECK_THAT(graphError(changed(place.before + std::string(","), "")),
               Contains(std::string(place.path) + ": the key `name` is missing"));
    std::string empty = with(place.before, place.before + 7, "\"\"");
    CHECK_THAT(graphError(changed(place.before, empty)),
               Contains(std::string(place.path) + ".name: the name is empty"));
    CHECK_THAT(graphError(changed(place.before, R"("name":null)")),
               Contains(std::string(place.path) + ".name: expected a string, not null"));
  }
  CHECK_THAT(graphError(changed(R"("parameters":[{"name":"w","dtype":"f32","dims":[3,2]}],)", "")),
             Contains("`parameters` is missing"));
  CHECK_THAT(graphError("[]"), Contains("expected an object, not an array"));
  CHECK_THAT(graphError("7"), Contains("expected an object"));
  CHECK_THAT(graphError(""), Contains("not JSON"));
  CHECK_THAT(graphError(kGraph + "x"), Contains("not JSON"));
  CHECK_THAT(graphError(R"({"format_version":1,"parameters":{},"functions":[]})"),
             Contains("parameters: expected an array"));
  CHECK_THAT(graphError(R"({"format_version":1,"parameters":[],"functions":[7]})"),
             Contains("functions[0]: expected an object"));
  CHECK_THAT(graphError(R"({"format_version":1,"parameters":[],"functions":7})"),
             Contains("functions: expected an array"));
  CHECK_THAT(graphError(R"({"format_version":1,"parameters":[],"functions":[]})"),
             Contains("no function"));
}

TEST_CASE("values are defined once, before they are used, and not by themselves") {
  CHECK_THAT(graphError(changed("\"operands\":[\"h\"]", "\"operands\":[\"r\"]")),
             Contains("`clip`") && Contains("its own result"));
  CHECK_THAT(graphError(changed("\"operands\":[\"x\",\"wv\"]", "\"operands\":[\"r\",\"wv\"]")),
             Contains("cycle") && Contains("`clip`") && Contains("`product`"));
  CHECK_THAT(graphError(changed("\"operands\":[\"h\"]", "\"operands\":[\"ghost\"]")),
             Contains("functions[0].nodes[2].operands[0]: no input or result") &&
                 Contains("`ghost`"));
  CHECK_THAT(graphError(changed("\"value\":\"r\"", "\"value\":\"ghost\"")),
             Contains("functions[0].outputs[0].value: no input or result") && Contains("`ghost`"));
  CHECK_THAT(graphError(changed("\"name\":\"r\"", "\"name\":\"h\"")),
             Contains("functions[0].nodes[2].results[0].name: the function has two values `h`"));
  CHECK_THAT(graphError(changed("\"name\":\"clip\"", "\"name\":\"load\"")), Contains("`load`"));
  CHECK_THAT(graphError(changed("\"name\":\"h\"", "\"name\":\"x\"")), Contains("two values `x`"));
  CHECK_THAT(graphError(changed("\"name\":\"clip\"", "\"name\":\"c\\u0000\"")),
             Contains("named \"c?\""));
  // Out of order, without a cycle.
  std::string matmul =
      R"({"name":"product","op":"matmul","operands":["x","wv"],"results":[{"name":"h","dtype":"f32","dims":["batch",2]}]},)";
  std::string late =
      with(with(kGraph, matmul, ""), R"("dims":["batch",2]}]}],"outputs")",
           R"("dims":["batch",2]}]},)" + matmul.substr(0, matmul.size() - 1) + R"(],"outputs")");
  CHECK_THAT(graphError(late), Contains("`clip`") && Contains("before"));
}

TEST_CASE("arity, dtypes and shapes are checked") {
  CHECK_THAT(graphError(changed("\"operands\":[\"x\",\"wv\"]", "\"operands\":[\"x\"]")),
             Contains("`product`"));
  CHECK_THAT(graphError(changed("\"operands\":[\"h\"]", "\"operands\":[\"h\",\"h\"]")),
             Contains("`clip`"));
  CHECK_THAT(
      graphError(changed("\"results\":[{\"name\":\"r\",\"dtype\":\"f32\",\"dims\":[\"batch\",2]}]",
                         "\"results\":[]")),
      Contains("`r`"));
  CHECK_THAT(
      graphError(changed("\"name\":\"r\",\"dtype\":\"f32\"", "\"name\":\"r\",\"dtype\":\"i32\"")),
      Contains("`clip`"));
  CHECK_THAT(graphError(changed("\"name\":\"h\",\"dtype\":\"f32\",\"dims\":[\"batch\",2]",
                                "\"name\":\"h\",\"dtype\":\"f32\",\"dims\":[\"batch\",3]")),
             Contains("`product`"));
  CHECK_THAT(graphError(changed("[\"batch\",3]", "[\"batch\",4]")), Contains("matmul [C4]"));
  CHECK_THAT(
      graphError(changed("\"name\":\"x\",\"dtype\":\"f32\"", "\"name\":\"x\",\"dtype\":\"f64\"")),
      Contains("matmul [C1]"));
  CHECK_THAT(graphError(changed("{\"parameter\":\"w\"}", "{\"parameter\":\"v\"}")),
             Contains("parameter [C1]"));
  CHECK_THAT(graphError(changed("\"operands\":[\"h\"]", "\"operands\":\"h\"")),
             Contains("functions[0].nodes[2].operands: expected an array"));
  CHECK_THAT(graphError(changed("\"operands\":[\"h\"]", "\"operands\":[7]")),
             Contains("functions[0].nodes[2].operands[0]: expected a string"));
}

TEST_CASE("attributes have the names and kinds of their op") {
  auto attributes = [](const std::string &text) {
    return changed("[\"x\",\"wv\"],", "[\"x\",\"wv\"],\"attributes\":" + text + ",");
  };
  const std::string at = "functions[0].nodes[1].attributes";
  CHECK(graphFromJson(attributes("{\"transpose_a\":false}"), "g").ok());
  CHECK_THAT(graphError(attributes("[]")), Contains(at + ": expected an object"));
  CHECK_THAT(
      graphError(attributes("{\"alpha\":1}")),
      Contains(at + ".alpha: matmul has no such attribute; it has transpose_a, transpose_b"));
  for (const char *value : {"0", "\"false\"", "null", "[]"})
    CHECK_THAT(graphError(attributes("{\"transpose_a\":" + std::string(value) + "}")),
               Contains(at + ".transpose_a: expected a boolean"));
  CHECK_THAT(graphError(attributes("{\"transpose_a\":false,\"transpose_a\":false}")),
             Contains("twice"));
  CHECK_THAT(graphError(changed(R"(,"attributes":{"parameter":"w"})", "")), Contains("parameter"));
}

/// A function of one node without operands or on x : f32[2,3].
static std::string oneNode(const std::string &op, const std::string &operands,
                           const std::string &type, const std::string &attributes) {
  return R"({"format_version":1,"parameters":[],"functions":[{"name":"f","inputs":[{"name":"x","dtype":"f32","dims":[2,3]}],"nodes":[{"name":"n","op":")" +
         op + R"(","operands":)" + operands + R"(,"results":[{"name":"r",)" + type +
         R"(}],"attributes":)" + attributes + R"(}],"outputs":[{"name":"r","value":"r"}]}]})";
}

static std::string constant(const std::string &dtype, const std::string &dims,
                            const std::string &data) {
  std::string type = R"("dtype":")" + dtype + R"(","dims":)" + dims;
  return oneNode("constant", "[]", type, R"({"value":{)" + type + R"(,"data":)" + data + "}}");
}

static Tensor constantOf(const std::string &text) {
  Result<Graph> graph = graphFromJson(text, "g");
  INFO((graph.ok() ? "" : graph.error().message));
  REQUIRE(graph.ok());
  // What is written reads back bit for bit.
  Result<Graph> again = graphFromJson(graphToJson(*graph), "g");
  REQUIRE(again.ok());
  auto value = [](const Graph &g) {
    return std::get<Tensor>(g.functions[0].body.nodes[0].attributes.at("value"));
  };
  CHECK(value(*again).identical(value(*graph)));
  return value(*graph);
}

TEST_CASE("constants read back exactly") {
  Tensor f = constantOf(constant("f32", "[7]", R"([0.1,-0.0,3,"nan","inf","-inf",1e-45])"));
  const float *values = f.dataAs<float>();
  CHECK(values[0] == 0.1f);
  CHECK(std::signbit(values[1]));
  CHECK(values[2] == 3);
  CHECK(std::isnan(values[3]));
  CHECK(values[5] == -INFINITY);
  CHECK(values[6] == std::nextafter(0.0f, 1.0f));
  CHECK(constantOf(constant("f32", "[]", "[1.00000005960464477540]")).dataAs<float>()[0] ==
        std::nextafter(1.0f, 2.0f));
  CHECK(constantOf(constant("f64", "[]", "[0.1]")).dataAs<double>()[0] == 0.1);
  CHECK(constantOf(constant("i64", "[2]", "[9223372036854775807,-9223372036854775808]"))
            .dataAs<int64_t>()[1] == INT64_MIN);
  CHECK(constantOf(constant("bool", "[2]", "[true,false]")).dataAs<uint8_t>()[0] == 1);
  CHECK(constantOf(constant("f16", "[1]", "[65504]")).dataAs<uint16_t>()[0] == 0x7bff);
  CHECK(constantOf(constant("u8", "[0,4]", "[]")).size() == 0);
}

TEST_CASE("constants that are none") {
  const std::string at = "functions[0].nodes[0].attributes.value";
  CHECK_THAT(graphError(constant("f32", "[2]", "[1]")),
             Contains(at + ".data: a constant f32[2] has 2 elements, not 1"));
  CHECK_THAT(graphError(constant("f32", "[1]", "[[1]]")), Contains(at + ".data[0]: an array"));
  CHECK_THAT(graphError(constant("f32", "[1]", "[\"NaN\"]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("f32", "[1]", "[true]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("f32", "[1]", "[1e39]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("f32", "[1]", "[null]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("i32", "[1]", "[1.0]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("i32", "[1]", "[2147483648]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("i32", "[1]", "[\"1\"]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("bool", "[1]", "[1]")), Contains(at + ".data[0]"));
  CHECK_THAT(graphError(constant("f32", "[\"n\"]", "[1]")), Contains(at + ".dims"));
  CHECK_THAT(graphError(constant("f32", "[1]", "7")), Contains(at + ".data: expected an array"));
  CHECK_THAT(graphError(constant("f32", "[4294967296,4294967296]", "[1]")), Contains("too many"));
  CHECK_THAT(graphError(constant("f32", "[1099511627776]", "[1]")),
             Contains("1099511627776 elements"));
  CHECK_THAT(graphError(with(constant("f32", "[1]", "[1]"), R"("data":)", R"("more":1,"data":)")),
             Contains(at + ".more: unknown key"));
  CHECK_THAT(graphError(oneNode("constant", "[]", R"("dtype":"f32","dims":[])", R"({"value":1})")),
             Contains(at + ": expected an object"));
}

TEST_CASE("every kind of attribute is read and written") {
  auto roundTrip = [](const std::string &text) {
    Result<Graph> graph = graphFromJson(text, "g");
    INFO((graph.ok() ? "" : graph.error().message));
    REQUIRE(graph.ok());
    Result<Graph> again = graphFromJson(graphToJson(*graph), "g");
    REQUIRE(again.ok());
    CHECK(serialize(*again) == serialize(*graph));
    return graph->functions[0].body.nodes[0].attributes;
  };
  CHECK(std::get<int64_t>(roundTrip(oneNode("softmax", "[\"x\"]", R"("dtype":"f32","dims":[2,3])",
                                            R"({"axis":1})"))
                              .at("axis")) == 1);
  CHECK(std::get<std::vector<int64_t>>(
            roundTrip(oneNode("transpose", "[\"x\"]", R"("dtype":"f32","dims":[3,2])",
                              R"({"permutation":[1,0]})"))
                .at("permutation")) == std::vector<int64_t>{1, 0});
  CHECK(std::get<Dims>(roundTrip(oneNode("reshape", "[\"x\"]", R"("dtype":"f32","dims":[6])",
                                         R"({"shape":[6]})"))
                           .at("shape")) == Dims{Dim(6)});
  CHECK(std::get<std::string>(
            roundTrip(oneNode("gelu", "[\"x\"]", R"("dtype":"f32","dims":[2,3])", "{}"))
                .at("approximate")) == "erf");
  CHECK_THAT(
      graphError(oneNode("softmax", "[\"x\"]", R"("dtype":"f32","dims":[2,3])", R"({"axis":1.5})")),
      Contains("attributes.axis: expected an integer"));
  CHECK_THAT(graphError(oneNode("transpose", "[\"x\"]", R"("dtype":"f32","dims":[3,2])",
                                R"({"permutation":[1,"0"]})")),
             Contains("attributes.permutation[1]: expected an integer"));
}

TEST_CASE("blocks are read, and refused where an op has none") {
  std::string blocks =
      R"("blocks":[{"inputs":[{"name":"i","dtype":"f32","dims":[]}],"nodes":[{"name":"inner","op":"neg","operands":["i"],"results":[{"name":"o","dtype":"f32","dims":[]}]}],"outputs":["o"]}],"op":"relu")";
  std::string text = changed("\"op\":\"relu\"", blocks);
  CHECK_THAT(graphError(text), Contains("`clip`") && Contains("1 blocks, expected 0"));
  CHECK_THAT(graphError(with(text, "\"neg\"", "\"sort\""), ErrorKind::Unsupported),
             Contains("functions[0].nodes[2].blocks[0].nodes[0].op"));
  CHECK_THAT(graphError(with(text, "[\"i\"]", "[\"x\"]")),
             Contains("`inner`") && Contains("another block"));
  CHECK_THAT(graphError(with(text, "\"outputs\":[\"o\"]", "\"output\":[\"o\"]")),
             Contains("functions[0].nodes[2].blocks[0].output: unknown key"));
}

TEST_CASE("calls form no cycle") {
  std::string call =
      oneNode("call", "[\"x\"]", R"("dtype":"f32","dims":[2,3])", R"({"callee":"f"})");
  CHECK_THAT(graphError(call), Contains("call [C4]"));
  CHECK_THAT(graphError(with(call, "\"callee\":\"f\"", "\"callee\":\"g\"")), Contains("call [C1]"));
}
