//===- Bytes.h - Reading and writing little-endian records ------*- C++ -*-===//
//
// The one binary encoding of mlc: canonical graphs, door messages and image
// interfaces all use it. Integers are 8 bytes little endian, strings and lists
// are preceded by their length. A reader never reads past its end: after the
// first malformed field every read returns a zero value and ok() is false.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_SUPPORT_BYTES_H
#define MLC_SUPPORT_BYTES_H

#include "mlc/Support/Version.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

class ByteWriter {
public:
  void integer(int64_t value) {
    auto bits = static_cast<uint64_t>(value);
    for (int i = 0; i < 8; ++i)
      buffer.push_back(static_cast<char>(bits >> (8 * i)));
  }
  void string(std::string_view text) {
    integer(static_cast<int64_t>(text.size()));
    buffer.append(text);
  }
  std::string take() { return std::move(buffer); }

private:
  std::string buffer;
};

class ByteReader {
public:
  explicit ByteReader(std::string_view bytes) : rest(bytes) {}

  int64_t integer() {
    if (rest.size() < 8) {
      fail();
      return 0;
    }
    uint64_t bits = 0;
    for (int i = 0; i < 8; ++i)
      bits |= static_cast<uint64_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
    rest.remove_prefix(8);
    return static_cast<int64_t>(bits);
  }
  std::string_view string() {
    int64_t size = integer();
    if (!good || size < 0 || static_cast<uint64_t>(size) > rest.size()) {
      fail();
      return {};
    }
    std::string_view text = rest.substr(0, static_cast<size_t>(size));
    rest.remove_prefix(static_cast<size_t>(size));
    return text;
  }
  /// A list length; every element takes at least `minBytes`, so a length that
  /// the remaining bytes cannot hold is malformed (no huge allocation).
  int64_t count(int64_t minBytes = 8) {
    int64_t n = integer();
    if (n < 0 || n > static_cast<int64_t>(rest.size()) / minBytes) {
      fail();
      return 0;
    }
    return n;
  }
  void fail() {
    good = false;
    rest = {};
  }
  bool ok() const { return good; }
  bool atEnd() const { return rest.empty(); }

private:
  std::string_view rest;
  bool good = true;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_SUPPORT_BYTES_H
