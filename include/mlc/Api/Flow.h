//===- Flow.h - Control flow on tensor values -------------------*- C++ -*-===//
//
// An `if` or `while` of C++ decides when the function is traced; these decide when it
// runs, on values that tensors have then. They mean the same on tensors at hand, where
// they run at once, and in a trace, where they become one op (`if`, `while` or `scan`)
// whose blocks are traced from the functions given:
//
//   auto [last, all] = mlc::scan(
//       [&](const Tensor &state, const Tensor &x) {
//         Tensor next = tanh(matmul(x, in) + matmul(state, weights));
//         return std::pair(next, next);
//       },
//       zeros({batch, hidden}), sequence);
//
// States, arguments, elements of sequences and results are what Leaves.h names: a
// tensor, a container or struct of tensors. Their numbers and strings must come back as
// they went in: what changes from step to step is a tensor. Functions may use tensors
// from around them, traced ones too; tensors made in them are of no use outside but as
// results. In a trace every function runs once, whatever is chosen later. What runs on
// tensors at hand may return tensors that share memory with what it was given.
//
// Everything here throws mlc::Error, which names the caller's source line, or what the
// functions throw.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_API_FLOW_H
#define MLC_API_FLOW_H

#include "mlc/Api/Leaves.h"
#include "mlc/Api/Ops.h"
#include "mlc/Support/Version.h"

#include <functional>
#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace detail {

/// A block of an op: from the tensors that it is given to those that it returns.
using FlowBlock = std::function<std::vector<Tensor>(const std::vector<Tensor> &)>;

/// Runs or records an op with blocks.
std::vector<Tensor> applyFlow(Op op, const std::vector<Tensor> &operands, Attributes attributes,
                              const std::vector<FlowBlock> &blocks, const SourceLocation &where);

/// Throws unless both have as many tensors and the same numbers and strings.
void checkSameLeaves(const Leaves &got, const Leaves &expected, const std::string &what,
                     const SourceLocation &where);

template <typename T>
void checkSameStructure(const T &got, const T &expected, const char *what,
                        const SourceLocation &where) {
  Leaves a, b;
  a.collect(got);
  b.collect(expected);
  checkSameLeaves(a, b, what, where);
}

template <typename... T> std::vector<Tensor> tensorsIn(const T &...values) {
  Leaves leaves;
  (leaves.collect(values), ...);
  std::vector<Tensor> tensors;
  for (const Tensor *tensor : leaves)
    tensors.push_back(*tensor);
  return tensors;
}

template <typename T> T withTensors(T value, const Tensor *tensors) {
  replaceLeaves(value, {tensors});
  return value;
}

template <typename Body, typename State, typename X> struct ScanResult {
  using type = std::decay_t<std::invoke_result_t<Body &, const State &, const X &>>;
};
template <typename Body, typename State> struct ScanResult<Body, State, int64_t> {
  using type = std::decay_t<std::invoke_result_t<Body &, const State &>>;
};

} // namespace detail

/// onTrue(arguments...) if the predicate, a bool without dimensions, holds, else
/// onFalse(arguments...). Both return the same types and shapes.
template <typename OnTrue, typename OnFalse, typename... Args>
auto cond(Operand predicate, OnTrue &&onTrue, OnFalse &&onFalse, const Args &...arguments) {
  using Result = std::decay_t<std::invoke_result_t<OnTrue &, const Args &...>>;
  static_assert(
      std::is_same_v<Result, std::decay_t<std::invoke_result_t<OnFalse &, const Args &...>>>,
      "mlc::cond: the two functions return different types");
  std::optional<Result> result;
  auto block = [&](auto &function) {
    return [&](const std::vector<Tensor> &inputs) {
      auto copies = detail::withTensors(std::tuple<Args...>(arguments...), inputs.data());
      Result made = std::apply(function, std::as_const(copies));
      if (result)
        detail::checkSameStructure(made, *result, "cond: the second function returns",
                                   predicate.where);
      std::vector<Tensor> tensors = detail::tensorsIn(made);
      result = std::move(made);
      return tensors;
    };
  };
  std::vector<Tensor> operands = detail::tensorsIn(arguments...);
  operands.insert(operands.begin(), predicate.tensor
                                        ? *predicate.tensor
                                        : full({}, predicate.integer != 0, DType::Bool));
  std::vector<Tensor> tensors =
      detail::applyFlow(Op::If, operands, {}, {block(onTrue), block(onFalse)}, predicate.where);
  return detail::withTensors(std::move(*result), tensors.data());
}

/// state = body(state) as long as condition(state), a bool without dimensions, holds.
/// More than `limit` rounds are an error (ErrorKind::ResourceLimit). The types and
/// shapes of the state stay as they are.
template <typename Condition, typename Body, typename State>
State whileLoop(Condition &&condition, Body &&body, const State &init, int64_t limit = 1000000,
                SourceLocation where = SourceLocation::here()) {
  static_assert(
      std::is_same_v<std::decay_t<std::invoke_result_t<Condition &, const State &>>, Tensor>,
      "mlc::whileLoop: the condition does not return a tensor");
  static_assert(std::is_same_v<std::decay_t<std::invoke_result_t<Body &, const State &>>, State>,
                "mlc::whileLoop: the body does not return the type of the state");
  std::vector<Tensor> operands = detail::tensorsIn(init);
  Attributes attributes{{"carried", static_cast<int64_t>(operands.size())}, {"limit", limit}};
  std::vector<Tensor> tensors = detail::applyFlow(
      Op::While, operands, attributes,
      {[&](const std::vector<Tensor> &inputs) {
         return std::vector<Tensor>{condition(detail::withTensors(init, inputs.data()))};
       },
       [&](const std::vector<Tensor> &inputs) {
         State next = body(detail::withTensors(init, inputs.data()));
         detail::checkSameStructure(next, init, "whileLoop: the body returns", where);
         return detail::tensorsIn(next);
       }},
      where);
  return detail::withTensors(init, tensors.data());
}

/// For x in the sequence: {state, y} = body(state, x), with x the elements along the
/// first dimension of the tensors in `sequence`, or, if that is an int64_t, that many
/// times {state, y} = body(state). Returns the last state, and the ys stacked along a
/// new first dimension; std::tuple<>() is a y of nothing. `reverse` goes from the last x
/// to the first and stacks the ys in the order of the xs. The types and shapes of the
/// state stay as they are.
template <typename Body, typename State, typename Xs>
auto scan(Body &&body, const State &init, const Xs &sequence, bool reverse = false,
          SourceLocation where = SourceLocation::here()) {
  constexpr bool counts = std::is_integral_v<Xs>;
  using X = std::conditional_t<counts, int64_t, Xs>;
  using Result = typename detail::ScanResult<Body, State, X>::type;
  static_assert(std::is_same_v<State, std::decay_t<decltype(std::declval<Result &>().first)>>,
                "mlc::scan: the body does not return a std::pair of the state and a y");
  std::vector<Tensor> operands = detail::tensorsIn(init);
  auto carried = operands.size();
  int64_t length = -1, sequences = 0;
  if constexpr (counts) {
    length = static_cast<int64_t>(sequence);
  } else {
    for (Tensor &tensor : detail::tensorsIn(sequence))
      operands.push_back(std::move(tensor));
    sequences = static_cast<int64_t>(operands.size() - carried);
  }
  std::optional<Result> result;
  std::vector<Tensor> tensors = detail::applyFlow(
      Op::Scan, operands,
      {{"carried", static_cast<int64_t>(carried)},
       {"sequences", sequences},
       {"length", length},
       {"reverse", reverse}},
      {[&](const std::vector<Tensor> &inputs) {
        State state = detail::withTensors(init, inputs.data());
        Result made = [&] {
          if constexpr (counts)
            return body(std::as_const(state));
          else
            return body(std::as_const(state),
                        detail::withTensors(sequence, inputs.data() + carried));
        }();
        detail::checkSameStructure(made.first, init, "scan: the body returns as state", where);
        if (result)
          detail::checkSameStructure(made, *result, "scan: a later step returns", where);
        std::vector<Tensor> outputs = detail::tensorsIn(made);
        result = std::move(made);
        return outputs;
      }},
      where);
  return detail::withTensors(std::move(*result), tensors.data());
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_API_FLOW_H
