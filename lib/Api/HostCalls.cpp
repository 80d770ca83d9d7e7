//===- HostCalls.cpp - The host's side of print, custom, threads ----------===//
//
// Works on the memory of a running image, which has no unwind tables: nothing that a
// function of the host throws leaves HostTable's.
//
//===----------------------------------------------------------------------===//
#include "HostCalls.h"

#include "mlc/Support/FloatEnvironment.h"
#include "mlc/mlc.h"

#include <new>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

Result<HostCalls> HostCalls::find(const ImageInterface &interface,
                                  std::shared_ptr<const Printer> printer,
                                  std::shared_ptr<ParallelFor> parallelFor) {
  HostCalls found;
  found.parallelFor = std::move(parallelFor);
  found.function = interface.function;
  found.printer = std::move(printer);
  for (const ImageHostCall &description : interface.hostCalls) {
    Call call{description, nullptr};
    if (description.kind == ImageHostCall::Kind::Custom) {
      auto failed = [&](const Error &error) {
        return Error{error.kind,
                     "function `" + interface.function + "`: " + description.place + error.message};
      };
      auto op = findCustomOp(description.name);
      if (!op)
        return failed(op.error());
      std::vector<TensorType> operands;
      operands.reserve(description.operands.size());
      for (const ImageTensor &operand : description.operands)
        operands.push_back(typeOf(operand, interface.dims));
      if (Status status = checkCustomOp(**op, description.name, operands,
                                        typeOf(description.results.at(0), interface.dims));
          !status)
        return failed(status.error());
      call.custom = std::move(*op);
    }
    found.calls.push_back(std::move(call));
  }
  return found;
}

HostTable::HostTable(const HostCalls &calls) : calls(calls) {
  table.version = MLC_FRAME_VERSION;
  table.context = this;
  table.call = call;
  if (calls.parallelFor)
    table.parallel_for = parallelFor;
}

Error HostTable::takeError() {
  if (error.message.empty()) // Not even the message could be made.
    return resourceError("function `" + calls.function +
                         "`: out of memory for a service of the host");
  return std::exchange(error, Error());
}

static Tensor tensorAt(const void *data, const ImageTensor &type, const int64_t *dims) {
  Shape shape;
  for (int64_t size : type.dims)
    shape.push_back(size >= 0 ? size : dims[-1 - size]);
  return Tensor::borrow(static_cast<DType>(type.dtype), std::move(shape), const_cast<void *>(data),
                        nullptr);
}

Status HostTable::perform(const HostCalls::Call &call, const void *const *operands,
                          void *const *results, const int64_t *dims) const {
  const ImageHostCall &description = call.description;
  std::vector<Tensor> values;
  values.reserve(description.operands.size());
  for (size_t i = 0; i < description.operands.size(); ++i)
    values.push_back(tensorAt(operands[i], description.operands[i], dims));
  if (!call.custom)
    return runPrint(calls.printer->get(), description.name, values.at(0));
  Tensor result = tensorAt(results[0], description.results[0], dims);
  return runCustomOp(*call.custom, description.name, values, result);
}

int32_t HostTable::call(void *context, int64_t index, const void *const *operands,
                        void *const *results, const int64_t *dims) {
  auto &self = *static_cast<HostTable *>(context);
  try {
    const HostCalls::Call &call = self.calls.calls.at(static_cast<size_t>(index));
    Status status = self.perform(call, operands, results, dims);
    if (status)
      return 0;
    self.error = {status.error().kind, "function `" + self.calls.function +
                                           "`: " + call.description.place + status.error().message};
  } catch (...) { // There was no memory for a tensor or for the message.
    self.error = Error();
  }
  return 1;
}

namespace {

/// A part of a kernel, and how its caller computes.
struct Part {
  void (*body)(void *, int64_t);
  void *argument;
  unsigned floats;

  static void run(void *context, int64_t index) {
    const Part &part = *static_cast<const Part *>(context);
    FloatEnvironment environment(part.floats);
    part.body(part.argument, index);
  }
};

} // namespace

int32_t HostTable::parallelFor(void *context, int64_t count, void (*body)(void *, int64_t),
                               void *argument) {
  auto &self = *static_cast<HostTable *>(context);
  Part part{body, argument, FloatEnvironment::current()};
  try {
    self.calls.parallelFor->run(count, Part::run, &part);
    return 0;
  } catch (const std::bad_alloc &) {
    self.error = Error();
  } catch (const std::exception &thrown) {
    self.parallelForFailed(": ", thrown.what());
  } catch (...) {
    self.parallelForFailed("", "");
  }
  return 1;
}

void HostTable::parallelForFailed(const char *colon, const char *why) noexcept {
  try {
    error = badInputError("function `" + calls.function + "`: the host's parallel-for failed" +
                          colon + why);
  } catch (...) { // There was no memory for the message.
    error = Error();
  }
}

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc
