//===- Json.cpp - JSON that nobody vouches for ----------------------------===//
//
// nlohmann's parser reports events (it keeps its state on the heap, so nesting
// costs no stack); we build a flat table of them and check what it does not:
// depth, number of values, duplicate keys.
//
//===----------------------------------------------------------------------===//
#include "Json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

using namespace mlc;

std::string_view mlc::jsonKindName(JsonKind kind) {
  switch (kind) {
  case JsonKind::Null:
    return "null";
  case JsonKind::False:
  case JsonKind::True:
    return "a boolean";
  case JsonKind::Integer:
    return "an integer";
  case JsonKind::Float:
    return "a number with a fraction or exponent";
  case JsonKind::String:
    return "a string";
  case JsonKind::Array:
    return "an array";
  case JsonKind::Object:
    return "an object";
  }
  return "";
}

std::string mlc::forMessage(std::string_view text, size_t limit) {
  bool cut = text.size() > limit;
  while (cut && limit > 0 && (text[limit] & 0xc0) == 0x80)
    --limit; // Not inside a character.
  std::string shown(text.substr(0, limit));
  for (char &c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return cut ? shown + "..." : shown;
}

std::string mlc::quoteForMessage(std::string_view text) { return "`" + forMessage(text) + "`"; }

void mlc::appendJsonString(std::string &out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char digits[] = "0123456789abcdef";
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

//===----------------------------------------------------------------------===//
// Building the table
//===----------------------------------------------------------------------===//

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
/// Receives nlohmann's events. Every function returns whether to go on.
class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
  JsonBuilder(JsonDocument &document, std::string name)
      : document(document), name(std::move(name)) {}

  bool null() override { return add(JsonKind::Null, {}); }
  bool boolean(bool value) override { return add(value ? JsonKind::True : JsonKind::False, {}); }
  bool number_integer(number_integer_t value) override {
    return add(JsonKind::Integer, std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(JsonKind::Integer, std::to_string(value));
  }
  bool number_float(number_float_t, const string_t &text) override {
    // An integer beyond 64 bits arrives here too: it has digits alone.
    bool digits = text.find_first_not_of("-0123456789") == text.npos;
    if (!add(digits ? JsonKind::Integer : JsonKind::Float, text))
      return false;
    // nlohmann replaces the point by the locale's.
    for (size_t i = document.characters.size() - text.size(); i < document.characters.size(); ++i)
      if (std::string_view("0123456789+-eE").find(document.characters[i]) == std::string_view::npos)
        document.characters[i] = '.';
    return true;
  }
  bool string(string_t &text) override { return add(JsonKind::String, text); }
  bool binary(binary_t &) override { return false; }
  bool key(string_t &text) override {
    return addEntry(JsonKind::String, text); // Counted with its value.
  }
  bool start_object(std::size_t) override { return open(JsonKind::Object); }
  bool start_array(std::size_t) override { return open(JsonKind::Array); }
  bool end_array() override {
    close();
    return true;
  }
  bool end_object() override {
    uint32_t object = containers.back();
    close();
    return checkKeys(object);
  }
  bool parse_error(std::size_t position, const std::string &,
                   const nlohmann::detail::exception &problem) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string_view what = problem.what();
    for (std::string_view before : {"] ", ": "})
      if (size_t found = what.find(before); found != what.npos)
        what.remove_prefix(found + 2);
    return fail("not JSON at byte " + std::to_string(position) + ": " + forMessage(what, 200));
  }

  Error takeError() { return std::move(error); }

private:
  bool fail(const std::string &what, ErrorKind kind = ErrorKind::BadInput) {
    error = {kind, name + ": " + what};
    return false;
  }

  bool addEntry(JsonKind kind, std::string_view text) {
    if (document.entries.size() >= JsonDocument::kMaxValues)
      return fail("the JSON has more than " + std::to_string(JsonDocument::kMaxValues) + " values",
                  ErrorKind::ResourceLimit);
    auto index = static_cast<uint32_t>(document.entries.size());
    document.entries.push_back({kind, static_cast<uint32_t>(document.characters.size()),
                                static_cast<uint32_t>(text.size()), index + 1});
    document.characters.append(text);
    return true;
  }

  bool add(JsonKind kind, std::string_view text) {
    if (!containers.empty())
      ++document.entries[containers.back()].size;
    return addEntry(kind, text);
  }

  bool open(JsonKind kind) {
    if (containers.size() == JsonDocument::kMaxDepth)
      return fail("the JSON is nested deeper than " + std::to_string(JsonDocument::kMaxDepth) +
                  " levels");
    if (!add(kind, {}))
      return false;
    containers.push_back(static_cast<uint32_t>(document.entries.size() - 1));
    return true;
  }

  void close() {
    document.entries[containers.back()].end = static_cast<uint32_t>(document.entries.size());
    containers.pop_back();
  }

  bool checkKeys(uint32_t object) {
    keys.clear();
    Json container(&document, object);
    for (Json key = container.first(); key; key = container.next(key))
      keys.push_back(key.text());
    std::sort(keys.begin(), keys.end());
    auto twice = std::adjacent_find(keys.begin(), keys.end());
    return twice == keys.end() ||
           fail("the JSON has the key " + quoteForMessage(*twice) + " twice in one object");
  }

  JsonDocument &document;
  std::string name;
  Error error;
  std::vector<uint32_t> containers; ///< Those that are open, innermost last.
  std::vector<std::string_view> keys;
};
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

Result<JsonDocument> JsonDocument::parse(std::string_view text, const std::string &name) {
  JsonDocument document;
  JsonBuilder builder(document, name);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder))
    return builder.takeError();
  return document;
}

//===----------------------------------------------------------------------===//
// Walking the table
//===----------------------------------------------------------------------===//

JsonKind Json::kind() const { return document->entries[index].kind; }

std::string_view Json::text() const {
  const JsonDocument::Entry &entry = document->entries[index];
  return std::string_view(document->characters).substr(entry.offset, entry.size);
}

uint32_t Json::size() const { return document->entries[index].size; }

Json Json::first() const { return size() ? Json(document, index + 1) : Json(); }

Json Json::next(Json child) const {
  uint32_t next = document->entries[child.index].end;
  if (is(JsonKind::Object))
    next = document->entries[next].end; // Past the value of that key.
  return next < document->entries[index].end ? Json(document, next) : Json();
}

Json Json::valueOfKey() const { return Json(document, index + 1); }

Json Json::find(std::string_view key) const {
  if (is(JsonKind::Object))
    for (Json k = first(); k; k = next(k))
      if (k.text() == key)
        return k.valueOfKey();
  return Json();
}

//===----------------------------------------------------------------------===//
// Reading values
//===----------------------------------------------------------------------===//

std::string JsonPath::text() const {
  std::string above = parent ? parent->text() : "";
  if (index >= 0)
    return above + "[" + std::to_string(index) + "]";
  if (key.empty())
    return above;
  return above + (above.empty() ? "" : ".") + forMessage(key);
}

bool JsonReader::fail(const JsonPath &path, const std::string &what, ErrorKind kind) {
  if (failed)
    return false;
  failed = true;
  std::string place = path.text();
  error = {kind, name + ": " + place + (place.empty() ? "" : ": ") + what};
  return false;
}

bool JsonReader::expect(Json value, JsonKind kind, const JsonPath &path) {
  return value.is(kind) || fail(path, "expected " + std::string(jsonKindName(kind)) + ", not " +
                                          std::string(jsonKindName(value.kind())));
}

bool JsonReader::string(Json value, const JsonPath &path, std::string &out) {
  if (!expect(value, JsonKind::String, path))
    return false;
  out = value.text();
  return true;
}

bool JsonReader::nonEmptyString(Json value, const JsonPath &path, std::string &out) {
  return string(value, path, out) && (!out.empty() || fail(path, "the name is empty"));
}

bool JsonReader::integer(Json value, const JsonPath &path, int64_t &out) {
  if (!expect(value, JsonKind::Integer, path))
    return false;
  std::string_view text = value.text();
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc() ||
         fail(path, std::string(text.substr(0, 40)) + " does not fit into 64 bits");
}

bool JsonReader::size(Json value, const JsonPath &path, int64_t &out) {
  return integer(value, path, out) &&
         (out >= 0 || fail(path, "expected a size >= 0, not " + std::to_string(out)));
}

bool JsonReader::boolean(Json value, const JsonPath &path, bool &out) {
  if (!value.is(JsonKind::False) && !expect(value, JsonKind::True, path))
    return false;
  out = value.is(JsonKind::True);
  return true;
}

bool JsonReader::tolerance(Json value, const JsonPath &path, double &out) {
  if (!value.is(JsonKind::Integer) && !value.is(JsonKind::Float))
    return fail(path, "expected a number, not " + std::string(jsonKindName(value.kind())));
  std::string_view text = value.text();
  std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), out);
  return (end.ec == std::errc() && std::isfinite(out) && out >= 0) ||
         fail(path, "a tolerance is a number >= 0, not " + std::string(text.substr(0, 40)));
}

bool JsonReader::fields(Json object, const JsonPath &path, std::initializer_list<Field> known) {
  if (!expect(object, JsonKind::Object, path))
    return false;
  for (Json key = object.first(); key; key = object.next(key)) {
    const Field *field = std::find_if(known.begin(), known.end(),
                                      [&](const Field &f) { return f.name == key.text(); });
    if (field == known.end())
      return fail(path / key.text(), "unknown key");
    *field->value = key.valueOfKey();
  }
  for (const Field &field : known)
    if (field.required && !*field.value)
      return fail(path, "the key `" + std::string(field.name) + "` is missing");
  return true;
}
