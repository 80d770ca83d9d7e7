//===- CheckExecutable.cpp - What the compiler can run today ---------------------===//
//
// A valid function may still use what no executor implements yet: some dtypes,
// and symbolic dimensions other than one name in leading position that ops only
// iterate over. All such uses are listed at once.
//
//===----------------------------------------------------------------------===//

#include "Findings.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Validate.h"

#include <algorithm>
#include <set>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

bool leadsSymbolic(const TensorType &type) { return type.rank() > 0 && type.dims[0].isSymbolic(); }

/// Why the op cannot work along a symbolic dimension 0 of its operands, or empty.
/// Results with a symbolic dimension elsewhere are refused already.
std::string symbolicProblem(const Function &function, const Node &node) {
  if (node.operands.empty() ||
      !leadsSymbolic(function.values[static_cast<size_t>(node.operands[0])].type))
    return {};
  const TensorType &first = function.values[static_cast<size_t>(node.operands[0])].type;
  switch (node.op) {
  case Op::MatMul:
    if (first.rank() == 2 && std::get<bool>(node.attributes.at("transpose_a")))
      return "contracts";
    return {};
  case Op::Reduce: {
    const auto &axes = std::get<std::vector<int64_t>>(node.attributes.at("axes"));
    // The least and largest integer, alone: what mlc-reduce-checks makes.
    const auto &kind = std::get<std::string>(node.attributes.at("kind"));
    if (axes == std::vector<int64_t>{0} && isInteger(first.dtype) &&
        (kind == "min" || kind == "max"))
      return "";
    return std::find(axes.begin(), axes.end(), 0) != axes.end() ? "reduces" : "";
  }
  case Op::Softmax:
    return std::get<int64_t>(node.attributes.at("axis")) == 0 ? "normalises over" : "";
  default:
    return {};
  }
}

/// For a function without calls.
Status checkInlined(const Function &function) {
  Findings findings;
  std::set<DType> dtypes;
  for (const Value &value : function.values)
    dtypes.insert(value.type.dtype);
  std::string list;
  for (DType dtype : dtypes)
    if (!isExecutable(dtype))
      list += (list.empty() ? "" : ", ") + std::string(dtypeName(dtype));
  std::string prefix = "function `" + function.name + "`: ";
  if (!list.empty())
    findings.add(unsupportedError(prefix + "dtypes that cannot be executed yet: " + list));

  std::vector<std::string> names = symbolicDims(function);
  if (names.size() > 1) {
    std::string all;
    for (size_t i = 0; i < names.size() && i < 20; ++i)
      all += (i ? ", `" : "`") + names[i] + '`';
    findings.add(unsupportedError(
        prefix + "symbolic dimensions " + all + (names.size() > 20 ? ", ..." : "") +
        "; at most one can be compiled yet, the others need sizes " + "(CompileOptions::dims)"));
  }
  for (const Value &value : function.values)
    for (size_t i = 1; i < value.type.dims.size(); ++i)
      if (value.type.dims[i].isSymbolic() && !findings.full())
        findings.add(unsupportedError(prefix + "value `" + value.name + "` is " +
                                      toString(value.type) + "; a symbolic dimension must be " +
                                      "the leading one to be compiled yet, or needs a size " +
                                      "(CompileOptions::dims)"));
  walk(function, [&](const Node &node) {
    if (findings.full())
      return;
    if (std::string problem = symbolicProblem(function, node); !problem.empty())
      findings.add(unsupportedError(prefix + "node `" + node.name +
                                    "`: " + std::string(opInfo(node.op).name) + ' ' + problem +
                                    " a symbolic dimension, which cannot be compiled yet"));
  });
  return findings.status();
}

} // namespace

Status checkExecutable(const Graph &graph, const Function &function) {
  bool calls = false;
  walk(function, [&](const Node &node) { calls |= node.op == Op::Call; });
  if (!calls)
    return checkInlined(function);
  auto inlined = inlineCalls(graph, function.name);
  if (!inlined)
    return inlined.takeError();
  return checkInlined(inlined->functions.front());
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
