//===- Fork.h - What forked processes have to know --------------*- C++ -*-===//
//
// A fork takes along the calling thread alone. What other threads were compiling or
// running then never ends in the child, and the locks that they held stay locked.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_API_FORK_H
#define MLC_LIB_API_FORK_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <atomic>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// From now on children that are forked are told apart. May be called again.
void watchForks();

extern std::atomic<uint32_t> processNumber;
/// Differs from that of the parent process; not 0.
inline uint32_t thisProcess() { return processNumber.load(std::memory_order_relaxed); }

/// Lives while its thread compiles, or waits for a thread that does, so that a child
/// which is forked meanwhile knows. May be nested.
class Compiling {
public:
  Compiling();
  ~Compiling();
  Compiling(const Compiling &) = delete;
  Compiling &operator=(const Compiling &) = delete;
};

/// An error in a process that was forked while another thread of its parent was
/// compiling: it would wait for ever.
Status canCompile();

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_FORK_H
