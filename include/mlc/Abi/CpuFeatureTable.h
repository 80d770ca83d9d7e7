//===- CpuFeatureTable.h - CPU features an image may need -------*- C++ -*-===//
//
// The one list of CPU features beyond baseline x86-64 that code generation may
// use and that loading an image checks, by LLVM's names, with the place where
// cpuid reports each. Sorted by name.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_ABI_CPUFEATURETABLE_H
#define MLC_ABI_CPUFEATURETABLE_H

#include "mlc/Support/Version.h"

#include <cstdint>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Registers that the operating system must save for a feature to be usable.
enum class CpuState { Sse, Avx, Avx512 };

struct CpuFeature {
  const char *name;
  uint32_t leaf, subleaf;
  enum Register { EAX, EBX, ECX, EDX } reg;
  int bit;
  CpuState state;
};

inline constexpr CpuFeature kCpuFeatures[] = {
    {"avx", 1, 0, CpuFeature::ECX, 28, CpuState::Avx},
    {"avx2", 7, 0, CpuFeature::EBX, 5, CpuState::Avx},
    {"avx512bf16", 7, 1, CpuFeature::EAX, 5, CpuState::Avx512},
    {"avx512bitalg", 7, 0, CpuFeature::ECX, 12, CpuState::Avx512},
    {"avx512bw", 7, 0, CpuFeature::EBX, 30, CpuState::Avx512},
    {"avx512cd", 7, 0, CpuFeature::EBX, 28, CpuState::Avx512},
    {"avx512dq", 7, 0, CpuFeature::EBX, 17, CpuState::Avx512},
    {"avx512f", 7, 0, CpuFeature::EBX, 16, CpuState::Avx512},
    {"avx512fp16", 7, 0, CpuFeature::EDX, 23, CpuState::Avx512},
    {"avx512ifma", 7, 0, CpuFeature::EBX, 21, CpuState::Avx512},
    {"avx512vbmi", 7, 0, CpuFeature::ECX, 1, CpuState::Avx512},
    {"avx512vbmi2", 7, 0, CpuFeature::ECX, 6, CpuState::Avx512},
    {"avx512vl", 7, 0, CpuFeature::EBX, 31, CpuState::Avx512},
    {"avx512vnni", 7, 0, CpuFeature::ECX, 11, CpuState::Avx512},
    {"avx512vpopcntdq", 7, 0, CpuFeature::ECX, 14, CpuState::Avx512},
    {"avxvnni", 7, 1, CpuFeature::EAX, 4, CpuState::Avx},
    {"bmi", 7, 0, CpuFeature::EBX, 3, CpuState::Sse},
    {"bmi2", 7, 0, CpuFeature::EBX, 8, CpuState::Sse},
    {"f16c", 1, 0, CpuFeature::ECX, 29, CpuState::Avx},
    {"fma", 1, 0, CpuFeature::ECX, 12, CpuState::Avx},
    {"lzcnt", 0x80000001, 0, CpuFeature::ECX, 5, CpuState::Sse},
    {"movbe", 1, 0, CpuFeature::ECX, 22, CpuState::Sse},
    {"popcnt", 1, 0, CpuFeature::ECX, 23, CpuState::Sse},
    {"sse3", 1, 0, CpuFeature::ECX, 0, CpuState::Sse},
    {"sse4.1", 1, 0, CpuFeature::ECX, 19, CpuState::Sse},
    {"sse4.2", 1, 0, CpuFeature::ECX, 20, CpuState::Sse},
    {"ssse3", 1, 0, CpuFeature::ECX, 9, CpuState::Sse},
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_ABI_CPUFEATURETABLE_H
