// Look into a function that runs compiled: print, check, an op of our own, NaNs.
#include "mlc/Api/Jit.h"

#include <algorithm>
#include <iostream>

using mlc::Tensor;

/// Sorts a row of numbers, which no op of mlc does.
static mlc::Status defineSort() {
  mlc::CustomOp op;
  op.rule = [](const std::vector<mlc::TensorType> &operands) -> mlc::Result<mlc::TensorType> {
    if (operands.size() != 1 || operands[0].dtype != mlc::DType::F32 || operands[0].rank() != 1)
      return mlc::badInputError("takes one row of f32");
    return operands[0];
  };
  op.run = [](const std::vector<Tensor> &operands, Tensor &result) -> mlc::Status {
    const auto *from = operands[0].dataAs<float>();
    auto *to = result.dataAs<float>();
    std::partial_sort_copy(from, from + result.size(), to, to + result.size());
    return {};
  };
  return mlc::defineCustomOp("sort", std::move(op));
}

int main() {
  if (mlc::Status status = defineSort(); !status)
    return std::cerr << status.error().message << "\n", 1;
  auto logOfMedian = [](const Tensor &x) {
    mlc::print(x, "given");
    mlc::check(x >= 0, "prices are not negative");
    Tensor sorted = mlc::customOp("sort", {x});
    return mlc::log(mlc::slice(sorted, 0, 1, 2));
  };
  auto compiled = mlc::jit(logOfMedian);
  auto attempt = [](const auto &function, const Tensor &x) {
    try {
      std::cout << mlc::toString(function(x)) << std::endl;
    } catch (const mlc::Error &error) {
      std::cout << error.what() << std::endl;
    }
  };
  attempt(compiled, mlc::array({4, 1, 2}));
  attempt(compiled, mlc::array({4, -1, 2}));

  mlc::defaultEngine().setDebugNans(true); // or MLC_DEBUG_NANS=1 in the environment
  attempt(mlc::jit([](const Tensor &x) { return mlc::exp(x / x) + 1; }), mlc::array({1, 0, 2}));
}
