// Records and checked arithmetic.
#include "mlc/Support/Bytes.h"
#include "mlc/Support/CheckedMath.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace mlc;

TEST_CASE("records read back") {
  ByteWriter writer;
  writer.integer(-2);
  writer.string("name");
  writer.integer(std::numeric_limits<int64_t>::min());
  std::string bytes = writer.take();
  REQUIRE(bytes.size() == 8 + 12 + 8);
  CHECK(static_cast<unsigned char>(bytes[0]) == 0xfe);
  ByteReader reader(bytes);
  CHECK(reader.integer() == -2);
  CHECK(reader.string() == "name");
  CHECK(reader.integer() == std::numeric_limits<int64_t>::min());
  CHECK(reader.ok());
  CHECK(reader.atEnd());
}

TEST_CASE("a reader stops at the first malformed field") {
  ByteWriter writer;
  writer.string("name");
  std::string bytes = writer.take();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader reader(std::string_view(bytes).substr(0, size));
    CHECK(reader.string().empty());
    CHECK_FALSE(reader.ok());
    CHECK(reader.integer() == 0);
  }
  writer = {};
  writer.integer(std::numeric_limits<int64_t>::max());
  bytes = writer.take();
  ByteReader counted(bytes);
  CHECK(counted.count() == 0);
  CHECK_FALSE(counted.ok());
  writer = {};
  writer.integer(-1);
  bytes = writer.take();
  ByteReader negative(bytes);
  CHECK(negative.string().empty());
  CHECK_FALSE(negative.ok());
}

TEST_CASE("arithmetic reports overflow") {
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  CHECK(checkedMul(largest, 1) == largest);
  CHECK_FALSE(checkedMul(largest, 2));
  CHECK(checkedAdd(largest - 1, 1) == largest);
  CHECK_FALSE(checkedAdd(largest, 1));
  CHECK(alignTo(0, 64) == 0);
  CHECK(alignTo(1, 64) == 64);
  CHECK(alignTo(64, 64) == 64);
}
