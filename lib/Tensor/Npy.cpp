//===- Npy.cpp - numpy's .npy files ---------------------------------------===//
//
// The header is a Python dictionary; exactly the form that numpy writes is read,
// with keys in any order. numpy itself has no bf16: the package ml_dtypes adds it, and
// saves it as two bytes without meaning, V2. Refuses what numpy.h says, and data that does not end
// where the header says it does.
//
//===----------------------------------------------------------------------===//
#include "mlc/Tensor/Npy.h"
#include "NpyHeader.h"

#include "mlc/Support/CheckedMath.h"

#include <algorithm>
#include <charconv>

using namespace mlc;

static constexpr std::string_view kMagic("\x93NUMPY", 6);
static constexpr size_t kMaxRank = 64;

namespace {

struct Descr {
  std::string_view code; ///< Without the byte order.
  DType dtype;
};
constexpr Descr kDescrs[] = {{"f4", DType::F32}, {"f8", DType::F64}, {"f2", DType::F16},
                             {"i1", DType::I8},  {"u1", DType::U8},  {"i2", DType::I16},
                             {"i4", DType::I32}, {"i8", DType::I64}, {"b1", DType::Bool},
                             {"V2", DType::BF16}};

/// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  /// Empty, or what is wrong.
  std::string parse() {
    bool sawDescr = false, sawOrder = false, sawShape = false;
    if (!take('{'))
      return "it is not a dictionary";
    while (!take('}')) {
      std::string_view key;
      if (!string(key) || !take(':'))
        return "expected 'key': value at " + here();
      bool *seen = key == "descr"           ? &sawDescr
                   : key == "fortran_order" ? &sawOrder
                   : key == "shape"         ? &sawShape
                                            : nullptr;
      if (!seen)
        return "unknown key '" + std::string(key.substr(0, 40)) + "'";
      if (*seen)
        return "key '" + std::string(key) + "' occurs twice";
      *seen = true;
      std::string problem = seen == &sawDescr   ? descrValue()
                            : seen == &sawOrder ? orderValue()
                                                : shapeValue();
      if (!problem.empty())
        return problem;
      if (!take(',') && (skipSpace(), rest.substr(0, 1) != "}"))
        return "expected ',' or '}' at " + here();
    }
    skipSpace();
    if (!rest.empty())
      return "text follows the dictionary: " + here();
    if (!sawDescr || !sawOrder || !sawShape)
      return std::string("it lacks the key '") +
             (!sawDescr   ? "descr"
              : !sawOrder ? "fortran_order"
                          : "shape") +
             "'";
    return "";
  }

  DType dtype = DType::F32;
  Shape shape;

private:
  void skipSpace() {
    while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\n'))
      rest.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skipSpace();
    if (rest.substr(0, token.size()) != token)
      return false;
    rest.remove_prefix(token.size());
    return true;
  }
  bool take(char token) { return take(std::string_view(&token, 1)); }
  std::string here() {
    skipSpace();
    return rest.empty() ? "its end" : "\"" + std::string(rest.substr(0, 20)) + "\"";
  }
  bool string(std::string_view &value) {
    skipSpace();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return false;
    size_t end = rest.find(rest[0], 1);
    if (end == rest.npos)
      return false;
    value = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return true;
  }

  std::string descrValue() {
    std::string_view descr;
    if (take('['))
      return "its dtype is structured; save one field of it";
    if (!string(descr) || descr.empty())
      return "'descr' is no dtype: " + here();
    std::string quoted = "dtype '" + std::string(descr.substr(0, 40)) + "'";
    if (descr.find('O') != descr.npos)
      return quoted + " holds Python objects";
    if (descr[0] == '>')
      return quoted + " is big endian; save with .astype(dtype.newbyteorder('<'))";
    for (const Descr &known : kDescrs)
      if (descr.substr(1) == known.code &&
          (descr[0] == '<' ||
           (descr[0] == '|' && (dtypeBytes(known.dtype) == 1 || known.dtype == DType::BF16)))) {
        dtype = known.dtype;
        return "";
      }
    return quoted + " is not one of f4, f8, f2, i1, u1, i2, i4, i8, b1, V2 (bf16) in little endian";
  }

  std::string orderValue() {
    if (take("True"))
      return "it is in Fortran order; save with numpy.ascontiguousarray";
    return take("False") ? "" : "'fortran_order' is neither True nor False: " + here();
  }

  std::string shapeValue() {
    if (!take('('))
      return "'shape' is not a tuple: " + here();
    while (!take(')')) {
      skipSpace();
      int64_t size = 0;
      std::from_chars_result end = std::from_chars(rest.data(), rest.data() + rest.size(), size);
      if (end.ec != std::errc() || size < 0)
        return "'shape' holds no size at " + here();
      rest.remove_prefix(static_cast<size_t>(end.ptr - rest.data()));
      shape.push_back(size);
      if (shape.size() > kMaxRank)
        return "'shape' has more than " + std::to_string(kMaxRank) + " dimensions";
      bool comma = take(',');
      skipSpace();
      bool closes = rest.substr(0, 1) == ")";
      // (3) is a number in Python, (3,) a tuple.
      if (!comma && (!closes || shape.size() == 1))
        return "expected ',' in 'shape' at " + here();
    }
    return "";
  }

  std::string_view rest;
};

} // namespace

Result<NpyHeader> mlc::parseNpyHeader(std::string_view prefix, int64_t totalBytes,
                                      const std::string &name) {
  auto bad = [&](const std::string &what) { return badInputError(name + ": " + what); };
  if (prefix.substr(0, kMagic.size()) != kMagic)
    return bad("not an .npy array: it does not start with \\x93NUMPY");
  if (prefix.size() < 12)
    return bad("the .npy header is cut off");
  auto byteAt = [&](size_t i) {
    return static_cast<uint64_t>(static_cast<unsigned char>(prefix[i]));
  };
  uint64_t version = byteAt(6);
  if (version < 1 || version > 3 || byteAt(7) != 0)
    return unsupportedError(name + ": .npy format version " + std::to_string(version) + "." +
                            std::to_string(byteAt(7)) + " is not one of 1.0, 2.0, 3.0");
  uint64_t start = version == 1 ? 10 : 12;
  uint64_t length = byteAt(8) | byteAt(9) << 8;
  if (version > 1)
    length |= byteAt(10) << 16 | byteAt(11) << 24;
  if (start + length > static_cast<uint64_t>(NpyHeader::kMaxBytes))
    return bad("an .npy header of " + std::to_string(length) + " bytes is too long");
  if (start + length > prefix.size())
    return bad("the .npy header of " + std::to_string(length) + " bytes is cut off");

  HeaderParser parser(prefix.substr(start, length));
  std::string problem = parser.parse();
  if (!problem.empty())
    return bad("bad .npy header: " + problem);
  NpyHeader header;
  header.dtype = parser.dtype;
  header.shape = std::move(parser.shape);
  header.dataOffset = static_cast<int64_t>(start + length);
  std::optional<int64_t> count = elementCount(header.shape);
  std::optional<int64_t> bytes =
      count ? checkedMul(*count, dtypeBytes(header.dtype)) : std::nullopt;
  if (!bytes)
    return bad("shape " + toString(header.shape) + " overflows");
  if (*bytes != totalBytes - header.dataOffset)
    return bad("shape " + toString(header.shape) + " of " + std::string(dtypeName(header.dtype)) +
               " needs " + std::to_string(*bytes) + " bytes of data, the array has " +
               std::to_string(totalBytes - header.dataOffset));
  header.dataBytes = *bytes;
  return header;
}

Status mlc::checkNpyData(const Tensor &tensor, const std::string &name) {
  if (tensor.dtype() != DType::Bool)
    return {};
  const auto *bytes = tensor.dataAs<unsigned char>();
  for (int64_t i = 0; i < tensor.size(); ++i)
    if (bytes[i] > 1)
      return badInputError(name + ": bool element " + std::to_string(i) + " is byte " +
                           std::to_string(bytes[i]) + ", expected 0 or 1");
  return {};
}

Result<Tensor> mlc::readNpyAt(const RegularFile &file, int64_t offset, int64_t totalBytes,
                              const std::string &name) {
  std::string prefix(static_cast<size_t>(std::min(totalBytes, NpyHeader::kMaxBytes)), '\0');
  Status status = file.read(offset, prefix.data(), static_cast<int64_t>(prefix.size()));
  if (!status)
    return status.takeError();
  Result<NpyHeader> header = parseNpyHeader(prefix, totalBytes, name);
  if (!header)
    return header.takeError();
  Result<Tensor> tensor = Tensor::zeros(header->dtype, header->shape);
  if (!tensor)
    return tensor.takeError();
  status = file.read(offset + header->dataOffset, tensor->data(), header->dataBytes);
  if (status)
    status = checkNpyData(*tensor, name);
  if (!status)
    return status.takeError();
  return tensor;
}

Result<Tensor> mlc::parseNpy(std::string_view bytes, const std::string &nameForErrors) {
  Result<NpyHeader> header =
      parseNpyHeader(bytes.substr(0, static_cast<size_t>(NpyHeader::kMaxBytes)),
                     static_cast<int64_t>(bytes.size()), nameForErrors);
  if (!header)
    return header.takeError();
  Result<Tensor> tensor = Tensor::fromBytes(header->dtype, header->shape,
                                            bytes.substr(static_cast<size_t>(header->dataOffset)));
  if (!tensor)
    return tensor.takeError();
  Status status = checkNpyData(*tensor, nameForErrors);
  if (!status)
    return status.takeError();
  return tensor;
}

Result<Tensor> mlc::readNpy(const std::string &path) {
  Result<RegularFile> file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  return readNpyAt(*file, 0, file->size(), "'" + path + "'");
}

Status mlc::writeNpy(const std::string &path, const Tensor &tensor) {
  const Descr *descr = std::find_if(std::begin(kDescrs), std::end(kDescrs),
                                    [&](const Descr &d) { return d.dtype == tensor.dtype(); });
  std::string header = "{'descr': '";
  header += dtypeBytes(tensor.dtype()) == 1 ? '|' : '<';
  header += std::string(descr->code) + "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < tensor.shape().size(); ++i)
    header += (i ? " " : "") + std::to_string(tensor.shape()[i]) + ",";
  if (tensor.shape().size() > 1)
    header.pop_back();
  header += "), }";
  // The data starts at a multiple of 64, the header ends in a newline.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  if (header.size() > 0xffff)
    return unsupportedError("cannot write '" + path + "': the tensor has too many dimensions");
  std::string bytes(kMagic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  std::string_view data(tensor.dataAs<char>(), static_cast<size_t>(tensor.byteSize()));
  return writeFile(path, {bytes, data});
}
