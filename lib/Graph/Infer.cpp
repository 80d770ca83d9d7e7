//===- Infer.cpp - Type inference: what all ops share --------------------------===//
//
// Arity, attributes and result types by the op table; each op's own constraints
// are in InferOps.cpp.
//
//===----------------------------------------------------------------------===//

#include "Inference.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

GraphIndex::GraphIndex(const Graph &graph) {
  for (const Function &function : graph.functions)
    functions.emplace(function.name, &function);
  for (const Parameter &parameter : graph.parameters)
    parameters.emplace(parameter.name, &parameter);
}

const Function *GraphIndex::findFunction(std::string_view name) const {
  auto found = functions.find(name);
  return found == functions.end() ? nullptr : found->second;
}

const Parameter *GraphIndex::findParameter(std::string_view name) const {
  auto found = parameters.find(name);
  return found == parameters.end() ? nullptr : found->second;
}

Error Inference::violates(int constraint, const std::string &message) const {
  return badInputError(std::string(opInfo(op).name) + " [C" + std::to_string(constraint) +
                       "]: " + message);
}

static std::string_view kindName(size_t kind) {
  static constexpr std::string_view names[] = {
      "a bool", "an integer", "a string", "a list of integers", "a list of dimensions", "a tensor"};
  return names[kind];
}

static Error attributeError(const OpInfo &info, std::string_view attribute,
                            const std::string &message) {
  return badInputError(std::string(info.name) + ": attribute `" + std::string(attribute) + "` " +
                       message);
}

/// An error unless the attribute is there and of the kind the table says.
static Status checkAttribute(const OpInfo &info, const AttributeInfo &attribute,
                             const Attributes &attributes) {
  auto found = attributes.find(std::string(attribute.name));
  auto kind = static_cast<size_t>(attribute.kind);
  if (found == attributes.end())
    return attributeError(info, attribute.name,
                          "is missing; expected " + std::string(kindName(kind)));
  if (found->second.index() != kind)
    return attributeError(info, attribute.name,
                          "must be " + std::string(kindName(kind)) + ", not " +
                              std::string(kindName(found->second.index())));
  return {};
}

static Attribute defaultValue(const AttributeInfo &attribute) {
  std::string text(attribute.defaultText);
  switch (attribute.kind) {
  case AttributeKind::Bool:
    return text == "true";
  case AttributeKind::Int:
    return static_cast<int64_t>(std::strtoll(text.c_str(), nullptr, 10));
  case AttributeKind::String:
    return text;
  case AttributeKind::Ints:
    return std::vector<int64_t>();
  case AttributeKind::Dims:
    return Dims();
  case AttributeKind::Dense:
    return Tensor();
  }
  return false;
}

Result<Attributes> completeAttributes(Op op, Attributes attributes) {
  const OpInfo &info = opInfo(op);
  size_t known = 0;
  for (int32_t i = 0; i < info.numAttributes; ++i) {
    const AttributeInfo &attribute = info.attributes[i];
    auto found = attributes.find(std::string(attribute.name));
    if (found == attributes.end() && attribute.optional)
      attributes.emplace(attribute.name, defaultValue(attribute));
    else if (found != attributes.end() && attribute.kind == AttributeKind::Dims)
      if (auto *sizes = std::get_if<std::vector<int64_t>>(&found->second))
        found->second = Dims(sizes->begin(), sizes->end());
    if (Status status = checkAttribute(info, attribute, attributes); !status)
      return status.takeError();
    ++known;
  }
  if (attributes.size() == known)
    return attributes;
  for (const auto &[name, value] : attributes) {
    bool found = false;
    std::string expected;
    for (int32_t i = 0; i < info.numAttributes; ++i) {
      found |= info.attributes[i].name == name;
      expected += (i ? ", `" : "`") + std::string(info.attributes[i].name) + "`";
    }
    if (!found)
      return attributeError(info, name,
                            "is unknown; expected " + (expected.empty() ? "none" : expected));
  }
  return internalError("attributes of " + std::string(info.name) + " cannot be counted");
}

Result<std::vector<TensorType>> inferTypes(Op op, const std::vector<TensorType> &operands,
                                           const Attributes &attributes,
                                           const InferContext &context) {
  const OpInfo &info = opInfo(op);
  auto count = static_cast<int64_t>(operands.size());
  if (count < info.minOperands || (info.maxOperands >= 0 && count > info.maxOperands))
    return badInputError(std::string(info.name) + ": takes " + std::to_string(info.minOperands) +
                         (info.minOperands == 1 ? " operand" : " operands") + ", got " +
                         std::to_string(count));
  for (int32_t i = 0; i < info.numAttributes; ++i)
    if (Status status = checkAttribute(info, info.attributes[i], attributes); !status)
      return status.takeError();
  if (context.blocks.size() != static_cast<size_t>(info.numBlocks))
    return badInputError(std::string(info.name) + ": has " + std::to_string(context.blocks.size()) +
                         " blocks, expected " + std::to_string(info.numBlocks));
  return inferOp({op, operands, attributes, context});
}

std::vector<BlockTypes> blockTypes(const Function &function, const Node &node) {
  auto types = [&](const std::vector<ValueId> &ids) {
    std::vector<TensorType> list;
    list.reserve(ids.size());
    for (ValueId id : ids)
      list.push_back(function.values[static_cast<size_t>(id)].type);
    return list;
  };
  std::vector<BlockTypes> list;
  list.reserve(node.blocks.size());
  for (const Block &block : node.blocks)
    list.push_back({types(block.inputs), types(block.outputs)});
  return list;
}

/// The number of the last constraint that speaks of the result: by convention
/// the one that says its type.
static int resultConstraint(const OpInfo &info) {
  for (int32_t i = info.numConstraints; i > 0; --i)
    if (info.constraints[i - 1].find("result") != std::string_view::npos)
      return i;
  return info.numConstraints;
}

Status checkResultTypes(Op op, const std::vector<TensorType> &inferred,
                        const std::vector<TensorType> &declared) {
  const OpInfo &info = opInfo(op);
  std::string prefix =
      std::string(info.name) + " [C" + std::to_string(resultConstraint(info)) + "]: ";
  if (inferred.size() != declared.size())
    return badInputError(prefix + std::to_string(declared.size()) + " results, expected " +
                         std::to_string(inferred.size()));
  for (size_t i = 0; i < inferred.size(); ++i)
    if (inferred[i] != declared[i])
      return badInputError(prefix + "result " + std::to_string(i) + " is " + toString(declared[i]) +
                           ", expected " + toString(inferred[i]));
  return {};
}

Result<std::map<std::string, Dim>> bindDims(const Function &callee,
                                            const std::vector<TensorType> &types) {
  const std::vector<ValueId> &inputs = callee.body.inputs;
  if (types.size() != inputs.size())
    return badInputError("`" + callee.name + "` takes " + std::to_string(inputs.size()) +
                         (inputs.size() == 1 ? " input" : " inputs") + ", got " +
                         std::to_string(types.size()));
  std::map<std::string, Dim> bindings;
  for (size_t i = 0; i < types.size(); ++i) {
    const Value &input = callee.values[inputs[i]];
    const TensorType &type = types[i];
    std::string where = "input `" + input.name + "` of `" + callee.name + "` ";
    if (type.dtype != input.type.dtype || type.rank() != input.type.rank())
      return badInputError(where + "is " + toString(input.type) + ", got " + toString(type));
    for (size_t d = 0; d < type.dims.size(); ++d) {
      const Dim &expected = input.type.dims[d];
      if (!expected.isSymbolic()) {
        if (type.dims[d] != expected)
          return badInputError(where + "is " + toString(input.type) + ", got " + toString(type));
        continue;
      }
      const Dim &bound = bindings.emplace(expected.name, type.dims[d]).first->second;
      if (bound != type.dims[d])
        return badInputError(where + "is " + toString(input.type) + ", got " + toString(type) +
                             ", but an earlier dimension `" + expected.name + "` is " +
                             toString(bound));
    }
  }
  return bindings;
}

TensorType substituteDims(TensorType type, const std::map<std::string, Dim> &bindings) {
  for (Dim &dim : type.dims)
    if (auto found = bindings.find(dim.name); dim.isSymbolic() && found != bindings.end())
      dim = found->second;
  return type;
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
