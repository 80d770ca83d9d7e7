//===- HostCalls.h - The host's side of print, custom, threads --*- C++ -*-===//
#ifndef MLC_LIB_API_HOSTCALLS_H
#define MLC_LIB_API_HOSTCALLS_H

#include "mlc/Abi/Frame.h"
#include "mlc/Abi/Interface.h"
#include "mlc/Graph/HostOps.h"
#include "mlc/Support/Cancellation.h"
#include "mlc/Support/ParallelFor.h"
#include "mlc/Support/Version.h"

#include <mutex>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Where an engine's graphs print; outlives the engine in what it has compiled.
/// Thread-safe.
class Printer {
public:
  explicit Printer(PrintFunction function) : function(std::move(function)) {}
  void set(PrintFunction print) {
    std::lock_guard<std::mutex> lock(mutex);
    function = std::move(print);
  }
  PrintFunction get() const {
    std::lock_guard<std::mutex> lock(mutex);
    return function;
  }

private:
  mutable std::mutex mutex;
  PrintFunction function;
};

/// What an image asks of the host, with the functions found. Immutable.
class HostCalls {
public:
  HostCalls() = default;
  /// The error names the node and the function that is missing or of another type.
  /// `parallelFor` may be null.
  static Result<HostCalls> find(const ImageInterface &interface,
                                std::shared_ptr<const Printer> printer,
                                std::shared_ptr<ParallelFor> parallelFor);
  /// Whether what the host does may run other kernels on the thread.
  bool mayNest() const { return !calls.empty(); }
  /// Whether runs need a HostTable.
  bool empty() const { return calls.empty() && !parallelFor; }

private:
  friend class HostTable;
  struct Call {
    ImageHostCall description;
    std::shared_ptr<const CustomOp> custom; ///< Null: a print.
  };
  std::vector<Call> calls;
  std::string function; ///< Of the image.
  std::shared_ptr<const Printer> printer;
  std::shared_ptr<ParallelFor> parallelFor;
};

/// The host table of frames that run one after the other.
class HostTable {
public:
  explicit HostTable(const HostCalls &calls);
  HostTable(const HostTable &) = delete;
  HostTable &operator=(const HostTable &) = delete;

  const mlc_host *get() const { return &table; }
  /// `cancellation` may be null, and lives while it is set.
  void setCancellation(const Cancellation *cancellation) {
    table.cancel = cancellation ? cancellation->address() : nullptr;
  }
  /// See mlc_host::profile.
  void setProfile(uint64_t *counters) { table.profile = counters; }
  /// Why the run ended with MLC_RUN_HOST_FAILED.
  Error takeError();

private:
  static int32_t call(void *context, int64_t index, const void *const *operands,
                      void *const *results, const int64_t *dims);
  static int32_t parallelFor(void *context, int64_t count, void (*body)(void *, int64_t),
                             void *argument);
  void parallelForFailed(const char *colon, const char *why) noexcept;
  Status perform(const HostCalls::Call &call, const void *const *operands, void *const *results,
                 const int64_t *dims) const;

  const HostCalls &calls;
  mlc_host table{};
  Error error;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_HOSTCALLS_H
