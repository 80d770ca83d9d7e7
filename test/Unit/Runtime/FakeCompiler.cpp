// Stands in for libmlc-compiler: does what the request's payload says.
#include "mlc/Abi/Door.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace mlc;

#define EXPORT extern "C" __attribute__((visibility("default")))

static int32_t statusWithoutMemory = -1;

/// As LLVM does it: malloc, and a handler of its own when there is none.
static void eatMemory() {
  for (;;) {
    void *block = std::malloc(1 << 20);
    if (!block)
      _exit(statusWithoutMemory);
    std::memset(block, 1, 1 << 20);
  }
}

EXPORT void mlc_door(const void *request, size_t size, const volatile int32_t *,
                     void (*reply)(void *, const void *, size_t), void *context) {
  auto decoded = DoorRequest::decode({static_cast<const char *>(request), size});
  std::string what = decoded ? decoded->payload : "malformed";
  DoorReply answer;
  answer.ok = true;
  if (what == "malloc")
    eatMemory();
  else if (what == "new")
    for (volatile bool more = true; more;)
      std::memset(new char[1 << 20], 1, 1 << 20);
  else if (what == "spin")
    for (volatile bool more = true; more;)
      ;
  else if (what == "sleep")
    sleep(1000);
  else if (what == "crash") {
    std::fputs("something is broken\n", stderr);
    raise(SIGABRT);
  } else if (what == "big")
    answer.result.assign(size_t(20) << 20, 'x');
  else
    answer.result = "echo " + what;
  std::string bytes = answer.encode();
  reply(context, bytes.data(), bytes.size());
}

EXPORT void mlc_door_exit_without_memory(int32_t status) { statusWithoutMemory = status; }
