//===- InferOps.cpp - One inference function per op ----------------------------===//
//
// Each function checks its op's numbered constraints of MLCOps.td, except the
// one on the declared result (checkResultTypes). A new op adds a line to inferOp
// and, unless it shares one, a function.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"
#include "mlc/Support/CheckedMath.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

using Ints = std::vector<int64_t>;

/// Text of the user's in quotes, cut to a readable length.
std::string quoted(const std::string &text) {
  return '"' + (text.size() > 80 ? text.substr(0, 77) + "..." : text) + '"';
}

std::string text(int64_t number) { return std::to_string(number); }

InferredTypes one(DType dtype, Dims dims) {
  return std::vector<TensorType>{{dtype, std::move(dims)}};
}

//===----------------------------------------------------------------------===//
// Constraints that several ops share
//===----------------------------------------------------------------------===//

Status sameTypes(const Inference &in, int constraint, size_t first = 0) {
  for (size_t i = first + 1; i < in.operands.size(); ++i)
    if (in.operands[i] != in.operands[first])
      return in.violates(constraint, "operands differ in type: " + toString(in.operands[first]) +
                                         " and " + toString(in.operands[i]));
  return {};
}

Status numeric(const Inference &in, int constraint) {
  if (in.operands[0].dtype == DType::Bool)
    return in.violates(constraint, "expected a float or integer dtype, got bool");
  return {};
}

Status floatOnly(const Inference &in, int constraint) {
  DType dtype = in.operands[0].dtype;
  if (!isFloat(dtype))
    return in.violates(constraint, "expected a float dtype, got " + std::string(dtypeName(dtype)));
  return {};
}

Status boolOnly(const Inference &in, int constraint) {
  DType dtype = in.operands[0].dtype;
  if (dtype != DType::Bool)
    return in.violates(constraint, "expected bool, got " + std::string(dtypeName(dtype)));
  return {};
}

Status axisInRange(const Inference &in, int constraint, int64_t axis) {
  if (axis < 0 || axis >= in.operands[0].rank())
    return in.violates(constraint, "axis " + text(axis) + " is out of range for rank " +
                                       text(in.operands[0].rank()));
  return {};
}

Status increasingBelow(const Inference &in, int constraint, const Ints &axes, int64_t rank) {
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] < 0 || axes[i] >= rank)
      return in.violates(constraint,
                         "axis " + text(axes[i]) + " is out of range for rank " + text(rank));
    if (i && axes[i] <= axes[i - 1])
      return in.violates(constraint, "axes must increase strictly, but " + text(axes[i]) +
                                         " follows " + text(axes[i - 1]));
  }
  return {};
}

Status notNegative(const Inference &in, int constraint, const Dims &shape) {
  for (const Dim &dim : shape)
    if (dim.size < 0)
      return in.violates(constraint, "`shape` has the negative dimension " + text(dim.size));
  return {};
}

//===----------------------------------------------------------------------===//
// Element-wise ops
//===----------------------------------------------------------------------===//

using DTypeCheck = Status (*)(const Inference &, int);

/// Any number of operands of one type, whose dtype `check` accepts.
InferredTypes inferElementwise(const Inference &in, DTypeCheck check) {
  if (Status status = sameTypes(in, 1); !status)
    return status.takeError();
  if (Status status = check(in, 2); !status)
    return status.takeError();
  return std::vector<TensorType>{in.operands[0]};
}

InferredTypes inferGelu(const Inference &in) {
  const auto &form = in.attribute<std::string>("approximate");
  if (form != "erf" && form != "tanh")
    return in.violates(3, "`approximate` must be \"erf\" or \"tanh\", not " + quoted(form));
  return inferElementwise(in, floatOnly);
}

InferredTypes inferCompare(const Inference &in) {
  if (Status status = sameTypes(in, 1); !status)
    return status.takeError();
  const auto &direction = in.attribute<std::string>("direction");
  bool equality = direction == "eq" || direction == "ne";
  if (!equality && direction != "lt" && direction != "le" && direction != "gt" && direction != "ge")
    return in.violates(2, "`direction` must be eq, ne, lt, le, gt or ge, not " + quoted(direction));
  if (!equality && in.operands[0].dtype == DType::Bool)
    return in.violates(3, "bools have no order: `direction` must be eq or ne, not " + direction);
  return one(DType::Bool, in.operands[0].dims);
}

InferredTypes inferSelect(const Inference &in) {
  if (Status status = boolOnly(in, 1); !status)
    return status.takeError();
  if (Status status = sameTypes(in, 2, 1); !status)
    return status.takeError();
  if (in.operands[0].dims != in.operands[1].dims)
    return in.violates(3, "the predicate is " + toString(in.operands[0]) + ", but the values are " +
                              toString(in.operands[1]));
  return std::vector<TensorType>{in.operands[1]};
}

InferredTypes inferCast(const Inference &in) {
  const auto &name = in.attribute<std::string>("dtype");
  std::optional<DType> dtype = parseDType(name);
  if (!dtype)
    return in.violates(1, quoted(name) + " is not the name of a dtype");
  return one(*dtype, in.operands[0].dims);
}

//===----------------------------------------------------------------------===//
// Sources and calls
//===----------------------------------------------------------------------===//

InferredTypes inferParameter(const Inference &in) {
  if (!in.context.graph && !in.context.index)
    return usageError("parameter: its type needs the model");
  const auto &name = in.attribute<std::string>("parameter");
  const Parameter *parameter = in.context.index ? in.context.index->findParameter(name)
                                                : in.context.graph->findParameter(name);
  if (!parameter)
    return in.violates(1, "the model has no parameter " + quoted(name));
  return std::vector<TensorType>{parameter->type};
}

InferredTypes inferConstant(const Inference &in) {
  const auto &value = in.attribute<Tensor>("value");
  return one(value.dtype(), Dims(value.shape().begin(), value.shape().end()));
}

InferredTypes inferCall(const Inference &in) {
  if (!in.context.graph && !in.context.index)
    return usageError("call: its type needs the model");
  const auto &name = in.attribute<std::string>("callee");
  const Function *callee = in.context.index ? in.context.index->findFunction(name)
                                            : in.context.graph->findFunction(name);
  if (!callee)
    return in.violates(1, "the model has no function " + quoted(name));
  auto bindings = bindDims(*callee, in.operands);
  if (!bindings)
    return in.violates(2, bindings.error().message);
  std::vector<TensorType> results;
  for (ValueId output : callee->body.outputs) {
    const TensorType &type = callee->values[output].type;
    for (const Dim &dim : type.dims)
      if (dim.isSymbolic() && !bindings->count(dim.name))
        return in.violates(3, "no input of `" + callee->name + "` binds dimension `" + dim.name +
                                  "` of its output");
    results.push_back(substituteDims(type, *bindings));
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

InferredTypes inferMatMul(const Inference &in) {
  const TensorType &lhs = in.operands[0], &rhs = in.operands[1];
  if (lhs.dtype != rhs.dtype)
    return in.violates(1, "operands differ in dtype: " + std::string(dtypeName(lhs.dtype)) +
                              " and " + std::string(dtypeName(rhs.dtype)));
  if (!isFloat(lhs.dtype) && lhs.dtype != DType::I32 && lhs.dtype != DType::I64)
    return in.violates(1, "expected f32, f64, f16, bf16, i32 or i64, got " +
                              std::string(dtypeName(lhs.dtype)));
  if (lhs.rank() != rhs.rank() || lhs.rank() < 2)
    return in.violates(2, "expected operands of one rank, at least 2, got ranks " +
                              text(lhs.rank()) + " and " + text(rhs.rank()));
  size_t batch = lhs.dims.size() - 2;
  for (size_t i = 0; i < batch; ++i)
    if (lhs.dims[i] != rhs.dims[i])
      return in.violates(3, "batch dimension " + text(static_cast<int64_t>(i)) + " is " +
                                toString(lhs.dims[i]) + " and " + toString(rhs.dims[i]));
  // Places of the contracted dimension, the rows of lhs and the columns of rhs.
  size_t lhsK = in.attribute<bool>("transpose_a") ? batch : batch + 1;
  size_t rhsK = in.attribute<bool>("transpose_b") ? batch + 1 : batch;
  size_t rows = 2 * batch + 1 - lhsK, columns = 2 * batch + 1 - rhsK;
  if (lhs.dims[lhsK] != rhs.dims[rhsK])
    return in.violates(4, "contracted dimensions differ: " + toString(lhs.dims[lhsK]) +
                              " (lhs dimension " + std::to_string(lhsK) + ") and " +
                              toString(rhs.dims[rhsK]) + " (rhs dimension " + std::to_string(rhsK) +
                              ")");
  Dims dims(lhs.dims.begin(), lhs.dims.begin() + static_cast<ptrdiff_t>(batch));
  dims.push_back(lhs.dims[rows]);
  dims.push_back(rhs.dims[columns]);
  return one(lhs.dtype, std::move(dims));
}

//===----------------------------------------------------------------------===//
// Shape ops
//===----------------------------------------------------------------------===//

Status knownNames(const Inference &in, int constraint, const Dims &shape) {
  for (const Dim &dim : shape)
    if (dim.isSymbolic() && in.context.dims && !in.context.dims->count(dim.name))
      return in.violates(constraint, "dimension " + quoted(dim.name) + " occurs in no input");
  return {};
}

InferredTypes inferBroadcast(const Inference &in) {
  const TensorType &operand = in.operands[0];
  const auto &shape = in.attribute<Dims>("shape");
  const auto &axes = in.attribute<Ints>("axes");
  if (static_cast<int64_t>(axes.size()) != operand.rank())
    return in.violates(1, "`axes` has " + text(static_cast<int64_t>(axes.size())) +
                              " entries, expected one per operand dimension, " +
                              text(operand.rank()));
  auto rank = static_cast<int64_t>(shape.size());
  if (Status status = increasingBelow(in, 1, axes, rank); !status)
    return status.takeError();
  for (size_t i = 0; i < axes.size(); ++i) {
    const Dim &from = operand.dims[i], &to = shape[static_cast<size_t>(axes[i])];
    if (from != Dim(1) && from != to)
      return in.violates(2, "operand dimension " + std::to_string(i) + " is " + toString(from) +
                                ", which is neither 1 nor shape[" + text(axes[i]) + "], " +
                                toString(to));
  }
  if (Status status = knownNames(in, 3, shape); !status)
    return status.takeError();
  if (Status status = notNegative(in, 4, shape); !status)
    return status.takeError();
  return one(operand.dtype, shape);
}

/// The product of the known dimensions of each stretch between symbolic ones;
/// empty when a product overflows.
std::vector<int64_t> knownProducts(const Dims &dims) {
  std::vector<int64_t> products(1, 1);
  bool overflow = false, zero = false;
  auto close = [&] {
    if (zero)
      products.back() = 0;
    else if (overflow)
      return false;
    return true;
  };
  for (const Dim &dim : dims) {
    if (dim.isSymbolic()) {
      if (!close())
        return {};
      products.push_back(1);
      overflow = zero = false;
      continue;
    }
    zero |= dim.size == 0;
    if (std::optional<int64_t> product = checkedMul(products.back(), dim.size))
      products.back() = *product;
    else
      overflow = true;
  }
  if (!close())
    return {};
  return products;
}

std::vector<std::string> symbolicNames(const Dims &dims) {
  std::vector<std::string> names;
  for (const Dim &dim : dims)
    if (dim.isSymbolic())
      names.push_back(dim.name);
  return names;
}

InferredTypes inferReshape(const Inference &in) {
  const TensorType &operand = in.operands[0];
  const auto &shape = in.attribute<Dims>("shape");
  if (Status status = notNegative(in, 3, shape); !status)
    return status.takeError();
  TensorType result{operand.dtype, shape};
  std::string types = toString(operand) + " to " + toString(result);
  std::vector<int64_t> before = knownProducts(operand.dims), after = knownProducts(shape);
  if (before.empty() || after.empty())
    return in.violates(1, "the number of elements overflows: " + types);
  std::vector<std::string> names = symbolicNames(operand.dims);
  if (names != symbolicNames(shape))
    return in.violates(2, "symbolic dimensions differ: " + types);
  if (names.empty() && before != after)
    return in.violates(1, "the operand has " + text(before[0]) + " elements, `shape` has " +
                              text(after[0]) + ": " + types);
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i] != after[i])
      return in.violates(
          2, "the known dimensions " + (i ? "after `" + names[i - 1] : "before `" + names[i]) +
                 "` multiply to " + text(before[i]) + " and " + text(after[i]) + ": " + types);
  return std::vector<TensorType>{result};
}

InferredTypes inferTranspose(const Inference &in) {
  const TensorType &operand = in.operands[0];
  const auto &permutation = in.attribute<Ints>("permutation");
  std::vector<bool> seen(operand.dims.size());
  if (permutation.size() != seen.size())
    return in.violates(1, "`permutation` has " + std::to_string(permutation.size()) +
                              " entries, expected " + text(operand.rank()));
  Dims dims;
  for (int64_t axis : permutation) {
    if (axis < 0 || axis >= operand.rank() || seen[static_cast<size_t>(axis)])
      return in.violates(
          1, "`permutation` must hold each of 0 ... " + text(operand.rank() - 1) + " once, but " +
                 text(axis) +
                 (axis < 0 || axis >= operand.rank() ? " is out of range" : " occurs twice"));
    seen[static_cast<size_t>(axis)] = true;
    dims.push_back(operand.dims[static_cast<size_t>(axis)]);
  }
  return one(operand.dtype, std::move(dims));
}

InferredTypes inferSlice(const Inference &in) {
  const TensorType &operand = in.operands[0];
  const auto &axes = in.attribute<Ints>("axes"), &starts = in.attribute<Ints>("starts");
  const auto &limits = in.attribute<Ints>("limits"), &strides = in.attribute<Ints>("strides");
  if (starts.size() != axes.size() || limits.size() != axes.size() || strides.size() != axes.size())
    return in.violates(1, "`axes`, `starts`, `limits` and `strides` have " +
                              std::to_string(axes.size()) + ", " + std::to_string(starts.size()) +
                              ", " + std::to_string(limits.size()) + " and " +
                              std::to_string(strides.size()) + " entries");
  if (Status status = increasingBelow(in, 1, axes, operand.rank()); !status)
    return status.takeError();
  Dims dims = operand.dims;
  for (size_t i = 0; i < axes.size(); ++i) {
    Dim &dim = dims[static_cast<size_t>(axes[i])];
    std::string axis = "axis " + text(axes[i]) + ": ";
    if (dim.isSymbolic())
      return in.violates(4, axis + "`" + dim.name + "` is symbolic and cannot be sliced");
    if (starts[i] < 0 || starts[i] > limits[i] || limits[i] > dim.size)
      return in.violates(2, axis + "expected 0 <= start <= limit <= " + text(dim.size) +
                                ", got start " + text(starts[i]) + " and limit " + text(limits[i]));
    if (strides[i] < 1)
      return in.violates(3, axis + "the stride must be at least 1, not " + text(strides[i]));
    int64_t length = limits[i] - starts[i];
    dim.size = length / strides[i] + (length % strides[i] != 0);
  }
  return one(operand.dtype, std::move(dims));
}

InferredTypes inferConcat(const Inference &in) {
  if (in.operands.empty())
    return in.violates(1, "expected at least one operand");
  const TensorType &first = in.operands[0];
  int64_t axis = in.attribute<int64_t>("axis");
  if (Status status = axisInRange(in, 2, axis); !status)
    return status.takeError();
  auto place = static_cast<size_t>(axis);
  Dims dims = first.dims;
  dims[place] = Dim(0);
  for (const TensorType &operand : in.operands) {
    bool fits = operand.dtype == first.dtype && operand.rank() == first.rank();
    for (size_t i = 0; fits && i < dims.size(); ++i)
      fits = i == place || operand.dims[i] == first.dims[i];
    if (!fits)
      return in.violates(3, "operands differ in more than dimension " + text(axis) + ": " +
                                toString(first) + " and " + toString(operand));
    const Dim &dim = operand.dims[place];
    if (dim.isSymbolic())
      return in.violates(4, "dimension " + text(axis) + ", `" + dim.name + "`, is symbolic");
    std::optional<int64_t> sum = checkedAdd(dims[place].size, dim.size);
    if (!sum)
      return in.violates(5, "the sum of the operands' dimensions " + text(axis) + " overflows");
    dims[place].size = *sum;
  }
  return one(first.dtype, std::move(dims));
}

InferredTypes inferTake(const Inference &in) {
  const TensorType &operand = in.operands[0], &indices = in.operands[1];
  int64_t axis = in.attribute<int64_t>("axis");
  if (Status status = axisInRange(in, 1, axis); !status)
    return status.takeError();
  if (indices.dtype != DType::I32 && indices.dtype != DType::I64)
    return in.violates(2, "expected indices of dtype i32 or i64, got " +
                              std::string(dtypeName(indices.dtype)));
  Dims dims = operand.dims;
  auto place = dims.begin() + static_cast<ptrdiff_t>(axis);
  if (place->isSymbolic())
    return in.violates(3, "dimension " + text(axis) + ", `" + place->name + "`, is symbolic");
  place = dims.erase(place);
  dims.insert(place, indices.dims.begin(), indices.dims.end());
  return one(operand.dtype, std::move(dims));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

InferredTypes inferReduce(const Inference &in) {
  const TensorType &operand = in.operands[0];
  const auto &kind = in.attribute<std::string>("kind");
  const auto &axes = in.attribute<Ints>("axes");
  if (kind != "sum" && kind != "max" && kind != "min" && kind != "mean")
    return in.violates(1, "`kind` must be sum, max, min or mean, not " + quoted(kind));
  if (Status status = kind == "mean" ? floatOnly(in, 2) : numeric(in, 2); !status)
    return status.takeError();
  if (Status status = increasingBelow(in, 3, axes, operand.rank()); !status)
    return status.takeError();
  Dims dims;
  size_t next = 0;
  for (size_t i = 0; i < operand.dims.size(); ++i) {
    if (next == axes.size() || axes[next] != static_cast<int64_t>(i)) {
      dims.push_back(operand.dims[i]);
      continue;
    }
    ++next;
    if (in.attribute<bool>("keep_dims"))
      dims.push_back(Dim(1));
  }
  return one(operand.dtype, std::move(dims));
}

InferredTypes inferSoftmax(const Inference &in) {
  if (Status status = floatOnly(in, 2); !status)
    return status.takeError();
  if (Status status = axisInRange(in, 3, in.attribute<int64_t>("axis")); !status)
    return status.takeError();
  return std::vector<TensorType>{in.operands[0]};
}

//===----------------------------------------------------------------------===//
// Effects and functions of the host
//===----------------------------------------------------------------------===//

InferredTypes inferPrint(const Inference &) { return std::vector<TensorType>(); }

InferredTypes inferCheck(const Inference &in) {
  if (Status status = boolOnly(in, 1); !status)
    return status.takeError();
  return std::vector<TensorType>();
}

InferredTypes inferCustom(const Inference &in) {
  if (in.attribute<std::string>("function").empty())
    return in.violates(1, "`function` is empty");
  const auto &name = in.attribute<std::string>("dtype");
  std::optional<DType> dtype = parseDType(name);
  if (!dtype)
    return in.violates(2, quoted(name) + " is not the name of a dtype");
  const auto &shape = in.attribute<Dims>("shape");
  if (Status status = notNegative(in, 3, shape); !status)
    return status.takeError();
  if (Status status = knownNames(in, 3, shape); !status)
    return status.takeError();
  return one(*dtype, shape);
}

} // namespace

// No default: the compiler names an op that has no line here.
InferredTypes inferOp(const Inference &in) {
  switch (in.op) {
  case Op::Parameter:
    return inferParameter(in);
  case Op::Constant:
    return inferConstant(in);
  case Op::MatMul:
    return inferMatMul(in);
  case Op::Add:
  case Op::Sub:
  case Op::Mul:
  case Op::Div:
  case Op::Max:
  case Op::Min:
  case Op::Neg:
  case Op::Abs:
  case Op::Relu:
    return inferElementwise(in, numeric);
  case Op::Exp:
  case Op::Log:
  case Op::Sqrt:
  case Op::Rsqrt:
  case Op::Tanh:
  case Op::Sigmoid:
  case Op::Erf:
    return inferElementwise(in, floatOnly);
  case Op::Gelu:
    return inferGelu(in);
  case Op::Compare:
    return inferCompare(in);
  case Op::LogicalAnd:
  case Op::LogicalOr:
  case Op::LogicalNot:
    return inferElementwise(in, boolOnly);
  case Op::Select:
    return inferSelect(in);
  case Op::Cast:
    return inferCast(in);
  case Op::Broadcast:
    return inferBroadcast(in);
  case Op::Reshape:
    return inferReshape(in);
  case Op::Transpose:
    return inferTranspose(in);
  case Op::Slice:
    return inferSlice(in);
  case Op::Concat:
    return inferConcat(in);
  case Op::Reduce:
    return inferReduce(in);
  case Op::Softmax:
    return inferSoftmax(in);
  case Op::Call:
    return inferCall(in);
  case Op::If:
    return inferIf(in);
  case Op::While:
    return inferWhile(in);
  case Op::Scan:
    return inferScan(in);
  case Op::Print:
    return inferPrint(in);
  case Op::Check:
    return inferCheck(in);
  case Op::Custom:
    return inferCustom(in);
  case Op::Take:
    return inferTake(in);
  }
  return internalError("op " + std::to_string(static_cast<int>(in.op)) + " has no inference");
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
