// Tensors that other libraries give and take.
#include "mlc/Tensor/DLPack.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace mlc;
using Catch::Contains;

namespace {

/// A tensor of someone else's: int32 0 to 11.
struct Foreign {
  std::vector<int32_t> elements;
  std::vector<int64_t> shape{3, 4}, strides;
  int deleted = 0;
  dlpack::ManagedTensor managed{};

  Foreign() {
    for (int32_t i = 0; i < 12; ++i)
      elements.push_back(i);
    managed.major = 1;
    managed.context = this;
    managed.deleter = [](dlpack::ManagedTensor *m) {
      ++static_cast<Foreign *>(m->context)->deleted;
    };
    managed.tensor = {elements.data(), dlpack::kCpu, 0, 2, dlpack::kInt, 32, 1,
                      shape.data(),    nullptr,      0};
  }
  std::string error() {
    auto result = fromDLPack(&managed);
    CHECK(deleted == 0);
    return result ? "no error" : result.error().message;
  }
};

std::vector<int32_t> ints(const Tensor &tensor) {
  return {tensor.dataAs<int32_t>(), tensor.dataAs<int32_t>() + tensor.size()};
}

} // namespace

TEST_CASE("a foreign tensor is shared until its last copy goes") {
  Foreign foreign;
  {
    auto tensor = fromDLPack(&foreign.managed);
    REQUIRE(tensor.ok());
    CHECK(tensor->data() == foreign.elements.data());
    CHECK(tensor->shape() == Shape{3, 4});
    CHECK(tensor->dtype() == DType::I32);
    Tensor copy = *tensor;
    CHECK(foreign.deleted == 0);
  }
  CHECK(foreign.deleted == 1);
}

TEST_CASE("what cannot be shared is copied, and given back at once") {
  Foreign foreign;
  SECTION("read-only") { foreign.managed.flags = dlpack::kReadOnly; }
  SECTION("not aligned") {
    foreign.elements.push_back(0);
    char *bytes = reinterpret_cast<char *>(foreign.elements.data());
    std::memmove(bytes + 1, bytes, 48);
    foreign.managed.tensor.byteOffset = 1;
  }
  auto tensor = fromDLPack(&foreign.managed);
  REQUIRE(tensor.ok());
  CHECK(foreign.deleted == 1);
  CHECK(tensor->data() != foreign.elements.data());
  CHECK(ints(*tensor) == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("strides") {
  Foreign foreign;
  foreign.shape = {4, 3}, foreign.strides = {1, 4}; // transposed
  foreign.managed.tensor.strides = foreign.strides.data();
  auto tensor = fromDLPack(&foreign.managed);
  REQUIRE(tensor.ok());
  CHECK(ints(*tensor) == std::vector<int32_t>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
  Foreign reversed;
  reversed.shape = {2, 2}, reversed.strides = {-4, -1};
  reversed.managed.tensor.strides = reversed.strides.data();
  reversed.managed.tensor.byteOffset = 5 * sizeof(int32_t);
  CHECK(ints(*fromDLPack(&reversed.managed)) == std::vector<int32_t>{5, 4, 1, 0});
  Foreign single; // the stride of a dimension of size 1 means nothing
  single.shape = {1, 12}, single.strides = {7, 1};
  single.managed.tensor.strides = single.strides.data();
  CHECK(fromDLPack(&single.managed)->data() == single.elements.data());
}

TEST_CASE("tensors go out and come back, of every dtype") {
  for (DType dtype : kAllDTypes) {
    Tensor tensor = *Tensor::zeros(dtype, {2, 0, 3});
    for (const Shape &shape : {Shape{2, 3}, Shape{}, Shape{0}}) {
      tensor = *Tensor::zeros(dtype, shape);
      auto managed = toDLPack(tensor);
      REQUIRE(managed.ok());
      CHECK((*managed)->tensor.bits == 8 * dtypeBytes(dtype));
      auto back = fromDLPack(*managed);
      REQUIRE(back.ok());
      CHECK(back->identical(tensor));
      CHECK((tensor.size() == 0 || back->data() == tensor.data()));
    }
  }
}

TEST_CASE("foreign tensors that make no sense are refused and not taken over") {
  Foreign foreign;
  dlpack::TensorView &view = foreign.managed.tensor;
  SECTION("version") {
    foreign.managed.major = 2;
    CHECK_THAT(foreign.error(), Contains("version 2, expected 1"));
  }
  SECTION("device") {
    view.deviceType = 2;
    CHECK_THAT(foreign.error(), Contains("device type 2"));
  }
  SECTION("dtype") {
    view.bits = 4;
    CHECK_THAT(foreign.error(), Contains("4 bits"));
  }
  SECTION("lanes") {
    view.lanes = 2;
    CHECK_THAT(foreign.error(), Contains("2 lanes"));
  }
  SECTION("rank") {
    view.rank = GENERATE(-1, 1 << 30);
    CHECK_THAT(foreign.error(), Contains("dimensions, expected 0 to 64"));
  }
  SECTION("no sizes") {
    view.shape = nullptr;
    CHECK_THAT(foreign.error(), Contains("and their sizes"));
  }
  SECTION("size") {
    foreign.shape = GENERATE(std::vector<int64_t>{-1, 4}, std::vector<int64_t>{INT64_MAX, 4},
                             std::vector<int64_t>{INT64_MAX / 2, 1});
    view.shape = foreign.shape.data();
    CHECK_THAT(foreign.error(), Contains("no tensor has the shape"));
  }
  SECTION("no data") {
    view.data = nullptr;
    CHECK_THAT(foreign.error(), Contains("without elements"));
  }
}
