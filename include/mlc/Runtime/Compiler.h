//===- Compiler.h - The runtime half's side of the door ---------*- C++ -*-===//
#ifndef MLC_RUNTIME_COMPILER_H
#define MLC_RUNTIME_COMPILER_H

#include "mlc/Abi/Door.h"
#include "mlc/Support/Cancellation.h"
#include "mlc/Support/Version.h"

#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Limits of one compilation in a helper process; 0 means none.
struct HelperLimits {
  int64_t memoryBytes = int64_t(4) << 30;
  int64_t seconds = 60;
};

/// Where requests to the compiler half go. Thread-safe.
class CompilerClient {
public:
  virtual ~CompilerClient() = default;
  /// `cancellation` may be null.
  virtual Result<DoorReply> call(const DoorRequest &request, const Cancellation *cancellation) = 0;
  Result<DoorReply> call(const DoorRequest &request) { return call(request, nullptr); }

  /// Opens libmlc-compiler on the first call (RTLD_LOCAL, never unloaded). An
  /// empty path searches $MLC_COMPILER, beside the running library or program,
  /// ../lib, and where the system looks for libraries; a missing library is an Unsupported error of
  /// call().
  static std::shared_ptr<CompilerClient> inProcess(std::string libraryPath = "");
  /// Starts mlc-compile-helper for every call and enforces `limits` on it: a
  /// limit reached is ResourceLimit, a crash Internal, and the host lives on.
  static std::shared_ptr<CompilerClient> helperProcess(HelperLimits limits = {},
                                                       std::string helperPath = "");
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_RUNTIME_COMPILER_H
