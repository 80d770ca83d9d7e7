//===- Ops.cpp - Ops on tensors, written as C++ ---------------------------===//
//
// Works on tensors, with elements or traced: broadcasts and fills in attributes,
// then runs the op or records it. Refuses what inference refuses, numbers that a
// dtype cannot hold, and shapes that do not broadcast.
//
//===----------------------------------------------------------------------===//
#include "DebugNans.h"
#include "OpKernel.h"
#include "Signature.h"
#include "Trace.h"

#include "mlc/Graph/HostOps.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Tensor/Element.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

std::string toString(const SourceLocation &location) {
  // The name of the file alone: where it lies differs from machine to machine.
  const char *slash = std::strrchr(location.file, '/');
  return std::string(slash ? slash + 1 : location.file) + ":" + std::to_string(location.line);
}

namespace {

using Ints = std::vector<int64_t>;

[[noreturn]] void fail(const SourceLocation &where, std::string_view op, const std::string &message,
                       ErrorKind kind = ErrorKind::Usage) {
  std::string name = std::string(op) + ": ";
  throw Error(kind, toString(where) + ": " +
                        (message.compare(0, name.size(), name) == 0 ? "" : name) + message);
}

template <typename T> T check(Result<T> result, const SourceLocation &where, std::string_view op) {
  if (!result)
    fail(where, op, result.error().message, result.error().kind);
  return std::move(*result);
}

//===----------------------------------------------------------------------===//
// Filling
//===----------------------------------------------------------------------===//

template <typename T> void store(Tensor &tensor, int64_t i, T value) {
  tensor.dataAs<T>()[i] = value;
}

// Each rounds once.
template <typename T> uint16_t toHalf(T value) {
  return std::is_integral_v<T> ? halfFromInt(static_cast<int64_t>(value))
                               : halfFromDouble(static_cast<double>(value));
}
template <typename T> uint16_t toBfloat(T value) {
  return std::is_integral_v<T> ? bfloatFromInt(static_cast<int64_t>(value))
                               : bfloatFromDouble(static_cast<double>(value));
}

/// Sets every element by `value(i)`, a double, or an int64_t where that is exact.
template <typename Value> void fill(Tensor &tensor, Value value) {
  for (int64_t i = 0; i < tensor.size(); ++i)
    switch (tensor.dtype()) {
    case DType::F32:
      store(tensor, i, static_cast<float>(value(i)));
      break;
    case DType::F64:
      store(tensor, i, static_cast<double>(value(i)));
      break;
    case DType::F16:
      store(tensor, i, toHalf(value(i)));
      break;
    case DType::BF16:
      store(tensor, i, toBfloat(value(i)));
      break;
    case DType::I8:
    case DType::U8:
    case DType::Bool:
      store(tensor, i, static_cast<uint8_t>(static_cast<int64_t>(value(i))));
      break;
    case DType::I16:
      store(tensor, i, static_cast<int16_t>(value(i)));
      break;
    case DType::I32:
      store(tensor, i, static_cast<int32_t>(value(i)));
      break;
    case DType::I64:
      store(tensor, i, static_cast<int64_t>(value(i)));
      break;
    }
}

/// Whether an integer or bool dtype has `value`.
bool holds(DType dtype, int64_t value) {
  switch (dtype) {
  case DType::Bool:
    return value == 0 || value == 1;
  case DType::U8:
    return value >= 0 && value <= UINT8_MAX;
  default: {
    int64_t bits = 8 * dtypeBytes(dtype) - 1;
    return bits == 63 || (value >= -(int64_t(1) << bits) && value < int64_t(1) << bits);
  }
  }
}

std::string text(double value) {
  Tensor number = *Tensor::zeros(DType::F64, {});
  *number.dataAs<double>() = value;
  return elementToString(number, 0);
}

/// A number as a tensor without dimensions.
Tensor scalar(const Operand &operand, DType dtype, std::string_view op) {
  auto refuse = [&](const std::string &value) {
    fail(operand.where, op, value + " is not a value of " + std::string(dtypeName(dtype)));
  };
  if (operand.isBool != (dtype == DType::Bool))
    refuse(operand.isBool ? operand.integer ? "true" : "false" : "a number");
  if (operand.isReal && !isFloat(dtype))
    refuse(text(operand.real));
  if (!operand.isReal && !isFloat(dtype) && !holds(dtype, operand.integer))
    refuse(std::to_string(operand.integer));
  Tensor tensor = check(Tensor::zeros(dtype, {}), operand.where, op);
  if (operand.isReal)
    fill(tensor, [&](int64_t) { return operand.real; });
  else
    fill(tensor, [&](int64_t) { return operand.integer; });
  return tensor;
}

/// The operands as tensors; numbers take the dtype of the first tensor, or what is
/// usual for them if there is none.
std::vector<Tensor> tensorsOf(std::initializer_list<const Operand *> operands,
                              std::string_view op) {
  const Operand *model = nullptr;
  for (const Operand *operand : operands)
    if (operand->tensor && !model)
      model = operand;
  std::vector<Tensor> tensors;
  tensors.reserve(operands.size());
  for (const Operand *operand : operands) {
    if (operand->tensor) {
      tensors.push_back(*operand->tensor);
      continue;
    }
    DType usual = operand->isBool ? DType::Bool : operand->isReal ? DType::F32 : DType::I64;
    tensors.push_back(scalar(*operand, model ? model->tensor->dtype() : usual, op));
  }
  return tensors;
}

Tensor tensorOf(const Operand &x, std::string_view op) { return tensorsOf({&x}, op)[0]; }

//===----------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------===//

/// The dimensions that all of `shapes` broadcast to, aligned at the last one.
std::optional<Dims> commonDims(const std::vector<Dims> &shapes) {
  size_t rank = 0;
  for (const Dims &dims : shapes)
    rank = std::max(rank, dims.size());
  Dims common(rank, Dim(1));
  for (const Dims &dims : shapes)
    for (size_t i = 0; i < dims.size(); ++i) {
      Dim &place = common[rank - dims.size() + i];
      if (place == Dim(1))
        place = dims[i];
      else if (dims[i] != Dim(1) && dims[i] != place)
        return std::nullopt;
    }
  return common;
}

/// The trace that one of `operands` belongs to, or null.
Trace *traceOf(const std::vector<Tensor> &operands) {
  for (const Tensor &operand : operands)
    if (operand.isTraced())
      return symbolOf(operand).trace.get();
  return nullptr;
}

/// With a trace, is recorded there even if `x` has elements.
Tensor broadcast(const Tensor &x, const Dims &dims, Trace *trace, const SourceLocation &where) {
  TensorType type = typeOf(x);
  if (type.dims == dims)
    return x;
  Ints axes(type.dims.size());
  std::iota(axes.begin(), axes.end(), static_cast<int64_t>(dims.size() - axes.size()));
  Attributes attributes{{"shape", dims}, {"axes", axes}};
  return trace ? trace->record(Op::Broadcast, {x}, attributes, where)[0]
               : apply(Op::Broadcast, {x}, attributes, where)[0];
}

std::string typesOf(const std::vector<Tensor> &tensors) {
  std::string list;
  for (const Tensor &tensor : tensors)
    list += (list.empty() ? "" : " and ") + toString(typeOf(tensor));
  return list;
}

Tensor elementwise(Op op, std::vector<Tensor> operands, const SourceLocation &where,
                   Attributes attributes = {}) {
  std::vector<Dims> shapes;
  shapes.reserve(operands.size());
  for (const Tensor &operand : operands)
    shapes.push_back(typeOf(operand).dims);
  auto common = commonDims(shapes);
  if (!common)
    fail(where, opInfo(op).name, typesOf(operands) + " do not broadcast to one shape");
  Trace *trace = traceOf(operands);
  for (Tensor &operand : operands)
    operand = broadcast(operand, *common, trace, where);
  return apply(op, operands, std::move(attributes), where)[0];
}

Tensor binary(Op op, const Operand &lhs, const Operand &rhs, Attributes attributes = {}) {
  return elementwise(op, tensorsOf({&lhs, &rhs}, opInfo(op).name), lhs.where,
                     std::move(attributes));
}

Tensor unary(Op op, const Operand &x, Attributes attributes = {}) {
  return apply(op, {tensorOf(x, opInfo(op).name)}, std::move(attributes), x.where)[0];
}

Tensor comparison(const char *direction, const Operand &lhs, const Operand &rhs) {
  return binary(Op::Compare, lhs, rhs, {{"direction", std::string(direction)}});
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

/// `axis` counted from the front.
int64_t axisOf(int64_t axis, int64_t rank, std::string_view op, const SourceLocation &where) {
  if (axis < -rank || axis >= rank)
    fail(where, op,
         "there is no axis " + std::to_string(axis) + " in " + std::to_string(rank) +
             " dimensions");
  return axis < 0 ? axis + rank : axis;
}

Tensor reduction(const char *kind, const Operand &x, Ints axes, bool keepDims) {
  Tensor tensor = tensorOf(x, "reduce");
  int64_t rank = typeOf(tensor).rank();
  for (int64_t &axis : axes)
    axis = axisOf(axis, rank, "reduce", x.where);
  if (axes.empty()) {
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), int64_t(0));
  }
  std::sort(axes.begin(), axes.end());
  return apply(Op::Reduce, {tensor},
               {{"kind", std::string(kind)}, {"axes", axes}, {"keep_dims", keepDims}}, x.where)[0];
}

/// Bytes before the first of the rows `start` to `limit` of the first axis, whole.
bool isWholeRows(const Tensor &x, int64_t axis, int64_t stride) {
  return !x.isTraced() && axis == 0 && stride == 1;
}

/// Uniform on [0, 1): splitmix64, the 53 upper bits of each number.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  double next() {
    uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53;
  }

private:
  uint64_t state;
};

template <typename T>
Tensor copyOf(const std::vector<T> &values, DType dtype, Shape shape, const SourceLocation &where) {
  if (shape.empty())
    shape = {static_cast<int64_t>(values.size())};
  std::string_view bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
  return check(Tensor::fromBytes(dtype, std::move(shape), bytes), where, "array");
}

} // namespace

//===----------------------------------------------------------------------===//
// Any op
//===----------------------------------------------------------------------===//

std::vector<Tensor> apply(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                          SourceLocation where) {
  std::string_view name = opInfo(op).name;
  if (opInfo(op).numBlocks > 0)
    fail(where, name, "has blocks, which mlc/Api/Flow.h makes of functions");
  Trace *trace = traceOf(operands);
  // What mentions a symbolic dimension can only be recorded, and an effect is to happen
  // whenever the graph runs, not now.
  if (!trace && (mentionsDims(attributes) || hasEffect(op)))
    trace = Trace::active();
  if (trace)
    return trace->record(op, operands, std::move(attributes), where);
  if (op == Op::Parameter || op == Op::Call)
    fail(where, name, "has a meaning in a model file only");
  if (op == Op::Constant) {
    auto complete = check(completeAttributes(op, std::move(attributes)), where, name);
    return {std::get<Tensor>(complete.at("value")).clone()};
  }
  for (const Tensor &operand : operands)
    if (!isExecutable(operand.dtype()))
      fail(where, name, toString(typeOf(operand)) + ": no executor runs this dtype yet",
           ErrorKind::Unsupported);
  std::vector<const Tensor *> pointers;
  pointers.reserve(operands.size());
  for (const Tensor &operand : operands)
    pointers.push_back(&operand);
  const Engine &engine = defaultEngine();
  auto kernel = engine.state->opKernels->find(engine, op, pointers, attributes);
  if (!kernel) {
    // Inference names the op itself.
    Error error = kernel.takeError();
    throw Error(error.kind, toString(where) + ": " + error.message);
  }
  std::vector<Tensor> results;
  if (Status status = (*kernel)->run(pointers, results); !status)
    fail(where, name, status.error().message, status.error().kind);
  if (engine.debugsNans())
    if (Status status = refuseNewNan(name, pointers, results); !status)
      fail(where, name, status.error().message, status.error().kind);
  return results;
}

Tensor customOp(const std::string &name, const std::vector<Tensor> &operands,
                SourceLocation where) {
  auto op = check(findCustomOp(name), where, "custom");
  std::vector<TensorType> types;
  types.reserve(operands.size());
  for (const Tensor &operand : operands)
    types.push_back(typeOf(operand));
  TensorType type = check(inferCustomOp(*op, name, types), where, "custom");
  Attributes attributes{{"function", name},
                        {"dtype", std::string(dtypeName(type.dtype))},
                        {"shape", std::move(type.dims)}};
  return apply(Op::Custom, operands, std::move(attributes), where)[0];
}

void print(Operand x, const std::string &label) {
  apply(Op::Print, {tensorOf(x, "print")}, {{"label", label}}, x.where);
}

void check(Operand condition, const std::string &message) {
  apply(Op::Check, {tensorOf(condition, "check")}, {{"message", message}}, condition.where);
}

//===----------------------------------------------------------------------===//
// Making tensors
//===----------------------------------------------------------------------===//

Tensor zeros(Shape shape, DType dtype, SourceLocation where) {
  return check(Tensor::zeros(dtype, std::move(shape)), where, "zeros");
}

Tensor ones(Shape shape, DType dtype, SourceLocation where) {
  Tensor tensor = check(Tensor::zeros(dtype, std::move(shape)), where, "ones");
  fill(tensor, [](int64_t) { return 1; });
  return tensor;
}

Tensor full(Shape shape, double value, DType dtype, SourceLocation where) {
  Tensor tensor = check(Tensor::zeros(dtype, std::move(shape)), where, "full");
  bool fits = isFloat(dtype) || (std::trunc(value) == value && std::fabs(value) < 0x1p63 &&
                                 holds(dtype, static_cast<int64_t>(value)));
  if (!fits)
    fail(where, "full", text(value) + " is not a value of " + std::string(dtypeName(dtype)));
  fill(tensor, [value](int64_t) { return value; });
  return tensor;
}

Tensor arange(int64_t count, DType dtype, SourceLocation where) {
  Tensor tensor = check(Tensor::zeros(dtype, {count}), where, "arange");
  if (!isFloat(dtype) && count > 0 && !holds(dtype, count - 1))
    fail(where, "arange",
         std::to_string(count - 1) + " is not a value of " + std::string(dtypeName(dtype)));
  fill(tensor, [](int64_t i) { return i; });
  return tensor;
}

Tensor array(const std::vector<float> &values, Shape shape, SourceLocation where) {
  return copyOf(values, DType::F32, std::move(shape), where);
}
Tensor array(const std::vector<int32_t> &values, Shape shape, SourceLocation where) {
  return copyOf(values, DType::I32, std::move(shape), where);
}
Tensor array(const std::vector<int64_t> &values, Shape shape, SourceLocation where) {
  return copyOf(values, DType::I64, std::move(shape), where);
}

Tensor randomUniform(Shape shape, uint64_t seed, float low, float high, SourceLocation where) {
  Tensor result = check(Tensor::zeros(DType::F32, std::move(shape)), where, "randomUniform");
  Random random(seed);
  float below = std::nextafter(high, low); // rounding may reach `high`
  fill(result, [&](int64_t) {
    float x = static_cast<float>(low + (static_cast<double>(high) - low) * random.next());
    return low < high ? std::min(x, below) : low;
  });
  return result;
}

Tensor randomNormal(Shape shape, uint64_t seed, float mean, float deviation, SourceLocation where) {
  Tensor result = check(Tensor::zeros(DType::F32, std::move(shape)), where, "randomNormal");
  Random random(seed);
  fill(result, [&](int64_t) {
    double radius = std::sqrt(-2 * std::log(1 - random.next()));
    return mean + deviation * radius * std::cos(2 * M_PI * random.next());
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Element-wise ops
//===----------------------------------------------------------------------===//

Tensor add(Operand lhs, Operand rhs) { return binary(Op::Add, lhs, rhs); }
Tensor sub(Operand lhs, Operand rhs) { return binary(Op::Sub, lhs, rhs); }
Tensor mul(Operand lhs, Operand rhs) { return binary(Op::Mul, lhs, rhs); }
Tensor div(Operand lhs, Operand rhs) { return binary(Op::Div, lhs, rhs); }
Tensor maximum(Operand lhs, Operand rhs) { return binary(Op::Max, lhs, rhs); }
Tensor minimum(Operand lhs, Operand rhs) { return binary(Op::Min, lhs, rhs); }

Tensor neg(Operand x) { return unary(Op::Neg, x); }
Tensor abs(Operand x) { return unary(Op::Abs, x); }
Tensor exp(Operand x) { return unary(Op::Exp, x); }
Tensor log(Operand x) { return unary(Op::Log, x); }
Tensor sqrt(Operand x) { return unary(Op::Sqrt, x); }
Tensor rsqrt(Operand x) { return unary(Op::Rsqrt, x); }
Tensor tanh(Operand x) { return unary(Op::Tanh, x); }
Tensor sigmoid(Operand x) { return unary(Op::Sigmoid, x); }
Tensor relu(Operand x) { return unary(Op::Relu, x); }
Tensor erf(Operand x) { return unary(Op::Erf, x); }
Tensor gelu(Operand x, const std::string &form) {
  return unary(Op::Gelu, x, {{"approximate", form}});
}

Tensor eq(Operand lhs, Operand rhs) { return comparison("eq", lhs, rhs); }
Tensor ne(Operand lhs, Operand rhs) { return comparison("ne", lhs, rhs); }
Tensor lt(Operand lhs, Operand rhs) { return comparison("lt", lhs, rhs); }
Tensor le(Operand lhs, Operand rhs) { return comparison("le", lhs, rhs); }
Tensor gt(Operand lhs, Operand rhs) { return comparison("gt", lhs, rhs); }
Tensor ge(Operand lhs, Operand rhs) { return comparison("ge", lhs, rhs); }
Tensor logicalAnd(Operand lhs, Operand rhs) { return binary(Op::LogicalAnd, lhs, rhs); }
Tensor logicalOr(Operand lhs, Operand rhs) { return binary(Op::LogicalOr, lhs, rhs); }
Tensor logicalNot(Operand x) { return unary(Op::LogicalNot, x); }

Tensor select(Operand predicate, Operand onTrue, Operand onFalse) {
  std::vector<Tensor> values = tensorsOf({&onTrue, &onFalse}, "select");
  return elementwise(Op::Select, {tensorOf(predicate, "select"), values[0], values[1]},
                     predicate.where);
}

//===----------------------------------------------------------------------===//
// Contraction, reductions
//===----------------------------------------------------------------------===//

Tensor matmul(Operand lhs, Operand rhs, bool transposeLhs, bool transposeRhs) {
  std::vector<Tensor> operands = tensorsOf({&lhs, &rhs}, "matmul");
  std::vector<Dims> batches;
  for (const Tensor &operand : operands) {
    TensorType type = typeOf(operand);
    if (type.rank() < 2)
      fail(lhs.where, "matmul",
           typesOf(operands) + ": expected two dimensions at least, see mlc::reshape");
    batches.emplace_back(type.dims.begin(), type.dims.end() - 2);
  }
  auto common = commonDims(batches);
  if (!common)
    fail(lhs.where, "matmul",
         typesOf(operands) + ": the batch dimensions do not broadcast to one shape");
  Trace *trace = traceOf(operands);
  for (Tensor &operand : operands) {
    Dims dims = *common, own = typeOf(operand).dims;
    dims.insert(dims.end(), own.end() - 2, own.end());
    operand = broadcast(operand, dims, trace, lhs.where);
  }
  return apply(Op::MatMul, operands, {{"transpose_a", transposeLhs}, {"transpose_b", transposeRhs}},
               lhs.where)[0];
}

Tensor sum(Operand x, const Ints &axes, bool keepDims) {
  return reduction("sum", x, axes, keepDims);
}
Tensor max(Operand x, const Ints &axes, bool keepDims) {
  return reduction("max", x, axes, keepDims);
}
Tensor min(Operand x, const Ints &axes, bool keepDims) {
  return reduction("min", x, axes, keepDims);
}
Tensor mean(Operand x, const Ints &axes, bool keepDims) {
  return reduction("mean", x, axes, keepDims);
}

Tensor softmax(Operand x, int64_t axis) {
  Tensor tensor = tensorOf(x, "softmax");
  return apply(Op::Softmax, {tensor},
               {{"axis", axisOf(axis, typeOf(tensor).rank(), "softmax", x.where)}}, x.where)[0];
}

//===----------------------------------------------------------------------===//
// Shape and dtype
//===----------------------------------------------------------------------===//

Tensor cast(Operand x, DType dtype) {
  return unary(Op::Cast, x, {{"dtype", std::string(dtypeName(dtype))}});
}

Tensor broadcastTo(Operand x, const Shape &shape) {
  Tensor tensor = tensorOf(x, "broadcast");
  Dims own = typeOf(tensor).dims, dims(shape.begin(), shape.end());
  // kSymbolic stands for the operand's symbolic dimension at that place.
  for (size_t i = 0; i < dims.size(); ++i)
    if (size_t fromEnd = dims.size() - i; dims[i].size == kSymbolic && fromEnd <= own.size() &&
                                          own[own.size() - fromEnd].isSymbolic())
      dims[i] = own[own.size() - fromEnd];
  if (own.size() > dims.size() || commonDims({own, dims}) != dims)
    fail(x.where, "broadcast",
         toString(typeOf(tensor)) + " does not broadcast to " +
             toString(TensorType{tensor.dtype(), dims}));
  return broadcast(tensor, dims, traceOf({tensor}), x.where);
}

Tensor reshape(Operand x, const Shape &shape) {
  Tensor tensor = tensorOf(x, "reshape");
  TensorType type = typeOf(tensor);
  Dims dims(shape.begin(), shape.end());
  auto unknown = std::find(shape.begin(), shape.end(), int64_t(-1));
  if (unknown != shape.end()) {
    // What the known sizes leave over, which may be a symbolic dimension.
    int64_t have = 1, given = 1;
    std::string symbol;
    for (const Dim &dim : type.dims)
      dim.isSymbolic() ? symbol = dim.name : (have *= dim.size, symbol);
    for (int64_t size : shape)
      given *= size == -1 ? 1 : size;
    Dim rest = symbol.empty() ? Dim(given ? have / given : 0) : Dim(symbol);
    bool divides = symbol.empty() ? given != 0 && have % given == 0 : have == given;
    if (std::count(shape.begin(), shape.end(), int64_t(-1)) > 1 || !divides)
      fail(x.where, "reshape",
           toString(type) + " cannot take the shape " + toString(shape) +
               " with one size -1 that makes the numbers of elements equal");
    dims[static_cast<size_t>(unknown - shape.begin())] = rest;
  }
  if (tensor.isTraced())
    return apply(Op::Reshape, {tensor}, {{"shape", dims}}, x.where)[0];
  Shape sizes;
  for (const Dim &dim : dims)
    sizes.push_back(dim.size);
  return check(tensor.reshaped(std::move(sizes)), x.where, "reshape");
}

Tensor transpose(Operand x, const Ints &permutation) {
  Tensor tensor = tensorOf(x, "transpose");
  int64_t rank = typeOf(tensor).rank();
  Ints order = permutation;
  for (int64_t &axis : order)
    axis = axisOf(axis, rank, "transpose", x.where);
  if (order.empty())
    for (int64_t axis = rank; axis-- > 0;)
      order.push_back(axis);
  return apply(Op::Transpose, {tensor}, {{"permutation", order}}, x.where)[0];
}

Tensor slice(Operand x, int64_t axis, int64_t start, int64_t limit, int64_t stride) {
  Tensor tensor = tensorOf(x, "slice");
  TensorType type = typeOf(tensor);
  axis = axisOf(axis, type.rank(), "slice", x.where);
  const Dim &dim = type.dims[static_cast<size_t>(axis)];
  int64_t first = start, end = limit;
  if (!dim.isSymbolic()) {
    first += start < 0 ? dim.size : 0;
    end += limit < 0 ? dim.size : 0;
    if (first < 0 || end < first || end > dim.size)
      fail(x.where, "slice",
           "elements " + std::to_string(start) + " to " + std::to_string(limit) + " of axis " +
               std::to_string(axis) + " of " + toString(type) + " do not exist");
  }
  if (isWholeRows(tensor, axis, stride)) {
    Shape shape = tensor.shape();
    int64_t row = dim.size ? tensor.size() / dim.size : 0;
    shape[0] = end - first;
    return tensor.view(std::move(shape), first * row);
  }
  return apply(Op::Slice, {tensor},
               {{"axes", Ints{axis}},
                {"starts", Ints{first}},
                {"limits", Ints{end}},
                {"strides", Ints{stride}}},
               x.where)[0];
}

Tensor concat(const std::vector<Tensor> &operands, int64_t axis, SourceLocation where) {
  if (operands.empty())
    fail(where, "concat", "expected one operand at least");
  return apply(Op::Concat, operands,
               {{"axis", axisOf(axis, typeOf(operands[0]).rank(), "concat", where)}}, where)[0];
}

Tensor take(Operand x, const Tensor &indices, int64_t axis) {
  Tensor tensor = tensorOf(x, "take");
  return apply(Op::Take, {tensor, indices},
               {{"axis", axisOf(axis, typeOf(tensor).rank(), "take", x.where)}}, x.where)[0];
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
