//===- Signature.cpp - Matching tensors with a function's types -----------===//
//
// Works on descriptions and host tensors; lists every finding in one error.
//
//===----------------------------------------------------------------------===//
#include "Signature.h"

#include "mlc/Support/CheckedMath.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

namespace {

/// Findings, one a line.
class Findings {
public:
  void add(const std::string &line) {
    if (!text.empty())
      text += '\n';
    text += line;
  }
  bool none() const { return text.empty(); }
  Error take() { return badInputError(std::move(text)); }

private:
  std::string text;
};

std::string quoted(const std::string &name) { return "'" + name + "'"; }

/// "f32[3,4]", in the notation of TensorType.
std::string typeText(const Tensor &tensor) {
  TensorType type{tensor.dtype(), {}};
  for (int64_t size : tensor.shape())
    type.dims.emplace_back(size);
  return toString(type);
}

std::string names(const std::vector<ImageTensor> &tensors) {
  std::string text;
  for (const ImageTensor &t : tensors)
    text += (text.empty() ? "" : ", ") + t.name;
  return text.empty() ? "none" : text;
}

/// dtype, rank and known dimensions agree; symbolic ones are bound later.
bool fits(const ImageTensor &expected, const Tensor &tensor) {
  if (static_cast<int64_t>(tensor.dtype()) != expected.dtype ||
      tensor.shape().size() != expected.dims.size())
    return false;
  for (size_t i = 0; i < expected.dims.size(); ++i)
    if (expected.dims[i] >= 0 && expected.dims[i] != tensor.shape()[i])
      return false;
  return true;
}

/// The memory of a tensor that a caller lent us.
void checkAlignment(const std::string &what, const Tensor &tensor, Findings &findings) {
  auto address = reinterpret_cast<uintptr_t>(tensor.data());
  if (address % static_cast<uintptr_t>(dtypeBytes(tensor.dtype())))
    findings.add(what + " is not aligned to its element type");
}

bool isSameMemory(const Tensor &a, const Tensor &b) {
  return a.data() == b.data() && a.byteSize() == b.byteSize();
}

void checkUnknown(const char *what, const std::vector<ImageTensor> &expected,
                  const TensorMap &given, Findings &findings) {
  for (const auto &entry : given)
    if (std::none_of(expected.begin(), expected.end(),
                     [&](const ImageTensor &t) { return t.name == entry.first; }))
      findings.add(std::string("unknown ") + what + " " + quoted(entry.first) + "; the " + what +
                   "s are: " + names(expected));
}

Shape concreteShape(const ImageTensor &tensor, const std::vector<int64_t> &dims) {
  Shape shape;
  for (int64_t d : tensor.dims)
    shape.push_back(d >= 0 ? d : dims[static_cast<size_t>(-1 - d)]);
  return shape;
}

} // namespace

bool overlap(const Tensor &a, const Tensor &b) {
  if (a.byteSize() == 0 || b.byteSize() == 0)
    return false;
  auto begin = [](const Tensor &t) { return reinterpret_cast<uintptr_t>(t.data()); };
  return begin(a) < begin(b) + static_cast<uintptr_t>(b.byteSize()) &&
         begin(b) < begin(a) + static_cast<uintptr_t>(a.byteSize());
}

static ImageTensor describeTensor(const std::string &name, const TensorType &type,
                                  const std::vector<std::string> &dimNames) {
  ImageTensor tensor{name, static_cast<int64_t>(type.dtype), {}};
  for (const Dim &dim : type.dims) {
    auto found = std::find(dimNames.begin(), dimNames.end(), dim.name);
    tensor.dims.push_back(dim.isSymbolic() ? -1 - (found - dimNames.begin()) : dim.size);
  }
  return tensor;
}

ImageInterface interfaceOf(const Function &function) {
  ImageInterface interface;
  interface.function = function.name;
  interface.dims = symbolicDims(function);
  auto value = [&](ValueId id) -> const Value & {
    return function.values[static_cast<size_t>(id)];
  };
  for (ValueId id : function.body.inputs)
    interface.inputs.push_back(describeTensor(value(id).name, value(id).type, interface.dims));
  for (size_t i = 0; i < function.body.outputs.size(); ++i)
    interface.outputs.push_back(describeTensor(
        function.outputNames[i], value(function.body.outputs[i]).type, interface.dims));
  return interface;
}

Result<ImageInterface> describe(const Graph &graph, const std::string &function) {
  auto entry = checkedEntry(graph, function);
  if (!entry)
    return entry.takeError();
  ImageInterface interface = interfaceOf(**entry);
  for (const Parameter &parameter : graph.parameters)
    interface.parameters.push_back(describeTensor(parameter.name, parameter.type, {}));
  return interface;
}

TensorType typeOf(const ImageTensor &tensor, const std::vector<std::string> &dims) {
  TensorType type{static_cast<DType>(tensor.dtype), {}};
  for (int64_t d : tensor.dims)
    type.dims.push_back(d >= 0 ? Dim(d) : Dim(dims[static_cast<size_t>(-1 - d)]));
  return type;
}

Result<Bound> bindTensors(const ImageInterface &interface, const TensorMap &inputs,
                          const TensorMap &outputs, const std::shared_ptr<Memory> &memory,
                          int64_t maxDim) {
  Findings findings;
  Bound bound;
  auto expectedType = [&](const ImageTensor &t) { return toString(typeOf(t, interface.dims)); };

  bound.dims.assign(interface.dims.size(), -1);
  std::vector<const std::string *> boundBy(interface.dims.size(), nullptr);
  for (const ImageTensor &expected : interface.inputs) {
    auto found = inputs.find(expected.name);
    if (found == inputs.end()) {
      findings.add("missing input " + quoted(expected.name) + ": " + expectedType(expected));
      continue;
    }
    const Tensor &tensor = found->second;
    const std::string what = "input " + quoted(expected.name);
    if (!fits(expected, tensor)) {
      findings.add(what + " is " + typeText(tensor) + ", expected " + expectedType(expected));
      continue;
    }
    checkAlignment(what, tensor, findings);
    for (size_t i = 0; i < expected.dims.size(); ++i) {
      if (expected.dims[i] >= 0)
        continue;
      auto dim = static_cast<size_t>(-1 - expected.dims[i]);
      int64_t size = tensor.shape()[i];
      if (!boundBy[dim]) {
        bound.dims[dim] = size;
        boundBy[dim] = &expected.name;
      } else if (bound.dims[dim] != size) {
        findings.add("dimension " + quoted(interface.dims[dim]) + " is " +
                     std::to_string(bound.dims[dim]) + " in input " + quoted(*boundBy[dim]) +
                     " but " + std::to_string(size) + " in " + what);
      }
    }
    bound.inputs.push_back(tensor);
  }
  checkUnknown("input", interface.inputs, inputs, findings);
  checkUnknown("output", interface.outputs, outputs, findings);
  if (!findings.none())
    return findings.take();
  for (size_t i = 0; i < bound.dims.size(); ++i)
    if (bound.dims[i] > maxDim)
      return resourceError("dimension " + quoted(interface.dims[i]) + " is " +
                           std::to_string(bound.dims[i]) + ", the largest size is " +
                           std::to_string(maxDim));

  for (const ImageTensor &expected : interface.outputs) {
    auto found = outputs.find(expected.name);
    if (found == outputs.end())
      continue;
    const std::string what = "output " + quoted(expected.name);
    TensorType type{static_cast<DType>(expected.dtype), {}};
    for (int64_t size : concreteShape(expected, bound.dims))
      type.dims.emplace_back(size);
    if (typeText(found->second) != toString(type)) {
      findings.add(what + " is " + typeText(found->second) + ", expected " + toString(type));
      continue;
    }
    checkAlignment(what, found->second, findings);
    for (size_t i = 0; i < bound.inputs.size(); ++i) {
      bool donated = static_cast<int64_t>(i) == expected.donor;
      if (overlap(found->second, bound.inputs[i]) &&
          !(donated && isSameMemory(found->second, bound.inputs[i])))
        findings.add(what + " overlaps input " + quoted(interface.inputs[i].name) +
                     (donated ? ", all of whose memory or none it may have" : ""));
    }
    for (auto other = outputs.begin(); other != found; ++other)
      if (overlap(found->second, other->second))
        findings.add(what + " overlaps output " + quoted(other->first));
  }
  if (!findings.none())
    return findings.take();
  if (!memory)
    return bound;

  for (const ImageTensor &expected : interface.outputs) {
    auto found = outputs.find(expected.name);
    if (found != outputs.end()) {
      bound.outputs.push_back(found->second);
      continue;
    }
    auto tensor = emptyTensor(static_cast<DType>(expected.dtype),
                              concreteShape(expected, bound.dims), memory);
    if (!tensor)
      return Error{tensor.error().kind,
                   "output " + quoted(expected.name) + ": " + tensor.error().message};
    std::memset(tensor->data(), 0, static_cast<size_t>(tensor->byteSize()));
    bound.outputs.push_back(std::move(*tensor));
  }
  return bound;
}

Result<const Function *> findEntry(const Graph &graph, const std::string &name) {
  if (graph.functions.empty())
    return badInputError("the model has no function");
  if (name.empty())
    return &graph.functions.front();
  if (const Function *function = graph.findFunction(name))
    return function;
  std::string known;
  for (const Function &function : graph.functions)
    known += (known.empty() ? "" : ", ") + function.name;
  return usageError("no function " + quoted(name) + "; the functions are: " + known);
}

Result<const Function *> checkedEntry(const Graph &graph, const std::string &name) {
  if (Status status = validate(graph); !status)
    return status.takeError();
  auto entry = findEntry(graph, name);
  if (!entry)
    return entry.takeError();
  if (Status status = checkExecutable(graph, **entry); !status)
    return status.takeError();
  return entry;
}

Status checkParameters(const Graph &graph, const Function &entry, const TensorMap &parameters) {
  Findings findings;
  std::set<std::string> used;
  for (const Function *function : reachableFunctions(graph, entry))
    walk(*function, [&](const Node &node) {
      if (node.op == Op::Parameter)
        used.insert(std::get<std::string>(node.attributes.at("parameter")));
    });
  for (const Parameter &parameter : graph.parameters) {
    auto found = parameters.find(parameter.name);
    if (found == parameters.end()) {
      if (used.count(parameter.name))
        findings.add("missing parameter " + quoted(parameter.name) + ": " +
                     toString(parameter.type));
      continue;
    }
    const std::string what = "parameter " + quoted(parameter.name);
    if (typeText(found->second) != toString(parameter.type))
      findings.add(what + " is " + typeText(found->second) + ", expected " +
                   toString(parameter.type));
    else
      checkAlignment(what, found->second, findings);
  }
  for (const auto &entry : parameters)
    if (!graph.findParameter(entry.first))
      findings.add("unknown parameter " + quoted(entry.first));
  if (!findings.none())
    return findings.take();
  return {};
}

Status statusOf(int32_t code, const ImageInterface &interface, HostTable *host) {
  if (code == 0)
    return {};
  if (code == MLC_RUN_CANCELLED)
    return cancelledError("function `" + interface.function + "`: the run was cancelled");
  if (code == MLC_RUN_HOST_FAILED)
    return host ? host->takeError()
                : badInputError("function `" + interface.function +
                                "`: a call of the frame's host failed");
  auto message = static_cast<size_t>(code - MLC_RUN_STOPPED);
  if (code < MLC_RUN_STOPPED || message >= interface.messages.size())
    return internalError("the image returned " + std::to_string(code));
  const ImageMessage &why = interface.messages[message];
  return Error{why.kind, "function `" + interface.function + "`: " + why.text};
}

bool mentionsDims(const Attributes &attributes) {
  for (const auto &attribute : attributes)
    if (const auto *dims = std::get_if<Dims>(&attribute.second))
      if (std::any_of(dims->begin(), dims->end(), [](const Dim &d) { return d.isSymbolic(); }))
        return true;
  return false;
}

Result<Tensor> emptyTensor(DType dtype, Shape shape, const std::shared_ptr<Memory> &memory) {
  auto count = elementCount(shape);
  auto bytes = count ? checkedMul(*count, dtypeBytes(dtype)) : std::nullopt;
  if (!bytes)
    return resourceError("a tensor of shape " + toString(shape) + " is too large");
  auto buffer = AlignedBuffer::allocate(*bytes, "a tensor", memory);
  if (!buffer)
    return buffer.takeError();
  void *data = buffer->data();
  auto owner = std::make_shared<AlignedBuffer>(std::move(*buffer));
  return Tensor::borrow(dtype, std::move(shape), data, owner);
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
