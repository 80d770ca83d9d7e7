// Whole models: saved, loaded, mapped.
#include "../TempDir.h"
#include "TestModels.h"

#include "mlc/Graph/Serialize.h"

#include <unistd.h>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

static Model small() {
  Result<Model> model = parseModel(smallModel(), "m");
  REQUIRE(model.ok());
  return *model;
}

static void checkSame(const Model &a, const Model &b) {
  CHECK(serialize(a.graph) == serialize(b.graph));
  REQUIRE(a.parameters.size() == b.parameters.size());
  for (const auto &[name, tensor] : a.parameters)
    CHECK(tensor.identical(b.parameters.at(name)));
  REQUIRE(a.golden.size() == b.golden.size());
  for (size_t i = 0; i < a.golden.size(); ++i) {
    CHECK(a.golden[i].function == b.golden[i].function);
    CHECK(a.golden[i].relativeTolerance == b.golden[i].relativeTolerance);
    CHECK(a.golden[i].absoluteTolerance == b.golden[i].absoluteTolerance);
    for (auto member : {&Golden::inputs, &Golden::outputs}) {
      REQUIRE((a.golden[i].*member).size() == (b.golden[i].*member).size());
      for (const auto &[name, tensor] : a.golden[i].*member)
        CHECK(tensor.identical((b.golden[i].*member).at(name)));
    }
  }
}

TEST_CASE("a saved model loads as it was, and the same model gives the same bytes") {
  TempDir dir;
  Model model = small();
  REQUIRE(saveModel(dir.path("a"), model).ok());
  Result<Model> loaded = loadModel(dir.path("a"));
  REQUIRE(loaded.ok());
  checkSame(*loaded, model);
  REQUIRE(saveModel(dir.path("b"), *loaded).ok());
  CHECK(slurp(dir.path("a")) == slurp(dir.path("b")));
}

/// A graph of nothing but parameters, of all dtypes and awkward sizes.
static Model manyDTypes() {
  Model model;
  std::string parameters;
  for (DType dtype : kAllDTypes)
    for (int64_t size : {0, 1, 3}) {
      std::string name = std::string(dtypeName(dtype)) + "." + std::to_string(size);
      model.parameters[name] = *Tensor::zeros(dtype, {size});
      if (size)
        model.parameters[name].dataAs<char>()[0] = 1;
      parameters += (parameters.empty() ? "" : ",") + std::string(R"({"name":")") + name +
                    R"(","dtype":")" + std::string(dtypeName(dtype)) + R"(","dims":[)" +
                    std::to_string(size) + "]}";
    }
  Result<Graph> graph = graphFromJson(
      R"({"format_version":1,"parameters":[)" + parameters +
          R"(],"functions":[{"name":"f","inputs":[{"name":"x","dtype":"f32","dims":[]}],"nodes":[],"outputs":[{"name":"y","value":"x"}]}]})",
      "g");
  REQUIRE(graph.ok());
  model.graph = *graph;
  return model;
}

TEST_CASE("all dtypes travel, and all tensors are aligned in the file") {
  TempDir dir;
  Model model = manyDTypes();
  REQUIRE(saveModel(dir.path("m"), model).ok());
  LoadOptions options;
  for (bool map : {false, true}) {
    options.mapWeights = map;
    Result<Model> loaded = loadModel(dir.path("m"), options);
    REQUIRE(loaded.ok());
    checkSame(*loaded, model);
    for (const auto &[name, tensor] : loaded->parameters)
      CHECK(reinterpret_cast<uintptr_t>(tensor.data()) %
                static_cast<uintptr_t>(map ? dtypeBytes(tensor.dtype()) : 64) ==
            0);
  }
  std::string bytes = slurp(dir.path("m"));
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK((8 + header) % 64 == 0);
  for (DType dtype : kAllDTypes) {
    const std::string key = "\"" + std::string(dtypeName(dtype)) + ".3\":";
    size_t at = bytes.find("data_offsets\":[", bytes.find(key));
    REQUIRE(at != bytes.npos);
    CHECK(std::stoll(bytes.substr(at + 15)) % dtypeBytes(dtype) == 0);
  }
}

TEST_CASE("truncating a loaded file changes nothing") {
  TempDir dir;
  Model model = small();
  std::string path = dir.path("m");
  REQUIRE(saveModel(path, model).ok());
  Result<Model> loaded = loadModel(path);
  REQUIRE(loaded.ok());
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  checkSame(*loaded, model);
}

TEST_CASE("mapped weights show the file's bytes and outlive everything but themselves") {
  TempDir dir;
  std::string path = dir.path("m");
  REQUIRE(saveModel(path, small()).ok());
  LoadOptions options;
  options.mapWeights = true;
  Tensor w;
  {
    Result<Model> loaded = loadModel(path, options);
    REQUIRE(loaded.ok());
    w = loaded->parameters.at("w");
  }
  CHECK(w.dataAs<float>()[5] == -6);
  // It is a mapping: a change of the file (of the same size) shows.
  std::string bytes = slurp(path);
  size_t at = bytes.find(kWeightData);
  REQUIRE(at != bytes.npos);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at + 20));
  file.write(bytesOf({7}).data(), 4);
  file.close();
  CHECK(w.dataAs<float>()[5] == 7);
}

TEST_CASE("mapped weights that are not aligned are copied") {
  TempDir dir;
  std::string header = "{" + metadata() + "," + kWeight + "}";
  header.append((4 - (8 + header.size()) % 4) % 4 + 1, ' ');
  std::string path = dir.write("m", container(header, kWeightData));
  LoadOptions options;
  options.mapWeights = true;
  Result<Model> loaded = loadModel(path, options);
  REQUIRE(loaded.ok());
  CHECK(reinterpret_cast<uintptr_t>(loaded->parameters.at("w").data()) % 64 == 0);
  CHECK(loaded->parameters.at("w").dataAs<float>()[5] == -6);
}

TEST_CASE("a graph without weights may be plain JSON") {
  TempDir dir;
  Model model;
  Result<Graph> graph = graphFromJson(
      R"({"format_version":1,"parameters":[],"functions":[{"name":"f","inputs":[{"name":"x","dtype":"f32","dims":[]}],"nodes":[],"outputs":[{"name":"y","value":"x"}]}]})",
      "g");
  REQUIRE(graph.ok());
  model.graph = *graph;
  REQUIRE(saveModel(dir.path("m.json"), model).ok());
  CHECK(slurp(dir.path("m.json")) == graphToJson(model.graph));
  Result<Model> loaded = loadModel(dir.path("m.json"));
  REQUIRE(loaded.ok());
  checkSame(*loaded, model);
  CHECK(parseModel("\n\t " + slurp(dir.path("m.json")), "m").ok());
  // With weights it is safetensors, whatever it is called.
  REQUIRE(saveModel(dir.path("n.json"), small()).ok());
  Result<Model> other = loadModel(dir.path("n.json"));
  REQUIRE(other.ok());
  checkSame(*other, small());
}

TEST_CASE("goldens never collide with parameters") {
  TempDir dir;
  Model model = small();
  std::string name = "golden.0.input.x";
  Tensor w = model.parameters.at("w");
  model.graph.parameters[0].name = name;
  model.graph.functions[0].body.nodes[0].attributes["parameter"] = name;
  model.parameters = {{name, w}};
  REQUIRE(saveModel(dir.path("m"), model).ok());
  Result<Model> loaded = loadModel(dir.path("m"));
  REQUIRE(loaded.ok());
  checkSame(*loaded, model);
}

TEST_CASE("models that could not be loaded are not saved") {
  TempDir dir;
  auto refuses = [&](const Model &model, const std::string &what) {
    Status status = saveModel(dir.path("m"), model);
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(status.error().message, Contains(what) && Contains("'" + dir.path("m") + "'"));
    CHECK_FALSE(std::filesystem::exists(dir.path("m")));
  };
  Model model = small();
  model.parameters.clear();
  refuses(model, "no tensor for the parameter `w`");
  model = small();
  model.parameters["v"] = Tensor();
  refuses(model, "`v` is no parameter");
  model = small();
  model.parameters["w"] = Tensor();
  refuses(model, "f32[0]");
  model = small();
  model.golden[0].inputs.clear();
  refuses(model, "`x` is missing");
  model = small();
  model.golden[0].relativeTolerance = -1;
  refuses(model, "tolerance");
  model = small();
  model.graph.functions[0].values[0].name = "\xff";
  refuses(model, "UTF-8");
  model = small();
  model.parameters["w"].dataAs<float>()[0] = 1; // Still valid.
  CHECK(saveModel(dir.path("m"), model).ok());
  CHECK_FALSE(saveModel(dir.path("absent/m"), model).ok());
}

TEST_CASE("tensors alone are saved and loaded, of models too, and nothing else is") {
  TempDir dir;
  std::map<std::string, Tensor> tensors = small().parameters;
  tensors["empty"] = *Tensor::zeros(DType::Bool, {3, 0});
  REQUIRE(saveTensors(dir.path("t"), tensors).ok());
  for (bool map : {false, true}) {
    LoadOptions options;
    options.mapWeights = map;
    auto loaded = loadTensors(dir.path("t"), options);
    REQUIRE(loaded.ok());
    REQUIRE(loaded->size() == tensors.size());
    for (const auto &[name, tensor] : tensors)
      CHECK(loaded->at(name).identical(tensor));
  }
  REQUIRE(saveModel(dir.path("m"), small()).ok());
  REQUIRE(loadTensors(dir.path("m")).ok());
  CHECK(loadTensors(dir.path("m"))->count("w") == 1);
  auto wrong = loadModel(dir.path("t"));
  REQUIRE(!wrong.ok());
  CHECK_THAT(wrong.error().message, Contains("not a model"));
  CHECK_FALSE(loadTensors(dir.path("absent")).ok());
  CHECK_FALSE(saveTensors(dir.path("absent/t"), tensors).ok());
}
