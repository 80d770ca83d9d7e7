//===- File.cpp - Reading and writing regular files -----------------------===//
//
// Files are opened without waiting and without being inherited by children, and
// are looked at before the first byte is read. Refuses all but regular files.
//
//===----------------------------------------------------------------------===//
#include "mlc/Support/File.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace mlc;

/// Linux moves at most 2 GiB a call; smaller pieces also bound a signal's wait.
static constexpr int64_t kPiece = int64_t(1) << 26;

static std::string quoted(const std::string &path) { return "'" + path + "'"; }

static std::string systemMessage(int code) {
  return std::error_code(code, std::generic_category()).message();
}

static Error fileError(const char *verb, const std::string &path, int code) {
  std::string message =
      std::string("cannot ") + verb + " " + quoted(path) + ": " + systemMessage(code);
  bool exhausted = code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE ||
                   code == ENOMEM || code == EFBIG;
  return exhausted ? resourceError(message) : badInputError(message);
}

static const char *fileTypeName(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFDIR:
    return "a directory";
  case S_IFIFO:
    return "a FIFO";
  case S_IFCHR:
    return "a character device";
  case S_IFBLK:
    return "a block device";
  case S_IFSOCK:
    return "a socket";
  default:
    return "a special file";
  }
}

static Error notRegular(const char *verb, const std::string &path, mode_t mode) {
  return badInputError(std::string("cannot ") + verb + " " + quoted(path) + ": it is " +
                       fileTypeName(mode) + ", not a regular file");
}

//===----------------------------------------------------------------------===//
// RegularFile
//===----------------------------------------------------------------------===//

Result<RegularFile> RegularFile::open(const std::string &path) {
  if (path.find('\0') != std::string::npos)
    return badInputError("cannot read a path that holds a zero byte");
  RegularFile file;
  file.path = path;
  do
    file.descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  while (file.descriptor < 0 && errno == EINTR);
  if (file.descriptor < 0) {
    int code = errno;
    struct stat info;
    // A socket, or a device without a driver, cannot even be opened.
    if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
      return notRegular("read", path, info.st_mode);
    return fileError("read", path, code);
  }
  struct stat info;
  if (::fstat(file.descriptor, &info) != 0)
    return fileError("read", path, errno);
  if (!S_ISREG(info.st_mode))
    return notRegular("read", path, info.st_mode);
  file.bytes = info.st_size;
  return file;
}

RegularFile::RegularFile(RegularFile &&other) noexcept
    : path(std::move(other.path)), descriptor(std::exchange(other.descriptor, -1)),
      bytes(other.bytes) {}

RegularFile &RegularFile::operator=(RegularFile &&other) noexcept {
  std::swap(path, other.path);
  std::swap(descriptor, other.descriptor);
  std::swap(bytes, other.bytes);
  return *this;
}

RegularFile::~RegularFile() {
  if (descriptor >= 0)
    ::close(descriptor);
}

Status RegularFile::read(int64_t offset, void *destination, int64_t count) const {
  auto *out = static_cast<char *>(destination);
  while (count > 0) {
    ssize_t got = ::pread(descriptor, out, std::min(count, kPiece), offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fileError("read", path, errno);
    if (got == 0)
      return badInputError("cannot read " + quoted(path) + ": the file ends at byte " +
                           std::to_string(offset) + ", " + std::to_string(count) +
                           " bytes too early");
    out += got;
    offset += got;
    count -= got;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Whole files
//===----------------------------------------------------------------------===//

Result<std::string> mlc::readFile(const std::string &path, int64_t maxBytes) {
  Result<RegularFile> file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  if (file->size() > maxBytes)
    return resourceError("cannot read " + quoted(path) + ": it has " +
                         std::to_string(file->size()) + " bytes, the limit is " +
                         std::to_string(maxBytes));
  std::string contents;
  try {
    contents.resize(static_cast<size_t>(file->size()));
  } catch (const std::exception &) {
    return resourceError("cannot read " + quoted(path) + ": no memory for its " +
                         std::to_string(file->size()) + " bytes");
  }
  Status status = file->read(0, contents.data(), file->size());
  if (!status)
    return status.takeError();
  return contents;
}

static int writeAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    size_t piece = std::min(bytes.size(), static_cast<size_t>(kPiece));
    ssize_t put = ::write(descriptor, bytes.data(), piece);
    if (put >= 0)
      bytes.remove_prefix(static_cast<size_t>(put));
    else if (errno != EINTR)
      return errno;
  }
  return 0;
}

/// Writes everything to a file that did not exist; gives an errno.
static int writeNew(const std::string &path, const std::vector<std::string_view> &pieces) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return errno;
  int code = 0;
  for (std::string_view piece : pieces)
    if (code == 0)
      code = writeAll(descriptor, piece);
  if (::close(descriptor) != 0 && code == 0)
    code = errno;
  return code;
}

Status mlc::writeFile(const std::string &path, std::string_view bytes) {
  return writeFile(path, std::vector<std::string_view>{bytes});
}

Status mlc::writeFile(const std::string &path, const std::vector<std::string_view> &pieces) {
  if (path.find('\0') != std::string::npos)
    return badInputError("cannot write to a path that holds a zero byte");
  // Renaming would replace a link or a device by the new file: follow the one,
  // refuse the other.
  std::string target = path;
  struct stat info;
  if (::stat(path.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode))
      return notRegular("write", path, info.st_mode);
    if (char *resolved = ::realpath(path.c_str(), nullptr)) {
      target = resolved;
      std::free(resolved);
    }
  }
  static std::atomic<unsigned> counter{0};
  std::string temporary;
  int code = EEXIST;
  for (int attempt = 0; attempt < 100 && code == EEXIST; ++attempt) {
    temporary = target + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    code = writeNew(temporary, pieces);
  }
  if (code == 0 && ::rename(temporary.c_str(), target.c_str()) != 0)
    code = errno;
  if (code == 0)
    return {};
  if (code != EEXIST)
    ::unlink(temporary.c_str());
  return fileError("write", path, code);
}

//===----------------------------------------------------------------------===//
// MappedFile
//===----------------------------------------------------------------------===//

Result<std::shared_ptr<MappedFile>> MappedFile::open(const std::string &path) {
  Result<RegularFile> file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  std::shared_ptr<MappedFile> mapped(new MappedFile);
  auto size = static_cast<size_t>(file->size());
  if (size == 0)
    return mapped;
  void *start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
  if (start == MAP_FAILED)
    return fileError("map", path, errno);
  mapped->contents = {static_cast<const char *>(start), size};
  return mapped;
}

MappedFile::~MappedFile() {
  if (!contents.empty())
    ::munmap(const_cast<char *>(contents.data()), contents.size());
}
