//===- Interface.h - What an image says about itself ------------*- C++ -*-===//
//
// Every image carries an ImageInterface in its ELF section ".mlc.interface".
//
//===----------------------------------------------------------------------===//
#ifndef MLC_ABI_INTERFACE_H
#define MLC_ABI_INTERFACE_H

#include "mlc/Support/Bytes.h"
#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

#include <limits>
#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

inline constexpr int64_t kImageVersion = 4;
#define MLC_INTERFACE_SECTION ".mlc.interface"

/// One tensor of the frame. A dimension >= 0 is a size; -1 - i is the symbolic
/// dimension i.
struct ImageTensor {
  std::string name;
  int64_t dtype = 0; ///< mlc::DType
  std::vector<int64_t> dims;
  /// Of an output: the input whose memory it may be given, all of it; -1: none.
  int64_t donor = -1;
};

/// Why a run ended with MLC_RUN_STOPPED + i.
struct ImageMessage {
  ErrorKind kind = ErrorKind::Internal;
  std::string text;
};

/// What an image asks of the host by mlc_host::call.
struct ImageHostCall {
  enum class Kind : int64_t { Print = 0, Custom = 1 };
  Kind kind = Kind::Print;
  std::string name;  ///< The label, or the function.
  std::string place; ///< Begins what is said about it: "node `x` (a.py:1:2): ".
  std::vector<ImageTensor> operands, results; ///< Without names.
};

/// A number that may grow with the symbolic dimension.
struct ImageCount {
  int64_t constant = 0, factor = 0;
  double at(int64_t size) const {
    return static_cast<double>(constant) + static_cast<double>(factor) * static_cast<double>(size);
  }
};

/// A node of the graph, or what the compiler has made of one, in a kernel.
struct ImageOp {
  std::string op;        ///< "add"
  std::string node;      ///< Its name in the graph, and where it stands in the source,
  std::string place;     ///< "a.py:1:2"; either may be empty.
  ImageCount operations; ///< On elements; a multiply-add is two, exp and the like one.
};

/// A group of ops that one call of a compiled function computes.
struct ImageKernel {
  std::string function;  ///< Groups that are alike share one.
  bool prepares = false; ///< It runs once, on parameters, not in every call.
  /// "contraction", "elementwise", "reduction", "softmax", "attention", "data" or "chain".
  std::string kind;
  /// The function of the kernel, of kind "chain", that calls it for blocks of rows; empty if it is
  /// called once for all. A chain has no ops but those of the kernels that it calls.
  std::string chain;
  std::string reason;    ///< Why no more ops are in it.
  std::string strategy;  ///< How its loops were chosen.
  ImageCount operations; ///< Of its ops together,
  ImageCount bytes;      ///< of its operands and results, each once.
  std::vector<ImageOp> ops;
};

struct ImageInterface {
  std::string function;
  std::vector<std::string> dims;                        ///< Names of the symbolic dimensions.
  std::vector<ImageTensor> inputs, outputs, parameters; ///< In frame order.
  int64_t preparedBytes = 0;
  std::string cpu; ///< "x86-64-v2", "x86-64-v3", "x86-64-v4" or the host's LLVM name.
  /// Features the code may use, as Runtime's CpuFeatures names them ("avx2").
  std::vector<std::string> features;
  std::vector<ImageMessage> messages;
  std::vector<ImageHostCall> hostCalls; ///< By the index that the image calls them by.
  /// In the order of mlc_host::profile; none unless the image was made for profiling.
  std::vector<ImageKernel> kernels;

  std::string encode() const {
    ByteWriter w;
    auto tensors = [&](const std::vector<ImageTensor> &list) {
      w.integer(static_cast<int64_t>(list.size()));
      for (const ImageTensor &t : list) {
        w.string(t.name);
        w.integer(t.dtype);
        w.integer(static_cast<int64_t>(t.dims.size()));
        for (int64_t d : t.dims)
          w.integer(d);
        w.integer(t.donor);
      }
    };
    w.integer(kImageVersion);
    w.string(function);
    w.integer(static_cast<int64_t>(dims.size()));
    for (const std::string &d : dims)
      w.string(d);
    for (const auto *list : {&inputs, &outputs, &parameters})
      tensors(*list);
    w.integer(preparedBytes);
    w.string(cpu);
    w.integer(static_cast<int64_t>(features.size()));
    for (const std::string &feature : features)
      w.string(feature);
    w.integer(static_cast<int64_t>(messages.size()));
    for (const ImageMessage &message : messages) {
      w.integer(static_cast<int64_t>(message.kind));
      w.string(message.text);
    }
    w.integer(static_cast<int64_t>(hostCalls.size()));
    for (const ImageHostCall &call : hostCalls) {
      w.integer(static_cast<int64_t>(call.kind));
      w.string(call.name);
      w.string(call.place);
      tensors(call.operands);
      tensors(call.results);
    }
    if (kernels.empty()) // other images do not even say that they have none
      return w.take();
    auto count = [&](const ImageCount &c) {
      w.integer(c.constant);
      w.integer(c.factor);
    };
    w.integer(static_cast<int64_t>(kernels.size()));
    for (const ImageKernel &kernel : kernels) {
      w.string(kernel.function);
      w.integer(kernel.prepares);
      for (const std::string *text :
           {&kernel.kind, &kernel.chain, &kernel.reason, &kernel.strategy})
        w.string(*text);
      count(kernel.operations);
      count(kernel.bytes);
      w.integer(static_cast<int64_t>(kernel.ops.size()));
      for (const ImageOp &op : kernel.ops) {
        for (const std::string *text : {&op.op, &op.node, &op.place})
          w.string(*text);
        count(op.operations);
      }
    }
    return w.take();
  }

  static Result<ImageInterface> decode(std::string_view bytes) {
    ByteReader r(bytes);
    ImageInterface i;
    if (r.integer() != kImageVersion)
      return unsupportedError("image of another version of mlc");
    auto tensors = [&](std::vector<ImageTensor> &list) {
      for (int64_t n = r.count(32); n > 0; --n) {
        ImageTensor t;
        t.name = r.string();
        t.dtype = r.integer();
        for (int64_t k = r.count(); k > 0; --k)
          t.dims.push_back(r.integer());
        t.donor = r.integer();
        list.push_back(std::move(t));
      }
    };
    auto number = [&](int64_t least, int64_t most) {
      int64_t value = r.integer();
      if (value < least || value > most)
        r.fail();
      return value;
    };
    i.function = r.string();
    for (int64_t n = r.count(); n > 0; --n)
      i.dims.emplace_back(r.string());
    for (auto *list : {&i.inputs, &i.outputs, &i.parameters})
      tensors(*list);
    i.preparedBytes = r.integer();
    i.cpu = r.string();
    for (int64_t n = r.count(); n > 0; --n)
      i.features.emplace_back(r.string());
    for (int64_t n = r.count(16); n > 0; --n) {
      auto kind = static_cast<ErrorKind>(number(1, 6));
      i.messages.push_back({kind, std::string(r.string())});
    }
    for (int64_t n = r.count(40); n > 0; --n) {
      ImageHostCall call;
      call.kind = static_cast<ImageHostCall::Kind>(number(0, 1));
      call.name = r.string();
      call.place = r.string();
      tensors(call.operands);
      tensors(call.results);
      i.hostCalls.push_back(std::move(call));
    }
    auto amount = [&](ImageCount &c) {
      c.constant = number(0, std::numeric_limits<int64_t>::max());
      c.factor = number(0, std::numeric_limits<int64_t>::max());
    };
    for (int64_t n = r.atEnd() ? 0 : r.count(88); n > 0; --n) {
      ImageKernel kernel;
      kernel.function = r.string();
      kernel.prepares = number(0, 1) == 1;
      for (std::string *text : {&kernel.kind, &kernel.chain, &kernel.reason, &kernel.strategy})
        *text = r.string();
      amount(kernel.operations);
      amount(kernel.bytes);
      for (int64_t k = r.count(40); k > 0; --k) {
        ImageOp op;
        for (std::string *text : {&op.op, &op.node, &op.place})
          *text = r.string();
        amount(op.operations);
        kernel.ops.push_back(std::move(op));
      }
      i.kernels.push_back(std::move(kernel));
    }
    auto inputs = static_cast<int64_t>(i.inputs.size());
    bool donorsExist = true;
    for (const ImageTensor &t : i.outputs)
      donorsExist &= t.donor >= -1 && t.donor < inputs;
    if (!r.ok() || !r.atEnd() || i.preparedBytes < 0 || !donorsExist)
      return badInputError("malformed image interface");
    return i;
  }
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_ABI_INTERFACE_H
