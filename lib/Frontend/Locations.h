//===- Locations.h - Names and source places as MLIR locations --*- C++ -*-===//
#ifndef MLC_LIB_FRONTEND_LOCATIONS_H
#define MLC_LIB_FRONTEND_LOCATIONS_H

#include "mlc/Graph/Graph.h"

#include "mlir/IR/Location.h"

#include <string>
#include <vector>

namespace mlc::ir {

/// What a location says of a node.
struct NodeNames {
  std::string node;                 ///< Empty: unknown.
  std::vector<std::string> results; ///< One per result, or empty.
  std::string location;             ///< "file:line:column", or empty.
};

/// NameLoc(node, place) when the one result has the node's name, else
/// FusedLoc[NameLoc(node, place), NameLoc(result), ...].
mlir::Location toLocation(mlir::MLIRContext *context, const NodeNames &names);
NodeNames fromLocation(mlir::Location location, size_t numResults);

} // namespace mlc::ir

#endif // MLC_LIB_FRONTEND_LOCATIONS_H
