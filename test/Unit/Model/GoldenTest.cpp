// Recorded calls in a model file.
#include "TestModels.h"

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

/// smallModel() with another text of goldens.
static std::string withGoldens(const std::string &goldens) {
  return container("{" + metadata(kGraph, R"(,"mlc.golden":)" + jsonString(goldens)) + "," +
                       kWeight + R"(,"in":{"dtype":"F32","shape":[1,3],"data_offsets":[24,36]},)" +
                       R"("out":{"dtype":"F32","shape":[1,2],"data_offsets":[36,44]}})",
                   kWeightData + bytesOf({1, 1, 1, 9, 0}));
}

static std::string changed(const std::string &from, const std::string &to) {
  return modelError(withGoldens(with(kGolden, from, to)));
}

TEST_CASE("goldens are read") {
  Result<Model> model = parseModel(withGoldens(kGolden), "m");
  REQUIRE(model.ok());
  REQUIRE(model->golden.size() == 1);
  const Golden &golden = model->golden[0];
  CHECK(golden.function == "main");
  CHECK(golden.relativeTolerance == 1e-6);
  CHECK(golden.absoluteTolerance == 0);
  CHECK(golden.inputs.at("x").shape() == Shape{1, 3});
  CHECK(golden.outputs.at("y").dataAs<float>()[0] == 9);
  CHECK(model->parameters.size() == 1);
}

TEST_CASE("goldens that are none") {
  const std::string at = "mlc.golden";
  CHECK_THAT(modelError(withGoldens("{}")), Contains(at + ": expected an array"));
  CHECK_THAT(modelError(withGoldens("[7]")), Contains(at + ": [0]: expected an object"));
  CHECK_THAT(modelError(withGoldens("[")), Contains(at + ": not JSON"));
  CHECK_THAT(changed("\"function\"", "\"f\""), Contains("[0].f: unknown key"));
  CHECK_THAT(changed("\"relative_tolerance\":1e-6,", ""),
             Contains("`relative_tolerance` is missing"));
  CHECK_THAT(changed("1e-6", "-1e-6"), Contains("[0].relative_tolerance: a tolerance"));
  CHECK_THAT(changed("1e-6", "\"1\""), Contains("[0].relative_tolerance: expected a number"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "[]"), Contains("[0].inputs: expected an object"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"x\":7}"), Contains("[0].inputs.x: expected a string"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"x\":\"in\",\"x\":\"in\"}"), Contains("twice"));
}

TEST_CASE("goldens are complete calls") {
  CHECK_THAT(changed("\"main\"", "\"other\""),
             Contains("mlc.golden[0]: there is no function `other`"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"z\":\"in\"}"), Contains("the input `x` is missing"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"x\":\"in\",\"z\":\"in\"}"),
             Contains("1 inputs, the golden 2"));
  CHECK_THAT(changed("{\"y\":\"out\"}", "{\"z\":\"out\"}"), Contains("no output `z`"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"x\":\"out\"}"), Contains("neither a parameter"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"x\":\"ghost\"}"), Contains("no tensor `ghost`"));
  CHECK_THAT(changed("{\"x\":\"in\"}", "{\"x\":\"w\"}"),
             Contains("`w` is a parameter and part of a golden"));
  CHECK_THAT(changed("{\"y\":\"out\"}", "{\"y\":\"in\"}"), Contains("neither a parameter"));
  CHECK_THAT(changed("{\"x\":\"in\"},\"outputs\":{\"y\":\"out\"}",
                     "{\"x\":\"out\"},\"outputs\":{\"y\":\"in\"}"),
             Contains("the input `x` is f32[1, 2], expected f32[batch,3]"));
}

TEST_CASE("named dimensions have one size in a golden") {
  std::string bytes = withGoldens(kGolden);
  bytes = with(bytes, R"([1,2],"data_offsets":[36,44])", R"([2,1],"data_offsets":[36,44])");
  CHECK_THAT(modelError(bytes),
             Contains("the output `y` is f32[2, 1], expected f32[batch,2] with batch = 1"));
}
