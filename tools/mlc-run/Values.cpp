//===- Values.cpp - Tensors from the command line -------------------------===//
//
// Reads VALUEs: numpy files, literals, and tensors made for a type of the graph.
// Refuses tensors that do not fit the memory limit before it makes them.
//
//===----------------------------------------------------------------------===//
#include "Values.h"

#include "mlc/Support/CheckedMath.h"
#include "mlc/Tensor/Element.h"
#include "mlc/Tensor/Npy.h"

#include <algorithm>
#include <charconv>

namespace mlc::run {

namespace {

/// The bytes that tensors may still take.
class Budget {
public:
  explicit Budget(int64_t bytes) : left(bytes > 0 ? bytes : INT64_MAX) {}

  Status charge(DType dtype, const Shape &shape) {
    auto count = elementCount(shape);
    auto bytes = count ? checkedMul(*count, dtypeBytes(dtype)) : std::nullopt;
    if (!bytes || *bytes > left)
      return resourceError("a tensor of " + std::string(dtypeName(dtype)) + toString(shape) +
                           " does not fit --limit-memory");
    left -= *bytes;
    return {};
  }

private:
  int64_t left;
};

/// Element sequences that are the same on every machine (splitmix64).
class Random {
public:
  /// Different names give different sequences for one seed.
  Random(uint64_t seed, const std::string &name) : state(seed) {
    for (char c : name)
      state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// In [-1, 1), a multiple of 2^-23, exact in f32.
  double real() { return static_cast<double>(next() >> 40) / double(1 << 23) - 1; }
  /// In [low, high].
  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>((next() >> 32) * static_cast<uint64_t>(high - low + 1) >> 32);
  }

private:
  uint64_t state;
};

template <typename T, typename F> void fill(Tensor &tensor, F element) {
  T *data = tensor.dataAs<T>();
  for (int64_t i = 0; i < tensor.size(); ++i)
    data[i] = static_cast<T>(element());
}

/// Fills with real() for floats, integer(low, high) for integers.
template <typename Real, typename Integer>
Status fillAs(Tensor &tensor, Real real, Integer integer) {
  switch (tensor.dtype()) {
  case DType::F32:
    fill<float>(tensor, real);
    return {};
  case DType::F64:
    fill<double>(tensor, real);
    return {};
  case DType::F16:
    fill<uint16_t>(tensor, [&] { return halfFromDouble(real()); });
    return {};
  case DType::BF16:
    fill<uint16_t>(tensor, [&] { return bfloatFromDouble(real()); });
    return {};
  case DType::I8:
    fill<int8_t>(tensor, [&] { return integer(-100, 100); });
    return {};
  case DType::U8:
    fill<uint8_t>(tensor, [&] { return integer(0, 100); });
    return {};
  case DType::I16:
    fill<int16_t>(tensor, [&] { return integer(-100, 100); });
    return {};
  case DType::I32:
    fill<int32_t>(tensor, [&] { return integer(-100, 100); });
    return {};
  case DType::I64:
    fill<int64_t>(tensor, [&] { return integer(-100, 100); });
    return {};
  case DType::Bool:
    fill<uint8_t>(tensor, [&] { return integer(0, 1); });
    return {};
  }
  return internalError("unknown dtype");
}

Result<Tensor> readFileValue(const std::string &path) {
  if (path.empty())
    return badInputError("expected a file name after @");
  size_t archive = path.rfind(".npz:");
  if (archive != std::string::npos)
    return readNpz(path.substr(0, archive + 4), path.substr(archive + 5));
  if (path.size() >= 4 && path.compare(path.size() - 4, 4, ".npz") == 0)
    return badInputError("expected @" + path + ":NAME, the name of an array in the archive");
  return readNpy(path);
}

/// "2x3xf32" as shape and dtype.
bool parsePrefix(std::string_view text, Shape &shape, DType &dtype) {
  while (true) {
    size_t cross = text.find('x');
    if (cross == std::string_view::npos)
      break;
    int64_t size = 0;
    auto result = std::from_chars(text.data(), text.data() + cross, size);
    if (result.ec != std::errc() || result.ptr != text.data() + cross || size < 0)
      return false;
    shape.push_back(size);
    text.remove_prefix(cross + 1);
  }
  auto parsed = parseDType(text);
  dtype = parsed.value_or(DType::F32);
  return parsed.has_value();
}

/// "2x3xf32=1 2 3 4 5 6".
Result<Tensor> readLiteral(const std::string &text, Budget &budget) {
  size_t equal = text.find('=');
  Shape shape;
  DType dtype = DType::F32;
  if (equal == std::string::npos ||
      !parsePrefix(std::string_view(text).substr(0, equal), shape, dtype))
    return badInputError("expected @FILE.npy, @FILE.npz:NAME, a literal such as 2x3xf32=1 2 3 4 5 "
                         "6, ones, zeros or random:SEED, got '" +
                         text.substr(0, 60) + "'");
  std::vector<std::string_view> words;
  std::string_view rest = std::string_view(text).substr(equal + 1);
  while (true) {
    size_t begin = rest.find_first_not_of(" ,\t\n");
    if (begin == std::string_view::npos)
      break;
    size_t end = std::min(rest.find_first_of(" ,\t\n", begin), rest.size());
    words.push_back(rest.substr(begin, end - begin));
    rest.remove_prefix(end);
  }
  auto count = elementCount(shape);
  if (!count || *count != static_cast<int64_t>(words.size()))
    return badInputError("the shape " + toString(shape) + " has " +
                         (count ? std::to_string(*count) : "too many") + " elements, " +
                         std::to_string(words.size()) + " are given");
  if (Status status = budget.charge(dtype, shape); !status)
    return status.takeError();
  auto tensor = Tensor::zeros(dtype, shape);
  for (int64_t i = 0; tensor && i < *count; ++i)
    if (Status status = parseElement(*tensor, i, words[static_cast<size_t>(i)]); !status)
      return status.takeError();
  return tensor;
}

/// Whether VALUE takes its shape from the graph.
bool isMade(const std::string &text) {
  return text == "ones" || text == "zeros" || text.rfind("random:", 0) == 0;
}

Result<Shape> shapeOf(const TensorType &type, const std::map<std::string, int64_t> &dims) {
  Shape shape;
  for (const Dim &dim : type.dims) {
    auto found = dims.find(dim.name);
    if (dim.isSymbolic() && found == dims.end())
      return badInputError("its type is " + toString(type) + " and the size of '" + dim.name +
                           "' is not known; give --dim " + dim.name + "=SIZE");
    shape.push_back(dim.isSymbolic() ? found->second : dim.size);
  }
  return shape;
}

Result<Tensor> makeValue(const std::string &text, const std::string &name, DType dtype,
                         Shape shape) {
  auto tensor = Tensor::zeros(dtype, std::move(shape));
  if (!tensor || text == "zeros")
    return tensor;
  Status status;
  if (text == "ones") {
    status = fillAs(*tensor, [] { return 1.0; }, [](int64_t, int64_t) { return int64_t(1); });
  } else {
    const std::string digits = text.substr(7);
    uint64_t seed = 0;
    auto result = std::from_chars(digits.data(), digits.data() + digits.size(), seed);
    if (digits.empty() || result.ec != std::errc() || result.ptr != digits.data() + digits.size())
      return badInputError("random: expected a SEED, a whole number >= 0, got '" + digits + "'");
    Random random(seed, name);
    status = fillAs(
        *tensor, [&] { return random.real(); },
        [&](int64_t low, int64_t high) { return random.integer(low, high); });
  }
  if (!status)
    return status.takeError();
  return tensor;
}

const NamedType *findType(const std::vector<NamedType> &expected, const std::string &name) {
  auto found = std::find_if(expected.begin(), expected.end(),
                            [&](const NamedType &type) { return type.name == name; });
  return found == expected.end() ? nullptr : &*found;
}

/// All missing and unknown names in one error.
Status checkNames(const char *what, const std::vector<NamedType> &expected,
                  const Assignments &assignments, bool complete) {
  std::string findings, known;
  for (const NamedType &type : expected) {
    known += (known.empty() ? "" : ", ") + type.name;
    bool given = std::any_of(assignments.begin(), assignments.end(),
                             [&](const auto &a) { return a.first == type.name; });
    if (complete && !given)
      findings +=
          "\nmissing --" + std::string(what) + " " + type.name + "=VALUE: " + toString(type.type);
  }
  for (const auto &assignment : assignments)
    if (!findType(expected, assignment.first))
      findings += "\nunknown " + std::string(what) + " '" + assignment.first + "'; the " + what +
                  "s are: " + (known.empty() ? "none" : known);
  if (findings.empty())
    return {};
  return badInputError(findings.substr(1));
}

} // namespace

Result<TensorMap> readValues(const char *what, const std::vector<NamedType> &expected,
                             const Assignments &assignments,
                             const std::map<std::string, int64_t> &dims, bool complete,
                             int64_t memoryBytes) {
  if (Status status = checkNames(what, expected, assignments, complete); !status)
    return status.takeError();
  Budget budget(memoryBytes);
  TensorMap values;
  auto failed = [&](const std::string &name, const Error &error) {
    return Error{error.kind, "--" + std::string(what) + " " + name + ": " + error.message};
  };
  // First what has a shape of its own: it may say how large a dimension is.
  std::map<std::string, int64_t> sizes = dims;
  for (const auto &[name, text] : assignments) {
    if (isMade(text))
      continue;
    auto tensor =
        !text.empty() && text[0] == '@' ? readFileValue(text.substr(1)) : readLiteral(text, budget);
    if (!tensor)
      return failed(name, tensor.error());
    const Dims &pattern = findType(expected, name)->type.dims;
    for (size_t i = 0; i < pattern.size() && pattern.size() == tensor->shape().size(); ++i) {
      if (!pattern[i].isSymbolic())
        continue;
      auto given = dims.find(pattern[i].name);
      if (given != dims.end() && given->second != tensor->shape()[i])
        return failed(name, badInputError("'" + pattern[i].name + "' is " +
                                          std::to_string(tensor->shape()[i]) + ", but --dim says " +
                                          std::to_string(given->second)));
      sizes.emplace(pattern[i].name, tensor->shape()[i]);
    }
    values.emplace(name, std::move(*tensor));
  }
  // Then the others: no memory is taken before it is known that all of them fit.
  std::map<std::string, Shape> shapes;
  for (const auto &[name, text] : assignments) {
    if (!isMade(text))
      continue;
    const TensorType &type = findType(expected, name)->type;
    auto shape = shapeOf(type, sizes);
    if (!shape)
      return failed(name, shape.error());
    if (Status status = budget.charge(type.dtype, *shape); !status)
      return failed(name, status.error());
    shapes.emplace(name, std::move(*shape));
  }
  for (const auto &[name, text] : assignments) {
    if (!isMade(text))
      continue;
    auto tensor = makeValue(text, name, findType(expected, name)->type.dtype, shapes.at(name));
    if (!tensor)
      return failed(name, tensor.error());
    values.emplace(name, std::move(*tensor));
  }
  return values;
}

} // namespace mlc::run
