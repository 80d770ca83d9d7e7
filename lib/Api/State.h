//===- State.h - What Engine, Executable and Call hold ----------*- C++ -*-===//
#ifndef MLC_LIB_API_STATE_H
#define MLC_LIB_API_STATE_H

#include "AlignedBuffer.h"
#include "Fork.h"
#include "HostCalls.h"
#include "ImageCache.h"

#include "mlc/Runtime/Image.h"
#include "mlc/Support/Version.h"
#include "mlc/mlc.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// An image and the bytes it was loaded from.
struct LoadedImage {
  std::shared_ptr<const Image> image;
  std::string bytes;
};

class OpKernelCache;

struct Engine::State {
  std::shared_ptr<CompilerClient> compiler;
  std::function<void(const std::string &)> log;
  std::shared_ptr<OpKernelCache> opKernels;
  std::shared_ptr<Printer> printer;
  std::shared_ptr<Memory> memory;
  std::shared_ptr<ParallelFor> parallelFor; ///< Null: one thread.
  std::optional<ImageCache> cache;          ///< Always there once created.
  static constexpr int kEager = 1, kDebugNans = 2;
  std::atomic<int> opByOp{0}; ///< Why, if functions of jit() are not compiled.
  void setOpByOp(int why, bool isSo) {
    if (isSo)
      opByOp |= why;
    else
      opByOp &= ~why;
  }
  std::atomic<bool> failOnRecompile{false};
  std::atomic<int64_t> traces{0}, compilations{0}, cached{0}, hits{0}, bytes{0};

  /// Sends a request; a reply that reports an error is that error.
  Result<DoorReply> ask(const DoorRequest &request, const Cancellation *cancellation = nullptr);
  /// The image that a Compile request asks for, compiled at most once.
  Result<std::shared_ptr<const LoadedImage>> compile(const DoorRequest &request,
                                                     const Cancellation *cancellation);
  /// What the reference evaluates, of a valid graph.
  Result<Executable>
  referenceExecutable(const Graph &graph, const Function &entry, const TensorMap &parameters,
                      const std::vector<std::pair<std::string, std::string>> &donated);
  /// Whether there is a compiler half. Logs once when there is not.
  bool hasCompiler();
  /// What the host's log throws is dropped, as there is nobody to tell.
  void say(const std::string &message) const noexcept {
    try {
      if (log)
        log(message);
    } catch (...) { // NOLINT(bugprone-empty-catch)
    }
  }

private:
  /// The image of a request from the cache or the compiler.
  Result<std::shared_ptr<const LoadedImage>>
  make(const DoorRequest &request, const std::string &encoded, const Cancellation *cancellation);

  /// One request. Its mutex is held while compiling, so that a second thread
  /// with the same request waits for the first one's image.
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const LoadedImage> image;
  };
  std::mutex mutex; ///< Guards `slots` only.
  std::unordered_map<std::string, std::shared_ptr<Slot>> slots;
  std::once_flag probed;
  bool compilerFound = false;
};

/// What an executable without an image evaluates.
struct ReferenceModel {
  Graph graph;
  std::string function;
  TensorMap parameters;
  ImageInterface interface;
  std::shared_ptr<const Printer> printer;

  /// Computes the outputs, which may be in the memory of inputs.
  Status run(const std::vector<Tensor> &inputs, const std::vector<Tensor> &outputs) const;
};

struct Executable::State {
  /// One of the two is there.
  std::shared_ptr<const LoadedImage> loaded;
  std::shared_ptr<const ReferenceModel> reference;
  const ImageInterface &interface() const {
    return loaded ? loaded->image->interface() : reference->interface;
  }
  std::shared_ptr<Memory> memory;
  AlignedBuffer prepared;
  int64_t maxDim = 0; ///< Largest size of a symbolic dimension.
  HostCalls hostCalls;
};

struct Call::State {
  std::shared_ptr<const Executable::State> executable;
  std::vector<Tensor> inputs, outputs;
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  std::vector<int64_t> dims;
  AlignedBuffer workspace;
  std::optional<HostTable> host; ///< If there is anything to ask it for.
  std::optional<Cancellation> cancellation;
  std::vector<uint64_t> counters;      ///< What mlc_host::profile is; none without profiling.
  std::atomic<uint32_t> runningIn{0};  ///< The number of the process while it runs.
  mlc_run_function function = nullptr; ///< Null: the reference evaluates.
  mlc_frame frame{};

  /// A run that was going on when this process was forked is its parent's.
  bool isRunning() const { return runningIn.load(std::memory_order_acquire) == thisProcess(); }
  Status evaluateReference() const;
  HostTable &hostTable() {
    if (!host)
      frame.host = host.emplace(executable->hostCalls).get();
    return *host;
  }
};

/// The request for compiling `function` of a valid graph.
DoorRequest compileRequest(const Graph &graph, const CompileOptions &options);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_STATE_H
