//===- World.cpp - What the functions of a specimen share -----------------===//

#include "World.h"

#include "../../Conformance/Tolerance.h"
#include "mlc/Graph/HostOps.h"

#include "mlc/Tensor/Element.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace mlc::test {

/// Makes the function of custom ops known, once.
static void defineIdentity() {
  static const Status defined = defineCustomOp(
      kIdentity,
      {[](const std::vector<TensorType> &operands) -> Result<TensorType> { return operands.at(0); },
       [](const std::vector<Tensor> &operands, Tensor &result) {
         result = operands[0];
         return Status();
       }});
  if (!defined)
    throw std::runtime_error(defined.error().message);
}

World::World(uint64_t seed) : random(seed) { defineIdentity(); }

Tensor randomTensor(World &world, DType dtype, const Shape &shape) {
  Random &random = world.random;
  auto created = Tensor::zeros(dtype, shape);
  if (!created)
    throw std::runtime_error(created.error().message);
  Tensor tensor = std::move(*created);
  const float inf = std::numeric_limits<float>::infinity();
  const float specialFloats[] = {0.0f, -0.0f, inf, -inf, std::nanf(""), 0x1p-149f, -0x1p-130f};
  const uint16_t specialHalves[] = {0x0000, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x0001, 0x8200};
  const uint16_t specialBfloats[] = {0x0000, 0x8000, 0x7f80, 0xff80, 0x7fc0, 0x0001, 0x8008};
  auto real = [&] {
    return world.continuous ? static_cast<float>(random.below(1 << 24)) * 0x1p-21f - 4
                            : static_cast<float>(random.between(-32, 32)) / 8;
  };
  for (int64_t i = 0; i < tensor.size(); ++i) {
    bool special = world.specials && random.chance(5);
    switch (dtype) {
    case DType::F32: {
      float value = real();
      tensor.dataAs<float>()[i] = special ? specialFloats[random.below(7)] : value;
      break;
    }
    case DType::F16: {
      uint16_t value = halfFromDouble(real());
      tensor.dataAs<uint16_t>()[i] = special ? specialHalves[random.below(7)] : value;
      break;
    }
    case DType::BF16: {
      uint16_t value = bfloatFromDouble(real());
      tensor.dataAs<uint16_t>()[i] = special ? specialBfloats[random.below(7)] : value;
      break;
    }
    case DType::I32:
      tensor.dataAs<int32_t>()[i] = special
                                        ? (random.chance(50) ? std::numeric_limits<int32_t>::min()
                                                             : std::numeric_limits<int32_t>::max())
                                        : static_cast<int32_t>(random.between(-10, 10));
      break;
    case DType::I64:
      tensor.dataAs<int64_t>()[i] = special
                                        ? (random.chance(50) ? std::numeric_limits<int64_t>::min()
                                                             : std::numeric_limits<int64_t>::max())
                                        : random.between(-10, 10);
      break;
    default:
      tensor.dataAs<bool>()[i] = random.chance(50);
    }
  }
  return tensor;
}

bool isTame(const Bounded &bounded) {
  int64_t wild = 0, loose = 0, size = bounded.value.size();
  DType dtype = bounded.value.dtype();
  bool isFloatType = isFloat(dtype), isNarrow = dtype == DType::F16 || dtype == DType::BF16;
  double much = dtype == DType::F16 ? 1e4 : 1e5, precision = isNarrow ? 4 * ulp(1, dtype) : 1e-4;
  for (int64_t i = 0; i < size; ++i) {
    double x = elementAsDouble(bounded.value, i), e = bounded.error[static_cast<size_t>(i)];
    wild += isFloatType && (!std::isfinite(x) || std::fabs(x) > much);
    loose += e > precision * std::max(1.0, std::fabs(x));
  }
  return wild * 5 <= size && loose * 10 <= size;
}

} // namespace mlc::test
