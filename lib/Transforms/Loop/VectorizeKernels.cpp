//===- VectorizeKernels.cpp - Structured ops to loops over vectors --------===//
//
// Works on linalg ops on memrefs; whatever mlc-tile-contractions has left is lowered
// here, in scalars if there is nothing better. Ops that can be computed row by row
// share a loop over rows, two at a time if they wait for sums, and ops of the same
// vectors the loop over those.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

namespace mlc::ir {
#define GEN_PASS_DEF_VECTORIZEKERNELSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// Vectors, or accumulators, that a loop over vectors has side by side, and the ops that
/// they may have altogether: few, as each is compiled.
constexpr int64_t kMostVectors = 4;
constexpr int64_t kMostOps = 32;

/// One vector of the loop over vectors.
struct Position {
  Value at;
  Value mask; ///< Null: all lanes.
};

class RowScalars;

/// A nest on its way to loops: where in them it is.
struct Cursor {
  Cursor(ImplicitLocOpBuilder &b, const Nest &nest, RowScalars &scalars)
      : nest(nest), scalars(scalars), ivs(nest.numLoops()) {
    for (unsigned i = 0; i < nest.numLoops(); ++i)
      sizes.push_back(loopSize(b, nest.op, i));
  }

  const Nest &nest;
  RowScalars &scalars; ///< Of the row that it is in.
  SmallVector<Value> ivs;
  SmallVector<OpFoldResult> sizes;
};

/// The elements that have been stored for the current row, in registers.
class RowScalars {
public:
  /// Of a row whose ops are in the builder's block.
  void start(ImplicitLocOpBuilder &b) {
    row = b.getInsertionBlock();
    known.clear();
  }

  Value load(ImplicitLocOpBuilder &b, const Cursor &cursor, const Access &access) const {
    if (cursor.nest.isPerRow(access))
      for (const Element &element : known)
        if (element.memref == access.memref && element.at == place(cursor, access))
          return element.value;
    return access.loadScalar(b, cursor.ivs);
  }

  void store(ImplicitLocOpBuilder &b, const Cursor &cursor, Value value) {
    const Access &out = cursor.nest.out();
    out.storeScalar(b, cursor.ivs, value);
    forget(out.memref);
    if (cursor.nest.isPerRow(out) && b.getInsertionBlock() == row)
      known.push_back({out.memref, place(cursor, out), value});
  }

  /// After the memref has been written otherwise.
  void forget(Value memref) {
    llvm::erase_if(known, [&](const Element &e) { return mayOverlap(e.memref, memref); });
  }

private:
  struct Element {
    Value memref;
    SmallVector<AffineExpr> at; ///< In terms of the rows.
    Value value;
  };

  /// Where a row has its element: the rows' dimensions, and 0 for those of one iteration.
  static SmallVector<AffineExpr> place(const Cursor &cursor, const Access &access) {
    SmallVector<AffineExpr> at;
    for (AffineExpr index : access.map.getResults()) {
      for (unsigned i = cursor.nest.rows; i < cursor.nest.numLoops(); ++i)
        index = index.replace(getAffineDimExpr(i, index.getContext()),
                              getAffineConstantExpr(0, index.getContext()));
      at.push_back(index);
    }
    return at;
  }

  Block *row = nullptr;
  SmallVector<Element> known;
};

/// scf.for nest over `loops` that carries `values`.
SmallVector<Value> carried(ImplicitLocOpBuilder &b, Cursor &cursor, ArrayRef<unsigned> loops,
                           ValueRange values,
                           llvm::function_ref<SmallVector<Value>(ValueRange)> body) {
  if (loops.empty())
    return body(values);
  return forCarried(b, indexConstant(b, 0), asValue(b, cursor.sizes[loops.front()]),
                    indexConstant(b, 1), values, [&](Value iv, ValueRange inner) {
                      cursor.ivs[loops.front()] = iv;
                      return carried(b, cursor, loops.drop_front(), inner, body);
                    });
}

/// Lowers one loop over vectors, in which each of some nests is computed in turn, maybe for
/// several rows.
class VectorLoop {
public:
  /// `reduction` are loops of the nest, if it is just one, around those vectors that it
  /// reduces, or at each vector.
  VectorLoop(ImplicitLocOpBuilder &b, ArrayRef<Cursor *> cursors, ArrayRef<unsigned> reduction)
      : b(b), cursors(cursors), reduction(reduction), lanes(cursors.front()->nest.lanes),
        size(cursors.front()->sizes[cursors.front()->nest.vectorLoop]), width(chooseWidth()) {}

  void run() {
    SmallVector<Value> neutral;
    for (Cursor *cursor : cursors) {
      preload(*cursor);
      if (!cursor->nest.reducesVectors())
        continue;
      auto type = VectorType::get({lanes}, cursor->nest.out().elementType());
      Attribute element = cursor->nest.combiner.neutral(b);
      Value one = arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
      neutral.append(width, one);
    }
    SmallVector<Value> results;
    if (neutral.empty())
      vectors({});
    else
      results = carried(b, *cursors.front(), reduction, neutral,
                        [&](ValueRange values) { return vectors(values); });
    for (Cursor *cursor : cursors) {
      if (cursor->nest.reducesVectors()) {
        finish(*cursor, ArrayRef(results).take_front(used));
        results.erase(results.begin(), results.begin() + width);
      } else {
        cursor->scalars.forget(cursor->nest.out().memref);
      }
    }
  }

private:
  /// What sums are made of depends on it, so it must not depend on how many rows there are.
  int64_t chooseWidth() {
    int64_t ops = 1;
    for (Cursor *cursor : cursors)
      if (&cursor->scalars == &cursors.front()->scalars)
        for (Operation &op : cursor->nest.body().without_terminator())
          ops += op.getDialect()->getNamespace() == "math" ? kMostOps / 2 : 1;
    int64_t most = std::clamp<int64_t>(kMostOps / ops, 1, kMostVectors);
    if (std::optional<int64_t> known = getConstantIntValue(size))
      most = std::min<int64_t>(most, std::max<int64_t>(llvm::divideCeil(*known, lanes), 1));
    return llvm::bit_floor<uint64_t>(most);
  }

  /// What is the same for all vectors is loaded in front of them.
  void preload(Cursor &cursor) {
    for (const Access &access : cursor.nest.inputs()) {
      auto changes = [&](unsigned loop) { return access.map.isFunctionOfDim(loop); };
      if (!changes(cursor.nest.vectorLoop) && llvm::none_of(reduction, changes))
        invariants[{&cursor, &access}] = splat(b, cursor.scalars.load(b, cursor, access), lanes);
    }
  }

  /// All vectors of a row, `width` at a time; returns the accumulators.
  SmallVector<Value> vectors(ValueRange accumulators) {
    Value zero = indexConstant(b, 0);
    int64_t block = lanes * width;
    if (std::optional<int64_t> known = getConstantIntValue(size)) {
      int64_t blocks = *known / block * block;
      SmallVector<Value> values(accumulators);
      if (blocks == block)
        values = step(positions(zero, width), values);
      else if (blocks > 0)
        values = loop(zero, indexConstant(b, blocks), width, values);
      // The rest is less than a block, with the last vector filled up.
      int64_t rest = *known - blocks;
      SmallVector<Position> left;
      for (int64_t done = 0; done < rest; done += lanes)
        left.push_back({indexConstant(b, blocks + done),
                        constantMask(b, std::min(rest - done, lanes), lanes)});
      used = blocks > 0 ? width : std::max<int64_t>(left.size(), 1);
      return left.empty() ? values : step(left, values);
    }
    Value extent = asValue(b, size);
    Value rest = arith::RemUIOp::create(b, extent, indexConstant(b, lanes));
    Value whole = arith::SubIOp::create(b, extent, rest);
    Value blocks = whole;
    if (width > 1)
      blocks = arith::SubIOp::create(b, extent,
                                     arith::RemUIOp::create(b, extent, indexConstant(b, block)));
    SmallVector<Value> values = loop(zero, blocks, width, accumulators);
    if (width > 1)
      values = loop(blocks, whole, 1, values);
    used = width;
    Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, rest, zero);
    auto branch = scf::IfOp::create(b, accumulators.getTypes(), some, /*addThenBlock=*/true,
                                    /*addElseBlock=*/!values.empty());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    SmallVector<Value> next = step({{whole, dynamicMask(b, rest, lanes)}}, values);
    scf::YieldOp::create(b, next);
    if (!values.empty()) {
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, values);
    }
    return SmallVector<Value>(branch.getResults());
  }

  /// `count` whole vectors from `at` on.
  SmallVector<Position> positions(Value at, int64_t count) {
    SmallVector<Position> result;
    for (int64_t i = 0; i < count; ++i)
      result.push_back(
          {i == 0 ? at : b.createOrFold<arith::AddIOp>(at, indexConstant(b, i * lanes)), {}});
    return result;
  }

  SmallVector<Value> loop(Value from, Value to, int64_t count, ValueRange values) {
    auto loop = scf::ForOp::create(b, from, to, indexConstant(b, count * lanes), values);
    if (values.empty())
      loop->setAttr(kIndependentAttr, b.getUnitAttr());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        step(positions(loop.getInductionVar(), count), loop.getRegionIterArgs());
    if (!values.empty())
      scf::YieldOp::create(b, next);
    return SmallVector<Value>(loop.getResults());
  }

  /// At most `width` vectors, each reduced to an accumulator of its own.
  SmallVector<Value> step(ArrayRef<Position> positions, ValueRange accumulators) {
    written.clear();
    SmallVector<Value> next(accumulators);
    MutableArrayRef<Value> own(next);
    for (Cursor *cursor : cursors) {
      b.setLoc(cursor->nest.op->getLoc());
      if (cursor->nest.reducesVectors()) {
        reduce(*cursor, positions, own.take_front(width));
        own = own.drop_front(width);
      } else {
        compute(*cursor, positions);
      }
    }
    // Behind all loads, so that what rows have in common is loaded once.
    for (Cursor *cursor : cursors)
      if (!cursor->nest.reducesVectors())
        store(*cursor, positions);
    return next;
  }

  void reduce(Cursor &cursor, ArrayRef<Position> positions, MutableArrayRef<Value> accumulators) {
    for (auto [i, position] : llvm::enumerate(positions)) {
      SmallVector<Value> arguments = inputs(cursor, i, position);
      Value soFar = accumulators[i];
      arguments.push_back(soFar);
      Value next = cloneBody(b, cursor.nest.body(), arguments, lanes);
      accumulators[i] =
          position.mask ? arith::SelectOp::create(b, position.mask, next, soFar).getResult() : next;
    }
  }

  void compute(Cursor &cursor, ArrayRef<Position> positions) {
    const Access &out = cursor.nest.out();
    SmallVector<Value> results;
    for (auto [i, position] : llvm::enumerate(positions))
      results.push_back(initial(cursor, i, position));
    results = carried(b, cursor, reduction, results, [&](ValueRange values) {
      SmallVector<Value> next;
      for (auto [i, position] : llvm::enumerate(positions)) {
        SmallVector<Value> arguments = inputs(cursor, i, position);
        arguments.push_back(values[i]);
        next.push_back(cloneBody(b, cursor.nest.body(), arguments, lanes));
      }
      return next;
    });
    written[{&cursor.scalars, out.memref}] = results;
  }

  void store(Cursor &cursor, ArrayRef<Position> positions) {
    const Access &out = cursor.nest.out();
    for (auto [position, result] :
         llvm::zip(positions, written.lookup({&cursor.scalars, out.memref}))) {
      cursor.ivs[cursor.nest.vectorLoop] = position.at;
      out.store(b, cursor.ivs, result, position.mask);
    }
  }

  /// What the output has before.
  Value initial(Cursor &cursor, size_t i, const Position &position) {
    const Access &out = cursor.nest.out();
    if (!cursor.nest.body().getArguments().back().use_empty())
      return input(cursor, out, i, position);
    return arith::ConstantOp::create(b, b.getZeroAttr(lanesOf(out.elementType(), lanes)));
  }

  SmallVector<Value> inputs(Cursor &cursor, size_t i, const Position &position) {
    SmallVector<Value> values;
    for (const Access &access : cursor.nest.inputs())
      values.push_back(input(cursor, access, i, position));
    return values;
  }

  Value input(Cursor &cursor, const Access &access, size_t i, const Position &position) {
    if (Value known = invariants.lookup({&cursor, &access}))
      return known;
    if (auto it = written.find({&cursor.scalars, access.memref}); it != written.end())
      return it->second[i]; // at the same place, or the nests would not share this loop
    cursor.ivs[cursor.nest.vectorLoop] = position.at;
    return access.load(b, cursor.ivs, cursor.nest.vectorLoop, lanes, position.mask);
  }

  void finish(Cursor &cursor, ValueRange accumulators) {
    const Combiner &combiner = cursor.nest.combiner;
    const Access &out = cursor.nest.out();
    Value combined = combiner.combineAll(b, accumulators);
    Value soFar = cursor.scalars.load(b, cursor, out);
    cursor.scalars.store(b, cursor, combiner.combine(b, soFar, combined));
  }

  ImplicitLocOpBuilder &b;
  ArrayRef<Cursor *> cursors;
  ArrayRef<unsigned> reduction;
  int64_t lanes;
  OpFoldResult size;
  int64_t width;
  int64_t used = 0; ///< Accumulators that anything was added to, of each nest.
  llvm::DenseMap<std::pair<const Cursor *, const Access *>, Value> invariants;
  /// By the nests before, in a row at each position.
  llvm::DenseMap<std::pair<const RowScalars *, Value>, SmallVector<Value>> written;
};

/// Lowers nests that share their loops over rows.
class RowLowering {
public:
  explicit RowLowering(Rows &group)
      : group(group), b(group.nests.back().op->getLoc(), group.nests.back().op) {}

  void run() {
    for (Nest &nest : group.nests)
      if (!isa<linalg::FillOp>(nest.op.getOperation()))
        noteStrategy(nest.op, nest.lanes == 1
                                  ? Twine("scalar loop")
                                  : "vectors of " + Twine(nest.lanes) +
                                        (nest.reducesVectors() ? ", combined at the end" : ""));
    rows = MutableArrayRef(pair).take_front(comesInPairs() ? 2 : 1);
    for (Row &row : rows)
      for (Nest &nest : group.nests)
        row.cursors.emplace_back(b, nest, row.scalars);
    overRows(0);
    for (Nest &nest : group.nests)
      nest.op->erase();
  }

private:
  /// What is computed for one row.
  struct Row {
    RowScalars scalars;
    SmallVector<Cursor, 0> cursors; ///< Of each nest.
  };

  /// Whether two rows at a time are faster than one after the other: where lanes are combined, a
  /// row waits for itself.
  bool comesInPairs() const {
    return group.rows > 0 && group.nests.front().extents[group.rows - 1] != 1 &&
           llvm::any_of(group.nests, [](const Nest &nest) { return nest.reducesVectors(); }) &&
           llvm::all_of(group.nests, [](const Nest &nest) {
             return nest.numLoops() == nest.rows + (nest.lanes > 1 ? 1 : 0);
           });
  }

  void overRows(unsigned loop) {
    if (loop == group.rows)
      return lower(rows.front());
    if (loop + 1 == group.rows && rows.size() == 2)
      return overPairs(loop);
    forEach(b, size(loop), [&](Value iv) {
      for (Row &row : rows)
        moveTo(row, loop, iv);
      overRows(loop + 1);
    });
  }

  void overPairs(unsigned loop) {
    Value end = asValue(b, size(loop)), one = indexConstant(b, 1), two = indexConstant(b, 2);
    Value odd = b.createOrFold<arith::RemUIOp>(end, two);
    Value whole = b.createOrFold<arith::SubIOp>(end, odd);
    std::optional<int64_t> known = getConstantIntValue(end);
    if (known != 0)
      each(indexConstant(b, 0), whole, two, [&](Value iv) {
        moveTo(rows[0], loop, iv);
        moveTo(rows[1], loop, arith::AddIOp::create(b, iv, one));
        lower(rows);
      });
    auto last = [&](Value iv) {
      moveTo(rows[0], loop, iv);
      lower(rows.front());
    };
    if (!known)
      each(whole, end, one, last);
    else if (*known % 2 == 1)
      last(whole);
  }

  void lower(MutableArrayRef<Row> together) {
    for (Row &row : together)
      row.scalars.start(b);
    for (ArrayRef<Nest *> stage : group.stages)
      lower(stage, together);
  }

  void lower(ArrayRef<Nest *> stage, MutableArrayRef<Row> together) {
    auto cursorsOf = [&](Nest *nest) {
      return llvm::map_range(
          together, [this, nest](Row &row) { return &row.cursors[nest - group.nests.begin()]; });
    };
    if (stage.front()->isStream()) {
      SmallVector<Cursor *> members;
      for (Nest *nest : stage)
        llvm::append_range(members, cursorsOf(nest));
      return VectorLoop(b, members, {}).run();
    }
    for (Nest *nest : stage) {
      SmallVector<unsigned> parallel, reduction;
      for (unsigned i = group.rows; i < nest->numLoops(); ++i)
        if (i != nest->vectorLoop)
          (nest->isReduction(i) ? reduction : parallel).push_back(i);
      b.setLoc(nest->op->getLoc());
      alone(llvm::to_vector(cursorsOf(nest)), parallel, reduction);
    }
  }

  /// One nest in some rows, or in one if there are loops left.
  void alone(ArrayRef<Cursor *> cursors, ArrayRef<unsigned> parallel,
             ArrayRef<unsigned> reduction) {
    if (!parallel.empty())
      return forEach(b, cursors.front()->sizes[parallel.front()], [&](Value iv) {
        cursors.front()->ivs[parallel.front()] = iv;
        alone(cursors, parallel.drop_front(), reduction);
      });
    if (cursors.front()->nest.lanes > 1)
      return VectorLoop(b, cursors, reduction).run();
    for (Cursor *cursor : cursors)
      scalar(*cursor, reduction);
  }

  /// One element of the output.
  void scalar(Cursor &cursor, ArrayRef<unsigned> reduction) {
    const Access &out = cursor.nest.out();
    Block &body = cursor.nest.body();
    Value initial = body.getArguments().back().use_empty()
                        ? arith::ConstantOp::create(b, b.getZeroAttr(out.elementType())).getResult()
                        : cursor.scalars.load(b, cursor, out);
    SmallVector<Value> result =
        carried(b, cursor, reduction, initial, [&](ValueRange values) -> SmallVector<Value> {
          SmallVector<Value> arguments;
          for (const Access &access : cursor.nest.inputs())
            arguments.push_back(cursor.scalars.load(b, cursor, access));
          arguments.push_back(values.front());
          return {cloneBody(b, body, arguments, 1)};
        });
    cursor.scalars.store(b, cursor, result.front());
  }

  void each(Value from, Value to, Value step, llvm::function_ref<void(Value iv)> body) {
    scf::ForOp loop = independentFor(b, from, to, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }
  OpFoldResult size(unsigned loop) const { return rows.front().cursors.front().sizes[loop]; }
  static void moveTo(Row &row, unsigned loop, Value iv) {
    for (Cursor &cursor : row.cursors)
      cursor.ivs[loop] = iv;
  }

  Rows &group;
  ImplicitLocOpBuilder b;
  std::array<Row, 2> pair;
  MutableArrayRef<Row> rows; ///< Computed together; the first alone if one is left.
};

struct VectorizeKernels : mlc::ir::impl::VectorizeKernelsPassBase<VectorizeKernels> {
  using VectorizeKernelsPassBase::VectorizeKernelsPassBase;

  void runOnOperation() override {
    lowerCopies();
    WalkResult checked = getOperation()->walk([](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics())
        return WalkResult::advance();
      op->emitError() << "expected buffers; run mlc-bufferize first";
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    for (Rows &group : findRows(getOperation(), vectorBits))
      RowLowering(group).run();
  }

  /// Bufferisation's copies become structured ops, so that no image calls memcpy.
  void lowerCopies() {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) { copies.push_back(copy); });
    for (memref::CopyOp copy : copies) {
      OpBuilder builder(copy);
      if (copy.getSource() != copy.getTarget())
        linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    }
  }
};

} // namespace
