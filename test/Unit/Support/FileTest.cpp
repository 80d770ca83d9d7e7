// Regular files, and everything that is none.
#include "../TempDir.h"

#include "mlc/Support/File.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace mlc;
using namespace mlc::test;
using Catch::Contains;

TEST_CASE("readFile gives all bytes") {
  TempDir dir;
  std::string bytes("a\0b\n", 4);
  Result<std::string> read = readFile(dir.write("f", bytes), 4);
  REQUIRE(read.ok());
  CHECK(*read == bytes);
  Result<std::string> empty = readFile(dir.write("empty", ""), 0);
  REQUIRE(empty.ok());
  CHECK(empty->empty());
}

TEST_CASE("readFile refuses what is too large, before reading it") {
  TempDir dir;
  std::string path = dir.write("f", "12345");
  Result<std::string> read = readFile(path, 4);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().kind == ErrorKind::ResourceLimit);
  CHECK_THAT(read.error().message, Contains(path) && Contains("5 bytes"));
  // A hole of 2^42 bytes.
  REQUIRE(::truncate(path.c_str(), int64_t(1) << 42) == 0);
  CHECK(readFile(path, int64_t(1) << 36).error().kind == ErrorKind::ResourceLimit);
}

TEST_CASE("readFile refuses what is no regular file and says what it is") {
  TempDir dir;
  auto messageOf = [](const std::string &path) {
    Result<std::string> read = readFile(path, 100);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().kind == ErrorKind::BadInput);
    CHECK_THAT(read.error().message, Contains("'" + path + "'"));
    CHECK_FALSE(MappedFile::open(path).ok());
    return read.error().message;
  };
  CHECK_THAT(messageOf(dir.path("absent")), Contains("No such file"));
  CHECK_THAT(messageOf(dir.path()), Contains("a directory"));
  std::string fifo = dir.path("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_THAT(messageOf(fifo), Contains("a FIFO"));
  CHECK_THAT(messageOf("/dev/zero"), Contains("a character device"));
  std::string path = dir.path("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::strcpy(address.sun_path, path.c_str());
  int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0);
  CHECK_THAT(messageOf(path), Contains("a socket"));
  ::close(socket);
  CHECK_FALSE(readFile(std::string("a\0b", 3), 100).ok());
}

TEST_CASE("a regular file is read at any offset, and not past its end") {
  TempDir dir;
  Result<RegularFile> file = RegularFile::open(dir.write("f", "0123456789"));
  REQUIRE(file.ok());
  CHECK(file->size() == 10);
  char bytes[4] = {};
  REQUIRE(file->read(3, bytes, 4).ok());
  CHECK(std::string_view(bytes, 4) == "3456");
  Status status = file->read(8, bytes, 4);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().kind == ErrorKind::BadInput);
  CHECK_THAT(status.error().message, Contains("2 bytes too early"));
}

TEST_CASE("writeFile replaces regular files and nothing else") {
  TempDir dir;
  std::string path = dir.path("f");
  REQUIRE(writeFile(path, "one").ok());
  REQUIRE(writeFile(path, "two").ok());
  CHECK(slurp(path) == "two");

  std::filesystem::create_symlink("f", dir.path("link"));
  REQUIRE(writeFile(dir.path("link"), "three").ok());
  CHECK(slurp(path) == "three");
  CHECK(std::filesystem::is_symlink(dir.path("link")));

  std::string fifo = dir.path("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  Status status = writeFile(fifo, "x");
  REQUIRE_FALSE(status.ok());
  CHECK_THAT(status.error().message, Contains("a FIFO"));
  CHECK_FALSE(writeFile(dir.path(), "x").ok());
  CHECK_FALSE(writeFile(dir.path("absent/f"), "x").ok());

  size_t entries = 0;
  for (const auto &entry : std::filesystem::directory_iterator(dir.path()))
    entries += entry.exists();
  CHECK(entries == 3); // No temporary file is left.
}

TEST_CASE("a mapped file shows its bytes") {
  TempDir dir;
  auto mapped = MappedFile::open(dir.write("f", "0123"));
  REQUIRE(mapped.ok());
  CHECK((*mapped)->bytes() == "0123");
  auto empty = MappedFile::open(dir.write("empty", ""));
  REQUIRE(empty.ok());
  CHECK((*empty)->bytes().empty());
}
