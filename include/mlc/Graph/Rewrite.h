//===- Rewrite.h - Building, walking and editing graphs ---------*- C++ -*-===//
#ifndef MLC_GRAPH_REWRITE_H
#define MLC_GRAPH_REWRITE_H

#include "mlc/Graph/Graph.h"
#include "mlc/Support/Version.h"

#include <functional>
#include <map>
#include <unordered_map>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Appends nodes to a function; every step checks types, so what it builds is
/// well formed. Names are made unique.
class FunctionBuilder {
public:
  /// `graph` gives meaning to parameter and call nodes and must outlive this.
  FunctionBuilder(const Graph &graph, std::string name);

  /// An input of the function, or of the block that is open.
  ValueId input(const std::string &name, TensorType type);
  /// Appends a node with one result.
  Result<ValueId> node(Op op, std::vector<ValueId> operands, Attributes attributes = {},
                       const std::string &name = "");
  /// Appends a node with any number of results, and with blocks if its op has any.
  Result<std::vector<ValueId>> nodes(Op op, std::vector<ValueId> operands,
                                     Attributes attributes = {}, const std::string &name = "",
                                     std::vector<Block> blocks = {});
  /// What follows belongs to a new block, which sees its own values only, until
  /// endBlock() gives it to be passed to nodes(). Blocks nest.
  void beginBlock();
  Block endBlock(std::vector<ValueId> outputs);
  /// An input of the block that is the `depth`-th around what comes next, 1 for the
  /// outermost, or of a block that has ended.
  ValueId input(int64_t depth, const std::string &name, TensorType type);
  ValueId input(Block &ended, const std::string &name, TensorType type);
  /// How many blocks are open around `value`; 0 for a value of the function itself,
  /// -1 for one of a block that has ended.
  int64_t depth(ValueId value) const;
  void output(ValueId value, const std::string &name);
  /// The source location of the nodes that follow, see Node::location.
  void setLocation(std::string text) { location = std::move(text); }
  /// Valid until the next value is made.
  const TensorType &type(ValueId value) const;
  /// Those made so far, by ValueId.
  const std::vector<Value> &values() const { return function.values; }
  Function finish();

private:
  Block &block() { return open.empty() ? function.body : open.back().block; }
  ValueId value(const std::string &name, TensorType type, int64_t scope);

  struct OpenBlock {
    Block block;
    int64_t scope;
  };
  const Graph &graph;
  Function function;
  std::string location;
  std::vector<OpenBlock> open;
  std::vector<int64_t> scopes; ///< By value: the number of its block, 0 for the function's.
  int64_t numScopes = 0;
  /// Names that are taken, each with the next suffix to try.
  std::unordered_map<std::string, int64_t> names, outputNames;
};

/// Calls `visit` for every node, inner blocks after their node.
void walk(const Function &function, const std::function<void(const Node &)> &visit);
void walk(Function &function, const std::function<void(Node &)> &visit);

/// A graph with the one function `entry`, all calls in it inlined, and only the
/// parameters that it uses. `graph` must be valid. What comes from a callee is
/// named "callee/name"; a node without a location gets its call's.
Result<Graph> inlineCalls(const Graph &graph, std::string_view entry);

/// The functions that `entry` calls, directly or through others, and itself, which is
/// the first. What it calls must exist.
std::vector<const Function *> reachableFunctions(const Graph &graph, const Function &entry);

/// A graph in which symbolic dimensions of the function `entry` have the sizes that
/// `sizes` gives by name: the same as if they had been written so, with the functions
/// that `entry` needs. `graph` must be valid; a name that `entry` does not have, or a size
/// below 0, is a Usage error, and sizes with which the graph is not valid are the error of
/// validate(), as ResourceLimit is of those that are too large.
Result<Graph> specializeDims(const Graph &graph, std::string_view entry,
                             const std::map<std::string, int64_t> &sizes);

/// Whether running the node does something beside computing its results: it or a node
/// in its blocks has an effect, or is a call, whose callee may have one.
bool hasEffect(const Node &node);

/// Drops nodes whose results are unused and that have no effect, and values that no
/// one mentions.
void removeDeadNodes(Function &function);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_GRAPH_REWRITE_H
