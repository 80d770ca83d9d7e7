//===- File.h - Reading whole files safely ----------------------*- C++ -*-===//
#ifndef MLC_SUPPORT_FILE_H
#define MLC_SUPPORT_FILE_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// The bytes of a regular file. Directories, FIFOs and devices are BadInput (a
/// FIFO is not waited for), files larger than `maxBytes` ResourceLimit.
Result<std::string> readFile(const std::string &path, int64_t maxBytes);

/// Writes next to `path` and renames, so that a reader never sees a partial file.
Status writeFile(const std::string &path, std::string_view bytes);
Status writeFile(const std::string &path, const std::vector<std::string_view> &pieces);

/// A regular file open for reading at any offset. Movable; one thread at a time.
class RegularFile {
public:
  /// Anything but a regular file is BadInput; a FIFO is not waited for.
  static Result<RegularFile> open(const std::string &path);
  RegularFile(RegularFile &&other) noexcept;
  RegularFile &operator=(RegularFile &&other) noexcept;
  ~RegularFile();

  /// The size when opened.
  int64_t size() const { return bytes; }
  /// Exactly `count` bytes at `offset`; BadInput if the file ends before.
  Status read(int64_t offset, void *destination, int64_t count) const;

private:
  friend class MappedFile;
  RegularFile() = default;
  std::string path;
  int descriptor = -1;
  int64_t bytes = 0;
};

/// A read-only mapping of a regular file; writing to it is a fault. The caller
/// promises that the file is not truncated while it is mapped.
class MappedFile {
public:
  static Result<std::shared_ptr<MappedFile>> open(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  std::string_view bytes() const { return contents; }

private:
  MappedFile() = default;
  std::string_view contents;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_FILE_H
