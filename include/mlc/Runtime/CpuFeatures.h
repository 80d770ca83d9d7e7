//===- CpuFeatures.h - What this CPU can run --------------------*- C++ -*-===//
#ifndef MLC_RUNTIME_CPUFEATURES_H
#define MLC_RUNTIME_CPUFEATURES_H

#include <string>
#include <vector>

namespace mlc {

/// Feature names as LLVM spells them ("avx2", "fma", "avx512f"), sorted, taken
/// from cpuid and the operating system's xgetbv mask.
const std::vector<std::string> &hostCpuFeatures();
/// The members of `required` that the host lacks.
std::vector<std::string> missingCpuFeatures(const std::vector<std::string> &required);

} // namespace mlc

#endif // MLC_RUNTIME_CPUFEATURES_H
