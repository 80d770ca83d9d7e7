//===- Interface.h - What an image says about itself ------------*- C++ -*-===//
//
// Every image carries an ImageInterface in its ELF section ".mlc.interface".
//
//===----------------------------------------------------------------------===//
#ifndef MLC_ABI_INTERFACE_H
#define MLC_ABI_INTERFACE_H

#include "mlc/Support/Bytes.h"
#include "mlc/Support/Result.h"

#include <string>
#include <vector>

namespace mlc {

inline constexpr int64_t kImageVersion = 2;
#define MLC_INTERFACE_SECTION ".mlc.interface"

/// One tensor of the frame. A dimension >= 0 is a size; -1 - i is the symbolic
/// dimension i.
struct ImageTensor {
  std::string name;
  int64_t dtype = 0; ///< mlc::DType
  std::vector<int64_t> dims;
};

struct ImageInterface {
  std::string function;
  std::vector<std::string> dims;                        ///< Names of the symbolic dimensions.
  std::vector<ImageTensor> inputs, outputs, parameters; ///< In frame order.
  int64_t preparedBytes = 0;
  std::string cpu; ///< "x86-64-v3", "x86-64-v4" or the host's LLVM name.
  /// Features the code may use, as Runtime's CpuFeatures names them ("avx2").
  std::vector<std::string> features;
  /// Why run or prepare ended with MLC_RUN_STOPPED + i.
  std::vector<std::string> messages;

  std::string encode() const {
    ByteWriter w;
    w.integer(kImageVersion);
    w.string(function);
    w.integer(static_cast<int64_t>(dims.size()));
    for (const std::string &d : dims)
      w.string(d);
    for (const auto *list : {&inputs, &outputs, &parameters}) {
      w.integer(static_cast<int64_t>(list->size()));
      for (const ImageTensor &t : *list) {
        w.string(t.name);
        w.integer(t.dtype);
        w.integer(static_cast<int64_t>(t.dims.size()));
        for (int64_t d : t.dims)
          w.integer(d);
      }
    }
    w.integer(preparedBytes);
    w.string(cpu);
    for (const auto *list : {&features, &messages}) {
      w.integer(static_cast<int64_t>(list->size()));
      for (const std::string &text : *list)
        w.string(text);
    }
    return w.take();
  }

  static Result<ImageInterface> decode(std::string_view bytes) {
    ByteReader r(bytes);
    ImageInterface i;
    if (r.integer() != kImageVersion)
      return unsupportedError("image of another version of mlc");
    i.function = r.string();
    for (int64_t n = r.count(); n > 0; --n)
      i.dims.emplace_back(r.string());
    for (auto *list : {&i.inputs, &i.outputs, &i.parameters})
      for (int64_t n = r.count(24); n > 0; --n) {
        ImageTensor t;
        t.name = r.string();
        t.dtype = r.integer();
        for (int64_t k = r.count(); k > 0; --k)
          t.dims.push_back(r.integer());
        list->push_back(std::move(t));
      }
    i.preparedBytes = r.integer();
    i.cpu = r.string();
    for (auto *list : {&i.features, &i.messages})
      for (int64_t n = r.count(); n > 0; --n)
        list->emplace_back(r.string());
    if (!r.ok() || !r.atEnd() || i.preparedBytes < 0)
      return badInputError("malformed image interface");
    return i;
  }
};

} // namespace mlc

#endif // MLC_ABI_INTERFACE_H
