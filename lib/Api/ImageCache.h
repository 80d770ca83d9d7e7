//===- ImageCache.h - Images in a CacheStore --------------------*- C++ -*-===//
#ifndef MLC_LIB_API_IMAGECACHE_H
#define MLC_LIB_API_IMAGECACHE_H

#include "mlc/Abi/Door.h"
#include "mlc/Runtime/CacheStore.h"
#include "mlc/Support/Version.h"

#include <functional>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The images of Compile requests in a store. Thread-safe as the store is.
class ImageCache {
public:
  using Log = std::function<void(const std::string &)>;
  /// `store` may be null: nothing is found then.
  ImageCache(std::shared_ptr<CacheStore> store, Log log)
      : store(std::move(store)), log(std::move(log)) {}

  /// The bytes of the image that this version of the compiler made of the request on a
  /// CPU with the features of this one, as they were put.
  std::optional<std::string> get(const std::string &request, const std::string &target) const;
  void put(const std::string &request, const std::string &target, std::string_view image) const;

private:
  void failed(const char *what) const noexcept;

  std::shared_ptr<CacheStore> store;
  Log log;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_API_IMAGECACHE_H
