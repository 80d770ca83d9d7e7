//===- Limits.cpp - Bounds on this process --------------------------------===//
//
// Time is bounded by a timer signal, because neither the reference nor a compiled
// graph looks at a clock; memory by the system, as a last resort behind the
// checks that come with a better message.
//
//===----------------------------------------------------------------------===//
#include "Limits.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

namespace mlc::run {

// Read and written by the signal handler, in the one thread there is.
static const char *volatile currentStage = "starting";
static volatile int64_t ticks = 0;
static volatile int64_t mostTicks = 0;
static volatile bool showsProgress = false;
static volatile bool progressShown = false;

static void say(const char *text) {
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

static void tick(int) {
  ticks = ticks + 1;
  if (mostTicks > 0 && ticks >= mostTicks) {
    endProgress();
    say("mlc-run: error: the time limit (--limit-seconds) was reached while ");
    say(currentStage);
    say("\n");
    _exit(6);
  }
  if (showsProgress && ticks > 2) {
    progressShown = true;
    say("\r\033[Kmlc-run: ");
    say(currentStage);
    say("...");
  }
}

void startClock(int64_t seconds) {
  mostTicks = seconds;
  showsProgress = isatty(STDERR_FILENO);
  if (!seconds && !showsProgress)
    return;
  struct sigaction action = {};
  action.sa_handler = tick;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  itimerval everySecond = {{1, 0}, {1, 0}};
  setitimer(ITIMER_REAL, &everySecond, nullptr);
}

void enterStage(const char *stage) { currentStage = stage; }

void endProgress() {
  if (!progressShown)
    return;
  progressShown = false;
  say("\r\033[K");
}

void limitMemory(int64_t bytes, int64_t mapped) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // Sanitizers reserve terabytes of addresses.
  (void)bytes;
  (void)mapped;
#else
  rlimit limit;
  if (bytes <= 0 || getrlimit(RLIMIT_AS, &limit) != 0)
    return;
  // The program itself, its libraries and stack.
  const rlim_t own = rlim_t(64) << 20;
  limit.rlim_cur =
      std::min(static_cast<rlim_t>(bytes) + static_cast<rlim_t>(mapped) + own, limit.rlim_max);
  setrlimit(RLIMIT_AS, &limit);
#endif
}

} // namespace mlc::run
