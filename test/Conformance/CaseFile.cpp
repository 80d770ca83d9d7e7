//===- CaseFile.cpp - Reads conformance files -----------------------------===//

#include "CaseFile.h"

#include "mlc/Graph/Validate.h"
#include "mlc/Model/Model.h"
#include "mlc/Tensor/Element.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace mlc::test {

namespace {

using Json = nlohmann::json;

double readFloat(const Json &value) {
  if (value.is_number())
    return value.get<double>();
  const std::string &text = value.get_ref<const std::string &>();
  if (text == "nan")
    return std::numeric_limits<double>::quiet_NaN();
  return (text == "-inf" ? -1 : 1) * std::numeric_limits<double>::infinity();
}

Expectation readTensor(const Json &json) {
  DType dtype = parseDType(json.at("dtype").get<std::string>()).value();
  auto tensor = Tensor::zeros(dtype, json.at("shape").get<Shape>());
  if (!tensor)
    throw std::runtime_error(tensor.error().message);
  const Json &data = json.at("data");
  if (static_cast<int64_t>(data.size()) != tensor->size())
    throw std::runtime_error("a tensor has more or fewer elements than its shape");
  Expectation result{*tensor, {}};
  for (size_t i = 0; i < data.size(); ++i) {
    switch (dtype) {
    case DType::F32:
      result.exact.push_back(readFloat(data[i]));
      result.tensor.dataAs<float>()[i] = static_cast<float>(result.exact[i]);
      break;
    case DType::F16:
      result.exact.push_back(readFloat(data[i]));
      result.tensor.dataAs<uint16_t>()[i] = halfFromDouble(result.exact[i]);
      break;
    case DType::BF16:
      result.exact.push_back(readFloat(data[i]));
      result.tensor.dataAs<uint16_t>()[i] = bfloatFromDouble(result.exact[i]);
      break;
    case DType::I32:
      result.tensor.dataAs<int32_t>()[i] = data[i].get<int32_t>();
      break;
    case DType::I64:
      result.tensor.dataAs<int64_t>()[i] = data[i].get<int64_t>();
      break;
    case DType::Bool:
      result.tensor.dataAs<bool>()[i] = data[i].get<bool>();
      break;
    default:
      throw std::runtime_error("a dtype that no executor runs");
    }
  }
  return result;
}

std::map<std::string, Tensor> readTensors(const Json &json) {
  std::map<std::string, Tensor> result;
  for (const auto &[name, value] : json.items())
    result.emplace(name, readTensor(value).tensor);
  return result;
}

Case readCase(const Json &json) {
  Case result;
  result.name = json.at("name").get<std::string>();
  auto graph = graphFromJson(json.at("model").dump(), result.name);
  if (!graph)
    throw std::runtime_error(graph.error().message);
  if (Status status = validate(*graph); !status)
    throw std::runtime_error(result.name + ": " + status.error().message);
  result.graph = std::move(*graph);
  result.parameters = readTensors(json.at("parameters"));
  for (const Json &run : json.at("runs")) {
    Run &added = result.runs.emplace_back();
    added.inputs = readTensors(run.at("inputs"));
    for (const auto &[name, value] : run.at("outputs").items())
      added.outputs.emplace(name, readTensor(value));
  }
  return result;
}

} // namespace

CaseFile readCaseFile(const std::string &path) {
  try {
    std::ifstream stream(path);
    Json json = Json::parse(stream);
    CaseFile file;
    file.op = json.at("op").get<std::string>();
    for (const Json &entry : json.at("cases"))
      file.cases.push_back(readCase(entry));
    return file;
  } catch (const std::exception &e) {
    throw std::runtime_error(path + ": " + e.what());
  }
}

} // namespace mlc::test
