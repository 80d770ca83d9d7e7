//===- Door.cpp - The compiler half's exports -----------------------------===//
//
// Bytes to bytes; no exception leaves. What LLVM does on its own - aborting
// when it cannot allocate, or on a defect of its code generator - cannot be
// caught here: who must survive it runs mlc-compile-helper.
//
//===----------------------------------------------------------------------===//
#include "Compile.h"

#include "mlc/Support/FloatEnvironment.h"

#include "llvm/Support/ErrorHandling.h"

#include <exception>
#include <mutex>
#include <new>
#include <unistd.h>

using namespace mlc;

static DoorReply failure(Error error) {
  DoorReply reply;
  reply.errorKind = error.kind;
  reply.message = std::move(error.message);
  return reply;
}

static DoorReply answerBytes(std::string_view bytes, const volatile int32_t *cancel) {
  Result<DoorRequest> request = DoorRequest::decode(bytes);
  if (!request)
    return failure(request.takeError());
  return answer(*request, cancel);
}

extern "C" __attribute__((visibility("default"))) void
mlc_door(const void *request, size_t requestSize, const volatile int32_t *cancel,
         void (*reply)(void *context, const void *data, size_t size), void *context) {
  DefaultFloatEnvironment environment; // MLIR and LLVM fold some functions by calling them
  std::string bytes;
  try {
    bytes = answerBytes({static_cast<const char *>(request), requestSize}, cancel).encode();
  } catch (const std::bad_alloc &) {
    bytes = failure(resourceError("the compiler is out of memory")).encode();
  } catch (const std::exception &e) {
    bytes = failure(internalError(std::string("the compiler failed: ") + e.what())).encode();
  } catch (...) {
    bytes = failure(internalError("the compiler failed")).encode();
  }
  reply(context, bytes.data(), bytes.size());
}

static int32_t statusWithoutMemory;

extern "C" __attribute__((visibility("default"))) void
mlc_door_exit_without_memory(int32_t status) {
  static std::once_flag once;
  std::call_once(once, [status] {
    statusWithoutMemory = status;
    std::set_new_handler([] { _exit(statusWithoutMemory); });
    llvm::install_bad_alloc_error_handler(
        [](void *, const char *, bool) { _exit(statusWithoutMemory); });
  });
}
