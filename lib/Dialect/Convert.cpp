// Converts Graph's types, tensors and attributes to MLIR's and back, for any op
// of the op table. Refuses what the dialect cannot hold: tensor encodings, other
// element types, constants that are not written out.

#include "mlc/Dialect/Convert.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Graph/Infer.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace mlc::ir {

static std::string text(Type type) {
  std::string out;
  llvm::raw_string_ostream(out) << type;
  return out;
}

std::optional<Op> vocabularyOp(Operation *op) {
  if (!isa_and_nonnull<MLCDialect>(op->getDialect()))
    return std::nullopt;
  return parseOp(std::string_view(op->getName().stripDialect()));
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type toMlir(MLIRContext *context, DType dtype) {
  switch (dtype) {
  case DType::F32:
    return Float32Type::get(context);
  case DType::F64:
    return Float64Type::get(context);
  case DType::F16:
    return Float16Type::get(context);
  case DType::BF16:
    return BFloat16Type::get(context);
  case DType::I8:
    return IntegerType::get(context, 8);
  case DType::U8:
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  case DType::I16:
    return IntegerType::get(context, 16);
  case DType::I32:
    return IntegerType::get(context, 32);
  case DType::I64:
    return IntegerType::get(context, 64);
  case DType::Bool:
    return IntegerType::get(context, 1);
  }
  llvm_unreachable("unknown dtype");
}

std::optional<DType> toDType(Type elementType) {
  for (DType dtype : kAllDTypes)
    if (elementType == toMlir(elementType.getContext(), dtype))
      return dtype;
  return std::nullopt;
}

RankedTensorType toMlir(MLIRContext *context, const TensorType &type) {
  llvm::SmallVector<int64_t> shape;
  for (const Dim &dim : type.dims)
    shape.push_back(dim.isSymbolic() ? ShapedType::kDynamic : dim.size);
  return RankedTensorType::get(shape, toMlir(context, type.dtype));
}

Result<TensorType> toGraph(Type type, const std::string &symbol) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return badInputError("expected a ranked tensor, found " + text(type));
  std::optional<DType> dtype = toDType(tensor.getElementType());
  if (!dtype)
    return badInputError("expected elements of type f32, f64, f16, bf16, i8, ui8, i16, i32, i64 "
                         "or i1, found " +
                         text(type));
  if (tensor.getEncoding())
    return badInputError("expected a tensor without encoding, found " + text(type));
  TensorType result;
  result.dtype = *dtype;
  for (int64_t size : tensor.getShape())
    result.dims.push_back(ShapedType::isDynamic(size) ? Dim(symbol) : Dim(size));
  return result;
}

std::string symbolicDim(Operation *op) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    function = op->getParentOfType<FunctionOpInterface>();
  if (function)
    if (auto dims = function->getAttrOfType<ArrayAttr>(kDimsAttr))
      if (!dims.empty())
        if (auto name = dyn_cast<StringAttr>(dims[0]))
          return name.str();
  return "?";
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

DenseElementsAttr toMlir(MLIRContext *context, const Tensor &tensor) {
  auto type = RankedTensorType::get(tensor.shape(), toMlir(context, tensor.dtype()));
  if (tensor.dtype() == DType::Bool) {
    llvm::SmallVector<bool> values;
    const uint8_t *bytes = tensor.dataAs<uint8_t>();
    for (int64_t i = 0; i < tensor.size(); ++i)
      values.push_back(bytes[i] != 0);
    return DenseElementsAttr::get(type, values);
  }
  llvm::ArrayRef<char> bytes(static_cast<const char *>(tensor.data()), tensor.byteSize());
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

Result<Tensor> toTensor(DenseElementsAttr elements) {
  std::optional<DType> dtype = toDType(elements.getElementType());
  if (!dtype)
    return badInputError("a constant cannot have the type " + text(elements.getType()));
  auto shape = elements.getType().getShape();
  Result<Tensor> tensor = Tensor::zeros(*dtype, Shape(shape.begin(), shape.end()));
  if (!tensor || tensor->size() == 0)
    return tensor;
  if (*dtype == DType::Bool) {
    uint8_t *bytes = tensor->dataAs<uint8_t>();
    for (bool value : elements.getValues<bool>())
      *bytes++ = value;
    return tensor;
  }
  llvm::ArrayRef<char> raw = elements.getRawData();
  char *bytes = tensor->dataAs<char>();
  int64_t step = elements.isSplat() ? dtypeBytes(*dtype) : tensor->byteSize();
  for (int64_t at = 0; at < tensor->byteSize(); at += step)
    std::copy_n(raw.data(), step, bytes + at);
  return tensor;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

mlir::Attribute toMlir(MLIRContext *context, const Attribute &attribute) {
  Builder builder(context);
  struct Visitor {
    Builder &builder;
    mlir::Attribute operator()(bool value) { return builder.getBoolAttr(value); }
    mlir::Attribute operator()(int64_t value) { return builder.getI64IntegerAttr(value); }
    mlir::Attribute operator()(const std::string &value) { return builder.getStringAttr(value); }
    mlir::Attribute operator()(const std::vector<int64_t> &value) {
      return builder.getDenseI64ArrayAttr(value);
    }
    mlir::Attribute operator()(const Dims &value) {
      llvm::SmallVector<int64_t> sizes;
      for (const Dim &dim : value)
        sizes.push_back(dim.isSymbolic() ? -1 : dim.size);
      return builder.getDenseI64ArrayAttr(sizes);
    }
    mlir::Attribute operator()(const Tensor &value) { return toMlir(builder.getContext(), value); }
  };
  return std::visit(Visitor{builder}, attribute);
}

// One attribute, or nothing if it is not of its kind.
static Result<std::optional<Attribute>> toGraph(mlir::Attribute attribute, AttributeKind kind,
                                                const std::string &symbol, bool constants) {
  using Found = std::optional<Attribute>;
  switch (kind) {
  case AttributeKind::Bool:
    if (auto value = dyn_cast<BoolAttr>(attribute))
      return Found(value.getValue());
    break;
  case AttributeKind::Int:
    if (auto value = dyn_cast<IntegerAttr>(attribute); value && value.getType().isInteger(64))
      return Found(value.getInt());
    break;
  case AttributeKind::String:
    if (auto value = dyn_cast<StringAttr>(attribute))
      return Found(value.str());
    break;
  case AttributeKind::Ints:
    if (auto value = dyn_cast<DenseI64ArrayAttr>(attribute))
      return Found(value.asArrayRef().vec());
    break;
  case AttributeKind::Dims:
    if (auto value = dyn_cast<DenseI64ArrayAttr>(attribute)) {
      Dims dims;
      for (int64_t size : value.asArrayRef()) {
        if (size < -1)
          return badInputError("expected a size, or -1 for the symbolic dimension, found " +
                               std::to_string(size));
        dims.push_back(size == -1 ? Dim(symbol) : Dim(size));
      }
      return Found(std::move(dims));
    }
    break;
  case AttributeKind::Dense:
    if (auto value = dyn_cast<DenseElementsAttr>(attribute)) {
      Result<TensorType> type = toGraph(value.getType(), symbol);
      if (!type)
        return type.takeError();
      if (constants) {
        Result<Tensor> tensor = toTensor(value);
        if (!tensor)
          return tensor.takeError();
        return Found(*tensor);
      }
      auto shape = value.getType().getShape();
      return Found(
          Tensor::borrow(type->dtype, Shape(shape.begin(), shape.end()), nullptr, nullptr));
    }
    break;
  }
  return Found();
}

Result<Attributes> attributesOf(Operation *op, const std::string &symbol, bool constants) {
  std::optional<Op> graphOp = vocabularyOp(op);
  if (!graphOp)
    return badInputError(op->getName().getStringRef().str() + ": not an op of the vocabulary");
  const OpInfo &info = opInfo(*graphOp);
  Attributes attributes;
  for (int32_t i = 0; i < info.numAttributes; ++i) {
    const AttributeInfo &expected = info.attributes[i];
    mlir::Attribute attribute = op->getAttr(llvm::StringRef(expected.name));
    if (!attribute)
      continue;
    std::string where = std::string(info.name) + ": attribute `" + std::string(expected.name) + "`";
    auto converted = toGraph(attribute, expected.kind, symbol, constants);
    if (!converted)
      return Error{converted.error().kind, where + ": " + converted.error().message};
    if (!*converted)
      return badInputError(where + " has the wrong kind");
    attributes.emplace(expected.name, std::move(**converted));
  }
  return completeAttributes(*graphOp, std::move(attributes));
}

} // namespace mlc::ir
