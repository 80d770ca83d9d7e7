//===- Jit.cpp - C++ functions as compiled graphs -------------------------===//
//
// Works on signatures and graphs: finds the entry of a call, or traces and compiles
// one. Refuses arguments and results that cannot be traced, and traces of traces.
//
//===----------------------------------------------------------------------===//
#include "mlc/Api/Jit.h"

#include "OpKernel.h"
#include "Signature.h"
#include "Trace.h"

#include "mlc/Support/FloatEnvironment.h"

#include <algorithm>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

struct JitFunction::Entry {
  const void *tag = nullptr;
  std::string statics;
  std::vector<std::pair<DType, Shape>> inputs; ///< kSymbolic where any size does.
  std::vector<std::string> types;              ///< Of the inputs, as TraceEvent tells them.
  std::string signature;
  std::optional<Executable> executable;
  std::vector<std::pair<DType, Shape>> outputs;
  std::shared_ptr<void> result;
  size_t symbolicInput = 0; ///< The first input whose leading dimension is symbolic.
};

namespace {

bool matches(const std::pair<DType, Shape> &type, const Tensor &tensor) {
  const Shape &expected = type.second, &shape = tensor.shape();
  if (tensor.dtype() != type.first || shape.size() != expected.size())
    return false;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != expected[i] && expected[i] != kSymbolic)
      return false;
  return true;
}

Error failed(const std::string &function, Error error) {
  error.message = "jit function `" + function + "`: " + error.message;
  return error;
}

} // namespace

JitFunction::JitFunction(JitOptions options) : options(std::move(options)) {}
JitFunction::~JitFunction() = default;

const Engine &JitFunction::engine() const {
  return options.engine ? *options.engine : defaultEngine();
}

bool JitFunction::isEager() const { return engine().isEager(); }

const void *JitFunction::resultOf(const Entry &entry) { return entry.result.get(); }

std::string JitFunction::typeText(const detail::Leaves &leaves, size_t i) const {
  TensorType type = typeOf(*leaves.begin()[i]);
  if (i < options.dims.size() && !options.dims[i].empty() && !type.dims.empty())
    type.dims[0] = Dim(options.dims[i]);
  return toString(type);
}

/// The signature, and of the known ones the nearest, of which the fewest things differ.
TraceEvent JitFunction::describe(const detail::Leaves &leaves, const void *tag) const {
  TraceEvent event{options.name, "(", "", ""};
  std::vector<std::string> types;
  for (size_t i = 0; i < leaves.size(); ++i) {
    types.push_back(typeText(leaves, i));
    event.signature += (i ? ", " : "") + types[i];
  }
  event.signature += ")";
  if (size_t bytes = leaves.staticBytes().size())
    event.signature += " and " + std::to_string(bytes) + " bytes of static arguments";

  size_t fewest = 0;
  std::lock_guard<std::mutex> lock(mutex);
  for (const auto &entry : entries) {
    std::vector<std::string> differences;
    if (entry->tag != tag)
      differences.emplace_back("the C++ types of the arguments differ");
    if (entry->types.size() != types.size())
      differences.push_back(std::to_string(types.size()) + " tensors, were " +
                            std::to_string(entry->types.size()));
    for (size_t i = 0; i < std::min(types.size(), entry->types.size()); ++i)
      if (types[i] != entry->types[i])
        differences.push_back("argument " + std::to_string(i) + " is " + types[i] + ", was " +
                              entry->types[i]);
    if (entry->statics != leaves.staticBytes())
      differences.emplace_back("static arguments differ");
    if (!event.nearest.empty() && differences.size() >= fewest)
      continue;
    fewest = differences.size();
    event.nearest = entry->signature;
    event.difference.clear();
    for (const std::string &difference : differences)
      event.difference += (event.difference.empty() ? "" : "; ") + difference;
  }
  return event;
}

const JitFunction::Entry *JitFunction::find(const detail::Leaves &leaves, const void *tag) const {
  auto fits = [&](const Entry &entry) {
    if (entry.tag != tag || entry.inputs.size() != leaves.size() ||
        entry.statics != leaves.staticBytes())
      return false;
    for (size_t i = 0; i < leaves.size(); ++i)
      if (!matches(entry.inputs[i], *leaves.begin()[i]))
        return false;
    return true;
  };
  const Entry *recent = last.load(std::memory_order_acquire);
  if (recent && fits(*recent))
    return recent;
  std::lock_guard<std::mutex> lock(mutex);
  for (const auto &entry : entries)
    if (fits(*entry))
      return entry.get();
  return nullptr;
}

void JitFunction::checkDims(const detail::Leaves &leaves) const {
  std::map<std::string_view, size_t> first;
  for (size_t i = 0; i < std::min(options.dims.size(), leaves.size()); ++i) {
    const std::string &name = options.dims[i];
    const Shape &shape = leaves.begin()[i]->shape();
    if (name.empty())
      continue;
    if (shape.empty())
      throw failed(options.name,
                   usageError("argument " + std::to_string(i) +
                              " has no leading dimension to be called '" + name + "'"));
    size_t before = first.emplace(name, i).first->second;
    if (int64_t size = leaves.begin()[before]->shape()[0]; size != shape[0])
      throw failed(options.name,
                   usageError("dimension '" + name + "' is " + std::to_string(size) +
                              " in argument " + std::to_string(before) + " and " +
                              std::to_string(shape[0]) + " in argument " + std::to_string(i)));
  }
}

Model JitFunction::trace(const detail::Leaves &leaves, const Body &body,
                         std::shared_ptr<void> *result) const {
  if (leaves.anyTraced())
    throw failed(options.name, usageError("cannot be traced inside another trace; call it, and it "
                                          "becomes part of that trace"));
  checkDims(leaves);
  DefaultFloatEnvironment environment; // of the numbers that become constants
  auto trace = std::make_shared<Trace>(options.name, options.parameters);
  std::vector<Tensor> inputs, outputs;
  for (size_t i = 0; i < leaves.size(); ++i) {
    TensorType type = typeOf(*leaves.begin()[i]);
    if (i < options.dims.size() && !options.dims[i].empty())
      type.dims[0] = Dim(options.dims[i]);
    inputs.push_back(trace->input(leaves.size() == 1 ? "x" : "x" + std::to_string(i), type));
  }
  try {
    TraceScope scope(*trace);
    std::shared_ptr<void> kept = body(inputs, outputs);
    if (outputs.empty())
      throw failed(options.name, usageError("there is no tensor in the result"));
    trace->finish(outputs, {options.name.c_str(), 0});
    if (result)
      *result = std::move(kept);
  } catch (...) {
    trace->abandon();
    throw;
  }
  ++engine().state->traces;
  Model model;
  model.graph = std::move(trace->graph);
  model.parameters = std::move(trace->parameters);
  return model;
}

CompileOptions JitFunction::compileOptions(const Graph &graph) const {
  const Function &function = graph.functions[0];
  auto value = [&](ValueId id) -> const Value & {
    return function.values[static_cast<size_t>(id)];
  };
  const std::vector<ValueId> &inputs = function.body.inputs, &outputs = function.body.outputs;
  CompileOptions compile;
  std::vector<bool> taken(outputs.size());
  for (size_t index : options.donate) {
    std::string argument = "argument " + std::to_string(index);
    if (index >= inputs.size())
      throw failed(options.name, usageError(argument + " cannot be donated: there are " +
                                            std::to_string(inputs.size()) + " tensors"));
    const Value &donor = value(inputs[index]);
    auto donated = [&](const auto &pair) { return pair.first == donor.name; };
    if (std::any_of(compile.donated.begin(), compile.donated.end(), donated))
      throw failed(options.name, usageError(argument + " is donated twice"));
    size_t i = 0;
    while (i < outputs.size() && (taken[i] || value(outputs[i]).type != donor.type))
      ++i;
    if (i == outputs.size())
      throw failed(options.name, usageError(argument + " cannot be donated: no result is " +
                                            toString(donor.type) + " and has no donor yet"));
    taken[i] = true;
    compile.donated.emplace_back(donor.name, function.outputNames[i]);
  }
  return compile;
}

const JitFunction::Entry &JitFunction::entry(const detail::Leaves &leaves, const void *tag,
                                             const Body &body) {
  if (!options.dims.empty())
    checkDims(leaves);
  if (const Entry *found = find(leaves, tag)) {
    engine().state->hits.fetch_add(1, std::memory_order_relaxed);
    last.store(found, std::memory_order_release);
    return *found;
  }
  auto entry = std::make_unique<Entry>();
  entry->tag = tag;
  entry->statics = leaves.staticBytes();
  for (size_t i = 0; i < leaves.size(); ++i)
    entry->types.push_back(typeText(leaves, i));
  TraceEvent event = describe(leaves, tag);
  entry->signature = event.signature;
  if (!event.difference.empty() && engine().state->failOnRecompile)
    throw failed(options.name, usageError("would be compiled again, for " + event.signature +
                                          " beside " + event.nearest + ": " + event.difference));
  Model model = trace(leaves, body, &entry->result);
  auto executable = engine().compile(model.graph, model.parameters, compileOptions(model.graph));
  if (!executable)
    throw failed(options.name, executable.takeError());
  entry->executable = std::move(*executable);

  auto types = [](const std::vector<ImageTensor> &tensors) {
    std::vector<std::pair<DType, Shape>> list;
    for (const ImageTensor &tensor : tensors) {
      Shape shape = tensor.dims;
      for (int64_t &size : shape)
        size = size < 0 ? kSymbolic : size;
      list.emplace_back(static_cast<DType>(tensor.dtype), std::move(shape));
    }
    return list;
  };
  entry->inputs = types(entry->executable->interface().inputs);
  entry->outputs = types(entry->executable->interface().outputs);
  for (size_t i = entry->inputs.size(); i-- > 0;)
    if (const Shape &shape = entry->inputs[i].second; !shape.empty() && shape[0] == kSymbolic)
      entry->symbolicInput = i;

  const Entry *made = entry.get();
  {
    std::lock_guard<std::mutex> lock(mutex);
    entries.push_back(std::move(entry));
  }
  last.store(made, std::memory_order_release);
  engine().state->say("jit function `" + event.function + "`: traced for " + event.signature +
                      (event.nearest.empty() ? ""
                                             : "; the nearest before was " + event.nearest + ": " +
                                                   event.difference));
  if (options.onTrace)
    options.onTrace(event);
  return *made;
}

/// The memory of result `i`: its donor's, if that is in no other argument, or fresh.
static Tensor resultMemory(const JitFunction::Entry &entry, size_t i, const detail::Leaves &leaves,
                           int64_t dim, const std::shared_ptr<Memory> &memory) {
  if (int64_t donor = entry.executable->interface().outputs[i].donor; donor >= 0) {
    const Tensor &argument = *leaves.begin()[donor];
    auto inMemory = [&](const Tensor *other) { return overlap(*other, argument); };
    if (std::count_if(leaves.begin(), leaves.end(), inMemory) <= 1)
      return argument;
  }
  const std::pair<DType, Shape> &type = entry.outputs[i];
  Shape shape = type.second;
  if (!shape.empty() && shape[0] == kSymbolic)
    shape[0] = dim;
  auto tensor = emptyTensor(type.first, std::move(shape), memory);
  if (!tensor)
    throw tensor.takeError();
  return std::move(*tensor);
}

static int64_t symbolicSize(const detail::Leaves &leaves, size_t input) {
  if (input >= leaves.size() || leaves.begin()[input]->shape().empty())
    return 0;
  return leaves.begin()[input]->shape()[0];
}

void JitFunction::run(const Entry &entry, const detail::Leaves &leaves,
                      std::vector<Tensor> &outputs) const {
  int64_t dim = symbolicSize(leaves, entry.symbolicInput);
  for (size_t i = 0; i < entry.outputs.size(); ++i)
    outputs.push_back(resultMemory(entry, i, leaves, dim, engine().state->memory));
  if (Status status = entry.executable->run(leaves.begin(), outputs.data()); !status)
    throw failed(options.name, status.takeError());
}

Tensor JitFunction::runOne(const Entry &entry, const detail::Leaves &leaves) const {
  Tensor output = resultMemory(entry, 0, leaves, symbolicSize(leaves, entry.symbolicInput),
                               engine().state->memory);
  if (Status status = entry.executable->run(leaves.begin(), &output); !status)
    throw failed(options.name, status.takeError());
  return output;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
