// .npy files.
#include "../TempDir.h"
#include "TestTensors.h"

#include "mlc/Tensor/Npy.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

/// An .npy with this header text; the length is what the text has.
static std::string npy(const std::string &header, const std::string &data, int version = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

static std::string f4(const std::string &shape) {
  return "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

static std::string errorOf(const std::string &bytes, ErrorKind kind = ErrorKind::BadInput) {
  Result<Tensor> tensor = parseNpy(bytes, "x.npy");
  REQUIRE_FALSE(tensor.ok());
  CHECK(tensor.error().kind == kind);
  CHECK_THAT(tensor.error().message, Catch::StartsWith("x.npy: "));
  return tensor.error().message;
}

TEST_CASE("every dtype is written and read") {
  TempDir dir;
  for (DType dtype : kAllDTypes) {
    for (Shape shape : {Shape{}, Shape{3}, Shape{2, 3}, Shape{2, 0}, Shape(30, 1)}) {
      Tensor tensor = *Tensor::zeros(dtype, shape);
      for (int64_t i = 0; i < tensor.size(); ++i)
        REQUIRE(parseElement(tensor, i, std::to_string(dtype == DType::Bool ? i % 2 : i)).ok());
      std::string path = dir.path("x.npy");
      REQUIRE(writeNpy(path, tensor).ok());
      Result<Tensor> read = readNpy(path);
      REQUIRE(read.ok());
      CHECK(read->identical(tensor));
      std::string bytes = slurp(path);
      CHECK((bytes.size() - static_cast<size_t>(tensor.byteSize())) % 64 == 0);
      Result<Tensor> parsed = parseNpy(bytes, "x.npy");
      REQUIRE(parsed.ok());
      CHECK(parsed->identical(tensor));
    }
  }
}

TEST_CASE("what ml_dtypes wrote is read as bf16") {
  // numpy.save("x.npy", numpy.array([1, -2], ml_dtypes.bfloat16)); what is loaded from that
  // and saved again has '|V2'.
  for (const char *descr : {"<V2", "|V2"}) {
    std::string header = std::string("{'descr': '") + descr;
    header += "', 'fortran_order': False, 'shape': (2,), }\n";
    Result<Tensor> tensor = parseNpy(npy(header, std::string("\x80\x3f\x00\xc0", 4)), "x");
    REQUIRE(tensor.ok());
    CHECK(tensor->identical(tensorOf(DType::BF16, {2}, "1 -2")));
  }
  TempDir dir;
  REQUIRE(writeNpy(dir.path("x.npy"), tensorOf(DType::BF16, {2}, "1 -2")).ok());
  CHECK_THAT(slurp(dir.path("x.npy")), Contains("'descr': '<V2'"));
}

TEST_CASE("what numpy wrote is read") {
  // numpy.save("numpy.npy", numpy.array([[1, 2, 3], [4, 5, 6]], "float32"))
  Result<Tensor> tensor = readNpy("Unit/Tensor/numpy.npy");
  REQUIRE(tensor.ok());
  CHECK(tensor->identical(tensorOf(DType::F32, {2, 3}, "1 2 3 4 5 6")));
  TempDir dir;
  REQUIRE(writeNpy(dir.path("x.npy"), *tensor).ok());
  CHECK(slurp(dir.path("x.npy")) == slurp("Unit/Tensor/numpy.npy"));
}

TEST_CASE("versions 2 and 3, any order of keys and either quote are read") {
  std::string data(8, '\0');
  CHECK(parseNpy(npy(f4("(2,)"), data, 2), "x").ok());
  CHECK(parseNpy(npy(f4("(2,)"), data, 3), "x").ok());
  CHECK(parseNpy(npy(f4("(2, 1)"), data), "x").ok());
  CHECK(parseNpy(npy(f4("(2, 1,)"), data), "x").ok());
  CHECK(parseNpy(npy(f4("()"), data.substr(4)), "x").ok());
  CHECK(
      parseNpy(npy("{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<f4\"}", data), "x").ok());
}

TEST_CASE("files cut off at any byte, or too long, are refused") {
  std::string bytes = npy(f4("(2,)"), std::string(8, '\0'));
  REQUIRE(parseNpy(bytes, "x").ok());
  TempDir dir;
  for (size_t size = 0; size < bytes.size(); ++size) {
    errorOf(bytes.substr(0, size));
    Result<Tensor> read = readNpy(dir.write("x.npy", bytes.substr(0, size)));
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().kind == ErrorKind::BadInput);
  }
  CHECK_THAT(errorOf(bytes + "x"), Contains("needs 8 bytes of data, the array has 9"));
}

TEST_CASE("wrong dtypes and orders are named") {
  std::string data(8, '\0');
  auto descr = [&](const std::string &text) {
    return errorOf(npy("{'descr': " + text + ", 'fortran_order': False, 'shape': (1,), }", data));
  };
  CHECK_THAT(descr("'>f8'"), Contains("big endian"));
  CHECK_THAT(descr("'|O'"), Contains("Python objects"));
  CHECK_THAT(descr("[('a', '<f4')]"), Contains("structured"));
  CHECK_THAT(descr("'<c8'"), Contains("'<c8'"));
  CHECK_THAT(descr("'<u8'"), Contains("'<u8'"));
  CHECK_THAT(descr("'<U2'"), Contains("'<U2'"));
  CHECK_THAT(descr("'|f8'"), Contains("'|f8'"));
  CHECK_THAT(descr("'f8'"), Contains("'f8'"));
  CHECK_THAT(descr("''"), Contains("no dtype"));
  CHECK_THAT(descr("3"), Contains("no dtype"));
  CHECK_THAT(errorOf(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", data)),
             Contains("Fortran order"));
}

TEST_CASE("malformed headers are refused") {
  std::string data(8, '\0');
  CHECK_THAT(errorOf("NUMPY"), Contains("not an .npy"));
  CHECK_THAT(errorOf(npy("", data)), Contains("not a dictionary"));
  CHECK_THAT(errorOf(npy("[]", data)), Contains("not a dictionary"));
  CHECK_THAT(errorOf(npy("{}", data)), Contains("lacks the key 'descr'"));
  CHECK_THAT(errorOf(npy("{'descr': '<f4', 'descr': '<f4'}", data)), Contains("occurs twice"));
  CHECK_THAT(errorOf(npy("{'descr': '<f4', 'order': 1}", data)), Contains("unknown key 'order'"));
  CHECK_THAT(errorOf(npy("{'descr': '<f4' 'shape': (2,)}", data)), Contains("expected ','"));
  CHECK_THAT(errorOf(npy("{'descr'", data)), Contains("expected 'key'"));
  CHECK_THAT(errorOf(npy("{'descr", data)), Contains("expected 'key'"));
  CHECK_THAT(errorOf(npy("{'fortran_order': 0}", data)), Contains("fortran_order"));
  CHECK_THAT(errorOf(npy(f4("(2,)") + "x", data)), Contains("text follows"));
  for (const char *shape : {"2", "[2]", "(2", "(-1,)", "(2.0,)", "('2',)", "(2 3)", "(2,,)", "(,)",
                            "(9223372036854775808,)", "(1e3,)", "(0x2,)", "(True,)", "(2)"})
    errorOf(npy(f4(shape), data));
  CHECK_THAT(errorOf(npy(f4("(4611686018427387904, 4611686018427387904)"), data)),
             Contains("overflows"));
  CHECK_THAT(errorOf(npy(f4("(4611686018427387904,)"), data)), Contains("overflows"));
  std::string ones;
  for (int i = 0; i < 65; ++i)
    ones += "1,";
  CHECK_THAT(errorOf(npy(f4("(" + ones + ")"), data)), Contains("dimensions"));
  CHECK_THAT(errorOf(npy(f4("(2,)"), data, 4), ErrorKind::Unsupported), Contains("version 4.0"));
  CHECK_THAT(errorOf(npy(f4("(2,)") + std::string(70000, ' '), data, 2)), Contains("too long"));
  std::string huge = npy(f4("(2,)"), data, 2);
  huge.replace(8, 4, "\xff\xff\xff\xff");
  CHECK_THAT(errorOf(huge), Contains("4294967295"));
}

TEST_CASE("bools are 0 or 1") {
  std::string header = "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }";
  CHECK(parseNpy(npy(header, std::string("\1\0\1", 3)), "x").ok());
  CHECK_THAT(errorOf(npy(header, std::string("\1\0\2", 3))), Contains("element 2 is byte 2"));
  TempDir dir;
  CHECK_FALSE(readNpy(dir.write("x.npy", npy(header, std::string("\1\0\2", 3)))).ok());
}

TEST_CASE("files that are none are refused") {
  TempDir dir;
  std::string fifo = dir.path("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  for (const std::string &path : {dir.path(), fifo, dir.path("absent")}) {
    Result<Tensor> read = readNpy(path);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().kind == ErrorKind::BadInput);
    CHECK_THAT(read.error().message, Contains(path));
    CHECK_FALSE(readNpz(path, "x").ok());
  }
}
