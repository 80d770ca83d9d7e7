//===- Mlc.cpp - mlc from C -----------------------------------------------===//
//
// Works on handles and plain structs: turns them into the C++ API's values and its
// errors, exceptions among them, into a status and a text of the thread. Refuses null
// where something is needed, structs of unknown sizes, and tensors that cannot be.
//
//===----------------------------------------------------------------------===//
#include "mlc/c/mlc.h"

#include "mlc/mlc.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

struct mlc_engine {
  mlc::Engine engine;
};

struct mlc_executable {
  mlc::Executable executable;
};

struct mlc_call {
  mlc::Call call;
};

struct mlc_cancellation {
  mlc::Cancellation cancellation;
};

namespace {

using mlc::badInputError;
using mlc::Error;
using mlc::Result;
using mlc::Status;
using mlc::Tensor;
using mlc::usageError;

static_assert(static_cast<int>(mlc::DType::Bool) == MLC_BOOL &&
                  static_cast<int>(mlc::DType::I64) == MLC_I64,
              "mlc_dtype numbers the dtypes as DType does");

thread_local std::string lastError;

mlc_status failed(const Error &error) noexcept {
  try {
    lastError = error.message;
  } catch (...) {
    lastError.clear(); // no memory for the text
  }
  return static_cast<mlc_status>(error.kind);
}

/// Runs the body of a function of the ABI.
template <typename Body> mlc_status guarded(Body body) noexcept {
  try {
    Status status = body();
    return status ? MLC_OK : failed(status.error());
  } catch (const std::bad_alloc &) {
    return failed(mlc::resourceError("out of memory"));
  } catch (const Error &error) {
    return failed(error);
  } catch (const std::exception &error) {
    return failed(mlc::internalError(error.what()));
  } catch (...) { // of the host's log, say
    return failed(mlc::internalError("something was thrown that is no std::exception"));
  }
}

/// Says which arguments are null that may not be.
Status notNull(std::initializer_list<std::pair<const char *, const void *>> arguments) {
  for (const auto &[name, value] : arguments)
    if (!value)
      return usageError("`" + std::string(name) + "` is null");
  return {};
}

/// The caller's struct as this library knows it: what the caller does not know is 0,
/// what this library does not know must be.
template <typename T> Result<T> known(const T *given, const char *name) {
  T value{};
  if (!given)
    return value;
  if (given->size < sizeof(size_t) || given->size > 4096)
    return usageError(std::string(name) + ": `size` is " + std::to_string(given->size) +
                      ", expected sizeof(" + name + ")");
  const auto *bytes = reinterpret_cast<const unsigned char *>(given);
  for (size_t i = sizeof(T); i < given->size; ++i)
    if (bytes[i] != 0)
      return mlc::unsupportedError(std::string(name) +
                                   ": a member is set that this version of libmlc has not");
  std::memcpy(&value, given, std::min(given->size, sizeof(T)));
  return value;
}

/// The memory of a caller's functions.
class CallersMemory : public std::pmr::memory_resource {
public:
  explicit CallersMemory(const mlc_engine_options &options) : options(options) {}

private:
  void *do_allocate(size_t bytes, size_t alignment) override {
    if (void *memory = options.allocate(options.memory_context, bytes, alignment))
      return memory;
    throw std::bad_alloc();
  }
  void do_deallocate(void *memory, size_t bytes, size_t alignment) override {
    options.deallocate(options.memory_context, memory, bytes, alignment);
  }
  bool do_is_equal(const memory_resource &other) const noexcept override { return this == &other; }

  mlc_engine_options options;
};

class CallersParallelFor : public mlc::ParallelFor {
public:
  explicit CallersParallelFor(const mlc_engine_options &options)
      : function(options.parallel_for), context(options.parallel_context) {}

  void run(int64_t count, void (*body)(void *, int64_t), void *argument) override {
    if (int32_t code = function(context, count, body, argument))
      throw std::runtime_error("`parallel_for` returned " + std::to_string(code));
  }

private:
  decltype(mlc_engine_options::parallel_for) function;
  void *context;
};

std::string orEmpty(const char *text) { return text ? text : ""; }

/// The caller's options as the C++ API has them.
Result<mlc::CompileOptions> translated(const mlc_compile_options *options) {
  auto given = known(options, "mlc_compile_options");
  if (!given)
    return given.takeError();
  mlc::CompileOptions result;
  result.function = orEmpty(given->function);
  if (given->target)
    result.target = given->target;
  result.optimize = given->no_optimize == 0;
  result.fuse = given->no_fuse == 0;
  result.orReference = given->or_reference != 0;
  if (given->weights < MLC_WEIGHTS_AS_GIVEN || given->weights > MLC_WEIGHTS_INT8_DYNAMIC)
    return usageError("mlc_compile_options: `weights` is " + std::to_string(given->weights) +
                      ", expected an mlc_weight_type");
  result.weights = static_cast<mlc::WeightType>(given->weights);
  if (given->num_donated > 0)
    if (Status status = notNull({{"donated_inputs", given->donated_inputs},
                                 {"donated_outputs", given->donated_outputs}});
        !status)
      return status.takeError();
  for (size_t i = 0; i < given->num_donated; ++i)
    result.donated.emplace_back(orEmpty(given->donated_inputs[i]),
                                orEmpty(given->donated_outputs[i]));
  if (given->num_dims > 0)
    if (Status status = notNull({{"dim_names", given->dim_names}, {"dim_sizes", given->dim_sizes}});
        !status)
      return status.takeError();
  for (size_t i = 0; i < given->num_dims; ++i)
    if (std::string name = orEmpty(given->dim_names[i]);
        !result.dims.emplace(name, given->dim_sizes[i]).second)
      return usageError("mlc_compile_options: `dim_names` has `" + name + "` twice");
  if (given->cancellation)
    result.cancellation = given->cancellation->cancellation;
  return result;
}

Status compile(const mlc_engine &engine, Result<mlc::Model> model,
               const mlc_compile_options *options, mlc_executable **executable) {
  auto wanted = translated(options);
  if (!wanted)
    return wanted.takeError();
  if (!model)
    return model.takeError();
  auto compiled = engine.engine.compile(model->graph, model->parameters, *wanted);
  if (!compiled)
    return compiled.takeError();
  *executable = new mlc_executable{std::move(*compiled)};
  return {};
}

/// The tensor, which must be that of `expected` as far as memory safety needs.
Result<Tensor> borrowed(const mlc_tensor &given, const std::string &what) {
  if (given.dtype < MLC_F32 || given.dtype > MLC_BOOL)
    return usageError(what + ": there is no dtype " + std::to_string(given.dtype));
  if (given.rank < 0 || given.rank > 64 || (given.rank > 0 && !given.shape))
    return usageError(what + ": expected a rank from 0 to 64, and as many sizes in `shape`");
  mlc::Shape shape(given.shape, given.shape + given.rank);
  auto count = mlc::elementCount(shape);
  if (!count)
    return badInputError(what + ": the shape " + mlc::toString(shape) + " cannot be");
  auto dtype = static_cast<mlc::DType>(given.dtype);
  if (*count > 0 && !given.data)
    return usageError(what + ": `data` is null");
  if (reinterpret_cast<uintptr_t>(given.data) % static_cast<uintptr_t>(mlc::dtypeBytes(dtype)))
    return badInputError(what + ": `data` is not aligned to " +
                         std::to_string(mlc::dtypeBytes(dtype)) + " bytes, those of one element");
  return Tensor::borrow(dtype, std::move(shape), given.data, nullptr);
}

Result<mlc::TensorMap> named(const mlc_tensor *given, size_t count,
                             const std::vector<mlc::ImageTensor> &expected, const char *role) {
  if (count != expected.size())
    return usageError("got " + std::to_string(count) + " " + role + "s, expected " +
                      std::to_string(expected.size()));
  mlc::TensorMap tensors;
  for (size_t i = 0; i < count; ++i) {
    auto tensor = borrowed(given[i], std::string(role) + " '" + expected[i].name + "'");
    if (!tensor)
      return tensor.takeError();
    tensors.emplace(expected[i].name, std::move(*tensor));
  }
  return tensors;
}

const std::vector<mlc::ImageTensor> *tensorsOf(const mlc_executable *executable, int32_t role) {
  if (!executable)
    return nullptr;
  const mlc::ImageInterface &interface = executable->executable.interface();
  switch (role) {
  case MLC_INPUT:
    return &interface.inputs;
  case MLC_OUTPUT:
    return &interface.outputs;
  case MLC_PARAMETER:
    return &interface.parameters;
  default:
    return nullptr;
  }
}

} // namespace

int32_t mlc_c_version(void) { return MLC_C_VERSION; }

const char *mlc_last_error(void) { return lastError.c_str(); }

mlc_status mlc_cancellation_create(mlc_cancellation **cancellation) {
  return guarded([&]() -> Status {
    if (Status status = notNull({{"cancellation", cancellation}}); !status)
      return status;
    *cancellation = nullptr;
    *cancellation = new mlc_cancellation;
    return {};
  });
}

void mlc_cancellation_free(mlc_cancellation *cancellation) { delete cancellation; }

void mlc_cancellation_request(mlc_cancellation *cancellation) {
  if (cancellation)
    cancellation->cancellation.request();
}

void mlc_cancellation_reset(mlc_cancellation *cancellation) {
  if (cancellation)
    cancellation->cancellation.reset();
}

mlc_status mlc_engine_create(const mlc_engine_options *options, mlc_engine **engine) {
  return guarded([&]() -> Status {
    if (Status status = notNull({{"engine", engine}}); !status)
      return status;
    *engine = nullptr;
    auto given = known(options, "mlc_engine_options");
    if (!given)
      return given.takeError();
    if (given->helper_memory_bytes < 0 || given->helper_seconds < 0 || given->memory_limit < 0 ||
        given->cache_bytes < 0)
      return usageError("mlc_engine_options: a limit is negative");
    if (given->threads < MLC_ALL_PROCESSORS)
      return usageError("mlc_engine_options: `threads` is " + std::to_string(given->threads));
    mlc::EngineOptions translated;
    if (auto log = given->log)
      translated.log = [log, context = given->log_context](const std::string &text) {
        log(context, text.c_str());
      };
    if (!given->allocate != !given->deallocate)
      return usageError("mlc_engine_options: `allocate` and `deallocate` belong together");
    if (given->allocate)
      translated.memory = std::make_shared<CallersMemory>(*given);
    translated.memoryLimit = given->memory_limit;
    if (given->parallel_for)
      translated.parallelFor = std::make_shared<CallersParallelFor>(*given);
    else if (given->threads)
      translated.threads = std::max(given->threads, 0);
    if (given->cache_directory) {
      int64_t bytes = given->cache_bytes ? given->cache_bytes : int64_t(256) << 20;
      auto cache = mlc::CacheStore::directory(given->cache_directory, bytes);
      if (!cache)
        return cache.takeError();
      translated.cache = std::move(*cache);
    }
    if (given->use_helper_process) {
      mlc::HelperLimits limits;
      if (given->helper_memory_bytes)
        limits.memoryBytes = given->helper_memory_bytes;
      if (given->helper_seconds)
        limits.seconds = given->helper_seconds;
      translated.compiler = mlc::CompilerClient::helperProcess(limits, orEmpty(given->compiler));
    } else {
      translated.compiler = mlc::CompilerClient::inProcess(orEmpty(given->compiler));
    }
    auto created = mlc::Engine::create(std::move(translated));
    if (!created)
      return created.takeError();
    *engine = new mlc_engine{std::move(*created)};
    return {};
  });
}

void mlc_engine_free(mlc_engine *engine) { delete engine; }

mlc_status mlc_engine_load(mlc_engine *engine, const char *path, const mlc_compile_options *options,
                           mlc_executable **executable) {
  return guarded([&]() -> Status {
    if (executable)
      *executable = nullptr;
    if (Status status = notNull({{"engine", engine}, {"path", path}, {"executable", executable}});
        !status)
      return status;
    return compile(*engine, mlc::loadModel(path), options, executable);
  });
}

mlc_status mlc_engine_load_bytes(mlc_engine *engine, const void *bytes, size_t size,
                                 const char *name, const mlc_compile_options *options,
                                 mlc_executable **executable) {
  return guarded([&]() -> Status {
    if (executable)
      *executable = nullptr;
    if (Status status = notNull({{"engine", engine}, {"executable", executable}}); !status)
      return status;
    if (size > 0 && !bytes)
      return usageError("`bytes` is null");
    std::string_view text(static_cast<const char *>(bytes), size);
    return compile(*engine, mlc::parseModel(text, name ? name : "model"), options, executable);
  });
}

void mlc_executable_free(mlc_executable *executable) { delete executable; }

const char *mlc_executable_function(const mlc_executable *executable) {
  return executable ? executable->executable.interface().function.c_str() : nullptr;
}

size_t mlc_executable_count(const mlc_executable *executable, int32_t role) {
  const auto *tensors = tensorsOf(executable, role);
  return tensors ? tensors->size() : 0;
}

mlc_status mlc_executable_info(const mlc_executable *executable, int32_t role, size_t index,
                               mlc_tensor_info *info) {
  return guarded([&]() -> Status {
    if (Status status = notNull({{"executable", executable}, {"info", info}}); !status)
      return status;
    const auto *tensors = tensorsOf(executable, role);
    if (!tensors)
      return usageError("there is no role " + std::to_string(role));
    if (index >= tensors->size())
      return usageError("there are " + std::to_string(tensors->size()) +
                        " tensors of this role, so none with index " + std::to_string(index));
    const mlc::ImageTensor &tensor = (*tensors)[index];
    *info = {tensor.name.c_str(), static_cast<int32_t>(tensor.dtype),
             static_cast<int32_t>(tensor.dims.size()), tensor.dims.data(), tensor.donor};
    return {};
  });
}

const char *mlc_executable_dim_name(const mlc_executable *executable, size_t i) {
  if (!executable || i >= executable->executable.interface().dims.size())
    return nullptr;
  return executable->executable.interface().dims[i].c_str();
}

mlc_status mlc_executable_bind(const mlc_executable *executable, const mlc_tensor *inputs,
                               size_t num_inputs, const mlc_tensor *outputs, size_t num_outputs,
                               mlc_call **call) {
  return guarded([&]() -> Status {
    if (call)
      *call = nullptr;
    if (Status status = notNull({{"executable", executable}, {"call", call}}); !status)
      return status;
    if (num_inputs > 0 && !inputs)
      return usageError("`inputs` is null");
    if (num_outputs > 0 && !outputs)
      return usageError("`outputs` is null");
    const mlc::ImageInterface &interface = executable->executable.interface();
    auto given = named(inputs, num_inputs, interface.inputs, "input");
    if (!given)
      return given.takeError();
    auto results = named(outputs, num_outputs, interface.outputs, "output");
    if (!results)
      return results.takeError();
    auto bound = executable->executable.bind(*given, *results);
    if (!bound)
      return bound.takeError();
    *call = new mlc_call{std::move(*bound)};
    return {};
  });
}

void mlc_call_free(mlc_call *call) { delete call; }

mlc_status mlc_call_run(mlc_call *call) {
  if (!call)
    return failed(usageError("`call` is null"));
  return guarded([&] { return call->call.run(); });
}

mlc_status mlc_call_rebind(mlc_call *call, const void *const *inputs, size_t num_inputs,
                           void *const *outputs, size_t num_outputs) {
  return guarded([&]() -> Status {
    if (Status status = notNull({{"call", call}}); !status)
      return status;
    if ((num_inputs > 0 && !inputs) || (num_outputs > 0 && !outputs))
      return usageError(num_inputs > 0 && !inputs ? "`inputs` is null" : "`outputs` is null");
    return call->call.rebind({inputs, num_inputs}, {outputs, num_outputs});
  });
}

mlc_status mlc_call_set_cancellation(mlc_call *call, const mlc_cancellation *cancellation) {
  return guarded([&]() -> Status {
    if (Status status = notNull({{"call", call}}); !status)
      return status;
    call->call.setCancellation(cancellation ? std::optional(cancellation->cancellation)
                                            : std::nullopt);
    return {};
  });
}

mlc_run_function mlc_call_function(const mlc_call *call) {
  return call ? call->call.function() : nullptr;
}

mlc_frame *mlc_call_frame(mlc_call *call) { return call ? call->call.frame() : nullptr; }
