//===- Safetensors.cpp - The container of weights -------------------------===//
//
// Refuses headers over 100 MB or beyond the file, duplicate keys, unknown keys
// and dtypes, sizes that overflow or disagree with shapes, and data that
// overlaps, has holes or does not end with the file.
//
//===----------------------------------------------------------------------===//
#include "Safetensors.h"
#include "Json.h"

#include "mlc/Support/CheckedMath.h"

#include <algorithm>
#include <cstring>

using namespace mlc;

namespace {
struct DTypeCode {
  std::string_view code;
  DType dtype;
};
constexpr DTypeCode kCodes[] = {{"F32", DType::F32},   {"F64", DType::F64}, {"F16", DType::F16},
                                {"BF16", DType::BF16}, {"I8", DType::I8},   {"U8", DType::U8},
                                {"I16", DType::I16},   {"I32", DType::I32}, {"I64", DType::I64},
                                {"BOOL", DType::Bool}};

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kDataAlignment = 64;
} // namespace

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static bool readEntry(JsonReader &reader, Json value, const JsonPath &path, TensorEntry &entry) {
  Json dtype, shape, offsets;
  std::string code;
  if (!reader.fields(value, path,
                     {{"dtype", &dtype}, {"shape", &shape}, {"data_offsets", &offsets}}) ||
      !reader.string(dtype, path / "dtype", code))
    return false;
  const DTypeCode *known = std::find_if(std::begin(kCodes), std::end(kCodes),
                                        [&](const DTypeCode &c) { return c.code == code; });
  if (known == std::end(kCodes))
    return reader.fail(path / "dtype", "unknown dtype " + quoteForMessage(code),
                       ErrorKind::Unsupported);
  entry.dtype = known->dtype;

  JsonPath shapePath = path / "shape", offsetsPath = path / "data_offsets";
  if (!reader.expect(shape, JsonKind::Array, shapePath) ||
      !reader.expect(offsets, JsonKind::Array, offsetsPath))
    return false;
  int64_t index = 0;
  for (Json e = shape.first(); e; e = shape.next(e))
    if (!reader.size(e, shapePath[index++], entry.shape.emplace_back()))
      return false;
  if (offsets.size() != 2)
    return reader.fail(offsetsPath, "expected two offsets");
  Json begin = offsets.first(), end = offsets.next(begin);
  if (!reader.size(begin, offsetsPath[0], entry.begin) ||
      !reader.size(end, offsetsPath[1], entry.end))
    return false;
  if (entry.end < entry.begin)
    return reader.fail(offsetsPath, "the end comes before the begin");
  std::optional<int64_t> count = elementCount(entry.shape);
  std::optional<int64_t> bytes = count ? checkedMul(*count, dtypeBytes(entry.dtype)) : std::nullopt;
  if (!bytes)
    return reader.fail(shapePath, "the size of " + toString(entry.shape) + " overflows");
  return *bytes == entry.end - entry.begin ||
         reader.fail(path, code + toString(entry.shape) + " has " + std::to_string(*bytes) +
                               " bytes, its data_offsets span " +
                               std::to_string(entry.end - entry.begin));
}

static bool readMetadata(JsonReader &reader, Json value, const JsonPath &path,
                         std::map<std::string, std::string> &metadata) {
  if (!reader.expect(value, JsonKind::Object, path))
    return false;
  for (Json key = value.first(); key; key = value.next(key))
    if (!reader.string(key.valueOfKey(), path / key.text(), metadata[std::string(key.text())]))
      return false;
  return true;
}

/// The data holds the tensors back to back, nothing else; `entry` offsets still
/// count from its start.
static Status checkLayout(const SafetensorsHeader &header, int64_t dataBytes,
                          const std::string &name) {
  std::vector<std::pair<const std::string *, const TensorEntry *>> order;
  order.reserve(header.tensors.size());
  for (const auto &[tensorName, entry] : header.tensors)
    order.emplace_back(&tensorName, &entry);
  std::sort(order.begin(), order.end(), [](const auto &a, const auto &b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  int64_t position = 0;
  for (const auto &[tensorName, entry] : order) {
    auto bad = [&](const std::string &what) {
      return badInputError(name + ": tensor " + quoteForMessage(*tensorName) + " " + what);
    };
    if (entry->begin < position)
      return bad("overlaps another: it begins at byte " + std::to_string(entry->begin) +
                 " of the data, the one before ends at " + std::to_string(position));
    if (entry->begin > position)
      return bad("follows a hole: it begins at byte " + std::to_string(entry->begin) +
                 " of the data, the one before ends at " + std::to_string(position));
    if (entry->end > dataBytes)
      return bad("ends at byte " + std::to_string(entry->end) + " of the data, which has " +
                 std::to_string(dataBytes) + " bytes: the file is cut off");
    position = entry->end;
  }
  if (position != dataBytes)
    return badInputError(name + ": " + std::to_string(dataBytes - position) +
                         " bytes of data follow the last tensor");
  return {};
}

static Result<SafetensorsHeader> parseHeader(std::string_view text, const std::string &name) {
  if (text.empty() || text[0] != '{')
    return badInputError(name + ": the header does not start with '{'");
  // It may be padded at its end, with spaces alone.
  size_t last = text.find_last_not_of(' ');
  if (text[last] != '}')
    return badInputError(name + ": the header does not end with '}' and spaces");
  Result<JsonDocument> document = JsonDocument::parse(text.substr(0, last + 1), name + ": header");
  if (!document)
    return document.takeError();

  SafetensorsHeader header;
  JsonReader reader(name + ": header");
  JsonPath top;
  Json root = document->root();
  for (Json key = root.first(); key; key = root.next(key)) {
    bool read = key.text() == "__metadata__"
                    ? readMetadata(reader, key.valueOfKey(), top / key.text(), header.metadata)
                    : readEntry(reader, key.valueOfKey(), top / key.text(),
                                header.tensors[std::string(key.text())]);
    if (!read)
      return reader.takeError();
  }
  return header;
}

Result<SafetensorsHeader> mlc::readSafetensorsHeader(const ByteSource &source,
                                                     const std::string &name) {
  if (source.size < kLengthBytes)
    return badInputError(name + ": not a model: it has " + std::to_string(source.size) +
                         " bytes, a safetensors file has at least 8");
  unsigned char lengthBytes[kLengthBytes];
  Status status = source.read(0, lengthBytes, kLengthBytes);
  if (!status)
    return status.takeError();
  uint64_t length = 0;
  for (int i = 0; i < kLengthBytes; ++i)
    length |= static_cast<uint64_t>(lengthBytes[i]) << (8 * i);
  if (length > static_cast<uint64_t>(SafetensorsHeader::kMaxBytes))
    return badInputError(name +
                         ": not a model: no JSON, and as safetensors its header would have " +
                         std::to_string(length) + " bytes, the limit is " +
                         std::to_string(SafetensorsHeader::kMaxBytes));
  auto headerBytes = static_cast<int64_t>(length);
  if (headerBytes > source.size - kLengthBytes)
    return badInputError(name + ": the header of " + std::to_string(headerBytes) +
                         " bytes is cut off: the file has " + std::to_string(source.size) +
                         " bytes");
  std::string text(static_cast<size_t>(headerBytes), '\0');
  status = source.read(kLengthBytes, text.data(), headerBytes);
  if (!status)
    return status.takeError();
  Result<SafetensorsHeader> header = parseHeader(text, name);
  if (!header)
    return header.takeError();
  int64_t dataStart = kLengthBytes + headerBytes;
  status = checkLayout(*header, source.size - dataStart, name);
  if (!status)
    return status.takeError();
  for (auto &[tensorName, entry] : header->tensors) {
    entry.begin += dataStart;
    entry.end += dataStart;
  }
  return header;
}

Result<Tensor> mlc::readSafetensor(const ByteSource &source, const TensorEntry &entry,
                                   const std::string &name) {
  const char *place = source.mapped.data() ? source.mapped.data() + entry.begin : nullptr;
  Tensor tensor;
  if (place &&
      reinterpret_cast<uintptr_t>(place) % static_cast<uintptr_t>(dtypeBytes(entry.dtype)) == 0) {
    tensor = Tensor::borrow(entry.dtype, entry.shape, const_cast<char *>(place), source.keepAlive);
  } else {
    Result<Tensor> copy = Tensor::zeros(entry.dtype, entry.shape);
    if (!copy)
      return copy.takeError();
    Status status = source.read(entry.begin, copy->data(), entry.end - entry.begin);
    if (!status)
      return status.takeError();
    tensor = *std::move(copy);
  }
  if (tensor.dtype() == DType::Bool)
    for (int64_t i = 0; i < tensor.size(); ++i)
      if (auto byte = tensor.dataAs<unsigned char>()[i]; byte > 1)
        return badInputError(name + ": bool element " + std::to_string(i) + " is byte " +
                             std::to_string(byte) + ", expected 0 or 1");
  return tensor;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string mlc::writeSafetensorsHeader(const std::map<std::string, std::string> &metadata,
                                        const std::map<std::string, Tensor> &tensors,
                                        std::vector<const Tensor *> &order) {
  // Larger elements first: then all are aligned.
  std::vector<std::pair<const std::string *, const Tensor *>> sorted;
  sorted.reserve(tensors.size());
  for (const auto &[name, tensor] : tensors)
    sorted.emplace_back(&name, &tensor);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto &a, const auto &b) {
    return dtypeBytes(a.second->dtype()) > dtypeBytes(b.second->dtype());
  });

  std::string header(static_cast<size_t>(kLengthBytes), '\0');
  header += "{\"__metadata__\":{";
  for (const auto &[key, value] : metadata) {
    if (header.back() != '{')
      header += ',';
    appendJsonString(header, key);
    header += ':';
    appendJsonString(header, value);
  }
  header += '}';
  int64_t offset = 0;
  order.clear();
  for (const auto &[name, tensor] : sorted) {
    header += ',';
    appendJsonString(header, *name);
    const DTypeCode *code = std::find_if(std::begin(kCodes), std::end(kCodes),
                                         [&](const auto &c) { return c.dtype == tensor->dtype(); });
    header += ":{\"dtype\":\"" + std::string(code->code) + "\",\"shape\":[";
    for (size_t i = 0; i < tensor->shape().size(); ++i)
      header += (i ? "," : "") + std::to_string(tensor->shape()[i]);
    header += "],\"data_offsets\":[" + std::to_string(offset) + ",";
    offset += tensor->byteSize();
    header += std::to_string(offset) + "]}";
    order.push_back(tensor);
  }
  header += '}';
  header.append(static_cast<size_t>(alignTo(static_cast<int64_t>(header.size()), kDataAlignment)) -
                    header.size(),
                ' ');
  auto length = header.size() - static_cast<size_t>(kLengthBytes);
  for (int i = 0; i < kLengthBytes; ++i)
    header[static_cast<size_t>(i)] = static_cast<char>(length >> (8 * i));
  return header;
}
