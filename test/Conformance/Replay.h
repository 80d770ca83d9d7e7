//===- Replay.h - A graph as C++ code would write it ------------*- C++ -*-===//
#ifndef MLC_TEST_CONFORMANCE_REPLAY_H
#define MLC_TEST_CONFORMANCE_REPLAY_H

#include "mlc/Api/Jit.h"

namespace mlc::test {

/// The first function of a graph, by the functions of mlc/Api/Ops.h and Flow.h: runs at
/// once on tensors at hand, and jit() traces it. The graph and the parameters must
/// outlive it.
class Replay {
public:
  using Tensors = std::vector<Tensor>;

  Replay(const Graph &graph, const TensorMap &parameters) : graph(graph), parameters(parameters) {}

  Tensors operator()(const Tensors &inputs) const { return call(graph.functions[0], inputs); }
  /// For jit(): which inputs have the symbolic dimension.
  JitOptions options() const;
  /// Inputs in order, outputs by name.
  Tensors ordered(const TensorMap &inputs) const;
  TensorMap named(const Tensors &outputs) const;

private:
  using Sizes = std::map<std::string, Dim>; ///< Of symbolic dimensions; a name in a trace.

  Tensors call(const Function &function, const Tensors &inputs) const;
  Tensors run(const Function &function, const Block &block, const Tensors &inputs,
              const Sizes &sizes) const;

  const Graph &graph;
  const TensorMap &parameters;
};

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_REPLAY_H
