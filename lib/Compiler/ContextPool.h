//===- ContextPool.h - Warm MLIR contexts -----------------------*- C++ -*-===//
//
// Loading the dialects that the phases use costs more than compiling a small
// graph, so contexts are used again. A context keeps what it has uniqued
// (types, attributes, names) for ever; it is therefore dropped after some uses
// or after a large graph.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_LIB_COMPILER_CONTEXTPOOL_H
#define MLC_LIB_COMPILER_CONTEXTPOOL_H

#include "mlir/IR/MLIRContext.h"

#include <memory>

namespace mlc {

/// A context for one request, without threads. Goes back to the pool when it
/// dies, unless the request was large. Thread-safety: leases may be taken and
/// returned by many threads; one lease belongs to one thread.
class ContextLease {
public:
  explicit ContextLease(size_t requestBytes);
  ~ContextLease();
  ContextLease(const ContextLease &) = delete;
  ContextLease &operator=(const ContextLease &) = delete;
  mlir::MLIRContext &operator*() { return *pooled.context; }

  struct Pooled {
    std::unique_ptr<mlir::MLIRContext> context;
    int uses = 0;
    size_t bytes = 0; ///< Of all requests so far.
  };

private:
  Pooled pooled;
};

} // namespace mlc

#endif // MLC_LIB_COMPILER_CONTEXTPOOL_H
