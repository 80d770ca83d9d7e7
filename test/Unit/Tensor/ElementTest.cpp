// Single elements: narrow floats and text.
#include "TestTensors.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlc;
using namespace mlc::test;

TEST_CASE("every f16 and bf16 reads back from its value") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto narrow = static_cast<uint16_t>(bits);
    float half = halfToFloat(narrow), bfloat = bfloatToFloat(narrow);
    if (std::isnan(half))
      REQUIRE(std::isnan(halfToFloat(halfFromDouble(half))));
    else
      REQUIRE(halfFromDouble(half) == narrow);
    if (std::isnan(bfloat))
      REQUIRE(std::isnan(bfloatToFloat(bfloatFromDouble(bfloat))));
    else
      REQUIRE(bfloatFromDouble(bfloat) == narrow);
  }
}

TEST_CASE("narrow floats have the values of the standard") {
  CHECK(halfToFloat(0x3c00) == 1.0f);
  CHECK(halfToFloat(0x7bff) == 65504.0f);
  CHECK(halfToFloat(0x0001) == std::ldexp(1.0f, -24));
  CHECK(halfToFloat(0xfc00) == -std::numeric_limits<float>::infinity());
  CHECK(bfloatToFloat(0x3f80) == 1.0f);
}

TEST_CASE("narrow floats round to nearest, ties to even") {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    double low = halfToFloat(bits), high = halfToFloat(bits + 1), middle = (low + high) / 2;
    REQUIRE(halfFromDouble(middle) == (bits % 2 ? bits + 1 : bits));
    REQUIRE(halfFromDouble(std::nextafter(middle, 0)) == bits);
    REQUIRE(halfFromDouble(std::nextafter(middle, 1e9)) == bits + 1);
  }
  CHECK(halfFromDouble(65519.99) == 0x7bff);
  CHECK(halfFromDouble(65520) == 0x7c00);
  CHECK(halfFromDouble(-1e300) == 0xfc00);
  CHECK(halfFromDouble(1e-300) == 0);
  CHECK(halfFromDouble(-0.0) == 0x8000);
  CHECK(bfloatFromDouble(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(bfloatFromDouble(1 + 1.0 / 256) == 0x3f80);
  CHECK(bfloatFromDouble(1 + 3.0 / 256) == 0x3f82);
}

TEST_CASE("integers round once to narrow floats") {
  // Halfway between two bf16, and next to that, which no double is.
  int64_t middle = int64_t(257) << 54;
  CHECK(bfloatFromInt(middle) == 0x5e80);
  CHECK(bfloatFromInt(middle + 1) == 0x5e81);
  CHECK(bfloatFromInt(-middle - 1) == 0xde81);
  CHECK(bfloatFromInt(std::numeric_limits<int64_t>::min()) == 0xdf00);
  CHECK(bfloatFromInt(std::numeric_limits<int64_t>::max()) == 0x5f00);
  CHECK(bfloatFromInt(0) == 0);
  CHECK(halfFromInt(2049) == 0x6800);
  CHECK(halfFromInt(-2051) == 0xe802);
  CHECK(halfFromInt(65519) == 0x7bff);
  CHECK(halfFromInt(65520) == 0x7c00);
  CHECK(halfFromInt(std::numeric_limits<int64_t>::min()) == 0xfc00);
}

static std::string roundTrip(DType dtype, const std::string &text) {
  Tensor tensor = tensorOf(dtype, {}, text);
  std::string printed = elementToString(tensor, 0);
  CHECK(tensorOf(dtype, {}, printed).identical(tensor));
  return printed;
}

TEST_CASE("elements print as short as they can be and read back") {
  CHECK(roundTrip(DType::F32, "0.1") == "0.1");
  CHECK(roundTrip(DType::F32, "1") == "1");
  CHECK(roundTrip(DType::F32, "-0") == "-0");
  CHECK(roundTrip(DType::F32, "1e20") == "1e+20");
  CHECK(roundTrip(DType::F32, "1e-45") == "1e-45");
  CHECK(roundTrip(DType::F32, "3.4028235e38") == "3.4028235e+38");
  CHECK(roundTrip(DType::F32, "nan") == "nan");
  CHECK(elementToString(tensorOf(DType::F32, {}, "-nan"), 0) == "nan");
  CHECK(roundTrip(DType::F32, "-inf") == "-inf");
  CHECK(roundTrip(DType::F64, "0.1") == "0.1");
  CHECK(roundTrip(DType::F64, "5e-324") == "5e-324");
  CHECK(roundTrip(DType::F16, "0.5") == "0.5");
  CHECK(roundTrip(DType::BF16, "1.5") == "1.5");
  CHECK(roundTrip(DType::I64, "-9223372036854775808") == "-9223372036854775808");
  CHECK(roundTrip(DType::U8, "255") == "255");
  CHECK(roundTrip(DType::Bool, "1") == "true");
  CHECK(roundTrip(DType::Bool, "false") == "false");
}

TEST_CASE("text is rounded once, and what is too small becomes zero") {
  CHECK(tensorOf(DType::F32, {}, "1e-60").dataAs<float>()[0] == 0.0f);
  CHECK(std::signbit(tensorOf(DType::F32, {}, "-1e-60").dataAs<float>()[0]));
  // By way of a double this would round to the even neighbour below.
  CHECK(tensorOf(DType::F32, {}, "1.00000005960464477540").dataAs<float>()[0] ==
        std::nextafter(1.0f, 2.0f));
}

TEST_CASE("text that is no value of the dtype is refused") {
  auto refuses = [](DType dtype, std::string_view text) {
    Result<Tensor> tensor = Tensor::zeros(dtype, {});
    Status status = parseElement(*tensor, 0, text);
    CHECK_FALSE(status.ok());
    CHECK(status.error().kind == ErrorKind::BadInput);
  };
  for (const char *text : {"", " 1", "1 ", "1x", "+1", "0x10", "1e39", "-1e39", "1e99999", "nan(1)",
                           "true", "1,5", "--1"})
    refuses(DType::F32, text);
  refuses(DType::F16, "65520");
  refuses(DType::I32, "1.0");
  refuses(DType::I32, "2147483648");
  refuses(DType::I8, "-129");
  refuses(DType::U8, "-1");
  refuses(DType::Bool, "2");
  refuses(DType::Bool, "True");
}

TEST_CASE("elements as numbers") {
  Tensor ints = tensorOf(DType::I16, {2}, "-3 4");
  CHECK(elementAsInt(ints, 0) == -3);
  CHECK(elementAsDouble(ints, 1) == 4);
  CHECK(elementAsDouble(tensorOf(DType::F16, {}, "-0.25"), 0) == -0.25);
  CHECK(elementAsInt(tensorOf(DType::U8, {}, "200"), 0) == 200);
  CHECK(elementAsInt(tensorOf(DType::I8, {}, "-100"), 0) == -100);
}
