//===- Json.h - JSON that nobody vouches for ----------------------*- C++ -*-===//
//
// A parsed document with bounded depth and size and no duplicate keys, in which
// numbers keep their text: 2, 2.0 and 2e0 are told apart, and an f32 is rounded
// once. JsonReader takes values out of it, and its errors name the place:
// functions[0].nodes[3].op.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_MODEL_JSON_H
#define MLC_LIB_MODEL_JSON_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

enum class JsonKind : uint8_t { Null, False, True, Integer, Float, String, Array, Object };
/// "an integer".
std::string_view jsonKindName(JsonKind kind);

class JsonDocument;

/// A value inside a document, which must outlive it. Default: no value.
class Json {
public:
  Json() = default;
  Json(const JsonDocument *document, uint32_t index) : document(document), index(index) {}

  explicit operator bool() const { return document != nullptr; }
  JsonKind kind() const;
  bool is(JsonKind k) const { return kind() == k; }
  /// The characters of a string or key (decoded), the digits of a number.
  std::string_view text() const;
  /// Elements of an array or members of an object.
  uint32_t size() const;

  /// for (Json e = array.first(); e; e = array.next(e)) ... e ...
  /// for (Json k = object.first(); k; k = object.next(k)) ... k.valueOfKey() ...
  Json first() const;
  Json next(Json child) const;
  Json valueOfKey() const;
  /// The value under a key of an object, or no value.
  Json find(std::string_view key) const;

private:
  const JsonDocument *document = nullptr;
  uint32_t index = 0;
};

class JsonDocument {
public:
  static constexpr uint32_t kMaxDepth = 320;
  static constexpr uint32_t kMaxValues = 1u << 23;

  /// `text` must have fewer than 2^32 bytes. Messages start with `name`.
  static Result<JsonDocument> parse(std::string_view text, const std::string &name);
  Json root() const { return Json(this, 0); }

private:
  friend class Json;
  friend class JsonBuilder;
  /// Values in the order of the text; a container is followed by its elements, or
  /// by keys and values in turn.
  struct Entry {
    JsonKind kind;
    uint32_t offset; ///< Of the text in `characters`.
    uint32_t size;   ///< Length of the text, or number of elements.
    uint32_t end;    ///< The first entry behind this one and its elements.
  };
  std::vector<Entry> entries;
  std::string characters;
};

/// The way from a document's root to a value, kept on the stack.
struct JsonPath {
  const JsonPath *parent = nullptr;
  std::string_view key; ///< A member, unless empty: then an element.
  int64_t index = -1;

  JsonPath operator/(std::string_view member) const { return {this, member, -1}; }
  JsonPath operator[](int64_t element) const { return {this, {}, element}; }
  std::string text() const;
};

/// Takes values out of a document. The first problem is kept, and every function
/// returns false (or nothing) from then on.
class JsonReader {
public:
  explicit JsonReader(std::string name) : name(std::move(name)) {}

  bool ok() const { return !failed; }
  Error takeError() { return std::move(error); }
  /// Always false.
  bool fail(const JsonPath &path, const std::string &what, ErrorKind kind = ErrorKind::BadInput);

  bool expect(Json value, JsonKind kind, const JsonPath &path);
  bool string(Json value, const JsonPath &path, std::string &out);
  bool nonEmptyString(Json value, const JsonPath &path, std::string &out);
  bool integer(Json value, const JsonPath &path, int64_t &out);
  /// An integer >= 0.
  bool size(Json value, const JsonPath &path, int64_t &out);
  bool boolean(Json value, const JsonPath &path, bool &out);
  /// Finite and >= 0.
  bool tolerance(Json value, const JsonPath &path, double &out);

  struct Field {
    std::string_view name;
    Json *value;
    bool required = true;
  };
  /// The members of an object, which may have no others.
  bool fields(Json object, const JsonPath &path, std::initializer_list<Field> known);

private:
  std::string name;
  Error error;
  bool failed = false;
};

/// `text` as a JSON string, in quotes. What is not UTF-8 stays so.
void appendJsonString(std::string &out, std::string_view text);
/// Shortened, on one line; and the same in backquotes.
std::string forMessage(std::string_view text, size_t limit = 60);
std::string quoteForMessage(std::string_view text);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_MODEL_JSON_H
