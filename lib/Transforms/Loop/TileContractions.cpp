//===- TileContractions.cpp - Contractions to register tiles --------------===//
//
// Works on linalg.generic contractions over (batch..., m, n, k) on memrefs, as
// lib/Conversion/MLCToLinalg makes them. The loops, outermost first: batch, block of
// rows, block of k, panel of columns, tile of rows, k. What it refuses (right-hand sides
// whose columns lie apart, if few rows or too deep ones read them) is left to
// mlc-vectorize-kernels.
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"
#include "Product.h"
#include "VectorLoops.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

namespace mlc::ir {
#define GEN_PASS_DEF_TILECONTRACTIONSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

class Contraction {
public:
  /// Nothing if `op` is not a contraction that this pass tiles.
  static std::optional<Contraction> match(linalg::GenericOp op, const TileOptions &options) {
    unsigned loops = op.getNumLoops();
    auto iterators = op.getIteratorTypesArray();
    std::optional<Product> product = Product::match(op);
    if (loops < 3 || op.getNumDpsInputs() != 2 || op.getNumReductionLoops() != 1 ||
        iterators.back() != utils::IteratorType::reduction || !product)
      return std::nullopt;
    Contraction c(op, *product, options);
    AffineMap outMap = AffineMap::getMultiDimIdentityMap(loops, op.getContext()).dropResult(c.k);
    if (c.out.map != outMap || c.lhs.along(c.n) != AccessPattern::Invariant ||
        c.out.along(c.n) != AccessPattern::Contiguous)
      return std::nullopt;
    c.panel = loops == 3 ? packedColumns(op) : 0;
    if (loops == 3 && c.panel == 0 && c.isOfKnownSize())
      c.panel = c.matchGroups();
    auto noted = ContractionForm::notedOn(op);
    if (c.isOfKnownSize()
            ? c.panel == 0 && c.rhs.along(c.n) != AccessPattern::Contiguous && !c.canGather()
            : c.panel == 0 || !noted)
      return std::nullopt;
    if (noted)
      c.form = *noted;
    return c;
  }

  void lower() {
    findFill();
    findEpilogue();
    chooseTile();
    noteTile();
    if (product.groupSize() > 1)
      inPanels = memref::CollapseShapeOp::create(b, rhs.memref,
                                                 ArrayRef<ReassociationIndices>{{0}, {1, 2, 3}});
    batchLoops(0);
    for (Operation *done : {epilogue.getOperation(), op.getOperation(), fill.getOperation()})
      if (done)
        done->erase();
  }

private:
  Contraction(linalg::GenericOp op, Product product, const TileOptions &options)
      : op(op), product(product), options(options), b(op.getLoc(), op), ivs(op.getNumLoops()) {
    auto accesses = accessesOf(op);
    lhs = accesses[0], rhs = accesses[1], out = accesses[2];
    k = op.getNumLoops() - 1, n = k - 1, m = k - 2;
    for (unsigned i = 0; i < op.getNumLoops(); ++i)
      sizes.push_back(loopSize(b, op, i));
  }

  /// Whether columns and depth are known; if not, the form is.
  bool isOfKnownSize() const {
    return getConstantIntValue(sizes[n]) && getConstantIntValue(sizes[k]);
  }

  /// Columns of the panels if the right-hand side is packed in groups of elements along k, (n
  /// floordiv columns, k floordiv size, n mod columns, k mod size); else 0.
  int64_t matchGroups() {
    AffineMap map = rhs.map;
    if (map.getNumResults() != 4)
      return 0;
    int64_t width = splitSize(map.getResult(0), map.getResult(2), n);
    int64_t size = splitSize(map.getResult(1), map.getResult(3), k);
    int64_t bits = std::min(options.vectorBits, 32 * width);
    Product grouped = product;
    if (size < 2 || !grouped.useGroups(size, options.dotProducts) ||
        !(bits == 128 || bits == 256 || bits == 512) ||
        (grouped.addsGroups() && lhs.along(k) != AccessPattern::Contiguous))
      return 0;
    product = grouped;
    return width;
  }

  /// `size` of (loop floordiv size, loop mod size); 0 if the expressions are others.
  int64_t splitSize(AffineExpr quotient, AffineExpr remainder, unsigned loop) {
    auto outer = dyn_cast<AffineBinaryOpExpr>(quotient);
    auto inner = dyn_cast<AffineBinaryOpExpr>(remainder);
    AffineExpr iv = getAffineDimExpr(loop, op.getContext());
    if (!outer || !inner || outer.getKind() != AffineExprKind::FloorDiv ||
        inner.getKind() != AffineExprKind::Mod || outer.getLHS() != iv || inner.getLHS() != iv ||
        outer.getRHS() != inner.getRHS())
      return 0;
    return cast<AffineConstantExpr>(outer.getRHS()).getValue();
  }

  /// Whether columns that lie apart are worth being gathered into a panel on the stack, which
  /// may be small: other kinds of stacks than those of programs are, too.
  bool canGather() {
    constexpr int64_t kMostBytes = 32 << 10;
    std::optional<int64_t> count = getConstantIntValue(sizes[m]);
    int64_t depth = *getConstantIntValue(sizes[k]);
    int64_t width = options.vectorBits / 8 * (options.vectorRegisters >= 32 ? 3 : 2);
    gathers = (!count || *count >= 16) && depth > 0 && depth <= options.blockK &&
              depth * width <= kMostBytes && rhs.along(n) != AccessPattern::Invariant;
    return gathers;
  }

  /// A fill of the output right before: the accumulators start from its value.
  void findFill() {
    for (Operation *user : out.memref.getUsers())
      if (auto candidate = dyn_cast<linalg::FillOp>(user))
        if (candidate.getOutputs()[0] == out.memref && candidate->getBlock() == op->getBlock() &&
            candidate->isBeforeInBlock(op))
          fill = candidate;
  }

  /// The element-wise op that turns accumulators into the kernel's result.
  void findEpilogue() {
    linalg::GenericOp next;
    for (Operation *user : out.memref.getUsers()) {
      if (user == op || user == fill || isa<memref::DimOp>(user))
        continue;
      auto generic = dyn_cast<linalg::GenericOp>(user);
      if (!generic || next || generic->getBlock() != op->getBlock())
        return;
      next = generic;
    }
    if (!next || next.getNumReductionLoops() != 0 || next.getNumLoops() != k)
      return;
    AffineMap identity = AffineMap::getMultiDimIdentityMap(k, op.getContext());
    auto accesses = accessesOf(next);
    for (const Access &access : accesses)
      if (access.memref == out.memref ? access.map != identity
                                      : access.along(n) == AccessPattern::Other)
        return;
    if (accesses.back().map != identity)
      return;
    epilogue = next;
    epilogueAccesses = accesses;
    b.setInsertionPoint(next);
  }

  /// Rows and vectors of a register tile.
  void chooseTile() {
    lanes = options.vectorBits / out.elementType().getIntOrFloatBitWidth();
    int64_t columns = getConstantIntValue(sizes[n]).value_or(panel);
    int64_t most = options.vectorRegisters >= 32 ? (gathers ? 3 : 4) : 2;
    if (panel > 0) {
      lanes = std::min(lanes, panel);
      most = panel / lanes;
    } else {
      lanes = std::min<int64_t>(lanes, llvm::PowerOf2Ceil(std::max<int64_t>(columns, 1)));
    }
    vectors = std::clamp<int64_t>(llvm::divideCeil(columns, lanes), 1, most);
    panelWidth = panel == 0 ? vectors * lanes : panel;
    if (isOfKnownSize())
      form = ContractionForm::of(
          {getConstantIntValue(sizes[m]), columns, *getConstantIntValue(sizes[k])},
          {panelWidth, vectors, panel > 0, rightBytes(), product.groupSize(), product.unpacks()},
          options);
    rows = rowsOfTile(options, vectors, form.sums, product.unpacks());
    if (gathers) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
      auto type = MemRefType::get({*getConstantIntValue(sizes[k]), panelWidth}, rhs.elementType());
      gathered = memref::AllocaOp::create(b, type, b.getI64IntegerAttr(options.vectorBits / 8));
    }
  }

  void noteTile() {
    int64_t height = std::min(rows, getConstantIntValue(sizes[m]).value_or(rows));
    noteStrategy(op,
                 "tiles of " + Twine(height) + " x " + Twine(vectors * lanes) + ", vectors of " +
                     Twine(lanes) +
                     (form.sums > 1 ? ", " + Twine(form.sums) + " sums of each element" : Twine()) +
                     (form.cutsDepth ? ", k in blocks of " + Twine(options.blockK) : Twine()) +
                     (panel > 0 ? ", packed right-hand side" : "") + narrowRight());
  }

  /// For people: the right-hand side's type, if it is narrower than the accumulators'.
  std::string narrowRight() const {
    if (rhs.elementType() == out.elementType())
      return "";
    std::string text;
    llvm::raw_string_ostream(text) << " of " << rhs.elementType();
    return text + (product.addsGroups() ? ", dot products" : "");
  }

  void batchLoops(unsigned loop) {
    if (loop == m)
      return blocksOfRows();
    forEach(b, sizes[loop], [&](Value iv) {
      ivs[loop] = iv;
      batchLoops(loop + 1);
    });
  }

  /// Rows that are computed on while the left-hand side's are in the cache.
  struct Rows {
    Value from, to;
    Value isLast; ///< Whether `rest` follows; null: always.
  };

  void blocksOfRows() {
    int64_t length = std::max<int64_t>(options.blockM / rows, 1) * rows;
    Value zero = indexConstant(b, 0), end = asValue(b, sizes[m]);
    if (std::optional<int64_t> count = getConstantIntValue(sizes[m])) {
      rest = *count % rows;
      end = indexConstant(b, *count - rest);
      if (*count - rest <= length)
        return blocksOfDepth({zero, end, {}});
    }
    Value step = indexConstant(b, length);
    auto loop = scf::ForOp::create(b, zero, end, step);
    // Rows of any number may be one block: threads rather share the panels, if there are some.
    if (!form.hasManyPanels || getConstantIntValue(sizes[m]))
      loop->setAttr(kIndependentAttr, b.getUnitAttr());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value from = loop.getInductionVar();
    Value next = arith::AddIOp::create(b, from, step);
    Value isLast;
    if (rest > 0)
      isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, next, end);
    blocksOfDepth({from, arith::MinUIOp::create(b, next, end), isLast});
  }

  /// Partial sums of a block of k wait in the output buffer. How k is cut depends on its size
  /// alone, so that results do not depend on m.
  void blocksOfDepth(const Rows &block) {
    Value zero = indexConstant(b, 0), end = asValue(b, sizes[k]);
    Value width = indexConstant(b, depthOfBlock(options, product.groupSize()));
    if (!form.cutsDepth) // The minimum, which is the depth, tells passes how long it takes.
      return panelLoop(block, {zero, b.createOrFold<arith::MinUIOp>(end, width), {}, {}});
    auto blocks = scf::ForOp::create(b, zero, end, width);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(blocks.getBody());
    using P = arith::CmpIPredicate;
    Value from = blocks.getInductionVar();
    Value next = arith::AddIOp::create(b, from, width);
    Value first = arith::CmpIOp::create(b, P::eq, from, zero);
    Value last = arith::CmpIOp::create(b, P::uge, next, end);
    panelLoop(block, {from, arith::MinUIOp::create(b, next, end), first, last});
  }

  /// A range of k. `first` and `last` say whether it is the first or last one;
  /// both are null if there is no other.
  struct Range {
    Value from, to, first, last;
  };

  /// Elements along k of a panel.
  Value paddedDepth() {
    int64_t size = product.groupSize();
    if (size == 1)
      return asValue(b, sizes[k]);
    return indexConstant(b, llvm::alignTo(*getConstantIntValue(sizes[k]), size));
  }
  int64_t rightBytes() const { return rhs.elementType().getIntOrFloatBitWidth() / 8; }

  OpFoldResult wholePanels() {
    if (std::optional<int64_t> columns = getConstantIntValue(sizes[n]))
      return b.getIndexAttr(*columns / panelWidth);
    return arith::DivUIOp::create(b, asValue(b, sizes[n]), indexConstant(b, panelWidth))
        .getResult();
  }

  void panelLoop(const Rows &block, const Range &range) {
    Value width = indexConstant(b, panelWidth);
    OpFoldResult whole = wholePanels();
    forEach(b, whole, [&](Value p) {
      rowLoop(block, range, p, b.createOrFold<arith::MulIOp>(p, width), panelWidth);
    });
    if (form.oddColumns == 0)
      return;
    Value p = asValue(b, whole);
    auto odd = [&](Value from) {
      rowLoop(block, range, from, b.createOrFold<arith::MulIOp>(from, width), form.oddColumns);
    };
    if (isOfKnownSize())
      odd(p);
    else
      once(p, 1, odd);
  }

  /// A loop of one iteration. Where there are many numbers, registers are for those of deep loops.
  void once(Value from, int64_t step, llvm::function_ref<void(Value)> body) {
    Value length = indexConstant(b, step);
    auto loop = scf::ForOp::create(b, from, arith::AddIOp::create(b, from, length), length);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  /// Copies the panel's columns to where they lie side by side, with zeros behind them.
  void gather(Value column, int64_t columns) {
    auto loop = [&](Value size, llvm::function_ref<void(Value)> body) {
      auto each = scf::ForOp::create(b, indexConstant(b, 0), size, indexConstant(b, 1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(each.getBody());
      body(each.getInductionVar());
    };
    loop(indexConstant(b, columns), [&](Value i) {
      ivs[n] = arith::AddIOp::create(b, column, i);
      loop(asValue(b, sizes[k]), [&](Value depth) {
        ivs[k] = depth;
        memref::StoreOp::create(b, rhs.loadScalar(b, ivs), gathered, ValueRange{depth, i});
      });
    });
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(rhs.elementType()));
    for (int64_t i = columns, end = llvm::divideCeil(columns, lanes) * lanes; i < end; ++i)
      loop(asValue(b, sizes[k]), [&](Value depth) {
        memref::StoreOp::create(b, zero, gathered, ValueRange{depth, indexConstant(b, i)});
      });
  }

  void rowLoop(const Rows &block, const Range &range, Value p, Value column, int64_t columns) {
    if (gathers)
      gather(column, columns);
    auto tiles = [&](Value from, Value to, int64_t height) {
      // A panel that was gathered is the thread's own.
      Value step = indexConstant(b, height);
      auto loop =
          gathers ? scf::ForOp::create(b, from, to, step) : independentFor(b, from, to, step);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      compute(range, {p, column, loop.getInductionVar(), columns, height});
    };
    if (getConstantIntValue(sizes[m])) {
      if (getConstantIntValue(block.to) != 0)
        tiles(block.from, block.to, rows);
      auto last = [&]() -> SmallVector<Value> {
        auto restTile = [&](Value row) { compute(range, {p, column, row, columns, rest}); };
        if (isOfKnownSize())
          restTile(block.to);
        else
          once(block.to, rest, restTile);
        return {};
      };
      if (rest > 0 && block.isLast)
        either(b, block.isLast, {}, last, [] { return SmallVector<Value>(); });
      else if (rest > 0)
        last();
      return;
    }
    anyRows(block, tiles);
  }

  /// Whole tiles, and the rest in one of as many rows, so that the panel is read once; or, if that
  /// would be a low one, which waits for the panel, the rest and a whole tile in two of about the
  /// same height. As loops of at most two iterations, for which registers are kept, and not as
  /// branches.
  void anyRows(const Rows &block,
               llvm::function_ref<void(Value from, Value to, int64_t height)> tiles) {
    auto is = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, predicate, x, y);
    };
    auto choose = [&](Value condition, Value x, Value y) -> Value {
      return arith::SelectOp::create(b, condition, x, y);
    };
    using P = arith::CmpIPredicate;
    Value zero = indexConstant(b, 0), tile = indexConstant(b, rows);
    Value count = arith::SubIOp::create(b, block.to, block.from);
    Value odd = arith::RemUIOp::create(b, count, tile);
    Value first = odd, second = zero;
    if (rows > 2) {
      // One less, so that none is many.
      Value fewer = arith::SubIOp::create(b, odd, indexConstant(b, 1));
      Value isFew = arith::AndIOp::create(b, is(P::ult, fewer, indexConstant(b, rows / 2)),
                                          is(P::uge, count, tile));
      Value all = arith::AddIOp::create(b, odd, tile);
      Value half = arith::ShRUIOp::create(b, all, indexConstant(b, 1));
      first = choose(isFew, arith::SubIOp::create(b, all, half), odd);
      second = choose(isFew, half, zero);
    }
    Value left = arith::AddIOp::create(b, first, second);
    Value row = arith::SubIOp::create(b, block.to, left);
    tiles(block.from, row, rows);
    for (int64_t height = rows - 1; height > 0; --height) {
      Value all = indexConstant(b, height);
      Value there = choose(is(P::eq, first, all), all, zero);
      if (rows > 2)
        there = arith::AddIOp::create(b, there, choose(is(P::eq, second, all), all, zero));
      Value next = arith::AddIOp::create(b, row, there);
      tiles(row, next, height);
      row = next;
    }
  }

  /// `height` rows from `row`, `columns` columns of panel `p` from `column`.
  struct Tile {
    Value p, column, row;
    int64_t columns, height;
  };

  //===--- Bringing the next panel ---------------------------------------===//

  /// What a tile fetches at k, as elements of the packed right-hand side from its start: `each`
  /// from `first` + k * `each` on.
  struct Ahead {
    Value elements, first;
    int64_t each = 0;
  };

  Ahead aheadOf(const Range &range, const Tile &tile) {
    Value p = tile.p, row = tile.row;
    Ahead ahead;
    // With one row to compute the processor looks far enough ahead itself.
    int64_t bytes = tile.height == rows ? form.bytesAhead
                    : tile.height > 1   ? form.bytesAheadOfRest
                                        : 0;
    ahead.each = bytes / rightBytes() / product.groupSize();
    if (ahead.each == 0)
      return ahead;
    auto mul = [&](Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); };
    auto add = [&](Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); };
    auto all = llvm::to_vector<2>(llvm::seq<int64_t>(0, rhs.map.getNumResults()));
    ahead.elements = memref::CollapseShapeOp::create(b, rhs.memref, {all});
    // After the last panel the next rows begin with the first one.
    Value count = add(asValue(b, wholePanels()), indexConstant(b, form.oddColumns > 0));
    Value next = add(p, indexConstant(b, 1));
    Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, next, count);
    next = arith::SelectOp::create(b, isLast, indexConstant(b, 0), next);
    Value width = indexConstant(b, panelWidth);
    Value start = add(mul(next, mul(paddedDepth(), width)), mul(range.from, width));
    Value number =
        arith::RemUIOp::create(b, arith::DivUIOp::create(b, row, indexConstant(b, rows)),
                               indexConstant(b, llvm::divideCeil(panelWidth, ahead.each)));
    Value length = arith::SubIOp::create(b, range.to, range.from);
    Value each = indexConstant(b, ahead.each);
    Value part = mul(mul(number, length), each);
    ahead.first =
        readsFromBegins()
            ? hidden(add(start, part))
            : arith::SubIOp::create(b, add(start, part), mul(range.from, each)).getResult();
    return ahead;
  }

  void fetch(const Ahead &ahead, Value depth) {
    constexpr int64_t kLineBytes = 64;
    int64_t line = kLineBytes / rightBytes();
    Value offset = arith::MulIOp::create(b, depth, indexConstant(b, ahead.each));
    Value first = arith::AddIOp::create(b, ahead.first, offset);
    for (int64_t i = 0; i < ahead.each * product.groupSize(); i += line)
      memref::PrefetchOp::create(b, ahead.elements, ValueRange{position(first, i)},
                                 /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }

  //===--- Tiles ---------------------------------------------------------===//

  /// Whether operands are read from where a tile begins in them, at k - range.from: if their sizes
  /// are numbers.
  bool readsFromBegins() const {
    return !isOfKnownSize() && lhs.map.getResult(0) == getAffineDimExpr(m, lhs.map.getContext());
  }

  /// Where a tile begins in its operands, which are of one dimension here. Its loop counts from
  /// its row on, so that its limit, too, is its own.
  struct Begins {
    Value left, right;
    Value first, end;        ///< Of the loop.
    SmallVector<Value> rows; ///< Less `first`.
    Value panel;
  };

  Begins beginsOf(const Range &range, Value p, Value row, int64_t height) {
    auto mul = [&](Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); };
    auto add = [&](Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); };
    Begins begins;
    Value depth = asValue(b, sizes[k]);
    begins.left = memref::CollapseShapeOp::create(b, lhs.memref, {ReassociationIndices{0, 1}});
    begins.right = memref::CollapseShapeOp::create(b, rhs.memref, {ReassociationIndices{0, 1, 2}});
    begins.first = hidden(row);
    begins.end =
        arith::AddIOp::create(b, begins.first, b.createOrFold<arith::SubIOp>(range.to, range.from));
    for (int64_t r = 0; r < height; ++r) {
      Value begin = add(mul(add(row, indexConstant(b, r)), depth), range.from);
      begins.rows.push_back(hidden(arith::SubIOp::create(b, begin, row)));
    }
    begins.panel = hidden(mul(add(mul(p, depth), range.from), indexConstant(b, panelWidth)));
    return begins;
  }

  /// The same number, of which LLVM does not know how it was computed. It would compute each row's
  /// address from the one before, at every k, rather than keep it in a register, and leave in
  /// memory what all tiles have in common.
  Value hidden(Value number) {
    Value bits = arith::IndexCastOp::create(b, b.getI64Type(), number);
    return arith::IndexCastOp::create(b, b.getIndexType(), LLVM::FreezeOp::create(b, bits));
  }

  int64_t widthOf(const Tile &tile) const { return llvm::divideCeil(tile.columns, lanes); }
  Value maskOf(const Tile &tile, int64_t v) {
    return constantMask(b, std::min(lanes, tile.columns - v * lanes), lanes);
  }
  Value position(Value base, int64_t offset) {
    if (offset == 0)
      return base;
    return arith::AddIOp::create(b, base, indexConstant(b, offset));
  }
  void moveTo(const Tile &tile, int64_t r, int64_t v) {
    ivs[m] = position(tile.row, r);
    ivs[n] = position(tile.column, v * lanes);
  }

  void compute(const Range &range, const Tile &tile) {
    int64_t width = widthOf(tile);
    auto eachVector = [&](llvm::function_ref<void(int64_t i, Value mask)> body) {
      for (int64_t r = 0; r < tile.height; ++r)
        for (int64_t v = 0; v < width; ++v) {
          moveTo(tile, r, v);
          body(r * width + v, maskOf(tile, v));
        }
    };
    auto start = [&] {
      return SmallVector<Value>(tile.height * width, splat(b, fill.getInputs()[0], lanes));
    };
    auto load = [&] {
      SmallVector<Value> values;
      eachVector([&](int64_t, Value mask) { values.push_back(out.load(b, ivs, n, lanes, mask)); });
      return values;
    };
    SmallVector<Value> accumulators;
    if (fill && range.first) {
      SmallVector<Type> types(tile.height * width, lanesOf(out.elementType(), lanes));
      accumulators = either(b, range.first, types, start, load);
    } else {
      accumulators = fill ? start() : load();
    }
    accumulators = addProducts(range, tile, accumulators);
    auto store = [&](bool done) {
      eachVector([&](int64_t i, Value mask) { finish(done, accumulators[i], mask); });
      return SmallVector<Value>();
    };
    if (epilogue && range.last)
      either(b, range.last, {}, [&] { return store(true); }, [&] { return store(false); });
    else
      store(true);
  }

  /// Whether the products of a tile are few enough to be code one after the other.
  bool unrolls(const Tile &tile) const {
    constexpr int64_t kMost = 64;
    return isOfKnownSize() && product.groupSize() == 1 && !form.cutsDepth &&
           *getConstantIntValue(sizes[k]) * tile.height * widthOf(tile) <= kMost;
  }

  /// forCarried, or its iterations one after the other.
  SmallVector<Value> steps(const Tile &tile, Value first, Value end, int64_t step,
                           ValueRange values,
                           llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    if (!unrolls(tile))
      return forCarried(b, first, end, indexConstant(b, step), values, body);
    SmallVector<Value> next(values);
    for (int64_t i = *getConstantIntValue(first), all = *getConstantIntValue(end); i < all;
         i += step)
      next = body(indexConstant(b, i), next);
    return next;
  }

  /// Where whole steps end between `first` and `end`: groups, or elements of all sums.
  Value wholeSteps(Value first, Value end) {
    int64_t size = product.groupSize();
    if (size > 1) {
      int64_t depth = *getConstantIntValue(sizes[k]), left = depth % size;
      return left == 0 ? end : b.createOrFold<arith::MinUIOp>(end, indexConstant(b, depth - left));
    }
    if (form.oddDepth == 0)
      return end;
    Value length = b.createOrFold<arith::SubIOp>(end, first);
    Value left = b.createOrFold<arith::RemUIOp>(length, indexConstant(b, form.sums));
    return b.createOrFold<arith::SubIOp>(end, left);
  }

  /// The accumulators after the range's products. What is left over of k behind whole groups
  /// is added element by element, so that nothing is read that is not there.
  SmallVector<Value> addProducts(const Range &range, const Tile &tile, ValueRange accumulators) {
    int64_t size = product.groupSize();
    size_t count = accumulators.size();
    Ahead ahead = aheadOf(range, tile);
    bool fromBegins = readsFromBegins();
    Begins begins = fromBegins ? beginsOf(range, tile.p, tile.row, tile.height) : Begins();
    Value first = fromBegins ? begins.first : range.from;
    Value end = fromBegins ? begins.end : range.to;
    Value whole = wholeSteps(first, end);
    auto add = [&](Value iv, ValueRange carried, int64_t parts, int64_t length) {
      Value at = fromBegins ? arith::SubIOp::create(b, iv, first).getResult() : iv;
      if (ahead.each > 0)
        fetch(ahead, at);
      SmallVector<Value> next;
      for (int64_t part = 0; part < parts; ++part) {
        ivs[k] = position(at, part);
        llvm::append_range(next, addGroup(begins, tile, position(iv, part),
                                          carried.slice(part * count, count), length));
      }
      llvm::append_range(next, carried.drop_front(next.size()));
      return next;
    };
    SmallVector<Value> sums(accumulators);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(out.elementType()));
    sums.append((form.sums - 1) * count, splat(b, zero, lanes));
    sums = steps(tile, first, whole, size * form.sums, sums,
                 [&](Value iv, ValueRange carried) { return add(iv, carried, form.sums, size); });
    // Of the ranges only the last one has a rest.
    int64_t rest = size > 1 ? *getConstantIntValue(sizes[k]) % size : 1;
    if (whole != end)
      sums = steps(tile, whole, end, size, sums,
                   [&](Value iv, ValueRange carried) { return add(iv, carried, 1, rest); });
    while (sums.size() > count) {
      size_t half = sums.size() / 2;
      for (size_t i = 0; i < half; ++i)
        sums[i] = product.add(b, sums[i], sums[half + i]);
      sums.truncate(half);
    }
    return sums;
  }

  /// The accumulators after the products of `count` elements along k from ivs[k] on, which are
  /// a group or less. `depth` is what the loop over k is at.
  SmallVector<Value> addGroup(const Begins &begins, const Tile &tile, Value depth,
                              ValueRange carried, int64_t count) {
    int64_t width = widthOf(tile);
    Value at = ivs[k];
    SmallVector<Value> loaded, sums(carried);
    for (int64_t v = 0; v < width; ++v) {
      moveTo(tile, 0, v);
      loaded.push_back(loadRight(begins, tile.p, v, maskOf(tile, v)));
    }
    for (int64_t i = 0, end = product.addsGroups() ? 1 : count; i < end; ++i) {
      ivs[k] = position(at, i);
      SmallVector<Value> right;
      for (Value vector : loaded)
        right.push_back(product.prepareRight(b, vector, i));
      for (int64_t r = 0; r < tile.height; ++r) {
        moveTo(tile, r, 0);
        Value left = splat(b, loadLeft(begins, r, depth, count), lanes);
        for (int64_t v = 0; v < width; ++v) {
          Value &sum = sums[r * width + v];
          sum = product.multiplyAdd(b, left, right[v], sum, options.fma);
        }
      }
    }
    return sums;
  }

  /// An element of the left-hand side in the accumulator's type, or `count` of a group in the
  /// bits of an i32, with zeros for the others.
  Value loadLeft(const Begins &begins, int64_t r, Value depth, int64_t count) {
    if (begins.left) {
      Value at = arith::AddIOp::create(b, begins.rows[r], depth);
      return product.widenLeft(b, memref::LoadOp::create(b, begins.left, at));
    }
    if (!product.addsGroups())
      return product.widenLeft(b, lhs.loadScalar(b, ivs));
    Type element = lhs.elementType(), word = b.getI32Type();
    if (count == product.groupSize()) {
      Value group = vector::LoadOp::create(b, VectorType::get({count}, element), lhs.memref,
                                           lhs.indices(b, ivs));
      group = vector::BitCastOp::create(b, VectorType::get({1}, word), group);
      return vector::ExtractOp::create(b, group, ArrayRef<int64_t>{0});
    }
    Value group, at = ivs[k];
    for (int64_t i = 0; i < count; ++i) {
      ivs[k] = position(at, i);
      Value bits = arith::ExtUIOp::create(b, word, lhs.loadScalar(b, ivs));
      Value shift = arith::ConstantIntOp::create(b, word, i * element.getIntOrFloatBitWidth());
      bits = arith::ShLIOp::create(b, bits, shift);
      group = group ? arith::OrIOp::create(b, group, bits).getResult() : bits;
    }
    ivs[k] = at;
    return group;
  }

  /// A vector of elements of the right-hand side, or of groups of them.
  Value loadRight(const Begins &begins, Value p, int64_t v, Value mask) {
    if (panel == 0 && !gathers)
      return rhs.load(b, ivs, n, lanes, mask);
    // A packed panel is padded with zeros: no mask.
    int64_t size = product.groupSize();
    Value source = gathers ? gathered : begins.right ? begins.right : rhs.memref;
    SmallVector<Value> at{ivs[k], indexConstant(b, v * lanes)};
    if (begins.right || size > 1) {
      Value row = arith::MulIOp::create(b, ivs[k], indexConstant(b, panelWidth));
      if (begins.right)
        row = arith::AddIOp::create(b, begins.panel, row);
      at = {arith::AddIOp::create(b, row, indexConstant(b, v * lanes * size))};
    }
    if (size > 1)
      source = inPanels;
    if (!gathers && !begins.right)
      at.insert(at.begin(), p);
    if (lanes == 1)
      return memref::LoadOp::create(b, source, at);
    return vector::LoadOp::create(b, VectorType::get({lanes * size}, rhs.elementType()), source,
                                  at);
  }

  /// Stores accumulators, after the epilogue if they are `done`.
  void finish(bool done, Value accumulator, Value mask) {
    if (!epilogue || !done)
      return out.store(b, ivs, accumulator, mask);
    ValueRange position = ValueRange(ivs).drop_back();
    SmallVector<Value> arguments;
    for (const Access &access : epilogueAccesses) {
      bool isResult = &access == &epilogueAccesses.back();
      if (access.memref == out.memref)
        arguments.push_back(accumulator);
      else if (isResult) // written, never read: it is not the accumulators' buffer
        arguments.push_back(
            arith::ConstantOp::create(b, b.getZeroAttr(lanesOf(access.elementType(), lanes))));
      else
        arguments.push_back(access.load(b, position, n, lanes, mask));
    }
    Value result = cloneBody(b, *epilogue.getBlock(), arguments, lanes);
    epilogueAccesses.back().store(b, position, result, mask);
  }

  linalg::GenericOp op, epilogue;
  linalg::FillOp fill;
  Product product;
  TileOptions options;
  ImplicitLocOpBuilder b;
  Access lhs, rhs, out;
  SmallVector<Access> epilogueAccesses;
  unsigned m, n, k; // loops
  SmallVector<Value> ivs;
  SmallVector<OpFoldResult> sizes;
  int64_t panel = 0;    // columns of a packed panel, 0: not packed
  bool gathers = false; // panels into `gathered`
  Value gathered;
  Value inPanels;         // the right-hand side as (panel, element), if it is in groups
  int64_t panelWidth = 0; // columns that one pass over the rows computes
  ContractionForm form;
  int64_t lanes = 1, vectors = 1, rows = 1;
  int64_t rest = 0; // rows after the last whole tile, if their number is known
};

struct TileContractions : mlc::ir::impl::TileContractionsPassBase<TileContractions> {
  using TileContractionsPassBase::TileContractionsPassBase;

  void runOnOperation() override {
    TileOptions options{vectorBits, vectorRegisters, blockM, blockK, fma, dotProducts};
    // Lowering erases an epilogue too, but that is never a contraction.
    SmallVector<linalg::GenericOp> contractions;
    getOperation().walk([&](linalg::GenericOp op) {
      if (Product::match(op) && op.getNumReductionLoops() == 1)
        contractions.push_back(op);
    });
    for (linalg::GenericOp op : contractions)
      if (auto contraction = Contraction::match(op, options))
        contraction->lower();
  }
};

} // namespace
