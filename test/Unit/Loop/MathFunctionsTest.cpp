//===- MathFunctionsTest.cpp - Accuracy of our elementary functions -------===//
//
// Compiles each function and compares it with the C library in double precision,
// in units in the last place of the exact result: a stride of floats in the quick
// suite, every float under [exhaustive] (scripts/exhaustive).
//
//===----------------------------------------------------------------------===//

#include "MathKernels.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

using mlc::test::MathKernels;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double sigmoid(double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
double geluErf(double x) {
  return x == -kInfinity ? -0.0 : 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}
double geluTanh(double x) {
  if (x == -kInfinity)
    return -0.0;
  return x * sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
}

/// The bound is what MathFunctions.h promises.
struct Subject {
  const char *name;
  double (*exact)(double);
  double bound;
};
const Subject kSubjects[] = {
    {"exp", std::exp, 1.05},       {"log", std::log, 0.84},    {"tanh", std::tanh, 2.57},
    {"erf", std::erf, 3.22},       {"sigmoid", sigmoid, 2.41}, {"gelu_erf", geluErf, 3.73},
    {"gelu_tanh", geluTanh, 3.46},
};

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// |got - exact| in the spacing of floats at `exact`; infinite where NaN, the
/// infinities or the sign of zero are wrong.
double errorInUlp(float got, double exact) {
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : kInfinity;
  float nearest = static_cast<float>(exact);
  if (std::isinf(nearest) || std::isinf(got))
    return got == nearest ? 0 : kInfinity;
  if (exact == 0)
    return got == 0 && std::signbit(got) == std::signbit(exact) ? 0 : kInfinity;
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

struct Worst {
  double error = 0;
  float at = 0, got = 0;
  double exact = 0;
};

/// Every `stride`-th float by its bits.
Worst sweep(MathKernels::Function kernel, double (*exact)(double), uint64_t stride, int64_t width) {
  size_t block = static_cast<size_t>(std::max<int64_t>(width, 1)) * 64;
  std::vector<float> in(block), out(block);
  Worst worst;
  for (uint64_t next = 0; next < (uint64_t(1) << 32);) {
    for (size_t i = 0; i < block; ++i, next += stride)
      in[i] = fromBits(static_cast<uint32_t>(next)); // wraps in the last block
    for (size_t i = 0; i < block; i += block / 64)
      kernel(&in[i], &out[i]);
    for (size_t i = 0; i < block; ++i) {
      double want = exact(in[i]), error = errorInUlp(out[i], want);
      if (error > worst.error)
        worst = {error, in[i], out[i], want};
    }
  }
  return worst;
}

Worst check(const Subject &subject, const MathKernels &kernels, int64_t width, uint64_t stride) {
  Worst worst = sweep(kernels.find(subject.name), subject.exact, stride, width);
  INFO(subject.name << ": " << worst.error << " ulp at " << worst.at << ", got " << worst.got
                    << ", exact " << worst.exact);
  CHECK(worst.error <= subject.bound);
  return worst;
}

void checkEveryFloat(const Subject &subject, const MathKernels &kernels, int64_t width,
                     const char *target) {
  Worst worst = check(subject, kernels, width, 1);
  std::cout << subject.name << ", " << target << ": at most " << worst.error << " ulp, at "
            << std::hexfloat << worst.at << std::defaultfloat << std::endl;
}

} // namespace

TEST_CASE("elementary functions keep their bounds on vectors") {
  MathKernels kernels(16, "native");
  for (const Subject &subject : kSubjects)
    check(subject, kernels, 16, 1009);
}

TEST_CASE("elementary functions keep their bounds on scalars, odd vectors and x86-64-v3") {
  for (int64_t width : {0, 13, 8}) {
    MathKernels kernels(width, "x86-64-v3");
    for (const Subject &subject : kSubjects)
      check(subject, kernels, width, 10007);
  }
}

TEST_CASE("elementary functions keep their bounds without fused multiply-add") {
  for (int64_t width : {0, 13, 4}) {
    MathKernels kernels(width, "x86-64-v2");
    for (const Subject &subject : kSubjects)
      check(subject, kernels, width, 10007);
  }
}

TEST_CASE("elementary functions are right at the special values") {
  MathKernels kernels(0, GENERATE("native", "x86-64-v2"));
  const float inf = static_cast<float>(kInfinity), nan = std::nanf("");
  const float specials[] = {0.0f, -0.0f, inf, -inf, nan, -nan};
  for (const Subject &subject : kSubjects) {
    for (float x : specials) {
      float got;
      kernels.find(subject.name)(&x, &got);
      INFO(subject.name << "(" << x << ") = " << got);
      CHECK(errorInUlp(got, subject.exact(x)) <= 0);
    }
  }
}

TEST_CASE("elementary functions keep their bounds on every float", "[.][exhaustive]") {
  MathKernels kernels(16, "native");
  for (const Subject &subject : kSubjects)
    SECTION(subject.name) { checkEveryFloat(subject, kernels, 16, "native"); }
}

TEST_CASE("they keep them without fused multiply-add", "[.][exhaustive-v2]") {
  MathKernels kernels(4, "x86-64-v2");
  for (const Subject &subject : kSubjects)
    SECTION(subject.name) { checkEveryFloat(subject, kernels, 4, "x86-64-v2"); }
}
