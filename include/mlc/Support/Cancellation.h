//===- Cancellation.h - Ending work of another thread -----------*- C++ -*-===//
#ifndef MLC_SUPPORT_CANCELLATION_H
#define MLC_SUPPORT_CANCELLATION_H

#include "mlc/Support/Version.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// A wish that compilations and runs end. They look at it at least every 100 ms, but for
/// a compilation in this process, which looks between two passes of the compiler, and
/// fail with ErrorKind::Cancelled; what is done sooner, as a run of one short kernel is, may
/// succeed all the same. Copies share the wish.
/// Thread-safety: every member may be called from many threads at once, and request()
/// from a signal handler.
class Cancellation {
public:
  /// Throws std::bad_alloc.
  Cancellation() : flag(std::make_shared<std::atomic<int32_t>>(0)) {}

  void request() const noexcept { flag->store(1); }
  bool isRequested() const noexcept { return flag->load() != 0; }
  /// For what starts afterwards; what is going on may end or not.
  void reset() const noexcept { flag->store(0); }

  /// As images and the door read it.
  const volatile int32_t *address() const noexcept {
    static_assert(sizeof(std::atomic<int32_t>) == sizeof(int32_t) &&
                  std::atomic<int32_t>::is_always_lock_free);
    return reinterpret_cast<const volatile int32_t *>(flag.get());
  }

private:
  std::shared_ptr<std::atomic<int32_t>> flag;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_CANCELLATION_H
