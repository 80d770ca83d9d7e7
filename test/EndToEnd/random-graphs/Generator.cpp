//===- Generator.cpp - Random valid graphs --------------------------------===//
//
// Builds a function node by node: picks an op, operands and attributes that fit,
// evaluates the node on the specimen's own inputs and keeps it only if the values
// stay tame - few infinities and NaN, no large numbers, few unknown elements (see
// Bounds.h) - because what overflows early hides everything after it. Rejected
// nodes stay behind, dead, in some specimens.
//
//===----------------------------------------------------------------------===//

#include "Generator.h"

#include "World.h"

#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

namespace mlc::test {

namespace {

constexpr int64_t kMaxElements = 4096;
constexpr size_t kMaxInputs = 6;
const int64_t kSizes[] = {1, 1, 2, 3, 3, 5, 7, 8, 13, 15, 16, 17, 17, 31, 32, 33, 64, 65};
const int64_t kSymbolicSizes[] = {0, 1, 2, 3, 7, 15, 16, 17, 33};
const DType kDTypes[] = {DType::F32, DType::F32, DType::F32, DType::F32,  DType::F32,
                         DType::I32, DType::I64, DType::F16, DType::BF16, DType::Bool};
const Op kUnaryFloat[] = {Op::Exp,  Op::Log,     Op::Sqrt, Op::Rsqrt,
                          Op::Tanh, Op::Sigmoid, Op::Erf,  Op::Gelu};
const Op kUnaryNumber[] = {Op::Neg, Op::Abs, Op::Relu};
const Op kBinary[] = {Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Max, Op::Min};

/// Builds one function.
class FunctionGenerator {
public:
  FunctionGenerator(World &world, std::string name, int depth, std::string dim, int64_t dimSize)
      : world(world), random(world.random), builder(world.graph, std::move(name)), depth(depth),
        dim(std::move(dim)), dimSize(dimSize),
        evaluator(world.graph, world.parameters, {{this->dim, dimSize}}) {}

  void addInput(const TensorType &type, const Bounded &value) {
    inputValues.push_back(value);
    std::string name = "x" + std::to_string(inputValues.size() - 1);
    live.push_back({builder.input(name, type), value});
    mentionsDim |= type.rank() > 0 && type.dims[0].isSymbolic();
  }

  TensorType randomType() {
    TensorType type{random.pick(kDTypes), {}};
    int64_t rank = random.chance(10) ? 0 : random.between(1, random.chance(30) ? 4 : 2);
    int64_t elements = 1;
    for (int64_t d = 0; d < rank; ++d) {
      if (d == 0 && !dim.empty() && random.chance(70)) {
        type.dims.emplace_back(dim);
        elements *= std::max<int64_t>(dimSize, 1);
        continue;
      }
      int64_t size = random.chance(2) ? 0 : random.pick(kSizes);
      if (elements * size > kMaxElements / 4)
        size = random.between(1, 3);
      elements *= std::max<int64_t>(size, 1);
      type.dims.emplace_back(size);
    }
    return type;
  }

  void addRandomInput(const TensorType &type) {
    addInput(type, Bounded::exact(randomTensor(world, type.dtype, shapeOf(type.dims))));
  }

  /// Appends up to `count` nodes beside the ones that feed them.
  void grow(int64_t count) {
    for (int64_t attempts = 0; count > 0 && attempts < 20 * count + 100; ++attempts)
      count -= step();
  }

  /// The function, with 1 to 3 outputs, the newest value among them.
  Function finish() {
    int64_t count = random.between(1, 3);
    for (int64_t i = 0; i < count; ++i)
      builder.output(i == 0 || live.size() < 3 || random.chance(60)
                         ? live.back().id
                         : live[random.below(live.size())].id,
                     "y" + std::to_string(i));
    Function function = builder.finish();
    if (!random.chance(10))
      removeDeadNodes(function);
    return function;
  }

  const std::vector<Bounded> &inputs() const { return inputValues; }

private:
  struct Live {
    ValueId id;
    Bounded value;
  };

  World &world;
  Random &random;
  FunctionBuilder builder;
  int depth;
  std::string dim; ///< The symbolic dimension's name, or empty.
  int64_t dimSize;
  Evaluator evaluator;
  std::vector<Live> live;
  std::vector<Bounded> inputValues;
  bool mentionsDim = false; ///< Whether an input has the symbolic dimension.

  Shape shapeOf(const Dims &dims) const {
    Shape shape;
    for (const Dim &d : dims)
      shape.push_back(d.isSymbolic() ? dimSize : d.size);
    return shape;
  }
  /// A copy, as the builder moves its own when it grows.
  TensorType typeOf(ValueId id) const { return builder.type(id); }
  const Bounded &valueOf(ValueId id) const {
    return std::find_if(live.begin(), live.end(), [&](const Live &l) { return l.id == id; })->value;
  }

  /// Adds a node and says whether it was kept.
  bool add(Op op, std::vector<ValueId> operands, Attributes attributes = {},
           std::vector<Block> blocks = {}) {
    return addNode(op, std::move(operands), std::move(attributes), std::move(blocks)).has_value();
  }

  std::optional<ValueId> addNode(Op op, std::vector<ValueId> operands, Attributes attributes = {},
                                 std::vector<Block> blocks = {}) {
    auto results = builder.nodes(op, operands, attributes, "", blocks);
    if (!results)
      return std::nullopt;
    Node node;
    node.blocks = std::move(blocks);
    node.results = *results;
    node.op = op;
    node.attributes = *completeAttributes(op, std::move(attributes));
    for (ValueId id : *results) {
      TensorType type = typeOf(id);
      auto count = elementCount(shapeOf(type.dims));
      if (!count || *count > kMaxElements)
        return std::nullopt;
      for (size_t d = 1; d < type.dims.size(); ++d)
        if (type.dims[d].isSymbolic())
          throw std::runtime_error("the generator moved the symbolic dimension");
    }
    std::vector<Bounded> values;
    for (ValueId id : operands)
      values.push_back(valueOf(id));
    auto made = evaluator.evaluate(node, values, builder.values());
    if (!made)
      throw std::runtime_error("the reference refuses a generated node: " + made.error().message);
    bool source = op == Op::Parameter || op == Op::Constant;
    for (const Bounded &bounded : *made)
      if (!source && !isTame(bounded))
        return std::nullopt;
    for (size_t i = 0; i < results->size(); ++i)
      live.push_back({(*results)[i], std::move((*made)[i])});
    return results->front();
  }

  //===--------------------------------------------------------------------===//
  // Operands
  //===--------------------------------------------------------------------===//

  /// A live value that `accepts` likes, newer ones more often.
  template <typename Accepts> std::optional<ValueId> find(Accepts accepts) {
    std::vector<ValueId> fits;
    for (const Live &l : live)
      if (accepts(typeOf(l.id)))
        fits.push_back(l.id);
    if (fits.empty())
      return std::nullopt;
    size_t place = 0;
    for (int i = 0; i < 3; ++i)
      place = std::max(place, random.below(fits.size()));
    return fits[place];
  }

  std::optional<ValueId> findDType(DType dtype) {
    return find([&](const TensorType &t) { return t.dtype == dtype; });
  }
  std::optional<ValueId> findNumber() {
    return find([](const TensorType &t) { return t.dtype != DType::Bool; });
  }
  std::optional<ValueId> findRanked(int64_t rank) {
    return find([&](const TensorType &t) { return t.rank() >= rank; });
  }

  std::optional<ValueId> parameter(const Tensor &value, const Dims &dims) {
    std::string name = "w" + std::to_string(world.graph.parameters.size());
    world.parameters.emplace(name, value);
    world.graph.parameters.push_back({name, {value.dtype(), dims}});
    return addNode(Op::Parameter, {}, {{"parameter", name}});
  }
  std::optional<ValueId> parameter(DType dtype, const Dims &dims) {
    return parameter(randomTensor(world, dtype, shapeOf(dims)), dims);
  }
  /// What is too large for a constant is a parameter.
  std::optional<ValueId> constant(const Tensor &value, const Dims &dims) {
    return value.byteSize() > GraphLimits().maxConstantBytes
               ? parameter(value, dims)
               : addNode(Op::Constant, {}, {{"value", value}});
  }
  std::optional<ValueId> constant(DType dtype, const Dims &dims) {
    return constant(randomTensor(world, dtype, shapeOf(dims)), dims);
  }
  /// These elements, as an input, a parameter or a constant.
  std::optional<ValueId> given(const Tensor &value, const Dims &dims) {
    bool symbolic = !dims.empty() && dims[0].isSymbolic();
    if (depth == 0 && inputValues.size() < kMaxInputs && (symbolic || random.chance(50))) {
      addInput({value.dtype(), dims}, Bounded::exact(value));
      return live.back().id;
    }
    if (symbolic)
      return std::nullopt;
    return random.chance(50) ? parameter(value, dims) : constant(value, dims);
  }

  /// A value of exactly this type: one at hand or a new one.
  std::optional<ValueId> partner(const TensorType &type) {
    bool symbolic = type.rank() > 0 && type.dims[0].isSymbolic();
    if (random.chance(60))
      if (auto found = find([&](const TensorType &t) { return t == type; }))
        return found;
    switch (random.below(5)) {
    case 0:
      if (inputValues.size() < kMaxInputs && depth == 0) {
        addRandomInput(type);
        return live.back().id;
      }
      [[fallthrough]];
    case 1:
      if (!symbolic)
        return random.chance(50) ? constant(type.dtype, type.dims)
                                 : parameter(type.dtype, type.dims);
      [[fallthrough]];
    case 2:
      if (type.rank() > 0 && !type.dims.back().isSymbolic()) { // like a bias
        auto row = parameter(type.dtype, {type.dims.back()});
        return row ? broadcastTo(*row, type.dims, {type.rank() - 1}) : std::nullopt;
      }
      [[fallthrough]];
    default: {
      auto scalar = constant(type.dtype, {});
      return scalar ? broadcastTo(*scalar, type.dims, {}) : std::nullopt;
    }
    }
  }

  std::optional<ValueId> broadcastTo(ValueId value, const Dims &dims, std::vector<int64_t> axes) {
    return addNode(Op::Broadcast, {value}, {{"shape", dims}, {"axes", std::move(axes)}});
  }

  //===--------------------------------------------------------------------===//
  // Ops
  //===--------------------------------------------------------------------===//

  bool step() {
    using Step = bool (FunctionGenerator::*)();
    const Step steps[] = {
        &FunctionGenerator::binary,     &FunctionGenerator::binary,
        &FunctionGenerator::binary,     &FunctionGenerator::unaryFloat,
        &FunctionGenerator::unaryFloat, &FunctionGenerator::unaryFloat,
        &FunctionGenerator::unary,      &FunctionGenerator::compareOrLogical,
        &FunctionGenerator::select,     &FunctionGenerator::cast,
        &FunctionGenerator::broadcast,  &FunctionGenerator::reshape,
        &FunctionGenerator::transpose,  &FunctionGenerator::slice,
        &FunctionGenerator::concat,     &FunctionGenerator::reduce,
        &FunctionGenerator::reduce,     &FunctionGenerator::softmax,
        &FunctionGenerator::matmul,     &FunctionGenerator::matmul,
        &FunctionGenerator::call,       &FunctionGenerator::branch,
        &FunctionGenerator::loop,       &FunctionGenerator::scan,
        &FunctionGenerator::recurrence, &FunctionGenerator::show,
        &FunctionGenerator::assume,     &FunctionGenerator::custom,
        &FunctionGenerator::take,       &FunctionGenerator::attention,
    };
    return (this->*random.pick(steps))();
  }

  bool unary() {
    auto x = findNumber();
    return x && add(random.pick(kUnaryNumber), {*x});
  }

  bool binary() {
    auto a = findNumber();
    if (!a)
      return false;
    auto b = partner(typeOf(*a));
    return b && add(random.pick(kBinary), random.chance(50) ? std::vector<ValueId>{*a, *b}
                                                            : std::vector<ValueId>{*b, *a});
  }

  bool unaryFloat() {
    auto x = find([](const TensorType &t) { return isFloat(t.dtype); });
    if (!x)
      return false;
    Op op = random.pick(kUnaryFloat);
    Attributes attributes;
    if (op == Op::Gelu)
      attributes["approximate"] = std::string(random.chance(50) ? "erf" : "tanh");
    bool positive = op == Op::Log || op == Op::Sqrt || op == Op::Rsqrt;
    if (positive && random.chance(80)) { // give it something it likes
      x = addNode(Op::Abs, {*x});
      if (!x)
        return false;
    }
    return add(op, {*x}, attributes);
  }

  bool compareOrLogical() {
    auto found = random.chance(50) ? findDType(DType::Bool) : std::nullopt;
    auto a = found ? *found : *find([](const TensorType &) { return true; });
    if (typeOf(a).dtype == DType::Bool) {
      if (random.chance(30))
        return add(Op::LogicalNot, {a});
      auto b = partner(typeOf(a));
      if (b && random.chance(20))
        return add(Op::Compare, {a, *b},
                   {{"direction", std::string(random.chance(50) ? "eq" : "ne")}});
      return b && add(random.chance(50) ? Op::LogicalAnd : Op::LogicalOr, {a, *b});
    }
    const char *directions[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    auto b = partner(typeOf(a));
    return b && add(Op::Compare, {a, *b}, {{"direction", std::string(random.pick(directions))}});
  }

  bool select() {
    auto predicate = findDType(DType::Bool);
    if (!predicate)
      return compareOrLogical();
    TensorType type{random.pick(kDTypes), typeOf(*predicate).dims};
    auto a = partner(type), b = partner(type);
    return a && b && add(Op::Select, {*predicate, *a, *b});
  }

  bool cast() {
    auto x = *find([](const TensorType &) { return true; });
    return add(Op::Cast, {x}, {{"dtype", std::string(dtypeName(random.pick(kDTypes)))}});
  }

  bool broadcast() {
    auto x = *find([](const TensorType &) { return true; });
    const Dims &from = typeOf(x).dims;
    bool symbolic = !from.empty() && from[0].isSymbolic();
    Dims shape;
    std::vector<int64_t> axes;
    if (!symbolic && mentionsDim && random.chance(40))
      shape.emplace_back(dim);
    for (const Dim &d : from) {
      bool first = shape.empty() && symbolic && axes.empty();
      if (!first && random.chance(30) && shape.size() + from.size() < 5)
        shape.emplace_back(random.between(1, 5));
      axes.push_back(static_cast<int64_t>(shape.size()));
      shape.push_back(d == Dim(1) && random.chance(50) ? Dim(random.pick(kSizes)) : d);
    }
    if (random.chance(30) && shape.size() < 4)
      shape.emplace_back(random.pick(kSizes));
    return broadcastTo(x, shape, axes).has_value();
  }

  bool reshape() {
    auto x = *find([](const TensorType &) { return true; });
    const Dims &from = typeOf(x).dims;
    bool symbolic = !from.empty() && from[0].isSymbolic();
    int64_t rest = 1;
    Dims shape;
    for (size_t d = symbolic; d < from.size(); ++d)
      rest *= from[d].size;
    if (symbolic)
      shape.push_back(from[0]);
    while (rest > 1 && shape.size() < 3 && random.chance(60)) {
      int64_t factor = random.between(1, rest);
      while (rest % factor)
        --factor;
      shape.emplace_back(factor);
      rest /= factor;
    }
    if (rest != 1 || random.chance(20))
      shape.emplace_back(rest);
    return add(Op::Reshape, {x}, {{"shape", shape}});
  }

  bool transpose() {
    auto x = findRanked(2);
    if (!x)
      return false;
    const Dims &from = typeOf(*x).dims;
    std::vector<int64_t> permutation;
    for (size_t d = 0; d < from.size(); ++d)
      permutation.push_back(static_cast<int64_t>(d));
    for (size_t d = permutation.size(), first = from[0].isSymbolic(); d-- > first + 1;)
      std::swap(permutation[d], permutation[first + random.below(d - first + 1)]);
    return add(Op::Transpose, {*x}, {{"permutation", permutation}});
  }

  bool slice() {
    auto x = findRanked(1);
    if (!x)
      return false;
    const Dims &from = typeOf(*x).dims;
    std::vector<int64_t> axes, starts, limits, strides;
    for (size_t d = 0; d < from.size(); ++d) {
      if (from[d].isSymbolic() || random.chance(40))
        continue;
      axes.push_back(static_cast<int64_t>(d));
      starts.push_back(random.between(0, from[d].size));
      limits.push_back(random.between(starts.back(), from[d].size));
      if (random.chance(50)) {
        starts.back() = random.between(0, from[d].size / 2);
        limits.back() = from[d].size;
      }
      strides.push_back(random.chance(60) ? 1 : random.between(1, 4));
    }
    return add(Op::Slice, {*x},
               {{"axes", axes}, {"starts", starts}, {"limits", limits}, {"strides", strides}});
  }

  bool concat() {
    auto x = findRanked(1);
    if (!x)
      return false;
    const TensorType type = typeOf(*x);
    int64_t firstAxis = type.dims[0].isSymbolic();
    if (firstAxis == type.rank())
      return false;
    int64_t axis = random.between(firstAxis, type.rank() - 1);
    std::vector<ValueId> operands{*x};
    for (int64_t i = random.between(0, 2); i > 0; --i) {
      TensorType other = type;
      if (random.chance(50))
        other.dims[static_cast<size_t>(axis)] = Dim(random.between(0, 5));
      auto y = partner(other);
      if (!y)
        return false;
      operands.insert(operands.begin() + static_cast<int64_t>(random.below(operands.size() + 1)),
                      *y);
    }
    return add(Op::Concat, operands, {{"axis", axis}});
  }

  /// Picks slices by indices that exist: made for this, as those of other values
  /// may be anything.
  bool take() {
    auto x = findRanked(1);
    if (!x)
      return false;
    const TensorType type = typeOf(*x);
    int64_t firstAxis = type.dims[0].isSymbolic();
    if (firstAxis == type.rank())
      return false;
    int64_t axis = random.between(firstAxis, type.rank() - 1);
    int64_t size = type.dims[static_cast<size_t>(axis)].size;
    Dims dims;
    if (axis == 0 && mentionsDim && random.chance(30))
      dims.emplace_back(dim);
    for (int64_t i = random.between(0, 2); i > 0; --i)
      dims.emplace_back(size == 0 ? 0 : random.pick(kSizes));
    Tensor indices =
        randomTensor(world, random.chance(50) ? DType::I32 : DType::I64, shapeOf(dims));
    if (size == 0 && indices.size() > 0)
      return false;
    for (int64_t i = 0; i < indices.size(); ++i) {
      int64_t index = random.between(-size, size - 1);
      indices.dtype() == DType::I32 ? indices.dataAs<int32_t>()[i] = static_cast<int32_t>(index)
                                    : indices.dataAs<int64_t>()[i] = index;
    }
    auto made = given(indices, dims);
    return made && add(Op::Take, {*x, *made}, {{"axis", axis}});
  }

  bool reduce() {
    auto x = findNumber();
    if (!x)
      return false;
    const TensorType &type = typeOf(*x);
    const char *kinds[] = {"sum", "max", "min", "mean"};
    std::string kind = kinds[random.below(isFloat(type.dtype) ? 4 : 3)];
    std::vector<int64_t> axes;
    for (int64_t d = 0; d < type.rank(); ++d)
      if (!type.dims[static_cast<size_t>(d)].isSymbolic() && random.chance(50))
        axes.push_back(d);
    return add(Op::Reduce, {*x},
               {{"kind", kind}, {"axes", axes}, {"keep_dims", random.chance(40)}});
  }

  bool softmax() {
    auto x = find([](const TensorType &t) {
      return isFloat(t.dtype) && t.rank() > int64_t(t.rank() > 0 && t.dims[0].isSymbolic());
    });
    if (!x)
      return false;
    const TensorType &type = typeOf(*x);
    return add(Op::Softmax, {*x},
               {{"axis", random.between(type.dims[0].isSymbolic(), type.rank() - 1)}});
  }

  /// Scores, perhaps scaled or masked, their softmax, and values weighted by it.
  bool attention() {
    auto queries = find([](const TensorType &t) { return t.dtype == DType::F32 && t.rank() >= 2; });
    if (!queries)
      return false;
    TensorType type = typeOf(*queries);
    type.dims.end()[-2] = Dim(random.pick(kSizes));
    auto keys = partner(type);
    auto scores = keys ? addNode(Op::MatMul, {*queries, *keys}, {{"transpose_b", true}}) : keys;
    for (int64_t i = random.between(0, 2); scores && i > 0; --i)
      if (auto other = partner(typeOf(*scores)))
        scores = addNode(random.pick(kBinary), {*scores, *other});
    auto weights = scores ? addNode(Op::Softmax, {*scores}, {{"axis", type.rank() - 1}}) : scores;
    type.dims.back() = Dim(random.pick(kSizes));
    auto values = partner(type);
    return weights && values && add(Op::MatMul, {*weights, *values});
  }

  bool matmul() {
    auto a = find([](const TensorType &t) { return t.dtype != DType::Bool && t.rank() >= 2; });
    if (!a)
      return false;
    const TensorType type = typeOf(*a);
    size_t rank = type.dims.size();
    bool transposeA = random.chance(20) && !type.dims[rank - 2].isSymbolic();
    bool transposeB = random.chance(30);
    Dim k = type.dims[rank - (transposeA ? 2 : 1)], n(random.pick(kSizes));
    TensorType other = type;
    other.dims[rank - 2] = transposeB ? n : k;
    other.dims[rank - 1] = transposeB ? k : n;
    std::optional<ValueId> b;
    if (rank == 2 && random.chance(60))
      b = random.chance(80) ? parameter(other.dtype, other.dims)
                            : constant(other.dtype, other.dims);
    else
      b = partner(other);
    return b &&
           add(Op::MatMul, {*a, *b}, {{"transpose_a", transposeA}, {"transpose_b", transposeB}});
  }

  /// A function on copies of values at hand.
  std::optional<std::string> callee(const std::vector<ValueId> &operands) {
    std::vector<std::pair<TensorType, Bounded>> inputs;
    for (ValueId id : operands)
      inputs.emplace_back(typeOf(id), valueOf(id));
    return callee(inputs);
  }

  std::optional<std::string> callee(std::vector<std::pair<TensorType, Bounded>> inputs) {
    std::string name =
        "f" + std::to_string(world.graph.functions.size()) + "_" + std::to_string(depth);
    FunctionGenerator made(world, name, depth + 1, dim.empty() ? "" : "n", dimSize);
    for (auto &[type, value] : inputs) {
      if (type.rank() > 0 && type.dims[0].isSymbolic())
        type.dims[0] = Dim("n");
      made.addInput(type, value);
    }
    made.grow(random.between(1, 4));
    Function function = made.finish();
    // Nested calls may have taken the name meanwhile.
    if (world.graph.findFunction(function.name))
      return std::nullopt;
    world.graph.functions.push_back(std::move(function));
    return name;
  }

  std::vector<ValueId> someValues() {
    std::vector<ValueId> operands;
    for (int64_t i = random.between(1, 3); i > 0; --i)
      operands.push_back(live[random.below(live.size())].id);
    return operands;
  }

  bool call() {
    if (depth > 1)
      return false;
    std::vector<ValueId> operands = someValues();
    auto name = callee(operands);
    return name && add(Op::Call, operands, {{"callee", *name}});
  }

  //===--------------------------------------------------------------------===//
  // The host
  //===--------------------------------------------------------------------===//

  bool show() {
    auto x = *find([](const TensorType &) { return true; });
    return effect(Op::Print, x, "label", "p" + std::to_string(world.labels++));
  }

  /// Checks what holds whatever the value is.
  bool assume() {
    auto x = findDType(DType::Bool);
    auto inverse = x ? addNode(Op::LogicalNot, {*x}) : std::nullopt;
    auto either = inverse ? addNode(Op::LogicalOr, {*x, *inverse}) : std::nullopt;
    return either && effect(Op::Check, *either, "message", "one of both holds");
  }

  bool effect(Op op, ValueId operand, const char *attribute, const std::string &text) {
    return builder.nodes(op, {operand}, {{attribute, text}}).ok();
  }

  bool custom() {
    auto x = *find([](const TensorType &) { return true; });
    TensorType type = typeOf(x);
    return add(Op::Custom, {x},
               {{"function", std::string(kIdentity)},
                {"dtype", std::string(dtypeName(type.dtype))},
                {"shape", type.dims}});
  }

  //===--------------------------------------------------------------------===//
  // Control flow. Blocks call functions, which get inlined into them.
  //===--------------------------------------------------------------------===//

  std::vector<ValueId> blockInputs(const std::vector<TensorType> &types) {
    builder.beginBlock();
    std::vector<ValueId> inputs;
    for (const TensorType &type : types)
      inputs.push_back(builder.input("b", type));
    return inputs;
  }

  std::vector<ValueId> inBlock(Op op, std::vector<ValueId> operands, Attributes attributes = {}) {
    auto results = builder.nodes(op, std::move(operands), std::move(attributes));
    if (!results)
      throw std::runtime_error("a generated block is refused: " + results.error().message);
    return *results;
  }

  std::vector<TensorType> typesOf(const std::vector<ValueId> &ids) const {
    std::vector<TensorType> types;
    for (ValueId id : ids)
      types.push_back(typeOf(id));
    return types;
  }

  /// One block calls a function, the other negates what it gives.
  bool branch() {
    if (depth > 1)
      return false;
    auto predicate = partner({DType::Bool, {}});
    std::vector<ValueId> operands = someValues();
    auto name = callee(operands);
    if (!predicate || !name)
      return false;
    std::vector<Block> blocks;
    for (bool negate : {false, true}) {
      std::vector<ValueId> results =
          inBlock(Op::Call, blockInputs(typesOf(operands)), {{"callee", *name}});
      if (negate)
        for (ValueId &result : results)
          result =
              inBlock(typeOf(result).dtype == DType::Bool ? Op::LogicalNot : Op::Neg, {result})[0];
      blocks.push_back(builder.endBlock(results));
    }
    operands.insert(operands.begin(), *predicate);
    return add(Op::If, operands, {}, std::move(blocks));
  }

  /// Combines a value with another one a few times.
  bool loop() {
    ValueId x = live[random.below(live.size())].id;
    auto y = partner(typeOf(x));
    auto zero = addNode(Op::Constant, {}, {{"value", scalar(0)}});
    auto times = addNode(Op::Constant, {}, {{"value", scalar(random.between(0, 4))}});
    if (!y || !zero || !times)
      return false;
    std::vector<TensorType> types = typesOf({*zero, x, *y, *times});
    std::vector<Block> blocks;
    std::vector<ValueId> in = blockInputs(types);
    blocks.push_back(
        builder.endBlock(inBlock(Op::Compare, {in[0], in[3]}, {{"direction", std::string("lt")}})));
    in = blockInputs(types);
    ValueId one = inBlock(Op::Constant, {}, {{"value", scalar(1)}})[0];
    ValueId next = inBlock(Op::Add, {in[0], one})[0];
    blocks.push_back(builder.endBlock({next, combine(in[1], in[2])}));
    return add(Op::While, {*zero, x, *y, *times}, {{"carried", int64_t(2)}, {"limit", int64_t(4)}},
               std::move(blocks));
  }

  static Tensor scalar(int64_t value) {
    Tensor tensor = *Tensor::zeros(DType::I32, {});
    *tensor.dataAs<int32_t>() = static_cast<int32_t>(value);
    return tensor;
  }

  ValueId combine(ValueId a, ValueId b) {
    const Op numeric[] = {Op::Add, Op::Sub, Op::Max, Op::Min, Op::Mul};
    const Op logical[] = {Op::LogicalAnd, Op::LogicalOr};
    return inBlock(typeOf(a).dtype == DType::Bool ? random.pick(logical) : random.pick(numeric),
                   {a, b})[0];
  }

  /// Combines a value with one slice after the other and collects what a function
  /// makes of both.
  bool scan() {
    if (depth > 1)
      return false;
    auto xs = findRanked(1);
    if (!xs)
      return false;
    TensorType whole = typeOf(*xs), type{whole.dtype, {whole.dims.begin() + 1, whole.dims.end()}};
    auto initial = partner(type);
    if (!initial)
      return false;
    // The function is grown on the first slice, or on zeros if there is none.
    const Bounded &all = valueOf(*xs);
    Bounded first = valueOf(*initial);
    if (all.value.shape()[0] > 0) {
      int64_t size = first.value.size();
      first = {all.value.view(first.value.shape(), 0),
               {all.error.begin(), all.error.begin() + size}};
    }
    auto name = callee({{type, valueOf(*initial)}, {type, first}});
    if (!name)
      return false;
    std::vector<ValueId> in = blockInputs({type, type});
    ValueId state = combine(in[0], in[1]);
    std::vector<ValueId> outputs{state};
    for (ValueId made :
         inBlock(Op::Call, {random.chance(50) ? state : in[0], in[1]}, {{"callee", *name}}))
      outputs.push_back(made);
    std::vector<Block> blocks{builder.endBlock(outputs)};
    return add(Op::Scan, {*initial, *xs},
               {{"carried", int64_t(1)}, {"sequences", int64_t(1)}, {"reverse", random.chance(30)}},
               std::move(blocks));
  }

  /// Values of one type that steps combine, keep, exchange and collect.
  bool recurrence() {
    auto xs = findRanked(1);
    if (!xs)
      return false;
    TensorType whole = typeOf(*xs), type{whole.dtype, {whole.dims.begin() + 1, whole.dims.end()}};
    std::vector<ValueId> operands;
    int64_t carried = random.between(1, 4);
    for (int64_t i = 0; i < carried; ++i)
      if (auto initial = partner(type))
        operands.push_back(*initial);
    operands.push_back(*xs);
    if (auto other = partner(type))
      operands.push_back(*other);
    if (static_cast<int64_t>(operands.size()) < carried + 2)
      return false;
    std::vector<TensorType> types = typesOf(operands);
    types[static_cast<size_t>(carried)] = type;
    std::vector<ValueId> values = blockInputs(types), outputs;
    for (int64_t i = random.between(1, 3); i > 0; --i)
      values.push_back(
          combine(values[random.below(values.size())], values[random.below(values.size())]));
    for (int64_t i = carried + random.between(0, 3); i > 0; --i)
      outputs.push_back(values[random.below(values.size())]);
    std::vector<Block> blocks{builder.endBlock(outputs)};
    return add(Op::Scan, operands,
               {{"carried", carried}, {"sequences", int64_t(1)}, {"reverse", random.chance(30)}},
               std::move(blocks));
  }
};

} // namespace

Specimen generate(uint64_t seed) {
  World world(seed);
  Random &random = world.random;
  world.specials = random.chance(15);
  world.continuous = random.chance(50);
  std::string dim = random.chance(30) ? "batch" : "";
  FunctionGenerator main(world, "main", 0, dim, dim.empty() ? 0 : random.pick(kSymbolicSizes));
  for (int64_t i = random.between(1, 3); i > 0; --i)
    main.addRandomInput(main.randomType());
  main.grow(random.between(1, 13));
  std::vector<Bounded> inputs = main.inputs();
  Function function = main.finish();

  Specimen specimen;
  for (size_t i = 0; i < function.body.inputs.size(); ++i)
    specimen.inputs.emplace(function.values[static_cast<size_t>(function.body.inputs[i])].name,
                            std::move(inputs[i].value));
  specimen.graph = std::move(world.graph);
  specimen.graph.functions.insert(specimen.graph.functions.begin(), std::move(function));
  specimen.parameters = std::move(world.parameters);
  for (const Status &status :
       {validate(specimen.graph), checkExecutable(specimen.graph, specimen.graph.functions[0])})
    if (!status)
      throw std::runtime_error("seed " + std::to_string(seed) +
                               " gives a graph that is not valid: " + status.error().message);
  return specimen;
}

} // namespace mlc::test
