//===- Golden.cpp - Recorded calls in a model file ------------------------===//
//
// Refuses goldens that are no complete call of a function of the graph.
//
//===----------------------------------------------------------------------===//
#include "Golden.h"

#include <algorithm>
#include <charconv>

using namespace mlc;

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static bool readNames(JsonReader &reader, Json value, const JsonPath &path,
                      std::map<std::string, std::string> &out) {
  if (!reader.expect(value, JsonKind::Object, path))
    return false;
  for (Json key = value.first(); key; key = value.next(key))
    if (!reader.nonEmptyString(key.valueOfKey(), path / key.text(), out[std::string(key.text())]))
      return false;
  return true;
}

static bool readEntry(JsonReader &reader, Json value, const JsonPath &path, GoldenEntry &out) {
  Json function, relative, absolute, inputs, outputs;
  return reader.fields(value, path,
                       {{"function", &function},
                        {"relative_tolerance", &relative},
                        {"absolute_tolerance", &absolute},
                        {"inputs", &inputs},
                        {"outputs", &outputs}}) &&
         reader.nonEmptyString(function, path / "function", out.golden.function) &&
         reader.tolerance(relative, path / "relative_tolerance", out.golden.relativeTolerance) &&
         reader.tolerance(absolute, path / "absolute_tolerance", out.golden.absoluteTolerance) &&
         readNames(reader, inputs, path / "inputs", out.inputs) &&
         readNames(reader, outputs, path / "outputs", out.outputs);
}

Result<std::vector<GoldenEntry>> mlc::readGoldens(std::string_view text, const std::string &name) {
  Result<JsonDocument> document = JsonDocument::parse(text, name);
  if (!document)
    return document.takeError();
  JsonReader reader(name);
  JsonPath top;
  std::vector<GoldenEntry> entries;
  Json root = document->root();
  if (!reader.expect(root, JsonKind::Array, top))
    return reader.takeError();
  for (Json e = root.first(); e; e = root.next(e)) {
    auto index = static_cast<int64_t>(entries.size());
    if (!readEntry(reader, e, top[index], entries.emplace_back()))
      return reader.takeError();
  }
  return entries;
}

static std::string shortest(double value) {
  char buffer[64];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

static void appendNames(std::string &text, const std::map<std::string, std::string> &names) {
  text += '{';
  for (const auto &[name, tensor] : names) {
    if (text.back() != '{')
      text += ',';
    appendJsonString(text, name);
    text += ':';
    appendJsonString(text, tensor);
  }
  text += '}';
}

std::string mlc::writeGoldens(const std::vector<GoldenEntry> &entries) {
  std::string text = "[";
  for (const GoldenEntry &entry : entries) {
    if (text.back() != '[')
      text += ',';
    text += "{\"function\":";
    appendJsonString(text, entry.golden.function);
    text += ",\"relative_tolerance\":" + shortest(entry.golden.relativeTolerance) +
            ",\"absolute_tolerance\":" + shortest(entry.golden.absoluteTolerance) + ",\"inputs\":";
    appendNames(text, entry.inputs);
    text += ",\"outputs\":";
    appendNames(text, entry.outputs);
    text += '}';
  }
  return text + "]";
}

//===----------------------------------------------------------------------===//
// Meaning
//===----------------------------------------------------------------------===//

/// Sizes of named dimensions, filled by inputs and compared by outputs.
using Bindings = std::map<std::string, int64_t>;

static Status checkTensor(const std::string &what, const TensorType &type, const Tensor &tensor,
                          Bindings &bindings) {
  bool fits = tensor.dtype() == type.dtype && tensor.shape().size() == type.dims.size();
  for (size_t i = 0; fits && i < type.dims.size(); ++i) {
    const Dim &dim = type.dims[i];
    int64_t size = tensor.shape()[i];
    fits = size == (dim.isSymbolic() ? bindings.emplace(dim.name, size).first->second : dim.size);
  }
  if (fits)
    return {};
  std::string bound;
  for (const auto &[name, size] : bindings)
    bound += (bound.empty() ? " with " : ", ") + name + " = " + std::to_string(size);
  return badInputError(what + " is " + std::string(dtypeName(tensor.dtype())) +
                       toString(tensor.shape()) + ", expected " + toString(type) + bound);
}

Status mlc::checkGolden(const Golden &golden, const Graph &graph) {
  const Function *function = graph.findFunction(golden.function);
  if (!function)
    return badInputError("there is no function " + quoteForMessage(golden.function));
  Bindings bindings;
  for (ValueId id : function->body.inputs) {
    const Value &value = function->values[static_cast<size_t>(id)];
    auto input = golden.inputs.find(value.name);
    if (input == golden.inputs.end())
      return badInputError("the input " + quoteForMessage(value.name) + " is missing");
    Status status = checkTensor("the input " + quoteForMessage(value.name), value.type,
                                input->second, bindings);
    if (!status)
      return status;
  }
  if (golden.inputs.size() != function->body.inputs.size())
    return badInputError("the function " + quoteForMessage(golden.function) + " has " +
                         std::to_string(function->body.inputs.size()) + " inputs, the golden " +
                         std::to_string(golden.inputs.size()));
  size_t found = 0;
  for (size_t i = 0; i < function->outputNames.size(); ++i) {
    const std::string &outputName = function->outputNames[i];
    auto output = golden.outputs.find(outputName);
    if (output == golden.outputs.end())
      continue;
    ++found;
    const Value &value = function->values[static_cast<size_t>(function->body.outputs[i])];
    Status status = checkTensor("the output " + quoteForMessage(outputName), value.type,
                                output->second, bindings);
    if (!status)
      return status;
  }
  if (found != golden.outputs.size())
    for (const auto &[outputName, tensor] : golden.outputs)
      if (std::find(function->outputNames.begin(), function->outputNames.end(), outputName) ==
          function->outputNames.end())
        return badInputError("the function " + quoteForMessage(golden.function) +
                             " has no output " + quoteForMessage(outputName));
  return {};
}
