// Allocation and locks are counted in functions that stand before the C library's; the
// kernel itself watches system calls (seccomp) and counts page faults.
#include "Watch.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

using audio::Watched;

static Watched *watched; // null: nobody looks

//===----------------------------------------------------------------------===//
// Allocations
//===----------------------------------------------------------------------===//

static void noteAllocation() {
  if (watched && watched->allocations++ == 0)
    watched->allocationBlock = watched->block;
}

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

// The C++ library's operator new and delete call these.
void *malloc(size_t size) {
  noteAllocation();
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  noteAllocation();
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  noteAllocation();
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
  noteAllocation();
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
void free(void *memory) {
  noteAllocation();
  __libc_free(memory);
}
}

//===----------------------------------------------------------------------===//
// Locks
//===----------------------------------------------------------------------===//

static void noteLock() {
  if (watched && watched->locks++ == 0)
    watched->lockBlock = watched->block;
}

// A lock that nobody holds needs no system call, so the kernel does not see it.
#define MLC_WATCH_LOCK(FUNCTION, TYPE)                                                             \
  extern "C" int FUNCTION(TYPE *lock) {                                                            \
    static const auto next = reinterpret_cast<int (*)(TYPE *)>(dlsym(RTLD_NEXT, #FUNCTION));       \
    noteLock();                                                                                    \
    return next(lock);                                                                             \
  }
MLC_WATCH_LOCK(pthread_mutex_lock, pthread_mutex_t)
MLC_WATCH_LOCK(pthread_mutex_trylock, pthread_mutex_t)
MLC_WATCH_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
MLC_WATCH_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
MLC_WATCH_LOCK(pthread_rwlock_tryrdlock, pthread_rwlock_t)
MLC_WATCH_LOCK(pthread_rwlock_trywrlock, pthread_rwlock_t)
MLC_WATCH_LOCK(pthread_spin_lock, pthread_spinlock_t)
MLC_WATCH_LOCK(pthread_spin_trylock, pthread_spinlock_t)
#undef MLC_WATCH_LOCK

//===----------------------------------------------------------------------===//
// System calls and page faults
//===----------------------------------------------------------------------===//

namespace audio {

static rusage usageBefore, usageAfter;

void endProcess(int status) {
  for (;;)
    syscall(SYS_exit_group, status);
}

static void onSystemCall(int, siginfo_t *info, void *) {
  ++watched->systemCalls;
  watched->systemCall = info->si_syscall;
  endProcess(kCaught);
}

/// Traps every system call but the end of the process and stopWatching's own, which is
/// told by where its answer goes.
static bool trapSystemCalls() {
  auto answer = reinterpret_cast<uintptr_t>(&usageAfter);
  const auto low = static_cast<uint32_t>(answer), high = static_cast<uint32_t>(answer >> 32);
  constexpr uint32_t number = offsetof(seccomp_data, nr), arch = offsetof(seccomp_data, arch),
                     second = offsetof(seccomp_data, args) + sizeof(uint64_t);
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 8), // else trap
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrusage, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, second),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, second + sizeof(uint32_t)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  sock_fprog filter{sizeof program / sizeof *program, program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

void startWatching(Watched &into) {
  struct sigaction action{};
  action.sa_sigaction = onSystemCall;
  action.sa_flags = SA_SIGINFO;
  getrusage(RUSAGE_THREAD, &usageAfter); // its page, and what it takes to call it
  if (sigaction(SIGSYS, &action, nullptr) != 0 || getrusage(RUSAGE_THREAD, &usageBefore) != 0 ||
      !trapSystemCalls()) {
    std::perror("the kernel refuses to watch system calls");
    endProcess(1);
  }
  watched = &into;
}

void stopWatching() {
  Watched &done = *watched;
  watched = nullptr;
  getrusage(RUSAGE_THREAD, &usageAfter);
  done.minorFaults = usageAfter.ru_minflt - usageBefore.ru_minflt;
  done.majorFaults = usageAfter.ru_majflt - usageBefore.ru_majflt;
}

} // namespace audio
