//===- AlignedBuffer.h - Scratch, prepared memory and results ---*- C++ -*-===//
#ifndef MLC_LIB_API_ALIGNEDBUFFER_H
#define MLC_LIB_API_ALIGNEDBUFFER_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <atomic>
#include <memory>
#include <memory_resource>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// What is known of how a block is used.
enum class BlockUse {
  Once,      ///< Or unknown.
  EveryCall, ///< From call to call: worth being laid out well, and written to now.
};

/// Where the blocks of an engine come from, and how much they may be. Thread-safe.
class Memory {
public:
  /// A null resource is malloc; a limit of 0 is none.
  Memory(std::shared_ptr<std::pmr::memory_resource> resource, int64_t limit)
      : resource(std::move(resource)), limit(limit) {}
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  /// `bytes` > 0 bytes, aligned to MLC_ALIGNMENT.
  Result<void *> allocate(size_t bytes, BlockUse use = BlockUse::Once);
  void release(void *block, size_t bytes) noexcept;
  /// malloc without a limit.
  static const std::shared_ptr<Memory> &ofProcess();

private:
  std::shared_ptr<std::pmr::memory_resource> resource;
  int64_t limit;
  std::atomic<int64_t> taken{0}; ///< Of the limit.
};

/// Uninitialised memory aligned to MLC_ALIGNMENT, never null once allocated.
class AlignedBuffer {
public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer &&o) noexcept { swap(o); }
  AlignedBuffer &operator=(AlignedBuffer &&o) noexcept {
    swap(o);
    return *this;
  }
  ~AlignedBuffer() {
    if (block)
      source->release(block, bytes);
  }
  /// The error names the purpose, "a workspace".
  static Result<AlignedBuffer> allocate(int64_t bytes, const char *purpose,
                                        std::shared_ptr<Memory> source,
                                        BlockUse use = BlockUse::Once);
  void *data() const { return block; }

private:
  void swap(AlignedBuffer &o) noexcept {
    std::swap(source, o.source);
    std::swap(block, o.block);
    std::swap(bytes, o.bytes);
  }
  std::shared_ptr<Memory> source;
  void *block = nullptr;
  size_t bytes = 0;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_ALIGNEDBUFFER_H
