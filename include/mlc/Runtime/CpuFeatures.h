//===- CpuFeatures.h - What this CPU can run --------------------*- C++ -*-===//
#ifndef MLC_RUNTIME_CPUFEATURES_H
#define MLC_RUNTIME_CPUFEATURES_H

#include "mlc/Support/Version.h"

#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Feature names as LLVM spells them ("avx2", "fma", "avx512f"), sorted, taken
/// from cpuid and the operating system's xgetbv mask.
const std::vector<std::string> &hostCpuFeatures();
/// The members of `required` that the host lacks.
std::vector<std::string> missingCpuFeatures(const std::vector<std::string> &required);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_RUNTIME_CPUFEATURES_H
