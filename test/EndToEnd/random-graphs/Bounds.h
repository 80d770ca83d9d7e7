//===- Bounds.h - Reference values and how far others may be ----*- C++ -*-===//
//
// Evaluates a function node by node with the reference and carries beside every
// element a bound on its distance to what any correct executor computes: each op
// may err as its tolerance class says (Tolerance.h), and the bounds of operands
// are carried through. Where a small error may change everything - a comparison
// of values that may be equal, a quotient by what may be 0, a float that may
// overflow - the bound is infinite: the element is unknown and not compared.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_TEST_ENDTOEND_BOUNDS_H
#define MLC_TEST_ENDTOEND_BOUNDS_H

#include "mlc/Graph/HostOps.h"
#include "mlc/Support/Result.h"

#include <map>
#include <string>
#include <vector>

namespace mlc::test {

struct Bounded {
  Tensor value;
  std::vector<double> error; ///< One per element; for integers and bools 0 or infinite.

  static Bounded exact(Tensor value);
};

using TensorMap = std::map<std::string, Tensor>;

/// Evaluates nodes of one function, whose symbolic dimensions have sizes.
class Evaluator {
public:
  Evaluator(const Graph &graph, const TensorMap &parameters,
            std::map<std::string, int64_t> sizes = {}, PrintFunction print = ignore)
      : graph(graph), parameters(parameters), sizes(std::move(sizes)), print(std::move(print)) {}

  static void ignore(std::string_view, const Tensor &) {}

  /// `values` are those of the function, with the types of the node's results.
  Result<std::vector<Bounded>> evaluate(const Node &node, const std::vector<Bounded> &operands,
                                        const std::vector<Value> &values) const;

private:
  using Results = Result<std::vector<Bounded>>;
  Results runBlock(const Block &block, const std::vector<Value> &values,
                   const std::vector<Bounded> &inputs) const;
  Results evaluateIf(const Node &node, const std::vector<Bounded> &operands,
                     const std::vector<Value> &values) const;
  Results evaluateWhile(const Node &node, std::vector<Bounded> state,
                        const std::vector<Value> &values) const;
  Results evaluateScan(const Node &node, const std::vector<Bounded> &operands,
                       const std::vector<Value> &values) const;
  std::vector<TensorType> concreteTypes(const Node &node, const std::vector<Value> &values) const;

  const Graph &graph;
  const TensorMap &parameters;
  std::map<std::string, int64_t> sizes;
  PrintFunction print;
};

/// All values of `function`, by ValueId.
Result<std::vector<Bounded>> evaluateValues(const Graph &graph, const Function &function,
                                            const TensorMap &parameters,
                                            const std::vector<Bounded> &inputs,
                                            const PrintFunction &print = Evaluator::ignore);
/// Its outputs, one per output.
Result<std::vector<Bounded>> evaluateBounded(const Graph &graph, const Function &function,
                                             const TensorMap &parameters,
                                             const std::vector<Bounded> &inputs,
                                             const PrintFunction &print = Evaluator::ignore);

/// Where `got` is farther from the reference than allowed, or empty.
std::string compareBounded(const Tensor &got, const Bounded &expected);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_BOUNDS_H
