//===- Json.cpp - Writing JSON --------------------------------------------===//
#include "Json.h"

#include "mlc/Tensor/Element.h"

#include <charconv>
#include <cmath>

namespace mlc::run {

void JsonWriter::newLine() {
  text += '\n';
  text.append(2 * empty.size(), ' ');
}

void JsonWriter::separate() {
  if (afterKey) {
    afterKey = false;
    return;
  }
  if (empty.empty())
    return;
  if (!empty.back())
    text += ',';
  empty.back() = false;
  newLine();
}

void JsonWriter::begin(char bracket) {
  separate();
  text += bracket;
  empty.push_back(true);
}

void JsonWriter::end(char bracket) {
  bool wasEmpty = empty.back();
  empty.pop_back();
  if (!wasEmpty)
    newLine();
  text += bracket;
}

void JsonWriter::raw(std::string_view piece) {
  separate();
  text += piece;
}

void JsonWriter::quote(std::string_view piece) {
  static const char digits[] = "0123456789abcdef";
  text += '"';
  for (char c : piece) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text += "\\u00";
      text += digits[c >> 4];
      text += digits[c & 15];
    } else {
      text += c;
    }
  }
  text += '"';
}

void JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  text += ": ";
  afterKey = true;
}

void JsonWriter::value(std::string_view piece) {
  separate();
  quote(piece);
}

void JsonWriter::value(double number) {
  if (std::isnan(number))
    return value("nan");
  if (std::isinf(number))
    return value(number > 0 ? "inf" : "-inf");
  char buffer[32];
  auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
  raw({buffer, static_cast<size_t>(result.ptr - buffer)});
}

void JsonWriter::value(const Shape &shape) { raw(toString(shape)); }

void JsonWriter::value(const Tensor &tensor) {
  beginObject();
  member("dtype", dtypeName(tensor.dtype()));
  member("shape", tensor.shape());
  key("values");
  separate();
  text += '[';
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (i > 0)
      text += ", ";
    std::string element = elementToString(tensor, i);
    bool finite = !isFloat(tensor.dtype()) || std::isfinite(elementAsDouble(tensor, i));
    if (finite)
      text += element;
    else
      quote(element);
  }
  text += ']';
  endObject();
}

std::string JsonWriter::take() {
  text += '\n';
  return std::move(text);
}

} // namespace mlc::run
