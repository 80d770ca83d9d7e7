//===- Graph.h - What a model says ------------------------------*- C++ -*-===//
//
// The traced graph: functions of named values in single static assignment, each
// value with a dtype and dimensions, each made by one node. Plain structs that
// anyone may walk and edit (see Rewrite.h); validate() in Validate.h says
// whether an edit left a well-formed graph. No MLIR behind it.
// Thread-safety: plain data; concurrent reads are safe.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_GRAPH_GRAPH_H
#define MLC_GRAPH_GRAPH_H

#include "mlc/Graph/OpTable.h"
#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// A dimension: a size >= 0, or the name of a size known at run time. Equal
/// names in one function mean equal sizes.
struct Dim {
  int64_t size = 0;
  std::string name; ///< Empty for a known size.

  Dim() = default;
  Dim(int64_t size) : size(size) {}
  Dim(std::string name) : name(std::move(name)) {}
  bool isSymbolic() const { return !name.empty(); }
  bool operator==(const Dim &o) const { return size == o.size && name == o.name; }
  bool operator!=(const Dim &o) const { return !(*this == o); }
};
using Dims = std::vector<Dim>;

struct TensorType {
  DType dtype = DType::F32;
  Dims dims;

  int64_t rank() const { return static_cast<int64_t>(dims.size()); }
  bool operator==(const TensorType &o) const { return dtype == o.dtype && dims == o.dims; }
  bool operator!=(const TensorType &o) const { return !(*this == o); }
};
/// "512" or "batch".
std::string toString(const Dim &dim);
/// "f32[batch,512]".
std::string toString(const TensorType &type);

/// The alternatives follow AttributeKind in OpTable.h, in its order.
using Attribute = std::variant<bool, int64_t, std::string, std::vector<int64_t>, Dims, Tensor>;
using Attributes = std::map<std::string, Attribute>;

/// Index into Function::values.
using ValueId = int32_t;

struct Value {
  std::string name; ///< Unique within the function.
  TensorType type;
};

struct Node;

/// A list of nodes in an order in which operands come before their uses. Inner
/// blocks (of nodes with subgraphs) may not use outer values.
struct Block {
  std::vector<ValueId> inputs;
  std::vector<Node> nodes;
  std::vector<ValueId> outputs;
};

struct Node {
  std::string name; ///< Unique within the function.
  Op op = Op::Parameter;
  std::vector<ValueId> operands;
  std::vector<ValueId> results;
  Attributes attributes;     ///< Complete: defaults are filled in when built.
  std::vector<Block> blocks; ///< Subgraphs; no op of format version 1 has any.
  std::string location;      ///< "file:line:column" in the source, or empty.
};

struct Function {
  std::string name;
  std::vector<Value> values;
  Block body;
  std::vector<std::string> outputNames; ///< One per body.outputs, unique.
};

/// A named weight. Its elements live beside the graph (Model, Executable).
struct Parameter {
  std::string name;
  TensorType type; ///< No symbolic dimension.
};

struct Graph {
  std::vector<Parameter> parameters;
  std::vector<Function> functions; ///< The first is the default entry.

  const Function *findFunction(std::string_view name) const;
  const Parameter *findParameter(std::string_view name) const;
};

/// Where in a model a node stands, for errors: "function `main`: node `x` (a.py:1:2): ".
std::string placeOf(const Function &function, const Node &node);

/// Names of the symbolic dimensions of a function, in order of first appearance
/// in its inputs. This is the order of mlc_frame::dims.
std::vector<std::string> symbolicDims(const Function &function);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_GRAPH_H
