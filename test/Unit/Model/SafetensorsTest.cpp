// The container: every rule of it, broken.
#include "../TempDir.h"
#include "TestModels.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

/// A file whose one tensor entry is replaced.
static std::string withWeight(const std::string &entry, const std::string &data = kWeightData) {
  return container("{" + metadata() + "," + entry + "}", data);
}

static std::string entry(const std::string &dtype, const std::string &shape,
                         const std::string &offsets) {
  return R"("w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}";
}

TEST_CASE("a small model is read") {
  Result<Model> model = parseModel(smallModel(), "m");
  REQUIRE(model.ok());
  CHECK(model->graph.functions.size() == 1);
  const Tensor &w = model->parameters.at("w");
  CHECK(w.shape() == Shape{3, 2});
  CHECK(w.dataAs<float>()[5] == -6);
  REQUIRE(model->golden.size() == 1);
  CHECK(model->golden[0].outputs.at("y").dataAs<float>()[0] == 9);
  // Any order of entries, offsets and white space; padding with spaces.
  CHECK(parseModel(container("{" + kWeight + ",\n " + metadata() + "}   ", kWeightData), "m").ok());
}

TEST_CASE("a model cut off at any byte is refused, from memory and from a file") {
  TempDir dir;
  std::string bytes = smallModel(), path = dir.write("m", bytes);
  LoadOptions mapped;
  mapped.mapWeights = true;
  for (size_t size = bytes.size(); size-- > 0;) {
    modelError(bytes.substr(0, size));
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(size)) == 0);
    for (const Result<Model> &model : {loadModel(path), loadModel(path, mapped)}) {
      REQUIRE_FALSE(model.ok());
      REQUIRE(model.error().kind == ErrorKind::BadInput);
      REQUIRE_THAT(model.error().message, Contains(path));
    }
  }
}

TEST_CASE("no change of one byte is fatal") {
  std::string bytes = smallModel();
  for (size_t i = 0; i < bytes.size(); ++i)
    for (char flip : {'\x01', '\x20', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      Result<Model> model = parseModel(damaged, "m");
      if (!model.ok())
        REQUIRE_FALSE(model.error().message.empty());
    }
}

TEST_CASE("an empty file is no model") {
  CHECK_THAT(modelError(""), Contains("0 bytes"));
  CHECK_THAT(modelError("    "), Contains("4 bytes"));
}

TEST_CASE("header lengths") {
  CHECK_THAT(modelError(std::string(8, '\xff')), Contains("18446744073709551615"));
  CHECK_THAT(modelError(std::string(8, '\xff') + smallModel()), Contains("100000000"));
  CHECK_THAT(modelError(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8)), Contains("100000001"));
  CHECK_THAT(modelError(std::string("\0\xe1\xf5\x05\0\0\0\0", 8)), Contains("cut off"));
  CHECK_THAT(modelError(std::string("\0\0\0\0\0\0\0\x80", 8)), Contains("9223372036854775808"));
  CHECK_THAT(modelError(std::string(8, '\0')), Contains("does not start with '{'"));
  // 123 is the code of '{': the length of a header may look like JSON.
  std::string header = "{" + metadata() + "," + kWeight + "}";
  header.append((123 + 256 - header.size() % 256) % 256, ' ');
  CHECK(parseModel(container(header, kWeightData), "m").ok());
}

TEST_CASE("what the header may be") {
  CHECK_THAT(modelError(container(" {}")), Contains("start with '{'"));
  CHECK_THAT(modelError(container("[]")), Contains("start with '{'"));
  CHECK_THAT(modelError(container("{} x")), Contains("end with '}'"));
  CHECK_THAT(modelError(container("{}\n")), Contains("end with '}'"));
  CHECK_THAT(modelError(container("{}}")), Contains("not JSON at byte"));
  CHECK_THAT(modelError(container("{\"a\":}")), Contains("not JSON at byte"));
  CHECK_THAT(modelError(container("{\"\xff\":1}")), Contains("not JSON"));
  CHECK_THAT(modelError(container("{\"a\":1e999}")), Contains("not JSON"));
  CHECK_THAT(modelError(container("{/**/}")), Contains("not JSON"));
  CHECK_THAT(modelError(container("{}")), Contains("mlc.format_version"));
  CHECK_THAT(
      modelError(container(
          R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
          "1234")),
      Contains("weights alone"));
}

TEST_CASE("100,000 nested brackets are one clear error") {
  for (const std::string &open : {std::string("["), std::string("{\"a\":")}) {
    std::string deep = open;
    for (int i = 1; i < 100000; ++i)
      deep += open;
    CHECK_THAT(graphError(deep), Contains("nested deeper than 320"));
    CHECK_THAT(modelError("{\"functions\":" + deep), Contains("nested deeper than 320"));
    CHECK_THAT(modelError(container("{\"w\":" + deep + "}")), Contains("nested deeper than 320"));
    CHECK_THAT(modelError(withWeight(kWeight + ",\"v\":" + deep)), Contains("nested"));
    CHECK_THAT(modelError(container("{" + metadata(deep) + "}")), Contains("nested"));
  }
}

TEST_CASE("keys that occur twice") {
  auto twice = [](const std::string &message, const char *key) {
    CHECK_THAT(message, Contains(std::string("the key `") + key + "` twice"));
  };
  twice(modelError(withWeight(kWeight + "," + kWeight)), "w");
  twice(modelError(withWeight(metadata() + "," + kWeight)), "__metadata__");
  twice(modelError(withWeight(with(kWeight, "{", R"({"dtype":"F32",)"))), "dtype");
  twice(modelError(container("{" + metadata(kGraph, R"(,"mlc.graph":"")") + "}")), "mlc.graph");
  // The same key, spelled differently.
  twice(modelError(withWeight(kWeight + "," + with(kWeight, "\"w\"", "\"\\u0077\""))), "w");
}

TEST_CASE("tensor entries have three keys of the right types") {
  CHECK_THAT(modelError(withWeight(R"("w":[])")), Contains("header: w: expected an object"));
  CHECK_THAT(modelError(withWeight(with(kWeight, "shape", "size"))),
             Contains("w.size: unknown key"));
  CHECK_THAT(modelError(withWeight(R"("w":{"dtype":"F32","shape":[]})")),
             Contains("w: the key `data_offsets` is missing"));
  CHECK_THAT(modelError(withWeight(entry("32", "[3,2]", "[0,24]"))),
             Contains("w.dtype: expected a string"));
  for (const char *dtype : {"\"F33\"", "\"f32\"", "\"U16\"", "\"F8_E4M3\"", "\"\""})
    CHECK_THAT(modelError(withWeight(entry(dtype, "[3,2]", "[0,24]")), ErrorKind::Unsupported),
               Contains("w.dtype: unknown dtype"));
  for (const char *shape : {"[-1,2]", "[3.0,2]", "[3e0,2]", "[\"3\",2]", "[null]", "[[3],2]",
                            "[9223372036854775808]", "[18446744073709551616]"})
    CHECK_THAT(modelError(withWeight(entry("\"F32\"", shape, "[0,24]"))), Contains("w.shape["));
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "6", "[0,24]"))),
             Contains("w.shape: expected an array"));
  for (const char *offsets : {"[-24,0]", "[0.0,24]", "[\"0\",24]", "[0,9223372036854775808]"})
    CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[3,2]", offsets))),
               Contains("w.data_offsets["));
  for (const char *offsets : {"[]", "[0]", "[0,12,24]", "24", "[24,0]"})
    CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[3,2]", offsets))),
               Contains("w.data_offsets: "));
  CHECK_THAT(modelError(container(R"({"__metadata__":[]})")), Contains("__metadata__: expected"));
  CHECK_THAT(modelError(container(R"({"__metadata__":{"a":1}})")),
             Contains("__metadata__.a: expected a string, not an integer"));
}

TEST_CASE("sizes that overflow or disagree") {
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[4294967296,4294967296]", "[0,24]"))),
             Contains("overflows"));
  // The product wraps around to 24 bytes.
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[4611686018427387910]", "[0,24]"))),
             Contains("overflows"));
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[3,2]", "[0,20]"))),
             Contains("has 24 bytes, its data_offsets span 20"));
  CHECK_THAT(
      modelError(withWeight(entry("\"F32\"", "[9223372036854775807]", "[0,9223372036854775807]"))),
      Contains("overflows"));
  CHECK_THAT(
      modelError(withWeight(entry("\"I8\"", "[9223372036854775807]", "[0,9223372036854775807]"))),
      Contains("cut off"));
}

TEST_CASE("data covers the file: no overlap, hole or rest") {
  auto second = [](const std::string &begin, const std::string &end) {
    return kWeight + R"(,"v":{"dtype":"F32","shape":[1],"data_offsets":[)" + begin + "," + end +
           "]}";
  };
  std::string data = kWeightData + "1234";
  CHECK_THAT(modelError(withWeight(second("20", "24"), data)), Contains("`v` overlaps"));
  CHECK_THAT(modelError(withWeight(second("0", "4"), data)), Contains("overlaps"));
  CHECK_THAT(modelError(withWeight(second("28", "32"), data + "5678")),
             Contains("`v` follows a hole"));
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[3,2]", "[4,28]"), data)), Contains("hole"));
  CHECK_THAT(modelError(withWeight(second("24", "28"))), Contains("`v` ends at byte 28"));
  CHECK_THAT(modelError(withWeight(kWeight, data)), Contains("4 bytes of data follow"));
  CHECK_THAT(modelError(container("{" + metadata() + "}", "x")), Contains("1 bytes of data"));
}

TEST_CASE("tensors are parameters, complete and of their types") {
  CHECK_THAT(modelError(container("{" + metadata() + "}")),
             Contains("no tensor for the parameters `w`"));
  CHECK_THAT(modelError(kGraph), Contains("no tensor for the parameters `w`"));
  std::string other = R"(,"v":{"dtype":"F32","shape":[1],"data_offsets":[24,28]})";
  CHECK_THAT(modelError(withWeight(kWeight + other, kWeightData + "1234")),
             Contains("`v` is neither a parameter"));
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[2,3]", "[0,24]"))),
             Contains("tensor `w` is f32[2,3], the parameter is f32[3,2]"));
  CHECK_THAT(modelError(withWeight(entry("\"I32\"", "[3,2]", "[0,24]"))), Contains("i32[3,2]"));
  CHECK_THAT(modelError(withWeight(entry("\"F32\"", "[3,2,1]", "[0,24]"))), Contains("[3,2,1]"));
}

TEST_CASE("bools are 0 or 1") {
  std::string graph =
      with(kGraph, R"([{"name":"w",)", R"([{"name":"b","dtype":"bool","dims":[2]},{"name":"w",)");
  std::string flags = kWeight + R"(,"b":{"dtype":"BOOL","shape":[2],"data_offsets":[24,26]})";
  auto file = [&](const std::string &bytes) {
    return container("{" + metadata(graph) + "," + flags + "}", kWeightData + bytes);
  };
  CHECK(parseModel(file(std::string("\0\1", 2)), "m").ok());
  CHECK_THAT(modelError(file("\1\2")), Contains("tensor `b`: bool element 1 is byte 2"));
}

TEST_CASE("versions and metadata keys") {
  std::string bytes = smallModel();
  auto version = [&](const std::string &text) {
    return container(with("{" + metadata() + "," + kWeight + "}", "\"mlc.format_version\":\"1\"",
                          "\"mlc.format_version\":" + text),
                     kWeightData);
  };
  CHECK_THAT(modelError(version("\"2\""), ErrorKind::Unsupported), Contains("format version `2`"));
  for (const char *bad : {"\"\"", "\"0\"", "\"-1\"", "\"1.0\"", "\"01\"", "\"one\"", "\"1 \""})
    CHECK_THAT(modelError(version(bad)), Contains("format version"));
  CHECK_THAT(modelError(version("1")), Contains("expected a string"));
  CHECK_THAT(modelError(container("{" + metadata(kGraph, R"(,"mlc.new":"x")") + "," + kWeight + "}",
                                  kWeightData)),
             Contains("unknown metadata key `mlc.new`"));
  CHECK(parseModel(container("{" + metadata(kGraph, R"(,"format":"pt")") + "," + kWeight + "}",
                             kWeightData),
                   "m")
            .ok());
  CHECK_THAT(modelError(container(R"({"__metadata__":{"mlc.format_version":"1"}})")),
             Contains("no `mlc.graph`"));
  CHECK_THAT(modelError(container("{" + metadata("{}") + "}")),
             Contains("mlc.graph: the key `format_version` is missing"));
}

TEST_CASE("what is no regular file is no model") {
  TempDir dir;
  std::string fifo = dir.path("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  for (const std::string &path : {dir.path(), fifo, dir.path("absent"), std::string("/dev/zero")})
    for (bool map : {false, true}) {
      LoadOptions options;
      options.mapWeights = map;
      Result<Model> model = loadModel(path, options);
      REQUIRE_FALSE(model.ok());
      CHECK(model.error().kind == ErrorKind::BadInput);
      CHECK_THAT(model.error().message, Contains("'" + path + "'"));
    }
}

TEST_CASE("large files are refused before they are read") {
  TempDir dir;
  std::string path = dir.write("m", smallModel());
  LoadOptions options;
  options.maxFileBytes = 100;
  CHECK(loadModel(path, options).error().kind == ErrorKind::ResourceLimit);
  // 2^40 bytes of which nearly all are a hole: too large, or else data without a tensor.
  REQUIRE(::truncate(path.c_str(), int64_t(1) << 40) == 0);
  CHECK(loadModel(path).error().kind == ErrorKind::ResourceLimit);
  options.maxFileBytes = int64_t(1) << 50;
  Result<Model> model = loadModel(path, options);
  REQUIRE_FALSE(model.ok());
  CHECK(model.error().kind == ErrorKind::BadInput);
  CHECK_THAT(model.error().message, Contains("bytes of data follow"));
  path = dir.write("j", kGraph);
  REQUIRE(::truncate(path.c_str(), int64_t(1) << 32) == 0);
  CHECK(loadModel(path).error().kind == ErrorKind::ResourceLimit);
}
