// Tests that the dialect and the op table agree, and of the conversions between
// Graph's types and attributes and MLIR's.

#include "mlc/Dialect/Convert.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Graph/OpTable.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <catch2/catch.hpp>

using namespace mlc;

namespace {

struct Context {
  Context() { context.loadDialect<ir::MLCDialect>(); }
  mlir::MLIRContext context;
};

} // namespace

TEST_CASE_METHOD(Context, "every op of the table is an op of the dialect") {
  for (int32_t i = 0; i < numOps(); ++i) {
    std::string name = "mlc." + std::string(opInfo(opAt(i)).name);
    INFO(name);
    CHECK(mlir::RegisteredOperationName::lookup(name, &context).has_value());
  }
}

TEST_CASE_METHOD(Context, "every op of the dialect is in the table, or internal") {
  int found = 0;
  for (mlir::RegisteredOperationName name : context.getRegisteredOperations()) {
    if (name.getDialectNamespace() != "mlc")
      continue;
    ++found;
    llvm::StringRef op = name.stripDialect();
    INFO(op.str());
    bool internal = op == "fusion" || op == "yield" || op == "pack" || op == "packed_matmul" ||
                    op == "quantize" || op == "attend" || op == "slot" || op == "rows" ||
                    op == "stop_unless" || op == "cancelled" || op == "parallel_for";
    CHECK(parseOp(std::string_view(op)).has_value() != internal);
  }
  CHECK(found == numOps() + 11);
}

TEST_CASE_METHOD(Context, "every attribute of the table is an attribute of the op") {
  for (int32_t i = 0; i < numOps(); ++i) {
    const OpInfo &info = opInfo(opAt(i));
    auto name = mlir::RegisteredOperationName::lookup("mlc." + std::string(info.name), &context);
    REQUIRE(name);
    CHECK(static_cast<int32_t>(name->getAttributeNames().size()) == info.numAttributes);
    for (int32_t j = 0; j < info.numAttributes; ++j) {
      INFO(info.name << " " << info.attributes[j].name);
      CHECK(
          llvm::is_contained(name->getAttributeNames(), llvm::StringRef(info.attributes[j].name)));
    }
  }
}

TEST_CASE_METHOD(Context, "traits of our ops reach MLIR") {
  // MLIR tells traits apart by addresses that hidden visibility would duplicate;
  // its verifier asks for this one, inside libMLIR.
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "%0 = mlc.fusion \"data\" () : () -> tensor<f32> {\n"
      "  %1 = mlc.constant {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>\n"
      "  mlc.yield %1 : tensor<f32>\n"
      "}",
      &context);
  CHECK(module);
}

TEST_CASE_METHOD(Context, "dtypes and types convert both ways") {
  for (DType dtype : kAllDTypes) {
    INFO(dtypeName(dtype));
    CHECK(ir::toDType(ir::toMlir(&context, dtype)) == dtype);
    TensorType type{dtype, {Dim("batch"), 0, 7}};
    mlir::RankedTensorType converted = ir::toMlir(&context, type);
    CHECK(converted.isDynamicDim(0));
    CHECK(*ir::toGraph(converted, "batch") == type);
  }
  CHECK_FALSE(ir::toDType(mlir::IntegerType::get(&context, 32, mlir::IntegerType::Unsigned)));
  CHECK_FALSE(ir::toDType(mlir::IndexType::get(&context)));
  CHECK_FALSE(ir::toGraph(mlir::IntegerType::get(&context, 32), "n").ok());
  CHECK_FALSE(
      ir::toGraph(mlir::UnrankedTensorType::get(mlir::Float32Type::get(&context)), "n").ok());
}

TEST_CASE_METHOD(Context, "tensors convert both ways, bit for bit") {
  for (DType dtype : kAllDTypes) {
    for (Shape shape : {Shape{}, Shape{0, 3}, Shape{5}, Shape{3, 7}, Shape{1, 1}}) {
      INFO(dtypeName(dtype) << toString(shape));
      Tensor tensor = *Tensor::zeros(dtype, shape);
      uint8_t *bytes = tensor.dataAs<uint8_t>();
      for (int64_t i = 0; i < tensor.byteSize(); ++i)
        bytes[i] = static_cast<uint8_t>(dtype == DType::Bool ? i % 3 == 0 : 251 - 7 * i);
      Result<Tensor> back = ir::toTensor(ir::toMlir(&context, tensor));
      REQUIRE(back.ok());
      CHECK(back->identical(tensor));
      // And a splat.
      Tensor splat = *Tensor::zeros(dtype, shape);
      std::fill_n(splat.dataAs<uint8_t>(), splat.byteSize(), uint8_t(1));
      back = ir::toTensor(ir::toMlir(&context, splat));
      REQUIRE(back.ok());
      CHECK(back->identical(splat));
    }
  }
}
