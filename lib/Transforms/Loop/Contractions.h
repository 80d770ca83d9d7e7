//===- Contractions.h - What loops of a contraction are like ----*- C++ -*-===//
#ifndef MLC_LIB_TRANSFORMS_LOOP_CONTRACTIONS_H
#define MLC_LIB_TRANSFORMS_LOOP_CONTRACTIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlc::ir {

/// As the options of mlc-tile-contractions.
struct TileOptions {
  int64_t vectorBits, vectorRegisters, blockM, blockK;
  bool fma, dotProducts;
};

/// Columns of the panels in which the right-hand side of a contraction over (m, n, k) is
/// packed, (n floordiv columns, k, n mod columns); 0 if it is not.
int64_t packedColumns(mlir::linalg::GenericOp op);

/// Rows of a register tile: as many accumulators as leave registers for one row of the
/// right-hand side, twice if it is unpacked, and a broadcast element of the left.
int64_t rowsOfTile(const TileOptions &options, int64_t vectors, bool unpacks = false);

/// Contracted elements of a cache block: whole groups of `size`.
int64_t depthOfBlock(const TileOptions &options, int64_t size);

/// Sizes of a contraction, elements; the number of rows may be unknown.
struct ContractionSizes {
  std::optional<int64_t> rows;
  int64_t columns, depth;
};

/// What of its sizes shows in the code of a contraction whose sizes are numbers that it is
/// given: contractions of the same form may share a kernel.
struct ContractionForm {
  int64_t oddColumns = 0;     ///< Of the last panel; 0 if that is whole.
  bool cutsDepth = false;     ///< Whether k has several blocks.
  bool hasManyPanels = false; ///< Whether threads rather share the panels than the rows.
  int64_t bytesAhead = 0;     ///< Of the next panel, fetched by a tile at each group of k.

  /// With panels of `width` columns, whose elements have `elementBytes`, and tiles of
  /// `tileRows` rows; `group` elements along k lie side by side.
  static ContractionForm of(const ContractionSizes &sizes, int64_t width, bool isPacked,
                            int64_t tileRows, int64_t elementBytes, const TileOptions &options,
                            int64_t group = 1);
  /// As mlc-share-kernels has noted it, if it has.
  static std::optional<ContractionForm> notedOn(mlir::Operation *op);
  void noteOn(mlir::Operation *op) const;
};

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_CONTRACTIONS_H
