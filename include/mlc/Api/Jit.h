//===- Jit.h - C++ functions as compiled graphs -----------------*- C++ -*-===//
//
//   auto f = mlc::jit([](const mlc::Tensor &x) { return mlc::relu(x * 2 + 1); });
//   mlc::Tensor y = f(x); // traces and compiles the first time, then calls
//
// A call with a signature (dtypes, shapes, static arguments) that is new runs the
// C++ function once on traced tensors, which record what is done to them; the graph
// is compiled. From then on a call with that signature runs the native function and
// none of the C++. Tensors that the function captures become parameters: what they
// hold at that moment counts. A jit function called on tensors of another trace
// becomes part of that trace.
//
// What cannot be traced: whatever looks at an element. `if (x > 0)` throws an Error
// that names the line. Functions may not keep traced tensors.
//
// Everything here throws mlc::Error, or what the traced function threw.
// Thread-safety: calls may run on many threads at once if the function itself may;
// threads that meet a new signature together may each trace it.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_API_JIT_H
#define MLC_API_JIT_H

#include "mlc/Api/Leaves.h"
#include "mlc/Graph/Print.h"
#include "mlc/Support/Version.h"
#include "mlc/mlc.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// A signature was met for the first time.
struct TraceEvent {
  std::string function;
  std::string signature; ///< "(f32[batch,4], f32[4])".
  std::string nearest;   ///< The known signature that differs least; empty: the first.
  /// In what they differ: "argument 0 is f32[3,4], was f32[2,4]".
  std::string difference;
};

struct JitOptions {
  std::string name = "f"; ///< Of the graph's function, and in messages.
  /// Names for the leading dimensions of the tensors in the arguments, in order: a
  /// named one takes any size without compiling again. At most one name, which may
  /// recur: it is the same size then.
  std::vector<std::string> dims;
  std::optional<Engine> engine; ///< Nothing: defaultEngine().
  /// Tensors that the function captures, by the names that they get as parameters.
  std::function<TensorMap()> parameters;
  /// Indices of tensors in the arguments, in order, whose memory a call reuses: the
  /// first result of the same type that has no other gets it, without a copy or an
  /// allocation. The caller's tensors then hold those results; their old values are
  /// gone. Not so if another argument of the call lies in the same memory, if the
  /// engine is eager, or in another trace.
  std::vector<size_t> donate;
  std::function<void(const TraceEvent &)> onTrace;
};

/// What jit() does that does not depend on types. See Jit.
class JitFunction {
public:
  /// Runs the C++ function on the tensors given, leaves the result's tensors in the
  /// vector, and returns the result itself, for its other members.
  using Body = std::function<std::shared_ptr<void>(const std::vector<Tensor> &inputs,
                                                   std::vector<Tensor> &outputs)>;
  struct Entry;

  explicit JitFunction(JitOptions options);
  ~JitFunction();

  bool isEager() const;
  /// The entry for a signature, traced and compiled if it is new. `tag` tells types
  /// of arguments apart.
  const Entry &entry(const detail::Leaves &leaves, const void *tag, const Body &body);
  static const void *resultOf(const Entry &entry);
  /// Runs; the results in fresh memory.
  void run(const Entry &entry, const detail::Leaves &leaves, std::vector<Tensor> &outputs) const;
  Tensor runOne(const Entry &entry, const detail::Leaves &leaves) const;
  /// Traces without compiling.
  Model trace(const detail::Leaves &leaves, const Body &body, std::shared_ptr<void> *result) const;
  const Engine &engine() const;
  /// How a traced graph is compiled.
  CompileOptions compileOptions(const Graph &graph) const;

private:
  /// Throws if dimensions of one name differ in size.
  void checkDims(const detail::Leaves &leaves) const;
  const Entry *find(const detail::Leaves &leaves, const void *tag) const;
  std::string typeText(const detail::Leaves &leaves, size_t i) const;
  TraceEvent describe(const detail::Leaves &leaves, const void *tag) const;

  JitOptions options;
  std::atomic<const Entry *> last{nullptr};
  mutable std::mutex mutex; ///< Guards `entries`, which only grows.
  std::vector<std::unique_ptr<const Entry>> entries;
};

/// A function F that is traced and compiled. Copies share what was compiled.
template <typename F> class Jit {
public:
  Jit(F function, JitOptions options)
      : function(std::move(function)), core(std::make_shared<JitFunction>(std::move(options))) {}

  template <typename... Args>
  auto operator()(const Args &...args) const
      -> std::decay_t<std::invoke_result_t<const F &, const Args &...>> {
    using Result = std::decay_t<std::invoke_result_t<const F &, const Args &...>>;
    detail::Leaves leaves;
    (leaves.collect(args), ...);
    if (leaves.anyTraced() || core->isEager())
      return function(args...);
    const JitFunction::Entry &entry =
        core->entry(leaves, &kTag<std::tuple<Args...>>,
                    [&](const std::vector<Tensor> &inputs, std::vector<Tensor> &outputs) {
                      return body(inputs, outputs, args...);
                    });
    if constexpr (std::is_same_v<Result, Tensor>) {
      return core->runOne(entry, leaves);
    } else {
      Result result = *static_cast<const Result *>(JitFunction::resultOf(entry));
      std::vector<Tensor> outputs;
      core->run(entry, leaves, outputs);
      detail::replaceLeaves(result, {outputs.data()});
      return result;
    }
  }

  /// The graph for arguments like these, and the parameters it captured.
  template <typename... Args> Model trace(const Args &...args) const {
    detail::Leaves leaves;
    (leaves.collect(args), ...);
    return core->trace(
        leaves,
        [&](const std::vector<Tensor> &inputs, std::vector<Tensor> &outputs) {
          return body(inputs, outputs, args...);
        },
        nullptr);
  }
  /// The graph as text, one line an op; see Graph/Print.h.
  template <typename... Args> std::string print(const Args &...args) const {
    return mlc::print(trace(args...).graph);
  }
  /// The text of a phase of compilation, see Engine::emit.
  template <typename... Args>
  std::string lower(const std::string &phase, const Args &...args) const {
    Graph graph = trace(args...).graph;
    return detailed(core->engine().emit(graph, phase, core->compileOptions(graph)));
  }
  template <typename... Args> Executable compile(const Args &...args) const {
    Model model = trace(args...);
    return detailed(
        core->engine().compile(model.graph, model.parameters, core->compileOptions(model.graph)));
  }
  /// Writes a model file for arguments like these, see saveModel.
  template <typename... Args> void save(const std::string &path, const Args &...args) const {
    if (Status status = saveModel(path, trace(args...)); !status)
      throw status.takeError();
  }

private:
  template <typename T> static constexpr char kTag = 0;

  template <typename... Args>
  std::shared_ptr<void> body(const std::vector<Tensor> &inputs, std::vector<Tensor> &outputs,
                             const Args &...args) const {
    using Result = std::decay_t<std::invoke_result_t<const F &, const Args &...>>;
    static_assert(!std::is_void_v<Result>, "mlc::jit: the function returns nothing");
    std::tuple<Args...> copies(args...);
    detail::replaceLeaves(copies, {inputs.data()});
    auto result = std::make_shared<Result>(std::apply(function, std::as_const(copies)));
    detail::Leaves leaves;
    leaves.collect(*result);
    for (const Tensor *tensor : leaves)
      outputs.push_back(*tensor);
    // Keep the result's other members, not its traced tensors.
    std::vector<Tensor> nothing(outputs.size());
    detail::replaceLeaves(*result, {nothing.data()});
    return result;
  }

  template <typename T> static T detailed(Result<T> result) {
    if (!result)
      throw result.takeError();
    return std::move(*result);
  }

  F function;
  std::shared_ptr<JitFunction> core;
};

/// Wraps a function of tensors (Leaves.h says what else it may take and give).
template <typename F> Jit<std::decay_t<F>> jit(F &&function, JitOptions options = {}) {
  return Jit<std::decay_t<F>>(std::forward<F>(function), std::move(options));
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_API_JIT_H
