// docs/format.md, and the files of released versions, which load for ever.
#include "../TempDir.h"
#include "TestModels.h"

#include "mlc/Graph/Serialize.h"

using namespace mlc;
using namespace mlc::test;

/// The text of the n-th block of JSON in docs/format.md.
static std::string example(int n) {
  std::string page = slurp("../docs/format.md");
  size_t begin = 0;
  for (int i = 0; i <= n; ++i) {
    begin = page.find("```json\n", begin);
    REQUIRE(begin != page.npos);
    begin += 8;
  }
  return page.substr(begin, page.find("```", begin) - begin);
}

static std::string escaped(std::string text) {
  for (size_t at = 0; (at = text.find('\n', at)) != text.npos;)
    text.replace(at, 1, " ");
  return jsonString(text);
}

TEST_CASE("the documented graph loads") {
  Result<Graph> graph = graphFromJson(example(1), "docs/format.md");
  INFO((graph.ok() ? "" : graph.error().message));
  REQUIRE(graph.ok());
  CHECK(graph->functions.size() == 2);
  CHECK(graph->functions[0].body.nodes.size() == 6);
}

TEST_CASE("the documented container loads, with the documented graph in it") {
  std::string header =
      with(example(0), "\"the JSON of the graph, as a string\"", escaped(example(1)));
  header.resize(header.find_last_of('}') + 1);
  std::string data(104, '\0');
  Result<Model> model = parseModel(container(header, data), "docs/format.md");
  INFO((model.ok() ? "" : model.error().message));
  REQUIRE(model.ok());
  REQUIRE(model->golden.size() == 1);
  CHECK(model->golden[0].inputs.at("x").shape() == Shape{4, 3});
}

TEST_CASE("version 1 loads: container, parameters, golden") {
  Result<Model> model = loadModel("Model/version-1.safetensors");
  INFO((model.ok() ? "" : model.error().message));
  REQUIRE(model.ok());
  CHECK(model->parameters.size() == 4);
  const Tensor &w = model->parameters.at("layer.w");
  CHECK(w.shape() == Shape{3, 2});
  const float expected[] = {1, -2, 0.5, 4, -1, 0.25};
  CHECK(std::memcmp(w.data(), expected, sizeof(expected)) == 0);
  CHECK(model->parameters.at("unused.flags").dataAs<uint8_t>()[2] == 1);
  CHECK(model->parameters.at("unused.half").shape() == Shape{0, 5});
  REQUIRE(model->graph.functions.size() == 2);
  const Function &main = model->graph.functions[0];
  CHECK(main.name == "main");
  CHECK(symbolicDims(main) == std::vector<std::string>{"batch"});
  REQUIRE(main.body.nodes.size() == 6);
  CHECK(main.body.nodes[0].location == "net.py:1:1");
  CHECK(main.body.nodes[5].op == Op::Call);
  REQUIRE(model->golden.size() == 1);
  CHECK(model->golden[0].function == "main");
  CHECK(model->golden[0].relativeTolerance == 1e-6);
  CHECK(model->golden[0].inputs.at("x").dataAs<float>()[0] == 1);
  // 1*1 + 2*0.5 - 3*1 + 0.5 = -0.5, clipped; 1*-2 + 2*4 + 3*0.25 - 1 = 5.75.
  CHECK(model->golden[0].outputs.at("y").dataAs<float>()[0] == 0);
  CHECK(model->golden[0].outputs.at("y").dataAs<float>()[1] == 5.75);
}

TEST_CASE("version 1 loads: every op and every kind of attribute") {
  Result<Model> model = loadModel("Model/version-1.json");
  INFO((model.ok() ? "" : model.error().message));
  REQUIRE(model.ok());
  std::map<Op, int> seen;
  for (const Node &node : model->graph.functions[0].body.nodes)
    ++seen[node.op];
  // The ops that version 1 had when it was released.
  CHECK(seen.size() + 2 == 34); // parameter and call are in the other file
  Result<Graph> again = graphFromJson(graphToJson(model->graph), "again");
  REQUIRE(again.ok());
  CHECK(serialize(*again) == serialize(model->graph));
}
