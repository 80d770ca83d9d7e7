//===- HostOps.cpp - What the host does for a graph ----------------------------===//
//
// Whatever a function of the host throws ends here, as an Error.
//
//===----------------------------------------------------------------------===//

#include "mlc/Graph/HostOps.h"

#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const CustomOp>> ops;
};

/// Never destroyed: graphs may run while the process ends.
Registry &registry() {
  static auto *instance = new Registry;
  return *instance;
}

/// What `function` returns, or the Error that it throws. `what` begins its message.
template <typename T, typename Function> T guarded(const std::string &what, Function function) {
  try {
    T result = function();
    if (!result)
      return Error{result.error().kind, what + result.error().message};
    return result;
  } catch (const Error &error) {
    return Error{error.kind, what + error.message};
  } catch (const std::bad_alloc &) {
    return resourceError(what + "out of memory");
  } catch (const std::exception &error) {
    return badInputError(what + error.what());
  } catch (...) {
    return badInputError(what + "threw what is no std::exception");
  }
}

std::string prefix(const std::string &name) { return "custom: function `" + name + "`: "; }

std::string typesText(const std::vector<TensorType> &types) {
  std::string text;
  for (const TensorType &type : types)
    text += (text.empty() ? "" : ", ") + toString(type);
  return '(' + text + ')';
}

TensorType typeOf(const Tensor &tensor) {
  return {tensor.dtype(), Dims(tensor.shape().begin(), tensor.shape().end())};
}

} // namespace

Status defineCustomOp(const std::string &name, CustomOp op) {
  if (name.empty())
    return usageError("defineCustomOp: the name is empty");
  if (!op.rule || !op.run)
    return usageError("defineCustomOp: `" + name + "` has no `" + (op.rule ? "run" : "rule") + '`');
  Registry &known = registry();
  std::lock_guard<std::mutex> lock(known.mutex);
  if (!known.ops.emplace(name, std::make_shared<const CustomOp>(std::move(op))).second)
    return usageError("defineCustomOp: `" + name + "` is defined already");
  return {};
}

Result<std::shared_ptr<const CustomOp>> findCustomOp(const std::string &name) {
  Registry &known = registry();
  std::lock_guard<std::mutex> lock(known.mutex);
  auto found = known.ops.find(name);
  if (found == known.ops.end())
    return unsupportedError("custom: the host has no function `" + name +
                            "`; expected one defined by defineCustomOp");
  return found->second;
}

Result<TensorType> inferCustomOp(const CustomOp &op, const std::string &name,
                                 const std::vector<TensorType> &operands) {
  return guarded<Result<TensorType>>(prefix(name), [&] { return op.rule(operands); });
}

Status checkCustomOp(const CustomOp &op, const std::string &name,
                     const std::vector<TensorType> &operands, const TensorType &declared) {
  auto type = inferCustomOp(op, name, operands);
  if (!type)
    return type.takeError();
  if (*type != declared)
    return badInputError(prefix(name) + "gives " + toString(*type) + " for " + typesText(operands) +
                         ", but the node says " + toString(declared));
  return {};
}

Status runPrint(const PrintFunction &print, const std::string &label, const Tensor &value) {
  return guarded<Status>("print: ", [&]() -> Status {
    if (print) {
      print(label, value);
      return {};
    }
    // At once, so that lines of several threads do not mix.
    std::string text = label + ": " + toString(value) + '\n';
    std::fwrite(text.data(), 1, text.size(), stderr);
    return {};
  });
}

Status runCheck(const std::string &message, const Tensor &condition) {
  const auto *elements = condition.dataAs<uint8_t>();
  for (int64_t i = 0; i < condition.size(); ++i)
    if (!elements[i])
      return badInputError(message);
  return {};
}

Status runCustomOp(const CustomOp &op, const std::string &name, const std::vector<Tensor> &operands,
                   Tensor &result) {
  return guarded<Status>(prefix(name), [&]() -> Status {
    Tensor given = result;
    if (Status status = op.run(operands, given); !status)
      return status;
    if (given.isTraced() || typeOf(given) != typeOf(result))
      return badInputError("assigned a result of type " + toString(typeOf(given)) + ", expected " +
                           toString(typeOf(result)));
    if (given.data() != result.data() && given.byteSize() > 0)
      std::memcpy(result.data(), given.data(), static_cast<size_t>(given.byteSize()));
    return {};
  });
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
