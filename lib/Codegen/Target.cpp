//===- Target.cpp - CPUs to compile for -----------------------------------===//
//
// A target is baseline x86-64 plus features of the table that images are
// checked against when loaded, so that an image never needs more than it says.
//
//===----------------------------------------------------------------------===//
#include "mlc/Abi/CpuFeatureTable.h"
#include "mlc/Codegen/Codegen.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
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

/// x86-64-v2, v3 and v4.
static const std::vector<Target> &levels() {
  static const std::vector<Target> *all = [] {
    auto *made = new std::vector<Target>;
    std::vector<std::string> features;
    auto add = [&](const char *name, llvm::ArrayRef<llvm::StringLiteral> more, int64_t l2Bytes) {
      features.insert(features.end(), more.begin(), more.end());
      made->push_back(makeTarget(name, features, l2Bytes));
    };
    add("x86-64-v2", kV2Features, int64_t(1) << 18);
    add("x86-64-v3", kV3Features, int64_t(1) << 19);
    add("x86-64-v4", kV4Features, int64_t(1) << 20);
    return made;
  }();
  return *all;
}

Result<Target> codegen::findTarget(const std::string &name) {
  if (name == "native") {
    // Asked once: virtual machines take 0.1 ms to say what CPU they have. Never destroyed, as
    // other threads may compile while the process exits.
    static const Result<Target> *host = new Result<Target>(nativeTarget());
    return *host;
  }
  for (const Target &level : levels())
    if (level.cpu == name)
      return level;
  return usageError("unknown target '" + name +
                    "'; expected 'native', 'x86-64-v2', 'x86-64-v3' or 'x86-64-v4'");
}

Target codegen::levelOf(const Target &target) {
  llvm::SmallVector<llvm::StringRef> available, needed;
  llvm::StringRef(target.features).split(available, ',');
  for (const Target &level : llvm::reverse(levels())) {
    needed.clear();
    llvm::StringRef(level.features).split(needed, ',');
    const ir::TargetDescription &ours = level.description, &theirs = target.description;
    if (ours.vectorBits == theirs.vectorBits && ours.fma == theirs.fma &&
        ours.f16c == theirs.f16c && llvm::all_of(needed, [&](llvm::StringRef feature) {
          return llvm::is_contained(available, feature);
        }))
      return level;
  }
  return target;
}
