// Requests to tensors and tensors to replies. What does not fit is a 400 that says where it
// is and what was expected there.
#include "service.h"

#include <cstring>

using mlc::badInputError;
using mlc::DType;
using mlc::ImageTensor;
using mlc::Result;
using mlc::Status;
using mlc::Tensor;

static constexpr const char *kJson = "application/json", *kBytes = "application/octet-stream";

Reply failure(int status, const std::string &message) {
  // Bytes of a request that are no UTF-8 are replaced.
  return {status, kJson,
          Json{{"error", message}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

static Reply failure(const mlc::Error &error) {
  switch (error.kind) {
  case mlc::ErrorKind::BadInput:
    return failure(400, error.message);
  case mlc::ErrorKind::ResourceLimit:
    return failure(503, error.message);
  default:
    return failure(500, error.message);
  }
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

struct Service::Bound {
  std::vector<Tensor> inputs; ///< In the interface's order; the Call reads them.
  mlc::Call call;
};

Result<Service> Service::load(const std::string &path) {
  auto engine = mlc::Engine::create();
  if (!engine)
    return engine.takeError();
  auto executable = engine->load(path);
  if (!executable)
    return executable.takeError();
  return Service(*executable);
}

static bool hasRows(const ImageTensor &tensor) {
  return !tensor.dims.empty() && tensor.dims[0] < 0;
}

std::string Service::typeOf(const ImageTensor &tensor) const {
  return toString(mlc::typeOf(tensor, executable.interface().dims));
}

Result<Service::Bound> Service::bind(int64_t rows) const {
  std::vector<Tensor> inputs;
  mlc::TensorMap byName;
  for (const ImageTensor &input : executable.interface().inputs) {
    mlc::Shape shape = input.dims;
    if (hasRows(input))
      shape[0] = rows;
    auto tensor = Tensor::zeros(static_cast<DType>(input.dtype), shape);
    if (!tensor)
      return tensor.takeError();
    inputs.push_back(*tensor);
    byName.emplace(input.name, *tensor); // shares its memory
  }
  auto call = executable.bind(byName);
  if (!call)
    return call.takeError();
  return Bound{std::move(inputs), std::move(*call)};
}

std::optional<Service::Bound> &Service::ofThisThread() {
  thread_local std::optional<Bound> bound;
  return bound;
}

template <typename Body> Status Service::withBound(int64_t rows, Body body) const {
  // Most requests are one row: what they need is bound once for each thread.
  std::optional<Bound> several;
  std::optional<Bound> &bound = rows == 1 ? ofThisThread() : several;
  if (!bound) {
    auto made = bind(rows);
    if (!made)
      return made.takeError();
    bound.emplace(std::move(*made));
  }
  Status status = body(*bound);
  if (status.ok())
    *numRows += rows;
  return status;
}

Reply Service::describe() const {
  auto list = [&](const std::vector<ImageTensor> &tensors) {
    Json described = Json::array();
    for (const ImageTensor &tensor : tensors) {
      Json shape = Json::array();
      for (int64_t dim : tensor.dims) {
        if (dim < 0)
          shape.push_back(executable.interface().dims[static_cast<size_t>(-1 - dim)]);
        else
          shape.push_back(dim);
      }
      described.push_back({{"name", tensor.name},
                           {"dtype", mlc::dtypeName(static_cast<DType>(tensor.dtype))},
                           {"shape", shape}});
    }
    return described;
  };
  const mlc::ImageInterface &interface = executable.interface();
  Json json = {{"function", interface.function},
               {"inputs", list(interface.inputs)},
               {"outputs", list(interface.outputs)}};
  return {200, kJson, json.dump() + "\n"};
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

/// Whether a JSON value is one of dtype T; then it is written to `element`.
template <typename T> static bool read(const Json &value, T &element) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean())
      return false;
  } else if constexpr (std::is_same_v<T, float>) {
    if (!value.is_number())
      return false;
  } else {
    if (!value.is_number_integer() ||
        (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX)))
      return false;
    auto number = value.get<int64_t>();
    if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max())
      return false;
  }
  element = value.get<T>();
  return true;
}

/// Reads nested arrays of sizes `shape` from dimension `d` on, and moves `next` behind what
/// is written. `where` names the value for errors.
template <typename T>
static Status readArray(const Json &value, const mlc::Shape &shape, size_t d,
                        const std::string &where, T *&next) {
  if (d == shape.size()) {
    if (read(value, *next++))
      return {};
    return badInputError("`" + where + "`: expected " +
                         std::string(mlc::dtypeName(mlc::dtypeOf<T>())) + ", got " +
                         value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40));
  }
  auto size = static_cast<size_t>(shape[d]);
  if (!value.is_array() || value.size() != size)
    return badInputError(
        "`" + where + "`: expected an array of " + std::to_string(size) + ", got " +
        (value.is_array() ? "one of " + std::to_string(value.size()) : value.type_name()));
  for (size_t i = 0; i < size; ++i) {
    // Numbers are the many: their names are made when they are needed.
    if (d + 1 == shape.size() && read(value[i], *next)) {
      ++next;
      continue;
    }
    if (Status status =
            readArray(value[i], shape, d + 1, where + "[" + std::to_string(i) + "]", next);
        !status)
      return status;
  }
  return {};
}

/// Calls `body` with a pointer to the elements, of their type; mlc runs no other dtypes.
template <typename Body> static auto withElements(const Tensor &tensor, Body body) {
  void *data = const_cast<void *>(tensor.data());
  switch (tensor.dtype()) {
  case DType::F32:
    return body(static_cast<float *>(data));
  case DType::I32:
    return body(static_cast<int32_t *>(data));
  case DType::I64:
    return body(static_cast<int64_t *>(data));
  default:
    return body(static_cast<bool *>(data));
  }
}

static Json toJson(const Tensor &tensor, size_t d, int64_t &next) {
  if (d == tensor.shape().size())
    return withElements(tensor, [&](auto *elements) { return Json(elements[next++]); });
  Json array = Json::array();
  for (int64_t i = 0; i < tensor.shape()[d]; ++i)
    array.push_back(toJson(tensor, d + 1, next));
  return array;
}

Reply Service::predictJson(const std::string &body) const {
  const mlc::ImageInterface &interface = executable.interface();
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::exception &error) { // also of numbers beyond f32
    return failure(400, std::string("the body is not JSON: ") + error.what());
  }
  std::string expected;
  for (const ImageTensor &input : interface.inputs)
    expected += (expected.empty() ? "`" : ", `") + input.name + "` : " + typeOf(input);
  expected = "expected an object with an array for each input: " + expected;
  if (!json.is_object())
    return failure(400, expected + "; got " + json.type_name());
  int64_t rows = 1;
  const ImageTensor *counted = nullptr; // the input that says how many rows there are
  for (const ImageTensor &input : interface.inputs) {
    auto found = json.find(input.name);
    if (found == json.end())
      return failure(400, "there is no `" + input.name + "`; " + expected);
    if (!hasRows(input))
      continue;
    if (!found->is_array())
      return failure(400, "`" + input.name + "`: expected an array, as of " + typeOf(input) +
                              ", got " + found->type_name());
    auto size = static_cast<int64_t>(found->size());
    if (counted && rows != size)
      return failure(400, "`" + input.name + "` has " + std::to_string(size) + " rows, `" +
                              counted->name + "` has " + std::to_string(rows));
    rows = size;
    counted = &input;
  }
  for (const auto &item : json.items()) {
    bool known = false;
    for (const ImageTensor &input : interface.inputs)
      known |= input.name == item.key();
    if (!known)
      return failure(400, "`" + item.key() + "` is no input; " + expected);
  }

  Json outputs;
  Status status = withBound(rows, [&](Bound &bound) -> Status {
    for (size_t i = 0; i < interface.inputs.size(); ++i) {
      const std::string &name = interface.inputs[i].name;
      if (Status read = withElements(bound.inputs[i],
                                     [&](auto *next) {
                                       return readArray(json[name], bound.inputs[i].shape(), 0,
                                                        name, next);
                                     });
          !read)
        return read;
    }
    if (Status run = bound.call.run(); !run)
      return run;
    for (size_t i = 0; i < interface.outputs.size(); ++i) {
      int64_t next = 0;
      outputs[interface.outputs[i].name] = toJson(bound.call.outputs()[i], 0, next);
    }
    return {};
  });
  if (!status)
    return failure(status.error());
  return {200, kJson, outputs.dump() + "\n"};
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

Reply Service::predictBytes(const std::string &body) const {
  const mlc::ImageInterface &interface = executable.interface();
  if (interface.inputs.size() != 1 || interface.outputs.size() != 1)
    return failure(400, "the model has " + std::to_string(interface.inputs.size()) +
                            " inputs and " + std::to_string(interface.outputs.size()) +
                            " outputs, expected one of each for " + kBytes + "; send " + kJson);
  const ImageTensor &input = interface.inputs[0];
  auto rowBytes = static_cast<size_t>(mlc::dtypeBytes(static_cast<DType>(input.dtype)));
  for (size_t d = hasRows(input); d < input.dims.size(); ++d)
    rowBytes *= static_cast<size_t>(input.dims[d]);
  bool fits = hasRows(input) ? rowBytes > 0 && body.size() % rowBytes == 0 && !body.empty()
                             : body.size() == rowBytes;
  if (!fits)
    return failure(400, "the body has " + std::to_string(body.size()) + " bytes, expected " +
                            std::to_string(rowBytes) +
                            (hasRows(input) ? " or a multiple of that" : "") + " for `" +
                            input.name + "` : " + typeOf(input));
  if (static_cast<DType>(input.dtype) == DType::Bool)
    for (char byte : body)
      if (byte != 0 && byte != 1)
        return failure(400, "a byte of `" + input.name + "` : " + typeOf(input) + " is " +
                                std::to_string(static_cast<unsigned char>(byte)) +
                                ", expected 0 or 1");
  std::string result;
  auto rows = hasRows(input) ? static_cast<int64_t>(body.size() / rowBytes) : 1;
  Status status = withBound(rows, [&](Bound &bound) -> Status {
    std::memcpy(bound.inputs[0].data(), body.data(), body.size());
    if (Status run = bound.call.run(); !run)
      return run;
    const Tensor &output = bound.call.outputs()[0];
    result.assign(static_cast<const char *>(output.data()), static_cast<size_t>(output.byteSize()));
    return {};
  });
  if (!status)
    return failure(status.error());
  return {200, kBytes, result};
}
