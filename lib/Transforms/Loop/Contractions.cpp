//===- Contractions.cpp - What loops of a contraction are like ------------===//

#include "Contractions.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mlc::ir {

int64_t packedColumns(linalg::GenericOp op) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(1));
  if (map.getNumResults() != 3 || map.getNumDims() != 3)
    return 0;
  auto outer = dyn_cast<AffineBinaryOpExpr>(map.getResult(0));
  auto inner = dyn_cast<AffineBinaryOpExpr>(map.getResult(2));
  AffineExpr column = getAffineDimExpr(1, op.getContext());
  if (!outer || !inner || outer.getKind() != AffineExprKind::FloorDiv ||
      inner.getKind() != AffineExprKind::Mod || outer.getLHS() != column ||
      inner.getLHS() != column || outer.getRHS() != inner.getRHS() ||
      map.getResult(1) != getAffineDimExpr(2, op.getContext()))
    return 0;
  return cast<AffineConstantExpr>(outer.getRHS()).getValue();
}

int64_t rowsOfTile(const TileOptions &options, int64_t vectors, int64_t sums, bool unpacks) {
  int64_t others = 2 + vectors * sums * (unpacks ? 2 : 1);
  return std::clamp<int64_t>((options.vectorRegisters - others) / (vectors * sums), 1, 8);
}

int64_t depthOfBlock(const TileOptions &options, int64_t size) {
  return std::max<int64_t>(options.blockK / size, 1) * size;
}

/// How many sums of an element go on side by side, so that a row of few columns need not wait for
/// each multiply-add. The result depends on it, so it must not depend on the number of rows.
static int64_t sumsOf(const ContractionSizes &sizes, const PanelShape &panels,
                      const TileOptions &options) {
  constexpr int64_t kShort = 8, kLong = 64, kMost = 4;
  if (panels.group > 1 || sizes.columns > panels.columns || sizes.depth < kShort ||
      options.blockK % kMost != 0)
    return 1;
  if (panels.vectors == 1)
    return sizes.depth < kLong ? 2 : kMost;
  return panels.vectors == 2 && options.vectorRegisters >= 32 && sizes.depth >= kLong ? 2 : 1;
}

/// Notes how much of the next panel, which comes from farther away than the second level of the
/// cache, each tile of rows fetches while it computes one group of k: as much as brings all of it
/// by the end of the panel. More than needed would cost more than it saves.
static void fetchAhead(ContractionForm &form, const ContractionSizes &sizes,
                       const PanelShape &panels, const TileOptions &options) {
  constexpr int64_t kFar = 256 << 10, kFarther = 3 << 20, kLeast = 16, kLine = 64; // bytes
  int64_t count = llvm::divideCeil(sizes.columns, panels.columns);
  int64_t bytesOfRow = panels.columns * panels.group * panels.elementBytes;
  int64_t bytes = llvm::divideCeil(sizes.depth, panels.group) * count * bytesOfRow;
  if (count < 2 || bytesOfRow % kLeast != 0 || bytes < kFar)
    return;
  int64_t tileRows = rowsOfTile(options, panels.vectors, form.sums, panels.unpacks);
  int64_t tiles = std::min(sizes.rows.value_or(options.blockM), options.blockM) / tileRows;
  if (tiles > 0) {
    int64_t each = llvm::PowerOf2Ceil(llvm::divideCeil(bytesOfRow, tiles));
    if (each <= kLine)
      form.bytesAhead = std::max(each, kLeast);
    else if (bytes >= kFarther)
      form.bytesAhead = llvm::alignTo(std::min(each, bytesOfRow), kLine);
  }
  if (bytes >= kFarther && sizes.rows.value_or(0) < tileRows)
    form.bytesAheadOfRest = bytesOfRow;
}

ContractionForm ContractionForm::of(const ContractionSizes &sizes, const PanelShape &panels,
                                    const TileOptions &options) {
  constexpr int64_t kManyPanels = 8;
  ContractionForm form;
  form.oddColumns = sizes.columns % panels.columns;
  form.cutsDepth = sizes.depth > depthOfBlock(options, panels.group);
  form.hasManyPanels = llvm::divideCeil(sizes.columns, panels.columns) >= kManyPanels;
  form.sums = sumsOf(sizes, panels, options);
  form.oddDepth = sizes.depth % form.sums;
  if (panels.isPacked)
    fetchAhead(form, sizes, panels, options);
  return form;
}

static constexpr llvm::StringLiteral kFormAttr = "mlc.form";

std::optional<ContractionForm> ContractionForm::notedOn(Operation *op) {
  auto noted = op->getAttrOfType<DictionaryAttr>(kFormAttr);
  if (!noted)
    return std::nullopt;
  auto number = [&](StringRef key) {
    auto attribute = noted.getAs<IntegerAttr>(key);
    return attribute ? attribute.getInt() : 0;
  };
  ContractionForm form;
  form.oddColumns = number("odd_columns");
  form.cutsDepth = number("cuts_depth") != 0;
  form.hasManyPanels = number("many_panels") != 0;
  form.bytesAhead = number("bytes_ahead");
  form.bytesAheadOfRest = number("bytes_ahead_of_rest");
  form.sums = std::max<int64_t>(number("sums"), 1);
  form.oddDepth = number("odd_depth");
  return form;
}

void ContractionForm::noteOn(Operation *op) const {
  Builder b(op->getContext());
  auto entry = [&](StringRef key, int64_t value) {
    return b.getNamedAttr(key, b.getI64IntegerAttr(value));
  };
  op->setAttr(kFormAttr, b.getDictionaryAttr(
                             {entry("odd_columns", oddColumns), entry("cuts_depth", cutsDepth),
                              entry("many_panels", hasManyPanels), entry("bytes_ahead", bytesAhead),
                              entry("bytes_ahead_of_rest", bytesAheadOfRest), entry("sums", sums),
                              entry("odd_depth", oddDepth)}));
}

} // namespace mlc::ir
