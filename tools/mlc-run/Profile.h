//===- Profile.h - Where a call spends its time -----------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_PROFILE_H
#define MLC_TOOLS_RUN_PROFILE_H

#include "Arguments.h"

namespace mlc::run {

/// A kernel of a call. Operations and bytes are of one call of the kernel.
struct KernelTiming {
  ImageKernel kernel;
  double calls = 0;   ///< In a call of the model.
  double seconds = 0; ///< In a call of the model.
  double operations = 0, bytes = 0;
  double least = 0; ///< Seconds a call of the kernel that the machine's peaks allow.

  double operationsPerSecond() const { return perSecond(operations); }
  double bytesPerSecond() const { return perSecond(bytes); }
  double shareOfPeak() const { return perSecond(least); }

private:
  double perSecond(double amount) const { return seconds > 0 ? amount * calls / seconds : 0; }
};

struct ProfileResult {
  std::vector<KernelTiming> kernels; ///< Of run(), in the order of their first calls.
  int64_t calls = 0;                 ///< That were timed.
  double seconds = 0;                ///< A call.
  double fmaPeak = 0;                ///< Operations per second.

  double kernelSeconds() const;
};

/// Runs the model, as compiled with `profile`, for about half a second.
Result<ProfileResult> profile(const Engine &engine, const Arguments &arguments, const Graph &graph,
                              const TensorMap &parameters, const TensorMap &inputs);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_PROFILE_H
