// Control flow written in C++: the same eagerly and compiled, and its wrong use.
#include "TestGraphs.h"

#include "mlc/Api/Jit.h"

using namespace mlc;
using Catch::Contains;
using Floats = std::vector<float>;

namespace {

struct Counter {
  Tensor value, steps;
  template <typename Visit> void tensors(Visit &&visit) { visit(value, steps); }
};

/// The values of f(arguments...) run at once, after checking that compiled they are equal.
template <typename F, typename... Args> Floats both(const F &f, const Args &...arguments) {
  Floats eager = values(f(arguments...));
  CHECK(values(jit(f)(arguments...)) == eager);
  return eager;
}

/// The error of f(x) run at once, after checking that traced it is the same.
template <typename F> std::string bothErrors(const F &f, const Tensor &x) {
  std::string eager = errorOf([&] { f(x); });
  CHECK(errorOf([&] { jit(f)(x); }) == eager);
  return eager;
}

std::string here(int line) { return "FlowTest.cpp:" + std::to_string(line); }

const Tensor weights = arange(64, DType::F32); // too large for a constant

} // namespace

TEST_CASE("cond chooses when it runs") {
  auto f = [](const Tensor &x) {
    return cond(
        sum(x) > 0, [](const Tensor &t) { return t + 1; },
        [&](const Tensor &t) { return t * x - 1; }, x);
  };
  CHECK(both(f, array({1, 2})) == Floats{2, 3});
  CHECK(both(f, array({-1, -2})) == Floats{0, 3});
  auto compiled = jit(f);
  compiled(array({1, 2}));
  CHECK(values(compiled(array({-1, -2}))) == Floats{0, 3}); // traced once, for both
  auto fixed = [](const Tensor &x) {
    return cond(true, [](const Tensor &t) { return -t; }, [](const Tensor &t) { return t; }, x);
  };
  CHECK(both(fixed, array({1})) == Floats{-1});
  auto pairs = [](const Tensor &x) {
    auto [a, b] = cond(
        max(x) < 3, [&] { return std::pair(x, sum(x)); }, [&] { return std::pair(-x, min(x)); });
    return a * b;
  };
  CHECK(both(pairs, array({1, 2})) == Floats{3, 6});
  CHECK(both(pairs, array({4, 2})) == Floats{-8, -4});
}

TEST_CASE("whileLoop stops when the data says so") {
  auto halve = [](const Tensor &x) {
    Counter end = whileLoop([](const Counter &c) { return max(c.value) > 1; },
                            [](const Counter &c) { return Counter{c.value / 2, c.steps + 1}; },
                            Counter{x, zeros({})});
    return concat({end.value, reshape(end.steps, {1})});
  };
  CHECK(both(halve, array({8, 4})) == Floats{1, 0.5, 3});
  CHECK(both(halve, array({1, 0})) == Floats{1, 0, 0});
}

TEST_CASE("scan carries, collects, and uses what is around it") {
  auto recurrent = [](const Tensor &xs) {
    Tensor w = reshape(weights, {8, 8}) / 64;
    auto [last, all] = scan(
        [&](const Tensor &state, const Tensor &x) {
          Tensor next = matmul(state, w) + x;
          return std::pair(next, sum(next));
        },
        zeros({1, 8}), xs);
    return concat({reshape(last, {-1}), all});
  };
  Tensor xs = randomUniform({5, 1, 8}, 1);
  Floats got = both(recurrent, xs);
  // The same, unrolled.
  Tensor w = reshape(weights, {8, 8}) / 64, state = zeros({1, 8});
  Floats sums;
  for (int64_t i = 0; i < 5; ++i) {
    state = matmul(state, w) + reshape(slice(xs, 0, i, i + 1), {1, 8});
    sums.push_back(sum(state).item<float>());
  }
  Floats expected = values(state);
  expected.insert(expected.end(), sums.begin(), sums.end());
  CHECK(got == expected);
  CHECK(both(recurrent, zeros({0, 1, 8})) == Floats(8, 0)); // nothing collected
}

TEST_CASE("a scan of known length, in reverse, with nothing collected or carried") {
  auto powers = [](const Tensor &x) {
    return scan([&](const Tensor &p) { return std::pair(p * x, p); }, ones({}), 4).second;
  };
  CHECK(both(powers, full({}, 3)) == Floats{1, 3, 9, 27});
  auto suffix = [](const Tensor &x) {
    return scan([](const Tensor &s, const Tensor &e) { return std::pair(s + e, s + e); }, zeros({}),
                x, /*reverse=*/true)
        .second;
  };
  CHECK(both(suffix, array({1, 2, 3})) == Floats{6, 5, 3});
  auto total = [](const Tensor &x) {
    return scan([](const Tensor &s, const Tensor &e) { return std::pair(s + e, std::tuple<>()); },
                zeros({}), x)
        .first;
  };
  CHECK(both(total, array({1, 2, 3})) == Floats{6});
  auto mapped = [](const Tensor &x) {
    using Two = std::pair<Tensor, Tensor>;
    auto [none, ys] = scan(
        [](std::tuple<> nothing, const Two &e) { return std::pair(nothing, e.first * e.second); },
        std::tuple<>(), Two(x, x + 1));
    return ys;
  };
  CHECK(both(mapped, array({1, 2, 3})) == Floats{2, 6, 12});
}

TEST_CASE("loops in loops share what is outside") {
  auto f = [](const Tensor &x) {
    Tensor scale = x * 2; // used two levels in
    return scan(
               [&](const Tensor &state, const Tensor &row) {
                 Tensor inner = whileLoop(
                     [&](const Tensor &t) { return sum(t) < sum(scale); },
                     [&](const Tensor &t) {
                       return cond(max(t) > 5, [&] { return t * 2; }, [&] { return t + 1 + row; });
                     },
                     state);
                 return std::pair(inner, inner + sum(weights));
               },
               zeros({2}), x)
        .second;
  };
  // Sums until 20: (0,0), (2,3), (4,6), (8,12), where the second row has nothing to add.
  float all = 63 * 64 / 2;
  CHECK(both(f, array({1, 2, 3, 4}, {2, 2})) == Floats{all + 8, all + 12, all + 8, all + 12});
}

TEST_CASE("a scan's code does not grow with its steps") {
  auto f = jit([](const Tensor &xs) {
    return scan(
               [](const Tensor &s, const Tensor &x) {
                 Tensor next = tanh(matmul(s, reshape(weights, {8, 8})) + x);
                 return std::pair(next, next);
               },
               zeros({1, 8}), xs)
        .second;
  });
  auto lines = [&](int64_t steps) {
    std::string text = f.lower("asm", zeros({steps, 1, 8}));
    return std::count(text.begin(), text.end(), '\n');
  };
  CHECK(lines(64) == lines(6400));
}

TEST_CASE("the steps of a scan may be a dimension of any size") {
  JitOptions options;
  options.dims = {"steps"};
  auto f = jit(
      [](const Tensor &xs) {
        return scan([](const Tensor &s, const Tensor &x) { return std::pair(s + x, s + x); },
                    zeros({}), xs)
            .second;
      },
      options);
  CHECK(values(f(array({1, 2, 3}))) == Floats{1, 3, 6});
  CHECK(values(f(array({5}))) == Floats{5});
  CHECK(f(zeros({0})).shape() == Shape{0});
}

TEST_CASE("a loop whose types change is refused where it is called") {
  Tensor x = array({1, 2});
  int line = __LINE__ + 2;
  auto grows = [](const Tensor &t) {
    return whileLoop([](const Tensor &s) { return sum(s) < 9; },
                     [](const Tensor &s) { return concat({s, s}); }, t);
  };
  CHECK_THAT(bothErrors(grows, x),
             Contains(here(line)) && Contains("while [C5]") && Contains("f32[4]"));
  auto retypes = [](const Tensor &t) {
    return scan([](const Tensor &s, const Tensor &) { return std::pair(s > 0, s); }, t, t).second;
  };
  CHECK_THAT(bothErrors(retypes, x), Contains("scan [C5]") && Contains("bool[2]"));
  auto condition = [](const Tensor &t) {
    return whileLoop([](const Tensor &s) { return s > 0; }, [](const Tensor &s) { return s; }, t);
  };
  CHECK_THAT(bothErrors(condition, x), Contains("while [C4]") && Contains("bool[2]"));
  auto predicate = [](const Tensor &t) { return cond(t, [&] { return t; }, [&] { return t; }); };
  CHECK_THAT(bothErrors(predicate, x), Contains("if [C1]") && Contains("f32[2]"));
  auto scalar = [](const Tensor &t) {
    return scan([](const Tensor &s, const Tensor &) { return std::pair(s, s); }, t, sum(t)).first;
  };
  CHECK_THAT(bothErrors(scalar, x), Contains("scan [C2]") && Contains("no steps"));
  auto branches = jit(
      [](const Tensor &t) { return cond(sum(t) > 0, [&] { return t; }, [&] { return sum(t); }); });
  CHECK_THAT(errorOf([&] { branches(x); }), Contains("if [C3]"));
}

TEST_CASE("what changes from step to step must be a tensor") {
  using State = std::pair<Tensor, int>;
  auto f = [](const Tensor &t) {
    return scan([](const State &s,
                   const Tensor &e) { return std::pair(State(s.first + e, s.second + 1), e); },
                State(zeros({}), 0), t)
        .first.first;
  };
  CHECK_THAT(bothErrors(f, array({1, 2})), Contains("what changes must be a tensor"));
  using List = std::vector<Tensor>;
  auto longer = [](const Tensor &t) {
    return whileLoop([](const List &s) { return sum(s[0]) < 1; },
                     [](const List &s) { return List{s[0], s[0]}; }, List{t})[0];
  };
  CHECK_THAT(bothErrors(longer, array({0})), Contains("returns 2 tensors, expected 1"));
}

TEST_CASE("a while that never ends meets its limit") {
  auto f = [](const Tensor &t) {
    return whileLoop([](const Tensor &s) { return sum(s) < 1e9; },
                     [](const Tensor &s) { return s; }, t, 10);
  };
  Tensor x = array({1});
  for (auto run : {std::function<void()>([&] { f(x); }), std::function<void()>([&] { jit(f)(x); })})
    try {
      run();
      FAIL("no error");
    } catch (const Error &error) {
      CHECK(error.kind == ErrorKind::ResourceLimit);
      CHECK_THAT(error.message, Contains("has run 10 times, its `limit`"));
    }
}

TEST_CASE("tensors stay in the function that makes them") {
  Tensor kept;
  auto f = jit([&](const Tensor &t) {
    Tensor y = whileLoop([](const Tensor &s) { return sum(s) < 9; },
                         [&](const Tensor &s) { return kept = s + 1; }, t);
    return y + kept;
  });
  CHECK_THAT(errorOf([&] { f(array({1})); }),
             Contains("`add` (FlowTest.cpp:") && Contains("must be returned by it"));
}

TEST_CASE("an exception in a block leaves the trace as it was") {
  auto f = jit([](const Tensor &t) {
    try {
      scan(
          [](const Tensor &s, const Tensor &) -> std::pair<Tensor, Tensor> {
            cond(
                sum(s) > 0, [&]() -> Tensor { throw std::runtime_error("mine"); },
                [&] { return s; });
            return {s, s};
          },
          t, t);
    } catch (const std::runtime_error &) {
      return t + 1;
    }
    return t;
  });
  CHECK(values(f(array({1, 2}))) == Floats{2, 3});
}

TEST_CASE("a loop on tensors at hand in a trace is recorded with what it captures") {
  auto f = jit([](const Tensor &x) {
    return scan([&](const Tensor &s, const Tensor &e) { return std::pair(s + e * x, s); },
                zeros({}), array({1, 2, 3}))
        .first;
  });
  CHECK(values(f(full({}, 2))) == Floats{12});
  CHECK(values(f(full({}, 3))) == Floats{18});
}
