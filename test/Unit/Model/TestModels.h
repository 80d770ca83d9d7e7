//===- TestModels.h - Small models, whole and damaged -------------*- C++ -*-===//
#ifndef MLC_TEST_UNIT_MODEL_TESTMODELS_H
#define MLC_TEST_UNIT_MODEL_TESTMODELS_H

#include "mlc/Model/Model.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

namespace mlc::test {

/// y = relu(x w), with x : f32[batch,3] and w : f32[3,2].
inline const std::string kGraph =
    R"({"format_version":1,"parameters":[{"name":"w","dtype":"f32","dims":[3,2]}],)"
    R"("functions":[{"name":"main","inputs":[{"name":"x","dtype":"f32","dims":["batch",3]}],"nodes":[)"
    R"({"name":"load","op":"parameter","operands":[],"results":[{"name":"wv","dtype":"f32","dims":[3,2]}],"attributes":{"parameter":"w"}},)"
    R"({"name":"product","op":"matmul","operands":["x","wv"],"results":[{"name":"h","dtype":"f32","dims":["batch",2]}]},)"
    R"({"name":"clip","op":"relu","operands":["h"],"results":[{"name":"r","dtype":"f32","dims":["batch",2]}]}],)"
    R"("outputs":[{"name":"y","value":"r"}]}]})";

/// One call of it with a batch of 1.
inline const std::string kGolden =
    R"([{"function":"main","relative_tolerance":1e-6,"absolute_tolerance":0,)"
    R"("inputs":{"x":"in"},"outputs":{"y":"out"}}])";

/// `text` with the first `from` replaced, which must be there.
inline std::string with(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

inline std::string jsonString(const std::string &text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

/// A safetensors file with this header, as it is.
inline std::string container(const std::string &header, const std::string &data = "") {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  return bytes + header + data;
}

inline std::string metadata(const std::string &graph = kGraph, const std::string &more = "") {
  return R"("__metadata__":{"mlc.format_version":"1","mlc.graph":)" + jsonString(graph) + more +
         "}";
}

inline std::string bytesOf(const std::vector<float> &values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline const std::string kWeight = R"("w":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]})";
inline const std::string kWeightData = bytesOf({1, 2, 3, 4, 5, -6});

/// The model of kGraph with a golden; valid.
inline std::string smallModel() {
  return container("{" + metadata(kGraph, R"(,"mlc.golden":)" + jsonString(kGolden)) + "," +
                       kWeight + R"(,"in":{"dtype":"F32","shape":[1,3],"data_offsets":[24,36]},)" +
                       R"("out":{"dtype":"F32","shape":[1,2],"data_offsets":[36,44]}})",
                   kWeightData + bytesOf({1, 1, 1, 9, 0}));
}

/// The error of parsing a model, which must have this kind.
inline std::string modelError(const std::string &bytes, ErrorKind kind = ErrorKind::BadInput) {
  Result<Model> model = parseModel(bytes, "the model");
  REQUIRE_FALSE(model.ok());
  INFO(model.error().message);
  CHECK(model.error().kind == kind);
  CHECK(model.error().message.compare(0, 9, "the model") == 0);
  CHECK(model.error().message.size() < 2000);
  return model.error().message;
}

/// The same for the JSON of a graph.
inline std::string graphError(const std::string &text, ErrorKind kind = ErrorKind::BadInput) {
  Result<Graph> graph = graphFromJson(text, "the graph");
  REQUIRE_FALSE(graph.ok());
  INFO(graph.error().message);
  CHECK(graph.error().kind == kind);
  CHECK(graph.error().message.compare(0, 9, "the graph") == 0);
  CHECK(graph.error().message.size() < 2000);
  return graph.error().message;
}

} // namespace mlc::test

#endif // MLC_TEST_UNIT_MODEL_TESTMODELS_H
