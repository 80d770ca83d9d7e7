//===- Json.h - Writing JSON ------------------------------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_JSON_H
#define MLC_TOOLS_RUN_JSON_H

#include "mlc/Tensor/Tensor.h"

#include <string>
#include <string_view>
#include <vector>

namespace mlc::run {

/// Builds one JSON text; commas and indentation take care of themselves.
/// Numbers that JSON does not have are the strings "nan", "inf" and "-inf".
class JsonWriter {
public:
  void beginObject() { begin('{'); }
  void endObject() { end('}'); }
  void beginArray() { begin('['); }
  void endArray() { end(']'); }
  /// The next value belongs to `name`.
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char *text) { value(std::string_view(text)); }
  void value(bool flag) { raw(flag ? "true" : "false"); }
  void value(int64_t number) { raw(std::to_string(number)); }
  void value(double number);
  void value(const Shape &shape);
  /// {"dtype": ..., "shape": ..., "values": flat, row-major}.
  void value(const Tensor &tensor);

  template <typename T> void member(std::string_view name, const T &v) {
    key(name);
    value(v);
  }
  std::string take();

private:
  void begin(char bracket);
  void end(char bracket);
  void raw(std::string_view text);
  void quote(std::string_view text);
  void separate();
  void newLine();

  std::string text;
  std::vector<bool> empty; ///< Per open bracket: whether nothing is in it yet.
  bool afterKey = false;
};

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_JSON_H
