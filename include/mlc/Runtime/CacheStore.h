//===- CacheStore.h - Images that outlive a process -------------*- C++ -*-===//
#ifndef MLC_RUNTIME_CACHESTORE_H
#define MLC_RUNTIME_CACHESTORE_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <memory>
#include <optional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Where engines keep compiled images, so that a program need not compile again what it
/// compiled in an earlier run. What is stored is machine code that the process runs
/// later, so whoever may write to a store may do what the process may. It holds no
/// weights. An entry that is damaged, or was made by another version of mlc or for
/// another CPU, is compiled again.
/// Thread-safety: members are called from any threads that compile, for one key too.
/// What they throw is logged, and otherwise as if nothing were stored.
class CacheStore {
public:
  virtual ~CacheStore() = default;
  /// What was put last under `key`, letters, digits and dashes, if it is there still.
  virtual std::optional<std::string> get(const std::string &key) = 0;
  virtual void put(const std::string &key, std::string_view value) = 0;

  /// A file for each key, in a directory that is made if need be, by and for the current
  /// user only. When the files have more than `maxBytes` together, those are removed
  /// that were not used for longest. Several processes may share it. BadInput if the
  /// directory cannot be made or used, or if other users may write to it.
  static Result<std::shared_ptr<CacheStore>> directory(const std::string &path,
                                                       int64_t maxBytes = int64_t(256) << 20);
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_RUNTIME_CACHESTORE_H
