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

/// Rows of a register tile of `vectors` vectors a row: as many accumulators, `sums` of each
/// element, as leave registers for as many rows of the right-hand side, twice if it is unpacked,
/// and a broadcast element of the left.
int64_t rowsOfTile(const TileOptions &options, int64_t vectors, int64_t sums = 1,
                   bool unpacks = false);

/// Contracted elements of a cache block: whole groups of `size`.
int64_t depthOfBlock(const TileOptions &options, int64_t size);

/// Sizes of a contraction, elements; the number of rows may be unknown.
struct ContractionSizes {
  std::optional<int64_t> rows;
  int64_t columns, depth;
};

/// How columns of the right-hand side are read.
struct PanelShape {
  int64_t columns, vectors; ///< Of a panel.
  bool isPacked = false;
  int64_t elementBytes = 4;
  int64_t group = 1; ///< Elements along k that lie side by side.
  bool unpacks = false;
};

/// What of its sizes shows in the code of a contraction whose sizes are numbers that it is
/// given: contractions of the same form may share a kernel.
struct ContractionForm {
  int64_t oddColumns = 0;       ///< Of the last panel; 0 if that is whole.
  bool cutsDepth = false;       ///< Whether k has several blocks.
  bool hasManyPanels = false;   ///< Whether threads rather share the panels than the rows.
  int64_t bytesAhead = 0;       ///< Of the next panel, fetched by a whole tile at each group of k.
  int64_t bytesAheadOfRest = 0; ///< The same of a tile of fewer rows.
  int64_t sums = 1; ///< Of an element, added up side by side: they need not wait for each other.
  int64_t oddDepth = 0; ///< Of k, less than `sums`; only one sum has these products.

  static ContractionForm of(const ContractionSizes &sizes, const PanelShape &panels,
                            const TileOptions &options);
  /// As mlc-share-kernels has noted it, if it has.
  static std::optional<ContractionForm> notedOn(mlir::Operation *op);
  void noteOn(mlir::Operation *op) const;
};

} // namespace mlc::ir

#endif // MLC_LIB_TRANSFORMS_LOOP_CONTRACTIONS_H
