// What the example programs share: they stop with a message at the first error.
#ifndef MLC_EXAMPLES_COMMON_EXAMPLE_H
#define MLC_EXAMPLES_COMMON_EXAMPLE_H

#include "mlc/mlc.h"

#include <cstdio>
#include <cstdlib>

namespace example {

inline void require(bool condition, const std::string &message) {
  if (condition)
    return;
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

/// The value of a Result.
template <typename T> T get(mlc::Result<T> result) {
  require(result.ok(), result ? "" : result.error().message);
  return *std::move(result);
}

inline void get(mlc::Status status) { require(status.ok(), status ? "" : status.error().message); }

} // namespace example

#endif // MLC_EXAMPLES_COMMON_EXAMPLE_H
