// .npz archives.
#include "../TempDir.h"
#include "TestTensors.h"

#include "mlc/Tensor/Npy.h"

#include <catch2/catch.hpp>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

// numpy.npz:      numpy.savez(x=numpy.arange(6, dtype="int32").reshape(2, 3),
//                             y=numpy.float32([1, 2]))
// compressed.npz: the same by numpy.savez_compressed
static const char *kStored = "Unit/Tensor/numpy.npz";
static const char *kCompressed = "Unit/Tensor/compressed.npz";

TEST_CASE("members that numpy stored are read") {
  Result<Tensor> x = readNpz(kStored, "x");
  REQUIRE(x.ok());
  CHECK(x->identical(tensorOf(DType::I32, {2, 3}, "0 1 2 3 4 5")));
  Result<Tensor> y = readNpz(kStored, "y.npy");
  REQUIRE(y.ok());
  CHECK(y->identical(tensorOf(DType::F32, {2}, "1 2")));
}

TEST_CASE("a member that is not there is named with those that are") {
  Result<Tensor> z = readNpz(kStored, "z");
  REQUIRE_FALSE(z.ok());
  CHECK(z.error().kind == ErrorKind::BadInput);
  CHECK_THAT(z.error().message, Contains("'z'") && Contains("x.npy, y.npy"));
}

TEST_CASE("compressed members are refused with a way out") {
  Result<Tensor> x = readNpz(kCompressed, "x");
  REQUIRE_FALSE(x.ok());
  CHECK(x.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(x.error().message, Contains("numpy.savez, not savez_compressed"));
}

TEST_CASE("archives cut off at any byte are refused") {
  TempDir dir;
  std::string bytes = slurp(kStored);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Result<Tensor> x = readNpz(dir.write("x.npz", bytes.substr(0, size)), "x");
    REQUIRE_FALSE(x.ok());
    CHECK(x.error().kind == ErrorKind::BadInput);
  }
}

TEST_CASE("no damage to any one byte is fatal, and none to the data goes unseen") {
  TempDir dir;
  std::string bytes = slurp(kStored);
  Tensor expected = *readNpz(kStored, "x");
  for (size_t i = 0; i < bytes.size(); ++i)
    for (char flip : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      Result<Tensor> x = readNpz(dir.write("x.npz", damaged), "x");
      if (x.ok())
        REQUIRE(x->identical(expected));
      else
        REQUIRE_FALSE(x.error().message.empty());
    }
}

TEST_CASE("members lie inside the archive") {
  TempDir dir;
  std::string bytes = slurp(kStored);
  const size_t end = bytes.rfind("PK\5\6"), entry = bytes.find("PK\1\2");
  auto errorWith = [&](size_t offset, const std::string &patch) {
    std::string changed = bytes;
    changed.replace(offset, patch.size(), patch);
    Result<Tensor> x = readNpz(dir.write("x.npz", changed), "x");
    REQUIRE_FALSE(x.ok());
    CHECK(x.error().kind == ErrorKind::BadInput);
    return x.error().message;
  };
  CHECK_THAT(errorWith(entry + 20, "\xff\xff\xff\x7f\xff\xff\xff\x7f"),
             Contains("runs past the end"));
  CHECK_THAT(errorWith(entry + 24, "\xff\xff\xff\x7f"), Contains("two sizes"));
  CHECK_THAT(errorWith(entry + 42, "\xff\xff\xff\x7f"), Contains("outside the file"));
  CHECK_THAT(errorWith(entry + 42, "\x01"), Contains("no header where"));
  CHECK_THAT(errorWith(end + 16, "\xff\xff\xff\x7f"), Contains("directory lies outside"));
  CHECK_THAT(errorWith(end + 12, "\xff\xff\xff\x7f"), Contains("directory lies outside"));
  CHECK_THAT(errorWith(end + 8, "\x03\x01\x03\x01"), Contains("malformed at entry 2"));
  CHECK_THAT(errorWith(entry + 28, "\xff\x7f"), Contains("cut off at entry 0"));
}

TEST_CASE("zip64 and encryption are refused") {
  TempDir dir;
  const std::string bytes = slurp(kStored);
  const size_t end = bytes.rfind("PK\5\6"), entry = bytes.find("PK\1\2");
  auto errorWith = [&](size_t offset, const std::string &patch) {
    std::string changed = bytes;
    changed.replace(offset, patch.size(), patch);
    Result<Tensor> x = readNpz(dir.write("x.npz", changed), "x");
    REQUIRE_FALSE(x.ok());
    CHECK(x.error().kind == ErrorKind::Unsupported);
    return x.error().message;
  };
  CHECK_THAT(errorWith(end + 16, "\xff\xff\xff\xff"), Contains("zip64"));
  CHECK_THAT(errorWith(end + 8, "\xff\xff\xff\xff"), Contains("zip64"));
  CHECK_THAT(errorWith(entry + 20, "\xff\xff\xff\xff"), Contains("zip64"));
  CHECK_THAT(errorWith(entry + 8, "\1"), Contains("encrypted"));
  CHECK_THAT(errorWith(end + 4, "\1"), Contains("several parts"));
}
