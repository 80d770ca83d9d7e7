//===- Door.h - The door between runtime half and compiler half -*- C++ -*-===//
//
// The compiler half (libmlc-compiler) exports one function, mlc_door: the bytes
// of a DoorRequest in, the bytes of a DoorReply out. No C++ object crosses it,
// so the compiler can be opened on the first miss with dlopen or run as a helper
// process (mlc-compile-helper: request on stdin, reply on stdout).
//
//===----------------------------------------------------------------------===//
#ifndef MLC_ABI_DOOR_H
#define MLC_ABI_DOOR_H

#include "mlc/Abi/WeightType.h"
#include "mlc/Support/Bytes.h"
#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <string>
#include <utility>
#include <vector>

/// `reply` is called exactly once, before mlc_door returns. `cancel` may be
/// null; once it is non-zero the compiler gives up between two passes.
/// Thread-safety: may be called from many threads at once.
using mlc_door_function = void (*)(const void *request, size_t requestSize,
                                   const volatile int32_t *cancel,
                                   void (*reply)(void *context, const void *data, size_t size),
                                   void *context);
#define MLC_DOOR_SYMBOL "mlc_door"

/// For a helper process only: from now on the process exits with `status` when
/// the compiler half cannot allocate memory (LLVM would abort).
using mlc_door_exit_without_memory_function = void (*)(int32_t status);
#define MLC_DOOR_EXIT_WITHOUT_MEMORY_SYMBOL "mlc_door_exit_without_memory"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

inline constexpr int64_t kDoorVersion = 2;

/// Exit status of mlc-compile-helper, which is 0 when it has written a reply.
enum HelperExit : int {
  kHelperOutOfMemory = 10, ///< It reached its memory limit.
  kHelperNoRequest = 11,   ///< It was started by hand or its host went away.
};

struct DoorRequest {
  enum class Kind : int64_t {
    Compile = 0,   ///< canonical graph -> image
    Emit = 1,      ///< canonical graph -> text of `phase`
    ParseMlir = 2, ///< .mlir text -> canonical graph
    Explain = 3,   ///< canonical graph -> ImageInterface, with kernels
  };
  Kind kind = Kind::Compile;
  std::string payload;           ///< Canonical graph bytes, or .mlir text.
  std::string function;          ///< Entry function; empty: the first.
  std::string phase;             ///< "graph" ... "asm", for Emit.
  std::string target = "native"; ///< "native", "x86-64-v2", "x86-64-v3" or "x86-64-v4".
  bool optimize = true;          ///< false: code generation at O0.
  bool fuse = true;              ///< false: one kernel per op.
  int64_t grain = 0;             ///< As CompileOptions has it; at least 0.
  bool profile = false;          ///< An image that describes and times its kernels.
  WeightType weights = WeightType::AsGiven;
  /// Inputs, and the outputs that may be given their memory.
  std::vector<std::pair<std::string, std::string>> donated;

  std::string encode() const {
    ByteWriter w;
    w.integer(kDoorVersion);
    w.integer(static_cast<int64_t>(kind));
    w.string(payload);
    w.string(function);
    w.string(phase);
    w.string(target);
    w.integer(optimize);
    w.integer(fuse);
    w.integer(grain);
    w.integer(profile);
    w.integer(static_cast<int64_t>(weights));
    w.integer(static_cast<int64_t>(donated.size()));
    for (const auto &[input, output] : donated) {
      w.string(input);
      w.string(output);
    }
    return w.take();
  }
  static Result<DoorRequest> decode(std::string_view bytes) {
    ByteReader r(bytes);
    DoorRequest q;
    if (r.integer() != kDoorVersion)
      return usageError("the two halves of mlc are of different versions");
    int64_t kind = r.integer();
    q.kind = static_cast<Kind>(kind);
    q.payload = r.string();
    q.function = r.string();
    q.phase = r.string();
    q.target = r.string();
    q.optimize = r.integer() != 0;
    q.fuse = r.integer() != 0;
    q.grain = r.integer();
    q.profile = r.integer() != 0;
    int64_t weights = r.integer();
    q.weights = static_cast<WeightType>(weights);
    for (int64_t n = r.count(16); n > 0; --n) {
      std::string input(r.string());
      q.donated.emplace_back(std::move(input), r.string());
    }
    if (!r.ok() || !r.atEnd() || kind < 0 || kind > 3 || q.grain < 0 || weights < 0 ||
        weights > static_cast<int64_t>(WeightType::Int8Dynamic))
      return internalError("malformed door request");
    return q;
  }
};

struct DoorReply {
  bool ok = false;
  ErrorKind errorKind = ErrorKind::Internal;
  std::string message; ///< The error, or remarks such as why fusion stopped.
  std::string result;  ///< Image, text or canonical graph.

  std::string encode() const {
    ByteWriter w;
    w.integer(kDoorVersion);
    w.integer(ok);
    w.integer(static_cast<int64_t>(errorKind));
    w.string(message);
    w.string(result);
    return w.take();
  }
  static Result<DoorReply> decode(std::string_view bytes) {
    ByteReader r(bytes);
    DoorReply p;
    if (r.integer() != kDoorVersion)
      return usageError("the two halves of mlc are of different versions");
    p.ok = r.integer() != 0;
    int64_t kind = r.integer();
    p.errorKind = static_cast<ErrorKind>(kind);
    p.message = r.string();
    p.result = r.string();
    if (!r.ok() || !r.atEnd() || kind < 1 || kind > 7)
      return internalError("malformed door reply");
    return p;
  }
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_ABI_DOOR_H
