//===- Image.h - Loading a compiled image -----------------------*- C++ -*-===//
//
// Maps an image (docs/rationale/image.md: a position-independent ELF with no
// undefined symbol and no relocation) and finds its functions. Pages are never
// writable and executable at the same time. Needs no LLVM.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_RUNTIME_IMAGE_H
#define MLC_RUNTIME_IMAGE_H

#include "mlc/Abi/Frame.h"
#include "mlc/Abi/Interface.h"
#include "mlc/Support/Version.h"

#include <memory>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Immutable and thread-safe once loaded; unmapped with the last reference.
class Image {
public:
  /// Copies `bytes` into fresh pages. Refuses a malformed image (BadInput) and
  /// one for a CPU with features that this one lacks (Unsupported).
  static Result<std::shared_ptr<const Image>> load(std::string_view bytes);
  ~Image();
  Image(const Image &) = delete;
  Image &operator=(const Image &) = delete;

  const ImageInterface &interface() const { return description; }
  mlc_run_function run() const { return runFunction; }
  mlc_run_function prepare() const { return prepareFunction; }
  mlc_workspace_function workspaceBytes() const { return workspaceFunction; }
  mlc_workspace_function prepareWorkspaceBytes() const { return prepareWorkspaceFunction; }

private:
  Image() = default;
  ImageInterface description;
  mlc_run_function runFunction = nullptr;
  mlc_run_function prepareFunction = nullptr;
  mlc_workspace_function workspaceFunction = nullptr;
  mlc_workspace_function prepareWorkspaceFunction = nullptr;
  void *base = nullptr;
  size_t mappedBytes = 0;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_RUNTIME_IMAGE_H
