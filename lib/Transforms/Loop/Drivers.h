//===- Drivers.h - What passes on @run and @prepare share -------*- C++ -*-===//
#ifndef MLC_LIB_TRANSFORMS_LOOP_DRIVERS_H
#define MLC_LIB_TRANSFORMS_LOOP_DRIVERS_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Value.h"

#include <string>

namespace mlc::ir {

/// The size of the symbolic dimension, as a tensor.dim at the start of a driver's
/// body: it leads some argument.
mlir::Value symbolicSize(mlir::Block &body);

/// What a node is called in the graph, and where it stands in its source: "a.py:1:2".
/// Either may be empty.
struct NodePlace {
  std::string node, source;
};
NodePlace nodeAt(mlir::Location location);

/// The same for messages: "node `x` (a.py:1:2): ".
std::string placeOf(mlir::Location location);

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_DRIVERS_H
