//===- Names.cpp - Which names a graph may hold -----------------------------------===//

#include "Names.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxDimNameBytes = 64;

/// The length of the well-formed UTF-8 sequence at the front, 0 if there is none.
static size_t utf8Length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80)
    return 1;
  size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  // Overlong forms, surrogates and what lies beyond U+10FFFF.
  if ((byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) >= 0xa0) ||
      (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) >= 0x90))
    return 0;
  return length;
}

static bool isControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool isName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes)
    return false;
  while (!name.empty()) {
    size_t length = utf8Length(name);
    if (length == 0 || isControl(name[0]))
      return false;
    name.remove_prefix(length);
  }
  return true;
}

bool isDimName(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || name.size() > kMaxDimNameBytes || !letter(name[0]))
    return false;
  for (char c : name)
    if (!letter(c) && !(c >= '0' && c <= '9'))
      return false;
  return true;
}

std::string printable(std::string_view name) {
  constexpr size_t maxBytes = 80;
  std::string text;
  while (!name.empty() && text.size() < maxBytes) {
    size_t length = utf8Length(name);
    if (length == 0 || isControl(name[0])) {
      text += '?';
      length = 1;
    } else {
      text += name.substr(0, length);
    }
    name.remove_prefix(length);
  }
  return name.empty() ? text : text + "...";
}

std::string nameError(const char *what, std::string_view name) {
  std::string prefix = std::string("a ") + what;
  if (name.empty())
    return prefix + " has no name";
  prefix += " is named \"" + printable(name) + "\"; expected ";
  if (name.size() > kMaxNameBytes)
    return prefix + "at most " + std::to_string(kMaxNameBytes) + " bytes";
  return prefix + "UTF-8 without control characters";
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
