//===- GraphReader.cpp - The graph out of its JSON ------------------------===//
//
// Checks the form that docs/format.md prescribes and resolves names of values;
// whether types, shapes and order fit is for validate(). Refuses unknown keys,
// ops, attributes and versions.
//
//===----------------------------------------------------------------------===//
#include "GraphJson.h"
#include "mlc/Graph/Infer.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Model/Model.h"
#include "mlc/Tensor/Element.h"

#include <algorithm>
#include <unordered_map>

using namespace mlc;

/// A dimension's name: [A-Za-z_][A-Za-z0-9_]*.
static bool isDimName(std::string_view text) {
  auto isLetter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && isLetter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return isLetter(c) || (c >= '0' && c <= '9');
  });
}

namespace {

class GraphReader {
public:
  explicit GraphReader(const std::string &name) : reader(name) {}

  Result<Graph> read(Json root);

private:
  /// A value of the function that is being read.
  struct Known {
    ValueId id = -1; ///< -1 until its definition or first use is read.
    bool defined = false;
  };

  bool checkVersion(Json root);
  bool checkOps(Json functions);
  void collectUnknownOps(Json nodes, const JsonPath &path,
                         std::vector<std::pair<std::string, std::string>> &unknown);

  bool parameter(Json value, const JsonPath &path, Parameter &out);
  bool dtype(Json value, const JsonPath &path, DType &out);
  bool dims(Json value, const JsonPath &path, Dims &out);
  bool type(Json dtypeValue, Json dimsValue, const JsonPath &path, TensorType &out);

  bool function(Json value, const JsonPath &path, Function &out);
  bool nodes(Json value, const JsonPath &path, std::vector<Node> &out);
  bool node(Json value, const JsonPath &path, Node &out);
  bool block(Json value, const JsonPath &path, Block &out);
  void learnNames(Json definitions);
  void learnNodes(Json nodes);
  ValueId idOf(Known &value, std::string_view name);
  bool newValues(Json value, const JsonPath &path, std::vector<ValueId> &out);
  bool uses(Json value, const JsonPath &path, std::vector<ValueId> &out);
  bool use(Json value, const JsonPath &path, ValueId &out);

  bool attributes(Json value, const JsonPath &path, Node &node);
  bool attribute(Json value, const JsonPath &path, AttributeKind kind, Attribute &out);
  bool dense(Json value, const JsonPath &path, Tensor &out);

  /// Calls read(element, path of the element) for all elements of an array.
  template <typename F> bool each(Json array, const JsonPath &path, F read) {
    if (!reader.expect(array, JsonKind::Array, path))
      return false;
    int64_t index = 0;
    for (Json e = array.first(); e; e = array.next(e))
      if (!read(e, path[index++]))
        return false;
    return true;
  }

  JsonReader reader;
  int64_t numNodes = 0;
  /// The function that is being read, and its values by name.
  Function *current = nullptr;
  std::unordered_map<std::string_view, Known> known;
};

} // namespace

//===----------------------------------------------------------------------===//
// Version and ops: what a newer file may have
//===----------------------------------------------------------------------===//

bool GraphReader::checkVersion(Json root) {
  JsonPath top, path = top / "format_version";
  if (!reader.expect(root, JsonKind::Object, top))
    return false;
  Json value = root.find("format_version");
  int64_t version = 0;
  if (!value)
    return reader.fail(top, "the key `format_version` is missing");
  if (!reader.integer(value, path, version))
    return false;
  if (version > kFormatVersion)
    return reader.fail(path,
                       "version " + std::to_string(version) + " is newer than version " +
                           std::to_string(kFormatVersion) + ", the newest that is supported",
                       ErrorKind::Unsupported);
  return version >= 1 || reader.fail(path, "there is no version " + std::to_string(version));
}

void GraphReader::collectUnknownOps(Json nodes, const JsonPath &path,
                                    std::vector<std::pair<std::string, std::string>> &unknown) {
  if (!nodes || !nodes.is(JsonKind::Array))
    return;
  int64_t index = 0;
  for (Json node = nodes.first(); node; node = nodes.next(node)) {
    JsonPath here = path[index++];
    Json op = node.find("op");
    if (op && op.is(JsonKind::String) && !parseOp(op.text()) &&
        std::none_of(unknown.begin(), unknown.end(),
                     [&](const auto &u) { return u.first == op.text(); }) &&
        unknown.size() < 100)
      unknown.emplace_back(op.text(), (here / "op").text());
    Json blocks = node.find("blocks");
    if (!blocks || !blocks.is(JsonKind::Array))
      continue;
    JsonPath blocksPath = here / "blocks";
    int64_t block = 0;
    for (Json b = blocks.first(); b; b = blocks.next(b)) {
      JsonPath blockPath = blocksPath[block++];
      collectUnknownOps(b.find("nodes"), blockPath / "nodes", unknown);
    }
  }
}

/// Lists all ops at once, so that nobody has to find them one by one.
bool GraphReader::checkOps(Json functions) {
  std::vector<std::pair<std::string, std::string>> unknown;
  JsonPath top, path = top / "functions";
  if (functions.is(JsonKind::Array)) {
    int64_t index = 0;
    for (Json f = functions.first(); f; f = functions.next(f)) {
      JsonPath here = path[index++];
      collectUnknownOps(f.find("nodes"), here / "nodes", unknown);
    }
  }
  if (unknown.empty())
    return true;
  std::string list;
  for (const auto &[op, place] : unknown)
    list += (list.empty() ? "" : ", ") + quoteForMessage(op) + " (first at " + place + ")";
  return reader.fail(top, (unknown.size() > 1 ? "unknown ops: " : "unknown op: ") + list,
                     ErrorKind::Unsupported);
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

bool GraphReader::dtype(Json value, const JsonPath &path, DType &out) {
  std::string name;
  if (!reader.string(value, path, name))
    return false;
  std::optional<DType> dtype = parseDType(name);
  if (!dtype)
    return reader.fail(path, "unknown dtype " + quoteForMessage(name), ErrorKind::Unsupported);
  out = *dtype;
  return true;
}

bool GraphReader::dims(Json value, const JsonPath &path, Dims &out) {
  if (value.is(JsonKind::Array) && value.size() > GraphLimits().maxRank)
    return reader.fail(path,
                       std::to_string(value.size()) + " dimensions, at most " +
                           std::to_string(GraphLimits().maxRank) + " are allowed",
                       ErrorKind::ResourceLimit);
  return each(value, path, [&](Json e, const JsonPath &here) {
    if (e.is(JsonKind::String)) {
      if (!isDimName(e.text()))
        return reader.fail(here, "the name of a dimension matches [A-Za-z_][A-Za-z0-9_]*, not " +
                                     quoteForMessage(e.text()));
      out.emplace_back(std::string(e.text()));
      return true;
    }
    if (!e.is(JsonKind::Integer))
      return reader.fail(here, "a dimension is an integer >= 0 or a name, not " +
                                   std::string(jsonKindName(e.kind())));
    int64_t size = 0;
    if (!reader.size(e, here, size))
      return false;
    out.emplace_back(size);
    return true;
  });
}

bool GraphReader::type(Json dtypeValue, Json dimsValue, const JsonPath &path, TensorType &out) {
  return dtype(dtypeValue, path / "dtype", out.dtype) && dims(dimsValue, path / "dims", out.dims);
}

bool GraphReader::parameter(Json value, const JsonPath &path, Parameter &out) {
  Json name, dtype, dims;
  return reader.fields(value, path, {{"name", &name}, {"dtype", &dtype}, {"dims", &dims}}) &&
         reader.nonEmptyString(name, path / "name", out.name) && type(dtype, dims, path, out.type);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Learns the names of values, so that one may be used before its definition is
/// read: validate() judges the order. What is malformed is met again and refused.
void GraphReader::learnNames(Json definitions) {
  if (definitions && definitions.is(JsonKind::Array))
    for (Json e = definitions.first(); e; e = definitions.next(e))
      if (Json name = e.find("name"); name && name.is(JsonKind::String))
        known.emplace(name.text(), Known());
}

void GraphReader::learnNodes(Json nodes) {
  if (!nodes || !nodes.is(JsonKind::Array))
    return;
  for (Json node = nodes.first(); node; node = nodes.next(node)) {
    learnNames(node.find("results"));
    Json blocks = node.find("blocks");
    if (!blocks || !blocks.is(JsonKind::Array))
      continue;
    for (Json block = blocks.first(); block; block = blocks.next(block)) {
      learnNames(block.find("inputs"));
      learnNodes(block.find("nodes"));
    }
  }
}

ValueId GraphReader::idOf(Known &value, std::string_view name) {
  if (value.id < 0) {
    value.id = static_cast<ValueId>(current->values.size());
    current->values.push_back({std::string(name), {}});
  }
  return value.id;
}

bool GraphReader::newValues(Json value, const JsonPath &path, std::vector<ValueId> &out) {
  return each(value, path, [&](Json e, const JsonPath &here) {
    Json name, dtypeValue, dimsValue;
    std::string text;
    if (!reader.fields(e, here, {{"name", &name}, {"dtype", &dtypeValue}, {"dims", &dimsValue}}) ||
        !reader.nonEmptyString(name, here / "name", text))
      return false;
    Known &made = known[name.text()];
    if (made.defined)
      return reader.fail(here / "name", "the function has two values " + quoteForMessage(text));
    made.defined = true;
    out.push_back(idOf(made, text));
    TensorType &valueType = current->values[static_cast<size_t>(out.back())].type;
    return type(dtypeValue, dimsValue, here, valueType);
  });
}

bool GraphReader::use(Json value, const JsonPath &path, ValueId &out) {
  std::string name;
  if (!reader.nonEmptyString(value, path, name))
    return false;
  auto found = known.find(name);
  if (found == known.end())
    return reader.fail(path,
                       "no input or result of the function is called " + quoteForMessage(name));
  out = idOf(found->second, name);
  return true;
}

bool GraphReader::uses(Json value, const JsonPath &path, std::vector<ValueId> &out) {
  return each(value, path, [&](Json e, const JsonPath &here) {
    out.emplace_back();
    return use(e, here, out.back());
  });
}

bool GraphReader::block(Json value, const JsonPath &path, Block &out) {
  Json inputs, nodeList, outputs;
  return reader.fields(value, path,
                       {{"inputs", &inputs}, {"nodes", &nodeList}, {"outputs", &outputs}}) &&
         newValues(inputs, path / "inputs", out.inputs) &&
         nodes(nodeList, path / "nodes", out.nodes) && uses(outputs, path / "outputs", out.outputs);
}

bool GraphReader::nodes(Json value, const JsonPath &path, std::vector<Node> &out) {
  return each(value, path, [&](Json e, const JsonPath &here) {
    if (++numNodes > GraphLimits().maxNodes)
      return reader.fail(path, "more than " + std::to_string(GraphLimits().maxNodes) + " nodes",
                         ErrorKind::ResourceLimit);
    out.emplace_back();
    return node(e, here, out.back());
  });
}

bool GraphReader::node(Json value, const JsonPath &path, Node &out) {
  Json name, op, operands, results, attributeMap, blocks, location;
  if (!reader.fields(value, path,
                     {{"name", &name},
                      {"op", &op},
                      {"operands", &operands},
                      {"results", &results},
                      {"attributes", &attributeMap, false},
                      {"blocks", &blocks, false},
                      {"location", &location, false}}))
    return false;
  std::string opName;
  if (!reader.nonEmptyString(name, path / "name", out.name) ||
      !reader.nonEmptyString(op, path / "op", opName))
    return false;
  out.op = *parseOp(opName); // checkOps has seen them all.
  if (location && !reader.string(location, path / "location", out.location))
    return false;
  JsonPath blocksPath = path / "blocks";
  return uses(operands, path / "operands", out.operands) &&
         newValues(results, path / "results", out.results) &&
         attributes(attributeMap, path / "attributes", out) &&
         (!blocks || each(blocks, blocksPath, [&](Json e, const JsonPath &here) {
           out.blocks.emplace_back();
           return block(e, here, out.blocks.back());
         }));
}

bool GraphReader::function(Json value, const JsonPath &path, Function &out) {
  current = &out;
  known.clear();
  Json name, inputs, nodeList, outputs;
  if (!reader.fields(
          value, path,
          {{"name", &name}, {"inputs", &inputs}, {"nodes", &nodeList}, {"outputs", &outputs}}) ||
      !reader.nonEmptyString(name, path / "name", out.name))
    return false;
  learnNames(inputs);
  learnNodes(nodeList);
  if (!newValues(inputs, path / "inputs", out.body.inputs) ||
      !nodes(nodeList, path / "nodes", out.body.nodes))
    return false;
  JsonPath outputsPath = path / "outputs";
  return each(outputs, outputsPath, [&](Json e, const JsonPath &here) {
    Json outputName, used;
    out.outputNames.emplace_back();
    out.body.outputs.emplace_back();
    return reader.fields(e, here, {{"name", &outputName}, {"value", &used}}) &&
           reader.nonEmptyString(outputName, here / "name", out.outputNames.back()) &&
           use(used, here / "value", out.body.outputs.back());
  });
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool GraphReader::attributes(Json value, const JsonPath &path, Node &node) {
  const OpInfo &info = opInfo(node.op);
  if (value) {
    if (!reader.expect(value, JsonKind::Object, path))
      return false;
    for (Json key = value.first(); key; key = value.next(key)) {
      const AttributeInfo *end = info.attributes + info.numAttributes;
      const AttributeInfo *known = std::find_if(
          info.attributes, end, [&](const AttributeInfo &a) { return a.name == key.text(); });
      if (known == end) {
        std::string names;
        for (const AttributeInfo *a = info.attributes; a != end; ++a)
          names += (names.empty() ? "; it has " : ", ") + std::string(a->name);
        return reader.fail(path / key.text(),
                           std::string(info.name) + " has no such attribute" + names);
      }
      if (!attribute(key.valueOfKey(), path / key.text(), known->kind,
                     node.attributes[std::string(known->name)]))
        return false;
    }
  }
  Result<Attributes> complete = completeAttributes(node.op, std::move(node.attributes));
  if (!complete)
    return reader.fail(path, complete.error().message, complete.error().kind);
  node.attributes = *std::move(complete);
  return true;
}

bool GraphReader::attribute(Json value, const JsonPath &path, AttributeKind kind, Attribute &out) {
  switch (kind) {
  case AttributeKind::Bool:
    return reader.boolean(value, path, out.emplace<bool>());
  case AttributeKind::Int:
    return reader.integer(value, path, out.emplace<int64_t>());
  case AttributeKind::String:
    return reader.string(value, path, out.emplace<std::string>());
  case AttributeKind::Ints:
    return each(value, path,
                [&, &list = out.emplace<std::vector<int64_t>>()](Json e, const JsonPath &here) {
                  return reader.integer(e, here, list.emplace_back());
                });
  case AttributeKind::Dims:
    return dims(value, path, out.emplace<Dims>());
  case AttributeKind::Dense:
    return dense(value, path, out.emplace<Tensor>());
  }
  return reader.fail(path, "an attribute of an unknown kind", ErrorKind::Internal);
}

bool GraphReader::dense(Json value, const JsonPath &path, Tensor &out) {
  Json dtypeValue, dimsValue, data;
  TensorType tensorType;
  if (!reader.fields(value, path,
                     {{"dtype", &dtypeValue}, {"dims", &dimsValue}, {"data", &data}}) ||
      !type(dtypeValue, dimsValue, path, tensorType) ||
      !reader.expect(data, JsonKind::Array, path / "data"))
    return false;
  Shape shape;
  for (const Dim &dim : tensorType.dims) {
    if (dim.isSymbolic())
      return reader.fail(path / "dims", "a constant has no named dimension");
    shape.push_back(dim.size);
  }
  // Before any memory is taken: the data of the text says how much there can be.
  std::optional<int64_t> count = elementCount(shape);
  if (!count || *count != static_cast<int64_t>(data.size()))
    return reader.fail(path / "data", "a constant " + toString(tensorType) + " has " +
                                          (count ? std::to_string(*count) : "too many") +
                                          " elements, not " + std::to_string(data.size()));
  Result<Tensor> tensor = Tensor::zeros(tensorType.dtype, std::move(shape));
  if (!tensor)
    return reader.fail(path, tensor.error().message, tensor.error().kind);
  int64_t index = 0;
  JsonPath dataPath = path / "data";
  bool read = each(data, dataPath, [&](Json e, const JsonPath &here) {
    bool isBool = e.is(JsonKind::False) || e.is(JsonKind::True);
    bool isNumber = e.is(JsonKind::Integer) || e.is(JsonKind::Float);
    std::string_view text = isBool ? (e.is(JsonKind::True) ? "true" : "false") : e.text();
    bool fits = tensorType.dtype == DType::Bool ? isBool
                : isFloat(tensorType.dtype)
                    ? isNumber || (e.is(JsonKind::String) &&
                                   (text == "nan" || text == "inf" || text == "-inf"))
                    : e.is(JsonKind::Integer);
    if (!fits)
      return reader.fail(here, std::string(jsonKindName(e.kind())) + " is not an element of " +
                                   std::string(dtypeName(tensorType.dtype)));
    Status status = parseElement(*tensor, index++, text);
    return status.ok() || reader.fail(here, status.error().message);
  });
  out = *std::move(tensor);
  return read;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

Result<Graph> GraphReader::read(Json root) {
  Graph graph;
  JsonPath top, parametersPath = top / "parameters", functionsPath = top / "functions";
  Json version, parameters, functions;
  bool read =
      checkVersion(root) && (!root.find("functions") || checkOps(root.find("functions"))) &&
      reader.fields(
          root, top,
          {{"format_version", &version}, {"parameters", &parameters}, {"functions", &functions}}) &&
      each(parameters, parametersPath,
           [&](Json e, const JsonPath &here) {
             return parameter(e, here, graph.parameters.emplace_back());
           }) &&
      each(functions, functionsPath, [&](Json e, const JsonPath &here) {
        return function(e, here, graph.functions.emplace_back());
      });
  if (!read)
    return reader.takeError();
  return graph;
}

Result<Graph> mlc::graphFromDocument(const JsonDocument &document, const std::string &name) {
  return GraphReader(name).read(document.root());
}
