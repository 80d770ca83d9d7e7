//===- AlignedBuffer.cpp - Scratch, prepared memory and results -----------===//
//
// Works on sizes that images report. Nothing that a host's memory resource throws
// leaves these functions.
//
//===----------------------------------------------------------------------===//
#include "AlignedBuffer.h"

#include "mlc/Abi/Frame.h"

#include <cstdlib>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// A block of malloc's; null if there is none. Large ones that are used in every call ask for huge
/// pages, since looking up small ones would take up to half of the time in which weights are read,
/// and for them now, not in the first call.
static void *allocateOfProcess(size_t bytes, BlockUse use) {
  constexpr size_t kHugePage = 2 << 20;
  bool isLarge = use == BlockUse::EveryCall && bytes >= 2 * kHugePage;
  void *block = nullptr;
  if (posix_memalign(&block, isLarge ? kHugePage : MLC_ALIGNMENT, bytes) != 0)
    return nullptr;
#if defined(__linux__) && defined(MADV_POPULATE_WRITE)
  if (isLarge) { // Wishes: systems may not know them.
    madvise(block, bytes, MADV_HUGEPAGE);
    madvise(block, bytes, MADV_POPULATE_WRITE);
  }
#endif
  return block;
}

Result<void *> Memory::allocate(size_t bytes, BlockUse use) {
  auto asked = static_cast<int64_t>(bytes);
  if (limit > 0) {
    // Nothing is taken that does not fit, or a request that fails would fail others.
    int64_t before = taken.load(std::memory_order_relaxed);
    do
      if (before > limit - asked)
        return resourceError("would exceed the engine's limit of " + std::to_string(limit) +
                             " bytes, of which " + std::to_string(before) + " are taken");
    while (!taken.compare_exchange_weak(before, before + asked, std::memory_order_relaxed));
  }
  void *block = nullptr;
  try {
    block = resource ? resource->allocate(bytes, MLC_ALIGNMENT) : allocateOfProcess(bytes, use);
  } catch (...) { // std::bad_alloc, as a rule
    block = nullptr;
  }
  if (block)
    return block;
  if (limit > 0)
    taken.fetch_sub(asked, std::memory_order_relaxed);
  return resourceError("cannot be allocated");
}

void Memory::release(void *block, size_t bytes) noexcept {
  if (resource)
    resource->deallocate(block, bytes, MLC_ALIGNMENT);
  else
    std::free(block);
  if (limit > 0)
    taken.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

const std::shared_ptr<Memory> &Memory::ofProcess() {
  static const auto *memory =
      new std::shared_ptr<Memory>(std::make_shared<Memory>(nullptr, /*limit=*/0));
  return *memory;
}

Result<AlignedBuffer> AlignedBuffer::allocate(int64_t bytes, const char *purpose,
                                              std::shared_ptr<Memory> source, BlockUse use) {
  auto failed = [&](const std::string &why) {
    return resourceError(std::string(purpose) + " of " + std::to_string(bytes) + " bytes " + why);
  };
  // An image reports a size that does not fit as a negative one.
  if (bytes < 0)
    return failed("cannot be allocated");
  AlignedBuffer buffer;
  buffer.bytes =
      static_cast<size_t>(bytes > 0 ? bytes : 1); // exact, so that a checker sees the end
  auto block = source->allocate(buffer.bytes, use);
  if (!block)
    return failed(block.error().message);
  buffer.block = *block;
  buffer.source = std::move(source);
  return buffer;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
