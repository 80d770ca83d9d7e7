// What the calling thread's floating-point environment changes, and what it does not
// (docs/rationale/floating-point.md).
#include "TestGraphs.h"

#include "mlc/Api/Jit.h"
#include "mlc/Model/Model.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <xmmintrin.h>

using namespace mlc;

namespace {

constexpr unsigned kFlags = 0x3f, kMasks = 0x1f80, kDenormalsAreZero = 0x40, kFlushToZero = 0x8000,
                   kDown = 0x2000, kUp = 0x4000, kTowardsZero = 0x6000,
                   kFlush = kFlushToZero | kDenormalsAreZero;
constexpr float kSmallestNormal = std::numeric_limits<float>::min();

/// While it lives MXCSR is `bits`, with all exceptions masked unless `bits` is 0.
class Environment {
public:
  explicit Environment(unsigned bits, unsigned masks = kMasks) : saved(_mm_getcsr()) {
    _mm_setcsr(bits | masks);
  }
  ~Environment() { _mm_setcsr(saved); }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

private:
  unsigned saved;
};

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

bool sameBits(const Tensor &a, const Tensor &b) {
  return a.byteSize() == b.byteSize() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.byteSize())) == 0;
}

std::string hex(const Tensor &tensor) {
  std::string text;
  for (float value : values(tensor)) {
    char number[16];
    std::snprintf(number, sizeof number, "%08x ", bitsOf(value));
    text += number;
  }
  return text;
}

struct Elementary {
  const char *name;
  Tensor (*function)(const Tensor &);
  float smallest = kSmallestNormal; ///< Of arguments that no step makes denormal.
};
const Elementary kElementary[] = {
    {"exp", [](const Tensor &x) { return exp(x); }},
    {"log", [](const Tensor &x) { return log(x); }},
    {"tanh", [](const Tensor &x) { return tanh(x); }},
    {"sigmoid", [](const Tensor &x) { return sigmoid(x); }},
    {"erf", [](const Tensor &x) { return erf(x); }},
    {"gelu erf", [](const Tensor &x) { return gelu(x); }, 4 * kSmallestNormal},
    {"gelu tanh", [](const Tensor &x) { return gelu(x, "tanh"); }},
    {"sqrt", [](const Tensor &x) { return sqrt(x); }},
    {"rsqrt", [](const Tensor &x) { return rsqrt(x); }},
    {"relu", [](const Tensor &x) { return relu(x); }},
};

/// A bit of everything that computes with floats, on f32[64,64].
Tensor everything(const Tensor &x) {
  Tensor y = softmax(matmul(x, transpose(x) * 0.125) + mean(x, {1}, true));
  y = y * gelu(x) + gelu(y, "tanh") - erf(x) / (1 + exp(-x));
  y = select(x < y, tanh(x), sigmoid(y)) + log(abs(x) + 1) + sqrt(abs(y)) * rsqrt(abs(x) + 2);
  return maximum(y, minimum(x, 0.5)) + cast(cast(x * 100, DType::I32), DType::F32) +
         sum(y, {0}, true) - max(x, {0}, true);
}

} // namespace

TEST_CASE("running neither reads nor changes the control bits of MXCSR") {
  Tensor x = randomNormal({64, 64}, 1), small = x * 1e-40;
  auto function = jit(everything);
  Executable model = function.compile(x);
  CHECK(function.lower("asm", x).find("mxcsr") == std::string::npos);
  for (unsigned bits :
       {0U, kFlush, kFlushToZero, kDenormalsAreZero, kUp, kDown | kFlush, kTowardsZero}) {
    for (const Tensor &input : {x, small}) {
      Call call = get(model.bind({{"x", input}}));
      unsigned after;
      bool good;
      {
        Environment environment(bits);
        good = call.run().ok();
        after = _mm_getcsr() & ~kFlags;
      }
      INFO(bits);
      CHECK(good);
      CHECK(after == (bits | kMasks));
    }
  }
}

TEST_CASE("flushing changes nothing where there is no denormal") {
  Tensor x = randomNormal({64, 64}, 1);
  Executable model = jit(everything).compile(x);
  Call call = get(model.bind({{"x", x}}));
  check(call.run());
  Tensor kept = call.outputs()[0].clone();
  {
    Environment environment(kFlush);
    check(call.run());
  }
  CHECK(sameBits(call.outputs()[0], kept));
}

TEST_CASE("flushing changes elementary functions at denormal arguments and results only") {
  // A stride of floats. The smallest normal counts as a result that may be flushed: what
  // rounds up to it may be below it before.
  constexpr uint64_t stride = 1009, count = (uint64_t(1) << 32) / stride;
  Tensor x = zeros({static_cast<int64_t>(count)});
  for (uint64_t i = 0; i < count; ++i)
    x.dataAs<float>()[i] = fromBits(static_cast<uint32_t>(i * stride));
  for (const Elementary &elementary : kElementary) {
    Executable model = jit(elementary.function).compile(x);
    Call call = get(model.bind({{"x", x}}));
    check(call.run());
    Tensor kept = call.outputs()[0].clone();
    {
      Environment environment(kFlush);
      check(call.run());
    }
    long flushed = 0, wrong = 0;
    float first = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      float argument = x.dataAs<float>()[i], result = kept.dataAs<float>()[i];
      if (bitsOf(result) == bitsOf(call.outputs()[0].dataAs<float>()[i]))
        continue;
      if (std::fabs(argument) < elementary.smallest || std::fabs(result) <= kSmallestNormal)
        ++flushed;
      else if (wrong++ == 0)
        first = argument;
    }
    INFO(elementary.name << ", the first at " << first << "; where denormal: " << flushed);
    CHECK(wrong == 0);
  }
}

TEST_CASE("denormals are kept, and flushed when the caller flushes") {
  struct Example {
    const char *name;
    Tensor (*function)(const Tensor &);
    float x, kept, flushed;
  };
  const float d = 0x1p-140f, infinity = std::numeric_limits<float>::infinity();
  const Example examples[] = {
      {"mul", [](const Tensor &x) { return x * 0x1p-70; }, 0x1p-70f, d, 0},
      {"add", [](const Tensor &x) { return x + x; }, d, 2 * d, 0},
      {"div", [](const Tensor &x) { return 1 / x; }, 0x1p127f, 0x1p-127f, 0},
      {"matmul", [](const Tensor &x) { return matmul(x, x); }, 0x1p-70f, 4 * d, 0},
      {"sum", [](const Tensor &x) { return broadcastTo(sum(x), {4, 4}); }, d, 16 * d, 0},
      {"exp", [](const Tensor &x) { return exp(x); }, -100, 0x1.b4p-145f, 0},
      {"log", [](const Tensor &x) { return log(x); }, d, -97.0406f, -infinity},
      {"tanh", [](const Tensor &x) { return tanh(x); }, d, d, 0},
      {"sqrt", [](const Tensor &x) { return sqrt(x); }, d, 0x1p-70f, 0},
      {"rsqrt", [](const Tensor &x) { return rsqrt(x); }, d, 0x1p70f, infinity},
      {"compare", [](const Tensor &x) { return cast(x > 0, DType::F32); }, d, 1, 0},
      // What moves values does not compute with them.
      {"transpose", [](const Tensor &x) { return transpose(x); }, d, d, d},
      {"concat", [](const Tensor &x) { return slice(concat({x, x}), 0, 2, 6); }, d, d, d},
      {"neg", [](const Tensor &x) { return -x; }, d, -d, -d},
      {"abs", [](const Tensor &x) { return abs(x); }, -d, d, d},
      {"select", [](const Tensor &x) { return select(eq(x, x), x, 1); }, d, d, d},
  };
  for (const Example &example : examples) {
    Tensor x = full({4, 4}, 1);
    for (int64_t i = 0; i < 16; ++i)
      x.dataAs<float>()[i] = example.x;
    Executable model = jit(example.function).compile(x);
    Call call = get(model.bind({{"x", x}}));
    check(call.run());
    INFO(example.name << " of " << example.x);
    CHECK(values(call.outputs()[0]) == std::vector<float>(16, example.kept));
    {
      Environment environment(kFlush);
      check(call.run());
    }
    CHECK(values(call.outputs()[0]) == std::vector<float>(16, example.flushed));
  }
}

//===----------------------------------------------------------------------===//
// What a model becomes
//===----------------------------------------------------------------------===//

namespace {

/// The environments in which a model is made, and the traps that are not masked.
const std::pair<unsigned, unsigned> kMakers[] = {
    {kFlush, kMasks}, {kUp, kMasks}, {kDown | kFlush, kMasks}, {kTowardsZero, kMasks}, {0, 0}};

/// The bits of what a model returns when it runs in the default environment.
std::string resultOf(const Executable &model) {
  Tensor x = ones(model.interface().inputs[0].dims);
  return hex(get(model({{"x", x}})).begin()->second);
}

/// `make` gives an executable with one input x; it is the same in every environment.
template <typename Make> void checkMadeTheSame(Make make) {
  Executable expected = make();
  for (auto [bits, masks] : kMakers) {
    std::optional<Executable> made;
    unsigned after;
    {
      Environment environment(bits, masks);
      made = make();
      after = _mm_getcsr();
    }
    INFO(std::hex << bits << " " << masks);
    CHECK((after & ~kFlags) == (bits | masks));
    CHECK((made->imageBytes() == expected.imageBytes())); // not printed
    CHECK(resultOf(*made) == resultOf(expected));
  }
}

} // namespace

TEST_CASE("parameters are prepared the same however the caller computes") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", type({4}));
  graph.parameters.push_back({"w", type({4})});
  ValueId w = get(builder.node(Op::Parameter, {}, {{"parameter", std::string("w")}}, "w"));
  // A square that is denormal, a product that is inexact.
  ValueId square = get(builder.node(Op::Mul, {w, w}));
  builder.output(get(builder.node(Op::Mul, {x, square})), "y");
  graph.functions.push_back(builder.finish());
  TensorMap weights{{"w", tensor({4}, {0x1p-70f, 0.1f, -0.3f, 0x1p-64f})}};
  // Each has an engine of its own, as an engine keeps what it compiled.
  checkMadeTheSame([&] { return get(get(Engine::create()).compile(graph, weights)); });
}

TEST_CASE("constants are folded the same however the caller computes") {
  checkMadeTheSame([] {
    Graph graph;
    FunctionBuilder builder(graph, "main");
    ValueId x = builder.input("x", type({4}));
    auto constant = [&](float value) {
      return get(
          builder.node(Op::Constant, {}, {{"value", tensor({4}, {value, value, value, value})}}));
    };
    for (float value : {2.0f, 3.0f, 0x1p-140f, 0.7f, 0x1p-70f})
      for (Op op : {Op::Sqrt, Op::Rsqrt, Op::Exp, Op::Log, Op::Tanh}) {
        ValueId y = get(builder.node(op, {constant(value)}));
        x = get(builder.node(Op::Mul, {x, get(builder.node(Op::Div, {y, constant(3)}))}));
      }
    builder.output(x, "y");
    graph.functions.push_back(builder.finish());
    return get(get(Engine::create()).compile(graph, {}));
  });
}

TEST_CASE("functions are traced the same however the caller computes") {
  checkMadeTheSame([] {
    JitOptions options;
    options.engine = get(Engine::create());
    return jit([](const Tensor &x) { return (x * 0.1 + full({4}, 1e-40)) * full({4}, 0.7); },
               options)
        .compile(zeros({4}));
  });
}

TEST_CASE("model files are read the same however the caller computes") {
  const std::string text = R"({"format_version": 1, "parameters": [], "functions": [
      {"name": "main", "inputs": [{"name": "x", "dtype": "f32", "dims": [4]}],
       "nodes": [
         {"name": "c", "op": "constant", "operands": [],
          "results": [{"name": "c", "dtype": "f32", "dims": [4]}],
          "attributes": {"value": {"dtype": "f32", "dims": [4],
                                   "data": [0.1, 1e-40, 0.3, 16777217.0]}}},
         {"name": "sum", "op": "mul", "operands": ["x", "c"],
          "results": [{"name": "s", "dtype": "f32", "dims": [4]}]}],
       "outputs": [{"name": "y", "value": "s"}]}]})";
  checkMadeTheSame([&] {
    Model model = get(parseModel(text, "text"));
    return get(get(Engine::create()).compile(model.graph, model.parameters));
  });
}
