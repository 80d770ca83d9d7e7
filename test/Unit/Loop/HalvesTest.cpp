//===- HalvesTest.cpp - Conversions of bf16 and f16 -----------------------===//
//
// Compiles what mlc-expand-halves makes and compares it, bit for bit, with the conversions
// of Tensor/Element.h: every bf16 and f16, and for floats all values halfway between two of
// them, their neighbours and a stride of all bits.
//
//===----------------------------------------------------------------------===//

#include "MathKernels.h"

#include "mlc/Tensor/Element.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <xmmintrin.h>

using namespace mlc;
using mlc::test::MathKernels;

namespace {

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

struct Format {
  const char *name;
  float (*widen)(uint16_t);
  uint16_t (*round)(double);
  uint16_t infinity, quiet;
};
const Format kFormats[] = {{"bf16", bfloatToFloat, bfloatFromDouble, 0x7f80, 0x40},
                           {"f16", halfToFloat, halfFromDouble, 0x7c00, 0x200}};

bool isNan(const Format &format, uint16_t bits) { return (bits & 0x7fff) > format.infinity; }
bool isQuietNan(const Format &format, uint16_t bits) {
  return isNan(format, bits) && (bits & format.quiet) != 0;
}

/// Runs a kernel on whole vectors of `in`.
template <typename To, typename From>
std::vector<To> run(const MathKernels &kernels, const std::string &name, size_t width,
                    const std::vector<From> &in) {
  std::vector<To> out(in.size());
  MathKernels::Function kernel = kernels.find(name);
  for (size_t i = 0; i + width <= in.size(); i += width)
    kernel(&in[i], &out[i]);
  return out;
}

void checkWidening(const Format &format, const MathKernels &kernels, size_t width) {
  std::vector<uint16_t> in;
  for (uint32_t bits = 0; bits < 0x10000 + width; ++bits)
    in.push_back(static_cast<uint16_t>(bits)); // wraps in the last vector
  auto out = run<float>(kernels, std::string("widen_") + format.name, width, in);
  for (size_t i = 0; i < 0x10000; ++i)
    if (isNan(format, in[i]) ? !std::isnan(out[i])
                             : bitsOf(out[i]) != bitsOf(format.widen(in[i]))) {
      INFO(format.name << " of bits " << in[i]);
      CHECK(out[i] == format.widen(in[i]));
      return;
    }
}

/// What a float is rounded to; any quiet NaN stands for all.
std::vector<uint16_t> roundedTo(const Format &format, const std::vector<float> &values) {
  std::vector<uint16_t> result;
  result.reserve(values.size());
  for (float value : values)
    result.push_back(format.round(value));
  return result;
}

bool areRounded(const Format &format, const MathKernels &kernels, size_t width,
                const std::vector<float> &in, const std::vector<uint16_t> &expected) {
  auto out = run<uint16_t>(kernels, std::string("round_") + format.name, width, in);
  for (size_t i = 0; i < in.size() / width * width; ++i)
    if (std::isnan(in[i]) ? !isQuietNan(format, out[i]) : out[i] != expected[i]) {
      INFO(format.name << " of " << in[i] << ", bits " << bitsOf(in[i]));
      CHECK(out[i] == expected[i]);
      return false;
    }
  return true;
}

/// What lies on, between and next to all values of both formats, and every `stride`-th float.
std::vector<float> samples(uint64_t stride) {
  std::vector<float> values;
  auto around = [&](float value) {
    for (int offset : {-1, 0, 1})
      for (uint32_t sign : {0U, 0x80000000U})
        values.push_back(fromBits((bitsOf(value) + static_cast<uint32_t>(offset)) ^ sign));
  };
  for (const Format &format : kFormats)
    for (uint16_t bits = 0; bits < format.infinity; ++bits) {
      float low = format.widen(bits), high = format.widen(static_cast<uint16_t>(bits + 1));
      around(low);
      around(
          std::isinf(high)
              ? fromBits(bitsOf(low) +
                         (bitsOf(low) - bitsOf(format.widen(static_cast<uint16_t>(bits - 1)))) / 2)
              : static_cast<float>((static_cast<double>(low) + high) / 2));
    }
  for (uint64_t bits = 0; bits < uint64_t(1) << 32; bits += stride)
    values.push_back(fromBits(static_cast<uint32_t>(bits)));
  values.resize(values.size() + 64); // whole vectors of any width
  return values;
}

} // namespace

TEST_CASE("bf16 and f16 are converted exactly, and rounded to nearest even") {
  const std::vector<float> values = samples(4099);
  std::vector<std::vector<uint16_t>> expected;
  for (const Format &format : kFormats)
    expected.push_back(roundedTo(format, values));
  struct Subject {
    const char *cpu;
    bool f16c;
    std::vector<int64_t> widths;
  };
  const Subject subjects[] = {{"native", true, {0, 1, 3, 8, 16, 32}},
                              {"x86-64-v3", true, {0, 1, 8, 13}},
                              {"x86-64-v3", false, {0, 1, 3, 4, 8}}};
  for (const Subject &subject : subjects)
    for (int64_t width : subject.widths) {
      MathKernels kernels(width, subject.cpu, subject.f16c);
      auto step = static_cast<size_t>(std::max<int64_t>(width, 1));
      INFO(subject.cpu << (subject.f16c ? "" : " without F16C") << ", vectors of " << width);
      for (size_t i = 0; i < std::size(kFormats); ++i) {
        checkWidening(kFormats[i], kernels, step);
        areRounded(kFormats[i], kernels, step, values, expected[i]);
      }
    }
}

TEST_CASE("a host that flushes denormals keeps those of f16 and bf16") {
  const unsigned before = _mm_getcsr();
  for (bool f16c : {true, false}) {
    MathKernels kernels(8, "native", f16c);
    for (const Format &format : kFormats) {
      std::vector<uint16_t> in(8), out(8);
      for (uint16_t i = 0; i < 8; ++i)
        in[i] = static_cast<uint16_t>(1 + 9 * i);
      std::vector<float> wide(8);
      auto widen = kernels.find(std::string("widen_") + format.name);
      auto round = kernels.find(std::string("round_") + format.name);
      _mm_setcsr(before | 0x8040); // FTZ and DAZ
      widen(in.data(), wide.data());
      round(wide.data(), out.data());
      _mm_setcsr(before);
      INFO(format.name << (f16c ? "" : " without F16C"));
      CHECK(in == out);
    }
  }
}

/// Of vectors of `width`.
static void checkEveryFloat(const std::vector<const MathKernels *> &variants, size_t width,
                            const char *target) {
  const uint64_t block = 1 << 20, all = uint64_t(1) << 32;
  std::vector<float> values(block);
  for (const Format &format : kFormats) {
    for (uint64_t first = 0; first < all; first += block) {
      for (uint64_t i = 0; i < block; ++i)
        values[i] = fromBits(static_cast<uint32_t>(first + i));
      std::vector<uint16_t> expected = roundedTo(format, values);
      for (const MathKernels *kernels : variants)
        REQUIRE(areRounded(format, *kernels, width, values, expected));
    }
    std::cout << format.name << ", " << target << ": all " << all << " floats are rounded exactly"
              << std::endl;
  }
}

TEST_CASE("every float is rounded to bf16 and f16 exactly", "[.][exhaustive]") {
  SECTION("halves") {
    MathKernels native(16, "native"), plain(16, "native", false);
    checkEveryFloat({&native, &plain}, 16, "native");
  }
}

TEST_CASE("and with the instructions of x86-64-v2", "[.][exhaustive-v2]") {
  SECTION("halves") {
    MathKernels kernels(4, "x86-64-v2");
    checkEveryFloat({&kernels}, 4, "x86-64-v2");
  }
}
