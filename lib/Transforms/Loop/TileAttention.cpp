//===- TileAttention.cpp - Attention without its scores in memory ---------===//
//
// Works on mlc.attend on memrefs. The loops, outermost first: batch, block of queries,
// block of keys; then tiles of keys, all elements of a query and a key, for the scores, and
// panels of columns, tiles of queries, the block's keys, for the weighted values.
//
// The scores of a block are keys by queries: a vector holds the scores of one key and as
// many queries as it has lanes, so that nothing is ever combined across lanes. Queries are
// transposed for that, once per block of them, and keys and values are read as they lie.
//
//===----------------------------------------------------------------------===//

#include "VectorLoops.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/MathFunctions.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

namespace mlc::ir {
#define GEN_PASS_DEF_TILEATTENTIONPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

struct Target {
  int64_t vectorBits, vectorRegisters, blockKeys;
  bool fma;
};

/// What lies on the stack: other kinds of stacks than those of programs are small.
constexpr int64_t kStackBytes = 48 << 10;

class AttentionTiling {
public:
  AttentionTiling(AttendOp op, const Target &target)
      : op(op), target(target), b(op.getLoc(), op), lanes(target.vectorBits / 32) {
    for (OpOperand &operand : op->getOpOperands())
      accesses.push_back({operand.get(), op.mapOf(operand)});
    queries = accesses[0], keys = accesses[1], values = accesses[2], out = accesses.back();
    loops = queries.map.getNumDims();
    c = loops - 1, k = loops - 2, n = loops - 3, m = loops - 4;
    ivs.resize(loops);
    for (unsigned i = 0; i < loops; ++i)
      sizes.push_back(loopSize(b, accesses, i));
  }

  LogicalResult lower() {
    for (unsigned loop : {n, k, c})
      if (getConstantIntValue(sizes[loop]).value_or(0) < 1)
        return op.emitError() << "expected keys, and elements of keys and values, of known number";
    if (values.along(c) != AccessPattern::Contiguous || out.along(c) != AccessPattern::Contiguous)
      return op.emitError() << "expected elements of a value to lie side by side";
    chooseBlocks();
    allocate();
    noteStrategy(op, "tiles of " + Twine(std::min(tileKeys, count(n))) + " keys x " +
                         Twine(blockQueries) + " queries, keys in blocks of " + Twine(blockKeys) +
                         ", vectors of " + Twine(lanes));
    overBatch(0);
    op.erase();
    return success();
  }

private:
  //===--- Blocks and buffers --------------------------------------------===//

  int64_t count(unsigned loop) const { return *getConstantIntValue(sizes[loop]); }
  static int64_t byteSize(Type type) { return std::max(type.getIntOrFloatBitWidth() / 8, 4u); }

  /// An operand of the scores' body that changes from query to query.
  bool isTransposed(const Access &access) const { return access.map.isFunctionOfDim(m); }

  ArrayRef<Access> others() const { return ArrayRef(accesses).drop_front(3).drop_back(); }

  /// Two vectors of queries and blocks of keys as long as they fit the stack with them.
  void chooseBlocks() {
    columns = llvm::alignTo(count(c), lanes);
    std::optional<int64_t> known = getConstantIntValue(sizes[m]);
    int64_t most = known ? llvm::divideCeil(*known, lanes) : 2;
    blockQueries = lanes * std::clamp<int64_t>(most, 1, 2);
    int64_t bytesOfScore = 4;
    for (const Access &access : others())
      if (isTransposed(access))
        bytesOfScore += byteSize(access.elementType());
    constexpr int64_t kFewKeys = 64;
    int64_t length = std::clamp(target.blockKeys, int64_t(1), count(n));
    auto bytes = [&] { return blockQueries * (4 * (count(k) + columns) + length * bytesOfScore); };
    while (bytes() > kStackBytes && length > kFewKeys)
      length /= 2;
    if (bytes() > kStackBytes)
      blockQueries = lanes;
    while (bytes() > kStackBytes && length > 1)
      length /= 2;
    tileKeys = rowsOfTile(blockQueries / lanes);
    // Blocks of about the same length.
    int64_t blocks = llvm::divideCeil(count(n), length);
    blockKeys = llvm::alignTo(llvm::divideCeil(count(n), blocks), tileKeys);
  }

  /// Of a register tile `width` vectors wide, with a row of the right-hand side and a
  /// broadcast element of the left.
  int64_t rowsOfTile(int64_t width) const {
    int64_t most = (target.vectorRegisters - 2 - width) / width;
    return std::clamp<int64_t>(llvm::bit_floor<uint64_t>(most), 1, 8);
  }

  Value stack(ArrayRef<int64_t> shape, Type type) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, type),
                                    b.getI64IntegerAttr(target.vectorBits / 8));
  }

  void allocate() {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
    Type f32 = b.getF32Type();
    // Vectors of the rows that are transposed may reach beyond their end.
    auto panel = [&](int64_t length, Type type) {
      return stack({static_cast<int64_t>(llvm::alignTo(length, lanes)), blockQueries}, type);
    };
    turned = panel(count(k), f32);
    scores = panel(blockKeys, f32);
    sums = stack({blockQueries, columns}, f32);
    factors = stack({blockQueries}, f32);
    for (const Access &access : others()) {
      Type type = access.elementType();
      if (type.getIntOrFloatBitWidth() < 32)
        type = b.getI32Type();
      bool changes = access.map.isFunctionOfDim(n);
      panels.push_back(isTransposed(access) ? panel(changes ? blockKeys : 1, type) : Value());
    }
  }

  //===--- Loops over blocks ---------------------------------------------===//

  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, indexConstant(b, y)); }
  Value sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  Value minimum(Value x, Value y) { return b.createOrFold<arith::MinUIOp>(x, y); }

  void loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) {
    forCarried(b, from, to, indexConstant(b, step), {}, [&](Value iv, ValueRange) {
      body(iv);
      return SmallVector<Value>();
    });
  }

  void overBatch(unsigned loop) {
    if (loop == m)
      return overQueries();
    forEach(b, sizes[loop], [&](Value iv) {
      ivs[loop] = iv;
      overBatch(loop + 1);
    });
  }

  /// Queries that are computed together: the first `count` of some vectors.
  struct Block {
    Value first, count;
    int64_t vectors;
    bool isWhole;
  };

  void overQueries() {
    std::optional<int64_t> known = getConstantIntValue(sizes[m]);
    int64_t vectors = blockQueries / lanes;
    Value zero = indexConstant(b, 0), end = asValue(b, sizes[m]);
    if (known && *known <= blockQueries) {
      if (*known > 0)
        block({zero, end, vectors, *known == blockQueries});
      return;
    }
    auto blocks = independentFor(b, zero, end, indexConstant(b, blockQueries));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(blocks.getBody());
    Value first = blocks.getInductionVar();
    auto whole = [&]() -> SmallVector<Value> {
      block({first, indexConstant(b, blockQueries), vectors, true});
      return {};
    };
    if (known && *known % blockQueries == 0) {
      whole();
      return;
    }
    auto rest = [&]() -> SmallVector<Value> {
      if (known) {
        int64_t left = *known % blockQueries;
        block({first, indexConstant(b, left), llvm::divideCeilSigned(left, lanes), false});
        return {};
      }
      loop(first, end, lanes, [&](Value from) {
        block({from, minimum(sub(end, from), indexConstant(b, lanes)), 1, false});
      });
      return {};
    };
    Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::ule, add(first, blockQueries), end);
    either(b, fits, {}, whole, rest);
  }

  /// What is known of each query's scores so far, a vector for each vector of queries.
  struct State {
    SmallVector<Value> greatest, sums;
  };

  void block(const Block &block) {
    transpose(block, queries, k, indexConstant(b, 0), asValue(b, sizes[k]), turned);
    clearSums(block);
    int64_t width = block.vectors;
    SmallVector<Value> start(width, constant(-std::numeric_limits<float>::infinity()));
    start.append(width, constant(0.0f));
    Value zero = indexConstant(b, 0), end = asValue(b, sizes[n]);
    SmallVector<Value> state = forCarried(b, zero, end, indexConstant(b, blockKeys), start,
                                          [&](Value first, ValueRange carried) {
                                            Value last = add(first, blockKeys);
                                            if (count(n) % blockKeys != 0)
                                              last = minimum(last, end);
                                            return keyBlock(block, first, last, carried);
                                          });
    finish(block, ArrayRef(state).take_back(width));
  }

  SmallVector<Value> keyBlock(const Block &block, Value first, Value last, ValueRange state) {
    int64_t width = block.vectors;
    for (auto [access, panel] : llvm::zip(others(), panels)) {
      if (!panel)
        continue;
      bool changes = access.map.isFunctionOfDim(n);
      transpose(block, access, n, changes ? first : indexConstant(b, 0),
                changes ? last : indexConstant(b, 1), panel);
    }
    SmallVector<Value> before(state.take_front(width));
    SmallVector<Value> greatest = computeScores(block, first, last, before);

    // Scores relative to the greatest so far; where all are -inf, to 0, so that they weigh 0.
    SmallVector<Value> next(greatest), shifts;
    Value nothing = constant(-std::numeric_limits<float>::infinity());
    for (int64_t v = 0; v < width; ++v) {
      Value none = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, greatest[v], nothing);
      shifts.push_back(arith::SelectOp::create(b, none, constant(0.0f), greatest[v]));
    }
    Value length = sub(last, first);
    SmallVector<Value> added = weigh(length, shifts);
    for (int64_t v = 0; v < width; ++v) {
      Value factor = emitDecay(b, arith::SubFOp::create(b, before[v], shifts[v]));
      vector::StoreOp::create(b, factor, factors, ValueRange{indexConstant(b, v * lanes)});
      next.push_back(multiplyAdd(b, state[width + v], factor, added[v], target.fma));
    }
    addValues(block, first, length);
    return next;
  }

  //===--- Scores --------------------------------------------------------===//

  /// Of keys `first` to `last`, relative to which their place in `scores` is. Returns the
  /// greatest ones so far.
  SmallVector<Value> computeScores(const Block &block, Value first, Value last,
                                   ValueRange greatest) {
    int64_t rest = count(n) % tileKeys;
    Value end = last;
    if (rest > 0)
      end = minimum(last, indexConstant(b, count(n) - rest));
    SmallVector<Value> result(greatest);
    if (count(n) >= tileKeys)
      result = forCarried(b, first, end, indexConstant(b, tileKeys), greatest,
                          [&](Value key, ValueRange carried) {
                            return scoreTile(block, first, key, tileKeys, carried);
                          });
    if (rest == 0)
      return result;
    auto odd = [&] { return scoreTile(block, first, end, rest, result); };
    if (count(n) <= blockKeys)
      return odd();
    Value isLast =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, last, indexConstant(b, count(n)));
    return either(b, isLast, ValueRange(result).getTypes(), odd, [&] { return result; });
  }

  SmallVector<Value> scoreTile(const Block &block, Value first, Value key, int64_t height,
                               ValueRange greatest) {
    int64_t width = block.vectors;
    SmallVector<Value> tile = forCarried(
        b, indexConstant(b, 0), asValue(b, sizes[k]), indexConstant(b, 1),
        SmallVector<Value>(height * width, constant(0.0f)), [&](Value depth, ValueRange carried) {
          ivs[k] = depth;
          SmallVector<Value> right, next;
          for (int64_t v = 0; v < width; ++v)
            right.push_back(loadFrom(turned, depth, v));
          for (int64_t r = 0; r < height; ++r) {
            ivs[n] = add(key, r);
            Value left = splat(b, keys.loadScalar(b, ivs), lanes);
            for (int64_t v = 0; v < width; ++v)
              next.push_back(multiplyAdd(b, left, right[v], carried[r * width + v], target.fma));
          }
          return next;
        });
    SmallVector<Value> result(greatest);
    ivs[m] = block.first;
    for (int64_t r = 0; r < height; ++r) {
      ivs[n] = add(key, r);
      Value row = add(sub(key, first), r);
      for (int64_t v = 0; v < width; ++v) {
        Value score = scoreOf(tile[r * width + v], row, v);
        vector::StoreOp::create(b, score, scores, ValueRange{row, indexConstant(b, v * lanes)});
        // A NaN makes the sum NaN, and so all results.
        Value isGreater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, score, result[v]);
        result[v] = arith::SelectOp::create(b, isGreater, score, result[v]);
      }
    }
    return result;
  }

  /// What the body computes of a vector of products.
  Value scoreOf(Value product, Value row, int64_t v) {
    SmallVector<Value> arguments{product};
    for (auto [access, panel] : llvm::zip(others(), panels)) {
      if (!panel) {
        arguments.push_back(splat(b, access.loadScalar(b, ivs), lanes));
        continue;
      }
      Value at = access.map.isFunctionOfDim(n) ? row : indexConstant(b, 0);
      Value element = loadFrom(panel, at, v);
      if (element.getType() != lanesOf(access.elementType(), lanes))
        element = arith::TruncIOp::create(b, lanesOf(access.elementType(), lanes), element);
      arguments.push_back(element);
    }
    return cloneBody(b, *op.getBlock(), arguments, lanes);
  }

  /// Scores become weights, exp(score - shift) halved so often that no sum of weighted values
  /// exceeds the greatest of these. Returns their sums.
  SmallVector<Value> weigh(Value length, ArrayRef<Value> shifts) {
    auto halvings = static_cast<int>(llvm::Log2_64_Ceil(count(n)));
    SmallVector<Value> zeros(shifts.size(), constant(0.0f));
    return forCarried(b, indexConstant(b, 0), length, indexConstant(b, 1), zeros,
                      [&](Value row, ValueRange carried) {
                        SmallVector<Value> next;
                        for (auto [v, shift] : llvm::enumerate(shifts)) {
                          Value score = loadFrom(scores, row, v);
                          Value shifted = arith::SubFOp::create(b, score, shift);
                          Value weight = emitDecay(b, shifted, halvings);
                          vector::StoreOp::create(b, weight, scores,
                                                  ValueRange{row, indexConstant(b, v * lanes)});
                          next.push_back(arith::AddFOp::create(b, carried[v], weight));
                        }
                        return next;
                      });
  }

  //===--- Values --------------------------------------------------------===//

  /// The queries of a block in tiles of `height`, where more may be computed than there are.
  void tilesOfQueries(const Block &block, int64_t height, llvm::function_ref<void(Value)> body) {
    loop(indexConstant(b, 0), block.count, height, body);
  }

  void clearSums(const Block &block) {
    Value rows = indexConstant(b, block.vectors * lanes);
    loop(indexConstant(b, 0), rows, 1, [&](Value row) {
      loop(indexConstant(b, 0), indexConstant(b, columns), lanes, [&](Value column) {
        vector::StoreOp::create(b, constant(0.0f), sums, ValueRange{row, column});
      });
    });
  }

  /// Adds weights times values of `length` keys to the sums, scaled before.
  void addValues(const Block &block, Value first, Value length) {
    int64_t most = target.vectorRegisters >= 32 ? 4 : 2;
    int64_t width = std::min(columns / lanes, most) * lanes;
    int64_t whole = count(c) / width * width;
    auto panel = [&](Value column, int64_t elements) {
      int64_t height = std::min(lanes, rowsOfTile(llvm::divideCeil(elements, lanes)));
      tilesOfQueries(block, height,
                     [&](Value row) { valueTile(first, length, row, height, column, elements); });
    };
    if (whole > 0)
      loop(indexConstant(b, 0), indexConstant(b, whole), width,
           [&](Value column) { panel(column, width); });
    if (whole < count(c))
      panel(indexConstant(b, whole), count(c) - whole);
  }

  void valueTile(Value first, Value length, Value row, int64_t height, Value column,
                 int64_t elements) {
    int64_t width = llvm::divideCeil(elements, lanes);
    SmallVector<Value> tile;
    for (int64_t r = 0; r < height; ++r) {
      Value factor = memref::LoadOp::create(b, factors, ValueRange{add(row, r)});
      factor = splat(b, factor, lanes);
      for (int64_t v = 0; v < width; ++v) {
        Value sum = loadFrom(sums, add(row, r), column, v);
        tile.push_back(arith::MulFOp::create(b, sum, factor));
      }
    }
    tile = forCarried(
        b, indexConstant(b, 0), length, indexConstant(b, 1), tile,
        [&](Value key, ValueRange carried) {
          ivs[n] = add(first, key);
          SmallVector<Value> right, next;
          for (int64_t v = 0; v < width; ++v) {
            ivs[c] = add(column, v * lanes);
            Value mask = constantMask(b, std::min(lanes, elements - v * lanes), lanes);
            right.push_back(values.load(b, ivs, c, lanes, mask));
          }
          for (int64_t r = 0; r < height; ++r) {
            Value weight = memref::LoadOp::create(b, scores, ValueRange{key, add(row, r)});
            weight = splat(b, weight, lanes);
            for (int64_t v = 0; v < width; ++v)
              next.push_back(multiplyAdd(b, weight, right[v], carried[r * width + v], target.fma));
          }
          return next;
        });
    for (int64_t r = 0; r < height; ++r)
      for (int64_t v = 0; v < width; ++v)
        vector::StoreOp::create(b, tile[r * width + v], sums,
                                ValueRange{add(row, r), add(column, v * lanes)});
  }

  /// Divides the weighted values by the sums of the weights.
  void finish(const Block &block, ArrayRef<Value> weights) {
    for (auto [v, sum] : llvm::enumerate(weights)) {
      Value factor = arith::DivFOp::create(b, constant(1.0f), sum);
      vector::StoreOp::create(b, factor, factors, ValueRange{indexConstant(b, v * lanes)});
    }
    int64_t whole = count(c) / lanes * lanes;
    tilesOfQueries(block, 1, [&](Value row) {
      Value factor = memref::LoadOp::create(b, factors, ValueRange{row});
      factor = splat(b, factor, lanes);
      ivs[m] = add(block.first, row);
      auto store = [&](Value column, Value mask) {
        ivs[c] = column;
        Value sum = loadFrom(sums, row, column, 0);
        out.store(b, ivs, arith::MulFOp::create(b, sum, factor), mask);
      };
      loop(indexConstant(b, 0), indexConstant(b, whole), lanes,
           [&](Value column) { store(column, {}); });
      if (whole < count(c))
        store(indexConstant(b, whole), constantMask(b, count(c) - whole, lanes));
    });
  }

  //===--- Vectors -------------------------------------------------------===//

  Value constant(float value) {
    auto type = VectorType::get({lanes}, b.getF32Type());
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
  }

  Value loadFrom(Value panel, Value row, Value column, int64_t v) {
    auto type = VectorType::get({lanes}, cast<MemRefType>(panel.getType()).getElementType());
    return vector::LoadOp::create(b, type, panel, ValueRange{row, add(column, v * lanes)});
  }
  Value loadFrom(Value panel, Value row, int64_t v) {
    return loadFrom(panel, row, indexConstant(b, 0), v);
  }

  /// Writes elements `from` to `to` along `across` of each query to a panel, where a row has
  /// one element of all queries. Of queries that do not exist it has the last one's.
  void transpose(const Block &block, const Access &access, unsigned across, Value from, Value to,
                 Value panel) {
    Value last = sub(asValue(b, sizes[m]), indexConstant(b, 1));
    auto queryAt = [&](Value offset) {
      Value query = add(block.first, offset);
      return block.isWhole ? query : minimum(query, last);
    };
    Type type = lanesOf(cast<MemRefType>(panel.getType()).getElementType(), lanes);
    auto widen = [&](Value element) -> Value {
      Type wide = isa<VectorType>(element.getType()) ? type : getElementTypeOrSelf(type);
      return element.getType() == wide ? element : arith::ExtUIOp::create(b, wide, element);
    };
    if (access.along(across) != AccessPattern::Contiguous) {
      loop(from, to, 1, [&](Value element) {
        loop(indexConstant(b, 0), indexConstant(b, block.vectors * lanes), 1, [&](Value offset) {
          ivs[across] = element;
          ivs[m] = queryAt(offset);
          memref::StoreOp::create(b, widen(access.loadScalar(b, ivs)), panel,
                                  ValueRange{sub(element, from), offset});
        });
      });
      return;
    }
    std::optional<int64_t> length = getConstantIntValue(sub(to, from));
    loop(from, to, lanes, [&](Value element) {
      Value mask;
      if (!length || *length % lanes != 0)
        mask = dynamicMask(b, sub(to, element), lanes);
      loop(indexConstant(b, 0), indexConstant(b, block.vectors * lanes), lanes, [&](Value offset) {
        ivs[across] = element;
        SmallVector<Value> square;
        for (int64_t i = 0; i < lanes; ++i) {
          ivs[m] = queryAt(add(offset, i));
          square.push_back(widen(access.load(b, ivs, across, lanes, mask)));
        }
        transpose(square);
        Value row = sub(element, from);
        for (int64_t i = 0; i < lanes; ++i)
          vector::StoreOp::create(b, square[i], panel, ValueRange{add(row, i), offset});
      });
    });
  }

  /// Of as many vectors as they have lanes: exchanges halves of pairs of vectors, then quarters.
  void transpose(MutableArrayRef<Value> square) {
    for (int64_t distance = lanes / 2; distance > 0; distance /= 2) {
      SmallVector<int64_t> low, high;
      for (int64_t i = 0; i < lanes; ++i) {
        bool fromSecond = (i & distance) != 0;
        low.push_back(fromSecond ? lanes + i - distance : i);
        high.push_back(fromSecond ? lanes + i : i + distance);
      }
      for (int64_t i = 0; i < lanes; ++i) {
        if ((i & distance) != 0)
          continue;
        Value one = square[i], other = square[i + distance];
        square[i] = vector::ShuffleOp::create(b, one, other, low);
        square[i + distance] = vector::ShuffleOp::create(b, one, other, high);
      }
    }
  }

  AttendOp op;
  Target target;
  ImplicitLocOpBuilder b;
  int64_t lanes;
  SmallVector<Access> accesses;
  Access queries, keys, values, out;
  unsigned loops, m, n, k, c;
  SmallVector<Value> ivs;
  SmallVector<OpFoldResult> sizes;
  int64_t blockQueries = 0, blockKeys = 0, tileKeys = 0;
  int64_t columns = 0;       // of the sums: those of the values, rounded up to vectors
  Value turned, scores;      // queries and scores of a block: (k, m) and (n, m)
  Value sums, factors;       // weighted values of a block (m, c), and what they are multiplied by
  SmallVector<Value> panels; // others, transposed; null: the same for all queries
};

struct TileAttention : mlc::ir::impl::TileAttentionPassBase<TileAttention> {
  using TileAttentionPassBase::TileAttentionPassBase;

  void runOnOperation() override {
    SmallVector<AttendOp> ops;
    getOperation().walk([&](AttendOp op) { ops.push_back(op); });
    for (AttendOp op : ops)
      if (failed(AttentionTiling(op, {vectorBits, vectorRegisters, blockKeys, fma}).lower()))
        return signalPassFailure();
  }
};

} // namespace
