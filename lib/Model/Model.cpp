//===- Model.cpp - Model files --------------------------------------------===//
//
// Puts container, graph, parameters and goldens together, and takes nothing for
// granted: everything is checked before the first tensor is read.
//
//===----------------------------------------------------------------------===//
#include "mlc/Model/Model.h"
#include "Golden.h"
#include "GraphJson.h"
#include "Safetensors.h"

#include "mlc/Graph/Validate.h"
#include "mlc/Support/File.h"
#include "mlc/Support/FloatEnvironment.h"

#include <cstring>
#include <new>
#include <stdexcept>

using namespace mlc;

static constexpr const char *kVersionKey = "mlc.format_version";
static constexpr const char *kGraphKey = "mlc.graph";
static constexpr const char *kGoldenKey = "mlc.golden";

/// Nothing is thrown at the caller: memory that is not there is an Error. Numbers are read
/// the same however the caller computes.
template <typename F> static auto guarded(const std::string &name, F body) -> decltype(body()) {
  DefaultFloatEnvironment environment;
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return resourceError(name + ": no memory");
  } catch (const std::length_error &) {
    return resourceError(name + ": no memory");
  } catch (const std::exception &problem) {
    return internalError(name + ": " + problem.what());
  }
}

static Error prefixed(const std::string &name, Error error) {
  bool severalLines = error.message.find('\n') != std::string::npos;
  error.message = name + (severalLines ? ":\n" : ": ") + error.message;
  return error;
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

static Result<Graph> readGraph(std::string_view text, const std::string &name) {
  Result<JsonDocument> document = JsonDocument::parse(text, name);
  if (!document)
    return document.takeError();
  Result<Graph> graph = graphFromDocument(*document, name);
  if (!graph)
    return graph;
  Status status = validate(*graph);
  if (!status)
    return prefixed(name, status.takeError());
  return graph;
}

static TensorType typeOf(const TensorEntry &entry) {
  return {entry.dtype, Dims(entry.shape.begin(), entry.shape.end())};
}

/// The format version, and that no key of ours is one we do not know.
static Status checkMetadata(const std::map<std::string, std::string> &metadata) {
  auto version = metadata.find(kVersionKey);
  if (version == metadata.end() || !metadata.count(kGraphKey))
    return badInputError(std::string("not a model: __metadata__ has no `") +
                         (version == metadata.end() ? kVersionKey : kGraphKey) +
                         "`; a file of weights alone needs a graph");
  if (version->second != std::to_string(kFormatVersion)) {
    bool digits = !version->second.empty() && version->second[0] != '0' &&
                  version->second.find_first_not_of("0123456789") == std::string::npos;
    std::string message = "format version " + quoteForMessage(version->second) +
                          " is not supported, only version " + std::to_string(kFormatVersion) +
                          " is";
    return digits ? unsupportedError(message) : badInputError(message);
  }
  for (const auto &[key, value] : metadata)
    if (key.compare(0, 4, "mlc.") == 0 && key != kVersionKey && key != kGraphKey &&
        key != kGoldenKey)
      return badInputError("unknown metadata key " + quoteForMessage(key));
  return {};
}

/// Every parameter has its tensor.
static Status checkParameters(const Graph &graph, const SafetensorsHeader &header) {
  std::string missing;
  for (const Parameter &parameter : graph.parameters) {
    auto entry = header.tensors.find(parameter.name);
    if (entry == header.tensors.end()) {
      missing += (missing.empty() ? "" : ", ") + quoteForMessage(parameter.name);
      continue;
    }
    TensorType type = typeOf(entry->second);
    if (type != parameter.type)
      return badInputError("the tensor " + quoteForMessage(parameter.name) + " is " +
                           toString(type) + ", the parameter is " + toString(parameter.type));
  }
  if (missing.empty())
    return {};
  return badInputError("there is no tensor for the parameters " + missing);
}

static Result<Model> loadSafetensors(const ByteSource &source, const std::string &name) {
  Result<SafetensorsHeader> header = readSafetensorsHeader(source, name);
  if (!header)
    return header.takeError();
  Status status = checkMetadata(header->metadata);
  if (!status)
    return prefixed(name, status.takeError());
  Result<Graph> graph = readGraph(header->metadata[kGraphKey], name + ": " + kGraphKey);
  if (!graph)
    return graph.takeError();
  status = checkParameters(*graph, *header);
  if (!status)
    return prefixed(name, status.takeError());
  std::vector<GoldenEntry> goldens;
  if (auto text = header->metadata.find(kGoldenKey); text != header->metadata.end()) {
    Result<std::vector<GoldenEntry>> read = readGoldens(text->second, name + ": " + kGoldenKey);
    if (!read)
      return read.takeError();
    goldens = *std::move(read);
  }

  // A tensor is a parameter or belongs to goldens.
  Model model;
  model.graph = *std::move(graph);
  std::map<std::string, Tensor> goldenTensors;
  for (const GoldenEntry &entry : goldens)
    for (const auto *names : {&entry.inputs, &entry.outputs})
      for (const auto &[value, tensor] : *names)
        if (!header->tensors.count(tensor))
          return badInputError(name + ": " + kGoldenKey + ": there is no tensor " +
                               quoteForMessage(tensor));
        else
          goldenTensors[tensor];
  for (const Parameter &parameter : model.graph.parameters)
    if (!model.parameters.emplace(parameter.name, Tensor()).second ||
        goldenTensors.count(parameter.name))
      return badInputError(name + ": the tensor " + quoteForMessage(parameter.name) +
                           " is a parameter and part of a golden");
  for (const auto &[tensorName, entry] : header->tensors)
    if (!model.parameters.count(tensorName) && !goldenTensors.count(tensorName))
      return badInputError(name + ": the tensor " + quoteForMessage(tensorName) +
                           " is neither a parameter nor part of a golden");

  for (auto *tensors : {&model.parameters, &goldenTensors})
    for (auto &[tensorName, tensor] : *tensors) {
      Result<Tensor> read = readSafetensor(source, header->tensors[tensorName],
                                           name + ": tensor " + quoteForMessage(tensorName));
      if (!read)
        return read.takeError();
      tensor = *std::move(read);
    }
  for (size_t i = 0; i < goldens.size(); ++i) {
    Golden golden = std::move(goldens[i].golden);
    for (const auto &[value, tensor] : goldens[i].inputs)
      golden.inputs[value] = goldenTensors[tensor];
    for (const auto &[value, tensor] : goldens[i].outputs)
      golden.outputs[value] = goldenTensors[tensor];
    status = checkGolden(golden, model.graph);
    if (!status)
      return prefixed(name + ": " + kGoldenKey + "[" + std::to_string(i) + "]", status.takeError());
    model.golden.push_back(std::move(golden));
  }
  return model;
}

static Result<Model> loadJson(const ByteSource &source, const std::string &name) {
  if (source.size > SafetensorsHeader::kMaxBytes)
    return resourceError(name + ": the graph has " + std::to_string(source.size) +
                         " bytes, the limit is " + std::to_string(SafetensorsHeader::kMaxBytes));
  std::string text(static_cast<size_t>(source.size), '\0');
  Status status = source.read(0, text.data(), source.size);
  if (!status)
    return status.takeError();
  Result<Graph> graph = readGraph(text, name);
  if (!graph)
    return graph.takeError();
  status = checkParameters(*graph, {});
  if (!status)
    return prefixed(name, status.takeError());
  Model model;
  model.graph = *std::move(graph);
  return model;
}

/// JSON begins with '{'. So may the length of a safetensors header, but any
/// length that is allowed has zero bytes, and JSON text has none.
static Result<bool> isJson(const ByteSource &source) {
  char start[8];
  int64_t count = std::min<int64_t>(source.size, 8);
  Status status = source.read(0, start, count);
  if (!status)
    return status.takeError();
  std::string_view text(start, static_cast<size_t>(count));
  size_t first = text.find_first_not_of(" \t\r\n");
  return text.find('\0') == text.npos && first != text.npos && text[first] == '{';
}

static Result<Model> loadFrom(const ByteSource &source, const std::string &name) {
  Result<bool> json = isJson(source);
  if (!json)
    return json.takeError();
  return *json ? loadJson(source, name) : loadSafetensors(source, name);
}

static ByteSource sourceOf(std::string_view bytes, const std::string &name) {
  ByteSource source;
  source.size = static_cast<int64_t>(bytes.size());
  source.read = [bytes, name](int64_t offset, void *destination, int64_t count) -> Status {
    if (offset > static_cast<int64_t>(bytes.size()) ||
        count > static_cast<int64_t>(bytes.size()) - offset)
      return internalError(name + ": read past the end");
    if (count > 0)
      std::memcpy(destination, bytes.data() + offset, static_cast<size_t>(count));
    return {};
  };
  return source;
}

Result<Model> mlc::parseModel(std::string_view bytes, const std::string &nameForErrors) {
  return guarded(nameForErrors,
                 [&] { return loadFrom(sourceOf(bytes, nameForErrors), nameForErrors); });
}

/// body(bytes of the file, its name for errors).
template <typename T, typename Body>
static Result<T> withFile(const std::string &path, const LoadOptions &options, Body body) {
  const std::string name = "'" + path + "'";
  return guarded(name, [&]() -> Result<T> {
    Result<RegularFile> file = RegularFile::open(path);
    if (!file)
      return file.takeError();
    if (file->size() > options.maxFileBytes)
      return resourceError(name + ": the file has " + std::to_string(file->size()) +
                           " bytes, the limit is " + std::to_string(options.maxFileBytes));
    if (options.mapWeights) {
      Result<std::shared_ptr<MappedFile>> mapped = MappedFile::open(path);
      if (!mapped)
        return mapped.takeError();
      ByteSource source = sourceOf((*mapped)->bytes(), name);
      source.mapped = (*mapped)->bytes();
      source.keepAlive = *std::move(mapped);
      return body(source, name);
    }
    ByteSource source;
    source.size = file->size();
    source.read = [&](int64_t offset, void *destination, int64_t count) {
      return file->read(offset, destination, count);
    };
    return body(source, name);
  });
}

Result<Model> mlc::loadModel(const std::string &path, const LoadOptions &options) {
  return withFile<Model>(path, options, loadFrom);
}

Result<std::map<std::string, Tensor>> mlc::loadTensors(const std::string &path,
                                                       const LoadOptions &options) {
  using Tensors = std::map<std::string, Tensor>;
  auto load = [](const ByteSource &source, const std::string &name) -> Result<Tensors> {
    Result<SafetensorsHeader> header = readSafetensorsHeader(source, name);
    if (!header)
      return header.takeError();
    Tensors tensors;
    for (const auto &[tensorName, entry] : header->tensors) {
      Result<Tensor> tensor =
          readSafetensor(source, entry, name + ": tensor " + quoteForMessage(tensorName));
      if (!tensor)
        return tensor.takeError();
      tensors.emplace(tensorName, *std::move(tensor));
    }
    return tensors;
  };
  return withFile<Tensors>(path, options, load);
}

Result<Graph> mlc::graphFromJson(std::string_view text, const std::string &nameForErrors) {
  return guarded(nameForErrors, [&]() -> Result<Graph> {
    if (text.size() > static_cast<size_t>(SafetensorsHeader::kMaxBytes))
      return resourceError(nameForErrors + ": the graph has " + std::to_string(text.size()) +
                           " bytes, the limit is " + std::to_string(SafetensorsHeader::kMaxBytes));
    return readGraph(text, nameForErrors);
  });
}

//===----------------------------------------------------------------------===//
// Saving
//===----------------------------------------------------------------------===//

/// What could not be loaded is not saved either.
static Status checkBeforeSaving(const Model &model) {
  Status status = validate(model.graph);
  if (!status)
    return status;
  for (const Parameter &parameter : model.graph.parameters) {
    auto tensor = model.parameters.find(parameter.name);
    if (tensor == model.parameters.end())
      return usageError("there is no tensor for the parameter " + quoteForMessage(parameter.name));
    const Shape &shape = tensor->second.shape();
    TensorType type{tensor->second.dtype(), Dims(shape.begin(), shape.end())};
    if (type != parameter.type)
      return usageError("the tensor " + quoteForMessage(parameter.name) + " is " + toString(type) +
                        ", the parameter is " + toString(parameter.type));
  }
  if (model.parameters.size() != model.graph.parameters.size())
    for (const auto &[name, tensor] : model.parameters)
      if (!model.graph.findParameter(name))
        return usageError("the tensor " + quoteForMessage(name) + " is no parameter");
  for (const Golden &golden : model.golden) {
    status = checkGolden(golden, model.graph);
    if (!status)
      return usageError("golden: " + status.error().message);
    if (!(golden.relativeTolerance >= 0) || !(golden.absoluteTolerance >= 0))
      return usageError("golden: a tolerance is negative");
  }
  return {};
}

static Status writeSafetensors(const std::string &path,
                               const std::map<std::string, std::string> &metadata,
                               const std::map<std::string, Tensor> &tensors) {
  std::vector<const Tensor *> order;
  std::string header = writeSafetensorsHeader(metadata, tensors, order);
  if (header.size() > static_cast<size_t>(SafetensorsHeader::kMaxBytes))
    return resourceError("the header would have " + std::to_string(header.size()) +
                         " bytes, the limit is " + std::to_string(SafetensorsHeader::kMaxBytes));
  std::vector<std::string_view> pieces{header};
  for (const Tensor *tensor : order)
    pieces.emplace_back(tensor->dataAs<char>(), static_cast<size_t>(tensor->byteSize()));
  return writeFile(path, pieces);
}

static Status saveSafetensors(const std::string &path, const Model &model) {
  // Goldens are named so that they collide with no parameter.
  std::string prefix = "golden";
  auto next = [&] { return model.parameters.lower_bound(prefix + "."); };
  while (next() != model.parameters.end() &&
         next()->first.compare(0, prefix.size() + 1, prefix + ".") == 0)
    prefix += '_';
  std::map<std::string, Tensor> tensors = model.parameters;
  std::vector<GoldenEntry> goldens;
  for (const Golden &golden : model.golden) {
    GoldenEntry &entry = goldens.emplace_back();
    entry.golden = golden;
    std::string start = prefix + "." + std::to_string(goldens.size() - 1);
    for (const auto &[value, tensor] : golden.inputs)
      tensors[entry.inputs[value] = start + ".input." + value] = tensor;
    for (const auto &[value, tensor] : golden.outputs)
      tensors[entry.outputs[value] = start + ".output." + value] = tensor;
  }

  std::map<std::string, std::string> metadata;
  metadata[kVersionKey] = std::to_string(kFormatVersion);
  metadata[kGraphKey] = writeGraph(model.graph, true);
  if (!goldens.empty())
    metadata[kGoldenKey] = writeGoldens(goldens);
  return writeSafetensors(path, metadata, tensors);
}

Status mlc::saveModel(const std::string &path, const Model &model) {
  return guarded("'" + path + "'", [&]() -> Status {
    Status status = checkBeforeSaving(model);
    if (!status)
      return prefixed("cannot save '" + path + "'", status.takeError());
    bool json = path.size() > 5 && path.compare(path.size() - 5, 5, ".json") == 0 &&
                model.parameters.empty() && model.golden.empty();
    return json ? writeFile(path, graphToJson(model.graph)) : saveSafetensors(path, model);
  });
}

Status mlc::saveTensors(const std::string &path, const std::map<std::string, Tensor> &tensors) {
  return guarded("'" + path + "'", [&] { return writeSafetensors(path, {}, tensors); });
}
