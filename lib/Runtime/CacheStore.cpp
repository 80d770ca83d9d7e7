//===- CacheStore.cpp - A directory of images -----------------------------===//
//
// Works on whole files, written aside and renamed, so that processes may share a
// directory without locks. Refuses directories in which others may put machine code.
//
//===----------------------------------------------------------------------===//
#include "mlc/Runtime/CacheStore.h"

#include "mlc/Support/File.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace mlc;

namespace fs = std::filesystem;

namespace {

constexpr const char *kSuffix = ".mlc-image";

class DirectoryStore : public CacheStore {
public:
  DirectoryStore(fs::path directory, int64_t maxBytes)
      : directory(std::move(directory)), maxBytes(maxBytes) {}

  std::optional<std::string> get(const std::string &key) override {
    fs::path path = pathOf(key);
    std::error_code code;
    if (!fs::exists(path, code))
      return std::nullopt;
    Result<std::string> bytes = readFile(path.string(), maxBytes);
    if (!bytes) {
      if (!fs::exists(path, code)) // Another process removed it.
        return std::nullopt;
      throw bytes.takeError();
    }
    fs::last_write_time(path, fs::file_time_type::clock::now(), code);
    return std::move(*bytes);
  }

  void put(const std::string &key, std::string_view value) override {
    if (static_cast<int64_t>(value.size()) > maxBytes)
      return;
    writeFile(pathOf(key).string(), value).orThrow();
    shrink();
  }

private:
  fs::path pathOf(const std::string &key) const { return directory / (key + kSuffix); }

  /// Leaves three quarters of what is allowed, so that not every put has to remove.
  void shrink() {
    struct File {
      fs::path path;
      fs::file_time_type used;
      int64_t bytes;
    };
    std::lock_guard<std::mutex> lock(mutex);
    std::vector<File> files;
    int64_t total = 0;
    std::error_code code; // of a file that is gone when it is looked at
    for (const fs::directory_entry &entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() != kSuffix)
        continue;
      auto bytes = static_cast<int64_t>(entry.file_size(code));
      auto used = entry.last_write_time(code);
      if (code)
        continue;
      total += bytes;
      files.push_back({entry.path(), used, bytes});
    }
    if (total <= maxBytes)
      return;
    std::sort(files.begin(), files.end(),
              [](const File &a, const File &b) { return a.used < b.used; });
    for (const File &file : files) {
      if (total <= maxBytes / 4 * 3)
        return;
      fs::remove(file.path, code);
      total -= file.bytes;
    }
  }

  fs::path directory;
  int64_t maxBytes;
  std::mutex mutex; ///< So that two threads do not remove for the same put.
};

} // namespace

Result<std::shared_ptr<CacheStore>> CacheStore::directory(const std::string &path,
                                                          int64_t maxBytes) {
  auto failed = [&](const std::string &why) {
    return badInputError("cache directory '" + path + "': " + why);
  };
  if (path.empty() || path.find('\0') != std::string::npos)
    return failed("expected a path");
  std::error_code code;
  fs::path absolute = fs::absolute(path, code);
  if (!code && !absolute.parent_path().empty())
    fs::create_directories(absolute.parent_path(), code);
  if (code)
    return failed("cannot be made: " + code.message());
  if (::mkdir(absolute.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("cannot be made: " + std::error_code(errno, std::generic_category()).message());
  struct stat info;
  if (::stat(absolute.c_str(), &info) != 0)
    return failed(std::error_code(errno, std::generic_category()).message());
  if (!S_ISDIR(info.st_mode))
    return failed("is not a directory");
  if (info.st_uid != ::geteuid())
    return failed("belongs to another user, who could put machine code there");
  if (info.st_mode & (S_IWGRP | S_IWOTH))
    return failed("other users may write to it, and so put machine code there; expected mode 0700");
  if (::access(absolute.c_str(), R_OK | W_OK | X_OK) != 0)
    return failed(std::error_code(errno, std::generic_category()).message());
  return std::shared_ptr<CacheStore>(
      std::make_shared<DirectoryStore>(std::move(absolute), maxBytes));
}
