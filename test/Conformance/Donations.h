//===- Donations.h - Which inputs a test donates ----------------*- C++ -*-===//
#ifndef MLC_TEST_CONFORMANCE_DONATIONS_H
#define MLC_TEST_CONFORMANCE_DONATIONS_H

#include "mlc/Graph/Graph.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace mlc::test {

/// For CompileOptions::donated: every output with an input of its type, as long as
/// there is one.
inline std::vector<std::pair<std::string, std::string>> donations(const Function &function) {
  auto value = [&](ValueId id) -> const Value & {
    return function.values[static_cast<size_t>(id)];
  };
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<ValueId> inputs = function.body.inputs;
  for (size_t i = 0; i < function.outputNames.size(); ++i) {
    const TensorType &type = value(function.body.outputs[i]).type;
    auto fits = [&](ValueId id) { return value(id).type == type; };
    auto found = std::find_if(inputs.begin(), inputs.end(), fits);
    if (found == inputs.end())
      continue;
    pairs.emplace_back(value(*found).name, function.outputNames[i]);
    inputs.erase(found);
  }
  return pairs;
}

} // namespace mlc::test

#endif // MLC_TEST_CONFORMANCE_DONATIONS_H
