//===- Result.h - Errors as values ------------------------------*- C++ -*-===//
//
// Every fallible function of mlc returns Result<T> or Status, but for ops on
// tensors in C++ (mlc/Api/Ops.h, Jit.h), which throw Error. Nothing below tools/
// prints, exits or aborts on what a user gave it.
// Thread-safety: plain values, as safe as T.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_SUPPORT_RESULT_H
#define MLC_SUPPORT_RESULT_H

#include "mlc/Support/Version.h"

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <variant>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// What went wrong, in the classes that mlc-run's exit codes document.
enum class ErrorKind : int32_t {
  Internal = 1,      ///< A defect of mlc itself.
  Usage = 2,         ///< The caller asked for something that makes no sense.
  Mismatch = 3,      ///< Computed values differ from the expected ones.
  Unsupported = 4,   ///< A valid op, dtype or feature that is not implemented.
  BadInput = 5,      ///< A malformed model file, tensor file or argument value.
  ResourceLimit = 6, ///< A memory, time or size limit was reached.
  Cancelled = 7,     ///< The caller asked for it to end (mlc/Support/Cancellation.h).
};

/// Also what the operators on tensors throw (mlc/Api/Ops.h).
struct Error : std::exception {
  ErrorKind kind = ErrorKind::Internal;
  /// One line, or one line per finding; names the file, node, field or op and
  /// what was expected. No trailing newline.
  std::string message;

  Error() = default;
  Error(ErrorKind kind, std::string message) : kind(kind), message(std::move(message)) {}
  const char *what() const noexcept override { return message.c_str(); }
};

/// A value or an Error. Test it, then dereference it.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &operator*() & { return std::get<0>(state); }
  const T &operator*() const & { return std::get<0>(state); }
  T &&operator*() && { return std::get<0>(std::move(state)); }
  T *operator->() { return &std::get<0>(state); }
  const T *operator->() const { return &std::get<0>(state); }

  const Error &error() const { return std::get<1>(state); }
  Error takeError() { return std::get<1>(std::move(state)); }

  /// The value, for who prefers exceptions: throws the Error if there is none.
  T orThrow() && {
    if (!ok())
      throw takeError();
    return std::get<0>(std::move(state));
  }

private:
  std::variant<T, Error> state;
};

/// Success or an Error.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)), failed(true) {}

  bool ok() const { return !failed; }
  explicit operator bool() const { return ok(); }
  const Error &error() const { return failure; }
  Error takeError() { return std::move(failure); }
  /// Throws the Error if there is one.
  void orThrow() && {
    if (failed)
      throw takeError();
  }

private:
  Error failure;
  bool failed = false;
};

inline Error internalError(std::string m) { return {ErrorKind::Internal, std::move(m)}; }
inline Error usageError(std::string m) { return {ErrorKind::Usage, std::move(m)}; }
inline Error unsupportedError(std::string m) { return {ErrorKind::Unsupported, std::move(m)}; }
inline Error badInputError(std::string m) { return {ErrorKind::BadInput, std::move(m)}; }
inline Error resourceError(std::string m) { return {ErrorKind::ResourceLimit, std::move(m)}; }
inline Error cancelledError(std::string m) { return {ErrorKind::Cancelled, std::move(m)}; }

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_RESULT_H
