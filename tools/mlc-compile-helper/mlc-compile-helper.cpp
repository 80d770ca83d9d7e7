//===- mlc-compile-helper.cpp - One compilation under hard limits ---------===//
//
//   mlc-compile-helper --memory=BYTES --seconds=N  < request  > reply
//
// Started by CompilerClient::helperProcess(). Limits itself before it opens the
// compiler library, so that the library's own start is limited, too. Writes a
// reply and exits with 0, or exits with one of HelperExit.
//
//===----------------------------------------------------------------------===//
#include "mlc/Runtime/CompilerLibrary.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace mlc;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static constexpr bool kLimitMemory = false; // A sanitizer reserves terabytes.
#else
static constexpr bool kLimitMemory = true;
#endif

/// Address space that the compiler library takes before it does anything.
static constexpr size_t kLibraryBytes = size_t(384) << 20;

static void limit(int resource, rlim_t soft, rlim_t hard) {
  rlimit value{soft, hard};
  setrlimit(resource, &value);
}

static int64_t number(const char *argument, const char *prefix) {
  size_t length = std::strlen(prefix);
  return std::strncmp(argument, prefix, length) == 0 ? std::strtoll(argument + length, nullptr, 10)
                                                     : -1;
}

/// dlopen cannot tell a missing file from missing memory, so ask beforehand.
static bool libraryFits() {
  void *probe = mmap(nullptr, kLibraryBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED)
    return false;
  munmap(probe, kLibraryBytes);
  return true;
}

static bool readAll(std::string &out) {
  char buffer[1 << 16];
  for (;;) {
    ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n == 0)
      return true;
    if (n > 0)
      out.append(buffer, static_cast<size_t>(n));
    else if (errno != EINTR)
      return false;
  }
}

static bool writeAll(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n >= 0)
      bytes.remove_prefix(static_cast<size_t>(n));
    else if (errno != EINTR)
      return false;
  }
  return true;
}

int main(int argc, char **argv) {
  int64_t memory = 0, seconds = 0;
  for (int i = 1; i < argc; ++i) {
    if (int64_t value = number(argv[i], "--memory="); value >= 0)
      memory = value;
    else if (int64_t value = number(argv[i], "--seconds="); value >= 0)
      seconds = value;
    else {
      std::fputs("usage: mlc-compile-helper [--memory=BYTES] [--seconds=N] < request > reply\n",
                 stderr);
      return kHelperNoRequest;
    }
  }

  prctl(PR_SET_PDEATHSIG, SIGKILL); // Nobody is left to read the reply.
  limit(RLIMIT_CORE, 0, 0);
  if (seconds > 0)
    limit(RLIMIT_CPU, static_cast<rlim_t>(seconds), static_cast<rlim_t>(seconds) + 1);
  if (kLimitMemory && memory > 0)
    limit(RLIMIT_AS, static_cast<rlim_t>(memory), static_cast<rlim_t>(memory));
  std::set_new_handler([] { _exit(kHelperOutOfMemory); });

  std::string request;
  if (!readAll(request))
    return kHelperNoRequest;
  if (!libraryFits())
    return kHelperOutOfMemory;
  std::string reply;
  if (Result<CompilerLibrary> library = CompilerLibrary::open()) {
    library->exitWithoutMemory(kHelperOutOfMemory);
    reply = library->call(request);
  } else {
    DoorReply failure;
    failure.errorKind = library.error().kind;
    failure.message = library.error().message;
    reply = failure.encode();
  }
  bool written = writeAll(reply);
  _exit(written ? 0 : kHelperNoRequest); // Skips LLVM's destructors, which take milliseconds.
}
