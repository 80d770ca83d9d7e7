//===- CpuFeatures.cpp - cpuid and xgetbv ---------------------------------===//
//
// Reads the features of the table in Abi/CpuFeatureTable.h from the CPU. A
// vector feature counts only when the operating system saves its registers.
//
//===----------------------------------------------------------------------===//
#include "mlc/Runtime/CpuFeatures.h"
#include "mlc/Abi/CpuFeatureTable.h"

#include <algorithm>
#include <cpuid.h>

using namespace mlc;

/// The register sets that the operating system saves, as the bits of XCR0.
static uint32_t savedState() {
  unsigned a, b, c, d;
  constexpr unsigned osxsave = 1u << 27;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & osxsave))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static bool stateIsSaved(CpuState state, uint32_t xcr0) {
  constexpr uint32_t avx = 0x06, avx512 = 0xe6; // xmm ymm; opmask zmm0-15 zmm16-31
  switch (state) {
  case CpuState::Sse:
    return true;
  case CpuState::Avx:
    return (xcr0 & avx) == avx;
  case CpuState::Avx512:
    return (xcr0 & avx512) == avx512;
  }
  return false;
}

static std::vector<std::string> detect() {
  uint32_t xcr0 = savedState();
  std::vector<std::string> found;
  for (const CpuFeature &feature : kCpuFeatures) {
    unsigned regs[4];
    if (__get_cpuid_count(feature.leaf, feature.subleaf, &regs[0], &regs[1], &regs[2], &regs[3]) &&
        (regs[feature.reg] >> feature.bit & 1) && stateIsSaved(feature.state, xcr0))
      found.push_back(feature.name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

const std::vector<std::string> &mlc::hostCpuFeatures() {
  static const std::vector<std::string> features = detect();
  return features;
}

std::vector<std::string> mlc::missingCpuFeatures(const std::vector<std::string> &required) {
  const std::vector<std::string> &host = hostCpuFeatures();
  std::vector<std::string> missing;
  for (const std::string &name : required)
    if (!std::binary_search(host.begin(), host.end(), name))
      missing.push_back(name);
  return missing;
}
