//===- Serialize.cpp - Canonical bytes of a graph -------------------------------===//
//
// The encoding, in the terms of Support/Bytes.h:
//   graph:     "mlc-graph", version, parameters, functions
//   parameter: name, type
//   function:  name, values (name, type), body, output names
//   type:      dtype, dimensions: name, and size where the name is empty
//   block:     input ids, nodes, output ids
//   node:      name, op, operand ids, result ids, attributes by name (name, kind,
//              value), blocks, location
// Lists are preceded by their length. The reader refuses what the writer would
// not have written, so that equal graphs and equal bytes are the same thing.
//
//===----------------------------------------------------------------------===//

#include "mlc/Graph/Serialize.h"
#include "mlc/Support/Bytes.h"

#include <limits>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

constexpr std::string_view kMagic = "mlc-graph";
constexpr int64_t kVersion = 1;
/// Nesting of blocks beyond this is refused: reading is recursive.
constexpr int kMaxBlockDepth = 64;

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

struct Writer {
  ByteWriter out;

  template <typename List, typename Each> void list(const List &items, Each each) {
    out.integer(static_cast<int64_t>(items.size()));
    for (const auto &item : items)
      each(item);
  }

  void ids(const std::vector<ValueId> &list) {
    this->list(list, [&](ValueId id) { out.integer(id); });
  }

  void dims(const Dims &dims) {
    list(dims, [&](const Dim &dim) {
      out.string(dim.name);
      if (!dim.isSymbolic())
        out.integer(dim.size);
    });
  }

  void type(const TensorType &type) {
    out.integer(static_cast<int64_t>(type.dtype));
    dims(type.dims);
  }

  void operator()(bool value) { out.integer(value); }
  void operator()(int64_t value) { out.integer(value); }
  void operator()(const std::string &value) { out.string(value); }
  void operator()(const std::vector<int64_t> &value) {
    list(value, [&](int64_t item) { out.integer(item); });
  }
  void operator()(const Dims &value) { dims(value); }
  void operator()(const Tensor &value) {
    out.integer(static_cast<int64_t>(value.dtype()));
    (*this)(value.shape());
    out.string({static_cast<const char *>(value.data()), static_cast<size_t>(value.byteSize())});
  }

  void node(const Node &node) {
    out.string(node.name);
    out.integer(static_cast<int64_t>(node.op));
    ids(node.operands);
    ids(node.results);
    list(node.attributes, [&](const auto &attribute) {
      out.string(attribute.first);
      out.integer(static_cast<int64_t>(attribute.second.index()));
      std::visit(*this, attribute.second);
    });
    list(node.blocks, [&](const Block &inner) { block(inner); });
    out.string(node.location);
  }

  void block(const Block &block) {
    ids(block.inputs);
    list(block.nodes, [&](const Node &inner) { node(inner); });
    ids(block.outputs);
  }

  void function(const Function &function) {
    out.string(function.name);
    list(function.values, [&](const Value &value) {
      out.string(value.name);
      type(value.type);
    });
    block(function.body);
    list(function.outputNames, [&](const std::string &name) { out.string(name); });
  }
};

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

struct Reader {
  ByteReader in;

  template <typename List, typename Each> void list(List &items, int64_t minBytes, Each each) {
    // No reserve(): what was not read yet takes no memory.
    for (int64_t count = in.count(minBytes); count > 0 && in.ok(); --count)
      items.push_back(each());
  }

  int64_t integerBelow(int64_t end) {
    int64_t value = in.integer();
    if (value < 0 || value >= end) {
      in.fail();
      return 0;
    }
    return value;
  }

  std::string string() { return std::string(in.string()); }

  void ids(std::vector<ValueId> &ids) {
    list(ids, 8,
         [&] { return static_cast<ValueId>(integerBelow(std::numeric_limits<ValueId>::max())); });
  }

  DType dtype() { return static_cast<DType>(integerBelow(std::size(kAllDTypes))); }

  Dims dims() {
    Dims dims;
    list(dims, 9, [&] {
      Dim dim(string());
      if (!dim.isSymbolic())
        dim.size = in.integer();
      return dim;
    });
    return dims;
  }

  TensorType type() {
    TensorType type;
    type.dtype = dtype();
    type.dims = dims();
    return type;
  }

  std::vector<int64_t> integers() {
    std::vector<int64_t> values;
    list(values, 8, [&] { return in.integer(); });
    return values;
  }

  Tensor tensor() {
    DType type = dtype();
    Shape shape = integers();
    std::string_view bytes = in.string();
    if (!in.ok())
      return {};
    Result<Tensor> tensor = Tensor::fromBytes(type, std::move(shape), bytes);
    if (tensor)
      return *tensor;
    in.fail();
    return {};
  }

  Attribute attribute() {
    switch (static_cast<AttributeKind>(integerBelow(std::variant_size_v<Attribute>))) {
    case AttributeKind::Bool:
      return integerBelow(2) == 1;
    case AttributeKind::Int:
      return in.integer();
    case AttributeKind::String:
      return string();
    case AttributeKind::Ints:
      return integers();
    case AttributeKind::Dims:
      return dims();
    case AttributeKind::Dense:
      return tensor();
    }
    return false;
  }

  void attributes(Attributes &attributes) {
    for (int64_t i = in.count(24); i > 0 && in.ok(); --i) {
      std::string name = string();
      if (!attributes.empty() && attributes.rbegin()->first >= name)
        in.fail();
      Attribute value = attribute();
      attributes.emplace_hint(attributes.end(), std::move(name), std::move(value));
    }
  }

  Node node(int depth) {
    Node node;
    node.name = string();
    node.op = opAt(static_cast<int32_t>(integerBelow(numOps())));
    ids(node.operands);
    ids(node.results);
    attributes(node.attributes);
    list(node.blocks, 24, [&] { return block(depth + 1); });
    node.location = string();
    return node;
  }

  Block block(int depth) {
    Block block;
    if (depth > kMaxBlockDepth) {
      in.fail();
      return block;
    }
    ids(block.inputs);
    list(block.nodes, 56, [&] { return node(depth); });
    ids(block.outputs);
    return block;
  }

  Function function() {
    Function function;
    function.name = string();
    list(function.values, 24, [&] {
      Value value;
      value.name = string();
      value.type = type();
      return value;
    });
    function.body = block(0);
    list(function.outputNames, 8, [&] { return string(); });
    return function;
  }
};

} // namespace

std::string serialize(const Graph &graph) {
  Writer writer;
  writer.out.string(kMagic);
  writer.out.integer(kVersion);
  writer.list(graph.parameters, [&](const Parameter &parameter) {
    writer.out.string(parameter.name);
    writer.type(parameter.type);
  });
  writer.list(graph.functions, [&](const Function &function) { writer.function(function); });
  return writer.out.take();
}

std::string serialize(const Function &function) {
  Writer writer;
  writer.function(function);
  return writer.out.take();
}

Result<Graph> deserialize(std::string_view bytes) {
  Reader reader{ByteReader(bytes)};
  if (reader.in.string() != kMagic)
    return badInputError("not the bytes of a graph");
  if (int64_t version = reader.in.integer(); version != kVersion)
    return badInputError("graph bytes have version " + std::to_string(version) + ", expected " +
                         std::to_string(kVersion));
  Graph graph;
  reader.list(graph.parameters, 24, [&] {
    Parameter parameter;
    parameter.name = reader.string();
    parameter.type = reader.type();
    return parameter;
  });
  reader.list(graph.functions, 56, [&] { return reader.function(); });
  if (!reader.in.ok() || !reader.in.atEnd())
    return badInputError("the bytes of a graph are malformed");
  return graph;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
