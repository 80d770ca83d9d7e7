//===- TempDir.h - A directory that lives as long as a test -------*- C++ -*-===//
#ifndef MLC_TEST_UNIT_TEMPDIR_H
#define MLC_TEST_UNIT_TEMPDIR_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mlc::test {

class TempDir {
public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mlc-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::runtime_error("no temporary directory");
    directory = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  TempDir(const TempDir &) = delete;
  TempDir &operator=(const TempDir &) = delete;

  std::string path(const std::string &name = "") const { return (directory / name).string(); }

  /// Writes a file without any code under test.
  std::string write(const std::string &name, std::string_view bytes) const {
    std::ofstream out(path(name), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

private:
  std::filesystem::path directory;
};

/// The bytes of a file, read without any code under test.
inline std::string slurp(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw std::runtime_error("no file " + path);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

} // namespace mlc::test

#endif // MLC_TEST_UNIT_TEMPDIR_H
