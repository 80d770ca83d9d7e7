//===- KernelClock.h - Times the calls of kernels ---------------*- C++ -*-===//
#ifndef MLC_LIB_CONVERSION_TOLLVM_KERNELCLOCK_H
#define MLC_LIB_CONVERSION_TOLLVM_KERNELCLOCK_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlc::ir {

/// Code of a driver, or of a chain, that reads the time stamp counter behind every call, once: a
/// kernel's time begins where the call before it has ended, so that the times of all add up to the
/// run's, and what the driver does in front of a kernel is counted with it. Several threads may
/// run a chain, so that counters are added to atomically.
class KernelClock {
public:
  /// At the function's start, which starts the clock. `host` is a pointer to the host's table, or
  /// null.
  KernelClock(mlir::ImplicitLocOpBuilder &b, mlir::Value host);
  /// Behind a call: adds the time to the counters of `kernel`, or drops it if that is null.
  void stop(mlir::ImplicitLocOpBuilder &b, mlir::IntegerAttr kernel);

private:
  /// mlc_host::profile, or what is written to in its place.
  mlir::Value counters, isNull, nobodys;
  mlir::Value last; ///< Where the time is kept at which the clock was started.
};

} // namespace mlc::ir

#endif // MLC_LIB_CONVERSION_TOLLVM_KERNELCLOCK_H
