//===- Specimen.cpp - What is run in several ways -------------------------===//

#include "Specimen.h"

namespace mlc::test {

std::vector<Bounded> orderedInputs(const Specimen &specimen) {
  const Function &function = specimen.graph.functions[0];
  std::vector<Bounded> inputs;
  for (ValueId id : function.body.inputs)
    inputs.push_back(
        Bounded::exact(specimen.inputs.at(function.values[static_cast<size_t>(id)].name)));
  return inputs;
}

std::map<std::string, int64_t> dimSizes(const Specimen &specimen) {
  const Function &function = specimen.graph.functions[0];
  std::map<std::string, int64_t> sizes;
  for (ValueId id : function.body.inputs) {
    const Value &input = function.values[static_cast<size_t>(id)];
    for (size_t d = 0; d < input.type.dims.size(); ++d)
      if (input.type.dims[d].isSymbolic())
        sizes[input.type.dims[d].name] = specimen.inputs.at(input.name).shape()[d];
  }
  return sizes;
}

} // namespace mlc::test
