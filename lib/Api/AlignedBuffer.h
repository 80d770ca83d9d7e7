//===- AlignedBuffer.h - Scratch and prepared memory ------------*- C++ -*-===//
#ifndef MLC_LIB_API_ALIGNEDBUFFER_H
#define MLC_LIB_API_ALIGNEDBUFFER_H

#include "mlc/Abi/Frame.h"
#include "mlc/Support/CheckedMath.h"
#include "mlc/Support/Result.h"

#include <cstdlib>
#include <memory>

namespace mlc {

/// Uninitialised memory aligned to MLC_ALIGNMENT, never null once allocated.
class AlignedBuffer {
public:
  static Result<AlignedBuffer> allocate(int64_t bytes, const char *purpose) {
    // An image reports a size that does not fit as a negative one.
    void *memory = nullptr;
    if (bytes >= 0 && bytes <= INT64_MAX - MLC_ALIGNMENT)
      memory = std::aligned_alloc(
          MLC_ALIGNMENT, static_cast<size_t>(alignTo(bytes > 0 ? bytes : 1, MLC_ALIGNMENT)));
    if (!memory)
      return resourceError(std::string(purpose) + " of " + std::to_string(bytes) +
                           " bytes cannot be allocated");
    AlignedBuffer buffer;
    buffer.memory.reset(memory);
    return buffer;
  }
  void *data() const { return memory.get(); }

private:
  struct Free {
    void operator()(void *p) const { std::free(p); }
  };
  std::unique_ptr<void, Free> memory;
};

} // namespace mlc

#endif // MLC_LIB_API_ALIGNEDBUFFER_H
