//===- Fork.cpp - What forked processes have to know ----------------------===//
#include "Fork.h"

#include <pthread.h>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

std::atomic<uint32_t> processNumber{1};

namespace {

std::atomic<int> compiling{0};     // threads, each as often as it is nested
thread_local int compilingHere{0}; // of them this one's
std::atomic<bool> lostThreads{false};

void inChild() {
  if (compiling != compilingHere)
    lostThreads = true;
  compiling = compilingHere;
  ++processNumber;
}

} // namespace

void watchForks() {
  static const int registered = pthread_atfork(nullptr, nullptr, inChild);
  static_cast<void>(registered);
}

Compiling::Compiling() {
  ++compiling;
  ++compilingHere;
}

Compiling::~Compiling() {
  --compilingHere;
  --compiling;
}

Status canCompile() {
  if (!lostThreads)
    return {};
  return usageError(
      "nothing can be compiled in this process: it was forked while another thread of "
      "its parent was compiling. Compile before the fork, or fork when nothing compiles");
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
