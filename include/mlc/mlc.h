//===- mlc.h - Embedding mlc ------------------------------------*- C++ -*-===//
//
//   auto engine = mlc::Engine::create();
//   auto model  = engine->load("digits.safetensors");
//   auto call   = model->bind({{"image", image}}, {{"logits", logits}});
//   call->run();
//
// Engine -> Executable -> Call. C++17; includes no LLVM or MLIR header.
//
// Forking: a child has what was loaded, in memory that it shares with its parent, and
// runs it. It compiles unless another thread of its parent was compiling then: that is a
// Usage error, as the compiler would wait for that thread for ever.
//
// Floats: models become the same however the calling thread computes, and run as it
// computes: docs/rationale/floating-point.md.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_MLC_H
#define MLC_MLC_H

#include "mlc/Abi/Frame.h"
#include "mlc/Abi/Interface.h"
#include "mlc/Abi/WeightType.h"
#include "mlc/Api/Flow.h"
#include "mlc/Api/Ops.h"
#include "mlc/Graph/Graph.h"
#include "mlc/Graph/HostOps.h"
#include "mlc/Model/Model.h"
#include "mlc/Runtime/CacheStore.h"
#include "mlc/Runtime/Compiler.h"
#include "mlc/Support/Cancellation.h"
#include "mlc/Support/ParallelFor.h"
#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// How a graph is executed.
enum class Executor {
  Jit,       ///< One native function for the whole graph.
  Eager,     ///< Each op compiled alone, cached, dispatched one by one.
  Reference, ///< The slow, obvious evaluator.
};

struct EngineOptions {
  /// Null: CompilerClient::inProcess().
  std::shared_ptr<CompilerClient> compiler;
  /// Messages for people (one line each); null: silence.
  std::function<void(const std::string &)> log;
  /// Where ops print; null: one line, or a block for a matrix, on stderr.
  PrintFunction print;
  /// For prepared parameters, workspaces and results; null: malloc. Used by any thread,
  /// until the last Executable, Call and Tensor that has memory of it is gone. What it
  /// throws is an error ResourceLimit. Scratch of Executable::run is the thread's own,
  /// and of malloc.
  std::shared_ptr<std::pmr::memory_resource> memory;
  /// The most bytes of that memory at a time; more is ResourceLimit. 0: no limit.
  int64_t memoryLimit = 0;
  /// Threads for the kernels of a run that take long, about 50 microseconds or more, its
  /// caller's among them: 1 is that alone, and 0 as many as the process may run at a
  /// time, which are never exceeded.
  /// See ParallelFor::threads. Results have the same bits for any number.
  int threads = 1;
  /// The host's own instead; null: `threads`. Used by any thread, until the last
  /// Executable and Call are gone.
  std::shared_ptr<ParallelFor> parallelFor;
  /// Images of earlier runs of a program; null: each engine compiles for itself.
  std::shared_ptr<CacheStore> cache;
};

struct CompileOptions {
  std::string function;          ///< Entry function; empty: the first.
  std::string target = "native"; ///< "native", "x86-64-v2", "x86-64-v3" or "x86-64-v4".
  /// Sizes of symbolic dimensions of the function, by name: compiled for these alone, as if
  /// the graph had the numbers, and the interface has. Other sizes are BadInput then, and a
  /// name that the function does not have is a Usage error.
  std::map<std::string, int64_t> dims;
  bool optimize = true; ///< false: code generation at O0.
  bool fuse = true;     ///< false: one kernel per op.
  /// What a thread is given to run at a time, in vector instructions, at about 0.1 to 1 ns
  /// each; a kernel of four times as much is worth a second thread. 0: 65536.
  int64_t grain = 0;
  /// true: the executable's interface describes its kernels, and calls count what each of
  /// them takes (Call::profile), which costs a few nanoseconds a kernel. For Jit alone.
  bool profile = false;
  /// Fewer bits for weights, if so much may be lost: a network that is called with one sample
  /// takes as long as reading its weights. Never chosen by mlc; for Jit alone.
  WeightType weights = WeightType::AsGiven;
  /// Inputs, each with an output of its type that a call may give the input's memory,
  /// as a state that goes from call to call; it need not. The executors other than
  /// Jit ignore this.
  std::vector<std::pair<std::string, std::string>> donated;
  /// Ends the compilation; not a compilation for another thread that this one waits for.
  std::optional<Cancellation> cancellation;
  /// true: where there is no compiler half, what would be Unsupported is an Executable
  /// that the reference evaluates: right, slow, not to be cancelled while it runs, and
  /// without a function().
  bool orReference = false;
};

using TensorMap = std::map<std::string, Tensor>;

/// A function by name, or the first if that is empty; a Usage error lists them.
Result<const Function *> findEntry(const Graph &graph, const std::string &function);
/// The inputs, outputs, symbolic dimensions and parameters of a function (empty:
/// the first) of a graph that is valid and that the executors can run.
Result<ImageInterface> describe(const Graph &graph, const std::string &function = "");
/// The type of a tensor of an interface whose symbolic dimensions are `dims`.
TensorType typeOf(const ImageTensor &tensor, const std::vector<std::string> &dims);

struct EngineStats {
  int64_t traces = 0;       ///< Functions traced by jit().
  int64_t compilations = 0; ///< Images made; equal graphs share one.
  int64_t cached = 0;       ///< Images that EngineOptions::cache had.
  int64_t hits = 0;         ///< Calls of jit() functions that found their signature.
  int64_t bytes = 0;        ///< Of images, and of parameters prepared for them.
};

class Call;
class Executable;

/// Owns the compiler connection and the cache of images, which keeps what was
/// compiled while the Engine lives. Cheap to copy (shared).
/// Thread-safety: every member may be called from many threads at once.
class Engine {
public:
  static Result<Engine> create(EngineOptions options = {});

  /// Compiles one function of a graph and prepares its parameters (copied; the
  /// tensors are not needed afterwards).
  Result<Executable> compile(const Graph &graph, const TensorMap &parameters,
                             const CompileOptions &options = {}) const;
  /// loadModel and compile.
  Result<Executable> load(const std::string &path, const CompileOptions &options = {}) const;
  /// The text of a phase: "graph", "fused", "linalg", "buffers", "vector",
  /// "llvm" or "asm". "graph" is the module in the mlc dialect; print() in
  /// Graph/Print.h is for reading.
  Result<std::string> emit(const Graph &graph, const std::string &phase,
                           const CompileOptions &options = {}) const;
  /// What compile() with `profile` would say about itself, with the kernels and why they
  /// are what they are; no code is generated.
  Result<ImageInterface> explain(const Graph &graph, const CompileOptions &options = {}) const;
  /// The graph of a .mlir file in the mlc dialect.
  Result<Graph> parseMlir(std::string_view text) const;
  /// Whether there is a compiler half; without, ops are evaluated by the reference.
  bool hasCompiler() const;
  /// true: what jit() wrapped runs op by op, for debugging. Also set by the
  /// environment variable MLC_DISABLE_JIT=1 when the engine is created.
  void setEager(bool eager) const;
  /// true: the first op whose result has a NaN, and none of its operands, ends the run
  /// with an error that names it and its place. evaluate() then runs op by op, and so do
  /// functions of jit(). Ops in C++ belong to defaultEngine(); an Executable is not
  /// looked into. Also set by the environment variable MLC_DEBUG_NANS=1 when the engine
  /// is created.
  void setDebugNans(bool debug) const;
  bool debugsNans() const;
  /// Whether setEager or setDebugNans asks for op by op.
  bool isEager() const;
  /// true: a jit() function that meets a second signature throws an error that says
  /// what differs, for programs in which that must not happen. Also set by the
  /// environment variable MLC_FAIL_ON_RECOMPILE=1 when the engine is created.
  void setFailOnRecompile(bool fail) const;
  /// See EngineOptions; also for what is compiled already.
  void setPrint(PrintFunction print) const;
  /// What was traced, compiled and found in a cache since the engine was created.
  EngineStats stats() const;
  /// Runs a function once, by any executor. Inputs are given by name.
  Result<TensorMap> evaluate(const Graph &graph, const TensorMap &parameters,
                             const TensorMap &inputs, Executor executor,
                             const CompileOptions &options = {}) const;

  struct State;

private:
  friend class JitFunction;
  friend struct OpKernel;
  friend std::vector<Tensor> apply(Op, const std::vector<Tensor> &, Attributes, SourceLocation);
  explicit Engine(std::shared_ptr<State> state) : state(std::move(state)) {}
  std::shared_ptr<State> state;
};

/// A compiled function with its prepared parameters: immutable, shared.
/// Thread-safety: every member may be called from many threads at once.
class Executable {
public:
  const ImageInterface &interface() const;
  /// The image's bytes, which Image::load takes; none if the reference evaluates.
  std::string_view imageBytes() const;

  /// Binds one tensor per input and per output, by name; symbolic dimensions
  /// take their sizes from the inputs. Outputs not given are allocated. Errors
  /// (BadInput) list everything that is missing, unknown, of the wrong dtype or
  /// shape, or overlapping; an output may be the tensor of the input that was donated
  /// to it. The Call shares ownership of tensors and executable.
  Result<Call> bind(const TensorMap &inputs, const TensorMap &outputs = {}) const;
  /// Runs once, by position: for callers that keep types right, as only the sizes of
  /// symbolic dimensions are read from `inputs`. `outputs` have the memory of
  /// results of the right types, or of the inputs that were donated to them.
  /// Allocates nothing on a thread that has run this or a larger executable before.
  Status run(const Tensor *const *inputs, Tensor *outputs) const;
  /// bind, run, and the outputs by name.
  Result<TensorMap> operator()(const TensorMap &inputs) const;

  struct State;

private:
  friend class Engine;
  explicit Executable(std::shared_ptr<const State> state) : state(std::move(state)) {}
  std::shared_ptr<const State> state;
};

/// What a kernel took, of all calls since the counts began.
struct KernelProfile {
  int64_t calls = 0;  ///< Of the kernel; of one in a chain, for every block of rows.
  double seconds = 0; ///< Together, also of calls that ran on several threads at a time.
};

/// One thread's bound arguments.
/// Thread-safety: one thread at a time; Calls of one Executable run in parallel. run()
/// and rebind() are refused (Usage) while the call is seen to run on another thread, and
/// the destructor waits for the run's end.
class Call {
public:
  /// Computes the outputs from what the inputs hold now. Compiled code allocates nothing,
  /// takes no lock, makes no system call and leaves the floating-point environment alone,
  /// but for what prints and custom ops do, and the text of an error.
  Status run();
  /// Other memory for all inputs and outputs, in the interface's order, of the sizes that
  /// were bound; bind() says what fits. Allocates nothing, and changes nothing if it
  /// fails. What was bound is kept alive, but what is given here has to live on its own.
  Status rebind(Span<const void *const> inputs, Span<void *const> outputs);
  /// What ends a run from another thread, until it is set again.
  void setCancellation(std::optional<Cancellation> cancellation);
  /// One for each of the interface's kernels, of the runs since bind() or resetProfile();
  /// none without CompileOptions::profile. The time of a kernel begins where that of the
  /// one before it has ended. The first use in a process takes some 10 ms.
  std::vector<KernelProfile> profile() const;
  void resetProfile();
  /// The outputs of bind(), in the interface's order.
  const std::vector<Tensor> &outputs() const;
  /// The function and its frame, for callers that count nanoseconds: valid while
  /// this Call lives and is not moved from; null if the reference evaluates. The frame has a host
  /// if the graph prints or has custom ops, or if setCancellation() was called.
  mlc_run_function function() const;
  mlc_frame *frame();

  Call(Call &&) noexcept;
  Call &operator=(Call &&) noexcept;
  ~Call();
  struct State;

private:
  friend class Executable;
  explicit Call(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// The engine of ops and of jit() functions that name no other; made on first use
/// with the default options, and never destroyed. Throws Error.
const Engine &defaultEngine();

/// Runs a graph op by op: every op compiled alone, once per signature, and
/// dispatched one by one. The honest baseline that compiled graphs are compared
/// with. Thread-safety: one thread at a time.
class EagerRunner {
public:
  static Result<EagerRunner> create(const Engine &engine, const Graph &graph,
                                    const TensorMap &parameters,
                                    const CompileOptions &options = {});
  Result<TensorMap> operator()(const TensorMap &inputs);
  /// The same by position, in the order of the function's inputs and outputs:
  /// checks no names, dtypes or known dimensions, which must be right.
  Result<std::vector<Tensor>> run(const std::vector<Tensor> &inputs);

  EagerRunner(EagerRunner &&) noexcept;
  EagerRunner &operator=(EagerRunner &&) noexcept;
  ~EagerRunner();
  struct State;

private:
  explicit EagerRunner(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_MLC_H
