//===- Target.cpp - CPUs to compile for -----------------------------------===//
//
// A target is baseline x86-64 plus features of the table that images are
// checked against when loaded, so that an image never needs more than it says.
//
//===----------------------------------------------------------------------===//
#include "mlc/Abi/CpuFeatureTable.h"
#include "mlc/Codegen/Codegen.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>
#include <unistd.h>

using namespace mlc;
using namespace mlc::codegen;

/// What each level adds to the one before.
static constexpr llvm::StringLiteral kV2Features[] = {"popcnt", "sse3", "sse4.1", "sse4.2",
                                                      "ssse3"};
static constexpr llvm::StringLiteral kV3Features[] = {"avx",  "avx2", "bmi",   "bmi2",
                                                      "f16c", "fma",  "lzcnt", "movbe"};
static constexpr llvm::StringLiteral kV4Features[] = {"avx512bw", "avx512cd", "avx512dq", "avx512f",
                                                      "avx512vl"};

static Target makeTarget(std::string cpu, std::vector<std::string> features, int64_t l2Bytes) {
  std::sort(features.begin(), features.end());
  Target target;
  target.cpu = std::move(cpu);
  for (const std::string &name : features)
    target.features += (target.features.empty() ? "+" : ",+") + name;
  auto has = [&](const char *name) {
    return std::binary_search(features.begin(), features.end(), name);
  };
  bool avx512 = has("avx512f") && has("avx512vl") && has("avx512bw") && has("avx512dq");
  target.description.vectorBits = avx512 ? 512 : has("avx2") ? 256 : 128;
  target.description.vectorRegisters = avx512 ? 32 : 16;
  target.description.fma = has("fma");
  target.description.dotProducts = has(avx512 ? "avx512vnni" : "avxvnni");
  target.description.f16c = has("f16c");
  target.description.l2Bytes = l2Bytes;
  return target;
}

static Result<Target> nativeTarget() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> features;
  for (const CpuFeature &feature : kCpuFeatures)
    if (host.lookup(feature.name))
      features.push_back(feature.name);
  for (llvm::StringRef name : kV2Features)
    if (!host.lookup(name))
      return unsupportedError("the host CPU '" + llvm::sys::getHostCPUName().str() + "' lacks " +
                              name.str() + ", which compiled code needs");
  long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return makeTarget(llvm::sys::getHostCPUName().str(), std::move(features),
                    l2 > 0 ? l2 : int64_t(1) << 20);
}

Result<Target> codegen::findTarget(const std::string &name) {
  if (name == "native") {
    // Asked once: virtual machines take 0.1 ms to say what CPU they have. Never destroyed, as
    // other threads may compile while the process exits.
    static const Result<Target> *host = new Result<Target>(nativeTarget());
    return *host;
  }
  std::vector<std::string> features(std::begin(kV2Features), std::end(kV2Features));
  if (name == "x86-64-v2")
    return makeTarget(name, std::move(features), int64_t(1) << 18);
  features.insert(features.end(), std::begin(kV3Features), std::end(kV3Features));
  if (name == "x86-64-v3")
    return makeTarget(name, std::move(features), int64_t(1) << 19);
  features.insert(features.end(), std::begin(kV4Features), std::end(kV4Features));
  if (name == "x86-64-v4")
    return makeTarget(name, std::move(features), int64_t(1) << 20);
  return usageError("unknown target '" + name +
                    "'; expected 'native', 'x86-64-v2', 'x86-64-v3' or 'x86-64-v4'");
}
