//===- ImageCache.cpp - Images in a CacheStore ----------------------------===//
//
// Works on the bytes of requests and images. An entry holds the whole request, so that
// the key need not be a hash that nobody can find a collision of.
//
//===----------------------------------------------------------------------===//
#include "ImageCache.h"

#include "mlc/CompilerIdentity.h"
#include "mlc/Runtime/CpuFeatures.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/.
static uint64_t hashOf(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

/// Everything that the image depends on.
static std::string question(const std::string &request, const std::string &target) {
  ByteWriter w;
  w.string(MLC_COMPILER_IDENTITY);
  w.string(request);
  if (target == "native")
    for (const std::string &feature : hostCpuFeatures())
      w.string(feature);
  return w.take();
}

static std::string keyOf(const std::string &question) {
  constexpr const char *kDigits = "0123456789abcdef";
  std::string key = "mlc-";
  uint64_t hash = hashOf(question);
  for (int shift = 60; shift >= 0; shift -= 4)
    key += kDigits[hash >> shift & 15];
  return key;
}

void ImageCache::failed(const char *what) const noexcept {
  try {
    try {
      throw;
    } catch (const std::exception &error) {
      log("the cache store failed to " + std::string(what) + " an image: " + error.what());
    } catch (...) {
      log("the cache store failed to " + std::string(what) + " an image");
    }
  } catch (...) { // NOLINT(bugprone-empty-catch): The log failed too.
  }
}

std::optional<std::string> ImageCache::get(const std::string &request,
                                           const std::string &target) const {
  if (!store)
    return std::nullopt;
  try {
    std::string asked = question(request, target);
    std::optional<std::string> entry = store->get(keyOf(asked));
    if (!entry)
      return std::nullopt;
    ByteReader r(*entry);
    std::string_view answered = r.string(), image = r.string();
    auto hash = static_cast<uint64_t>(r.integer());
    if (!r.ok() || !r.atEnd() || answered != asked || hash != hashOf(image))
      return std::nullopt;
    return std::string(image);
  } catch (...) {
    failed("get");
    return std::nullopt;
  }
}

void ImageCache::put(const std::string &request, const std::string &target,
                     std::string_view image) const {
  if (!store)
    return;
  try {
    std::string asked = question(request, target);
    ByteWriter w;
    w.string(asked);
    w.string(image);
    w.integer(static_cast<int64_t>(hashOf(image)));
    store->put(keyOf(asked), w.take());
  } catch (...) {
    failed("put");
  }
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
