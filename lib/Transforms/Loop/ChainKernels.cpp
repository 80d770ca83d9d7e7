//===- ChainKernels.cpp - Layers one after the other, block by block ------===//
//
// Works on bufferised @run and kernels, before memory is planned. A chain of kernels that
// each compute a row of their results from the same row of what came before becomes one
// kernel, which calls them for a block of rows at a time: what one leaves is still in the
// cache when the next reads it, and threads share the rows of all of them at once.
//
//===----------------------------------------------------------------------===//

#include "DescribeKernels.h"
#include "LoopCost.h"
#include "Product.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

namespace mlc::ir {
#define GEN_PASS_DEF_CHAINKERNELSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

/// Rows of a block: enough to read weights from the second level of the cache for each.
constexpr int64_t kBlock = 96;
/// No block has more: what would be two low ones is one.
constexpr int64_t kMostOfBlock = kBlock + kBlock / 2;
/// What heights of register tiles divide.
constexpr int64_t kWholeTiles = 24;
/// Rows of the least piece for a thread.
constexpr int64_t kLeastOfPiece = 8;

/// Rows of equal blocks of a known number of rows, so that no kernel need have tiles for less, and
/// of enough of them for threads; kDynamic if it is not known, 0 if there are no such.
int64_t equalBlocks(int64_t rows) {
  constexpr int64_t kEnough = 8;
  if (ShapedType::isDynamic(rows))
    return ShapedType::kDynamic;
  for (int64_t block = std::min(kMostOfBlock, rows / kEnough); block >= kWholeTiles; --block)
    if (block % kLeastOfPiece == 0 && rows % block == 0)
      return block;
  return 0;
}

MemRefType typeOf(Value value) { return cast<MemRefType>(value.getType()); }

/// Elements of a row of a buffer; its number of rows may be unknown.
int64_t elementsOfRow(MemRefType type) {
  int64_t count = 1;
  for (int64_t size : type.getShape().drop_front())
    count = boundedProduct(count, size);
  return count;
}

int64_t bytesOfElement(MemRefType type) {
  return std::max<int64_t>(1, type.getElementTypeBitWidth() / 8);
}

/// A kernel that computes each row of its results from that row of other buffers, and from all
/// of those that have no rows.
struct RowKernel {
  int64_t rows = 0;          ///< kDynamic: as many as the symbolic dimension.
  SmallVector<bool> hasRows; ///< Of its arguments.
  int64_t fixedBytes = 0;    ///< Of those that have none.
  int64_t bytesOfRow = 0;    ///< Of those that have.
  int64_t work = 0;          ///< Vector instructions for a row.
  bool isContraction = false;

  static std::optional<RowKernel> match(func::FuncOp kernel, int64_t vectorBits);

private:
  bool add(linalg::GenericOp op, int64_t vectorBits);
  /// False if it contradicts what is known of the argument.
  bool note(Value argument, bool itHasRows) {
    unsigned i = cast<BlockArgument>(argument).getArgNumber();
    if (known[i] && hasRows[i] != itHasRows)
      return false;
    known[i] = true;
    hasRows[i] = itHasRows;
    return true;
  }

  SmallVector<bool> known;
};

} // namespace

/// Whether a map leads loop 0 to the first dimension, and nowhere else.
static bool leadsWithRows(AffineMap map) {
  return map.getNumResults() > 0 && map.getResult(0) == getAffineDimExpr(0, map.getContext()) &&
         llvm::none_of(map.getResults().drop_front(),
                       [](AffineExpr index) { return index.isFunctionOfDim(0); });
}

bool RowKernel::add(linalg::GenericOp op, int64_t vectorBits) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  if (ranges.empty() || op.getIteratorTypesArray()[0] != utils::IteratorType::parallel)
    return false;
  int64_t iterations = 1;
  for (int64_t range : ArrayRef(ranges).drop_front()) {
    if (ShapedType::isDynamic(range))
      return false;
    iterations = boundedProduct(iterations, range);
  }
  int64_t bits = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool itHasRows = leadsWithRows(map);
    if (!isa<BlockArgument>(operand.get()) || (!itHasRows && map.isFunctionOfDim(0)) ||
        (!itHasRows && op.isDpsInit(&operand)) || !note(operand.get(), itHasRows))
      return false;
    if (op.isDpsInit(&operand))
      bits = typeOf(operand.get()).getElementTypeBitWidth();
  }
  bool multiplies = op.getNumReductionLoops() > 0 && Product::match(op);
  isContraction |= multiplies;
  auto body = llvm::range_size(op.getBlock()->without_terminator());
  int64_t lanes = std::max<int64_t>(vectorBits / std::max<int64_t>(bits, 8), 1);
  work += llvm::divideCeil(iterations, lanes) * (multiplies ? 1 : static_cast<int64_t>(body) + 1);
  return true;
}

std::optional<RowKernel> RowKernel::match(func::FuncOp kernel, int64_t vectorBits) {
  if (!kernel->hasAttr("mlc.kind") || kernel.isExternal() ||
      !llvm::all_of(kernel.getArgumentTypes(), llvm::IsaPred<MemRefType>))
    return std::nullopt;
  RowKernel found;
  found.hasRows.assign(kernel.getNumArguments(), false);
  found.known.assign(kernel.getNumArguments(), false);
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isa<arith::ConstantOp>(op))
      continue;
    if (auto fill = dyn_cast<linalg::FillOp>(op)) {
      if (!isa<BlockArgument>(fill.getOutputs()[0]) || !found.note(fill.getOutputs()[0], true))
        return std::nullopt;
      continue;
    }
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || !found.add(generic, vectorBits))
      return std::nullopt;
  }
  std::optional<int64_t> rows;
  for (auto [i, argument] : llvm::enumerate(kernel.getArguments())) {
    MemRefType type = typeOf(argument);
    if (!found.known[i] || kernel.getArgAttr(i, kMayAliasAttr) || !type.getLayout().isIdentity())
      return std::nullopt;
    if (!found.hasRows[i]) {
      if (!type.hasStaticShape())
        return std::nullopt;
      found.fixedBytes += type.getNumElements() * bytesOfElement(type);
      continue;
    }
    if (rows.value_or(type.getDimSize(0)) != type.getDimSize(0) ||
        llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic))
      return std::nullopt;
    rows = type.getDimSize(0);
    found.bytesOfRow += elementsOfRow(type) * bytesOfElement(type);
  }
  if (!rows)
    return std::nullopt;
  found.rows = *rows;
  return found;
}

namespace {

/// A call that may be in a chain.
struct Link {
  func::CallOp call;
  func::FuncOp kernel;
  RowKernel is;
};

/// Calls that follow each other, as long as they can be joined.
struct Chain {
  SmallVector<Link> links;
  llvm::DenseMap<Value, bool> hasRows; ///< Of what the calls are given.
  int64_t fixedBytes = 0;

  void add(Link link) {
    for (auto [operand, itHasRows] : llvm::zip(link.call.getOperands(), link.is.hasRows))
      hasRows[operand] = itHasRows;
    fixedBytes += link.is.fixedBytes;
    links.push_back(std::move(link));
  }
  /// Whether a call reads something that the chain leaves, and of that only the row that it writes.
  bool feeds(const Link &next) const {
    bool reads = false;
    for (auto [operand, itHasRows] : llvm::zip(next.call->getOperands(), next.is.hasRows)) {
      auto known = hasRows.find(operand);
      if (known == hasRows.end())
        continue;
      if (known->second != itHasRows)
        return false;
      reads |= itHasRows && operand.getDefiningOp<memref::AllocOp>();
    }
    return reads && links.front().is.rows == next.is.rows;
  }
};

/// What lies between two kernels of a chain and concerns nobody else. A piece of rows needs
/// no more of it than a block has, and the memory of what was read for the last time is used again.
class Scratch {
public:
  explicit Scratch(ArrayRef<Link> chain) {
    llvm::DenseMap<Operation *, size_t> positions;
    for (auto [i, link] : llvm::enumerate(chain))
      positions[link.call] = i;
    SmallVector<size_t> free;
    // Places, by the call that reads them last.
    SmallVector<SmallVector<size_t>> ends(chain.size());
    for (auto [i, link] : llvm::enumerate(chain)) {
      for (Value operand : link.call->getOperands()) {
        auto alloc = operand.getDefiningOp<memref::AllocOp>();
        auto isIn = [&](Operation *user) { return positions.contains(user); };
        if (!alloc || contains(operand) || !llvm::all_of(operand.getUsers(), isIn))
          continue;
        placeOf[operand] = take(alloc, free);
        size_t last = i;
        for (Operation *user : operand.getUsers())
          last = std::max(last, positions[user]);
        ends[last].push_back(placeOf[operand]);
      }
      llvm::append_range(free, ends[i]);
    }
  }

  bool contains(Value value) const { return placeOf.contains(value); }

  /// Allocates it in front of `op`; afterwards `buffers` leads from values to places.
  void allocate(Operation *op, llvm::DenseMap<Value, Value> &buffers) const {
    ImplicitLocOpBuilder b(op->getLoc(), op);
    SmallVector<Value> made;
    for (memref::AllocOp like : places)
      made.push_back(memref::AllocOp::create(b, like.getType(), like.getDynamicSizes()));
    for (auto [value, place] : placeOf)
      buffers[value] = made[place];
  }

  /// Once the chain's calls are gone.
  void eraseReplaced() const {
    for (auto [value, place] : placeOf)
      value.getDefiningOp()->erase();
  }

private:
  /// A place with elements of the type, which becomes as wide as the widest.
  size_t take(memref::AllocOp alloc, SmallVector<size_t> &free) {
    for (size_t &place : free) {
      size_t taken = place;
      MemRefType has = places[taken].getType(), needed = alloc.getType();
      if (has.getElementType() != needed.getElementType())
        continue;
      free.erase(&place);
      if (elementsOfRow(has) < elementsOfRow(needed))
        places[taken] = alloc;
      return taken;
    }
    places.push_back(alloc);
    return places.size() - 1;
  }

  SmallVector<memref::AllocOp> places; ///< Of each, the widest that lies there.
  llvm::MapVector<Value, size_t> placeOf;
};

/// Makes one kernel of a chain, and one that runs it for a range of rows:
///
///   chain(buffers):
///     parallel_for chain_rows(buffers) from 0 to rows by a piece
///   chain_rows(buffers, from, to):
///     for row = from to `to` by a block
///       kernel_0(rows of the input, weights, scratch at from)
///       kernel_1(scratch at from, weights, rows of the output)
class Joining {
public:
  Joining(ArrayRef<Link> chain, int64_t grain)
      : chain(chain), grain(grain), known(equalBlocks(chain.front().is.rows)), scratch(chain) {}

  void join(const Twine &name) {
    func::CallOp last = chain.back().call;
    scratch.allocate(last, buffers);
    for (const Link &link : chain)
      for (Value operand : link.call->getOperands())
        if (argumentOf.try_emplace(inChain(operand), given.size()).second)
          given.push_back(inChain(operand));
    ImplicitLocOpBuilder b(last.getLoc(), last);
    std::string kernelName = name.str();
    auto call = func::CallOp::create(b, kernelName, TypeRange(), given);
    describe(call);
    func::FuncOp part = makeFunction(kernelName + "_rows", /*numEnds=*/2);
    func::FuncOp kernel = makeFunction(kernelName, /*numEnds=*/0);
    spread(kernel, part);
    computeBlocks(part);
    for (const Link &link : chain)
      link.call->erase();
    scratch.eraseReplaced();
  }

private:
  Value inChain(Value operand) const {
    return scratch.contains(operand) ? buffers.lookup(operand) : operand;
  }

  /// The argument of `function` that stands for what a call in the chain is given.
  Value argumentFor(Value operand, func::FuncOp function) const {
    return function.getArgument(argumentOf.lookup(inChain(operand)));
  }

  int64_t workOfRow() const {
    int64_t work = 0;
    for (const Link &link : chain)
      work += link.is.work;
    return std::max<int64_t>(work, 1);
  }

  void describe(func::CallOp call) const {
    SmallVector<func::CallOp> calls;
    for (const Link &link : chain)
      calls.push_back(link.call);
    describeChain(calls, call, [&](Value operand) { return scratch.contains(operand); });
  }

  /// In front of the first kernel of the chain.
  func::FuncOp makeFunction(const Twine &name, unsigned numEnds) const {
    ImplicitLocOpBuilder b(chain.back().call->getLoc(), chain.front().kernel);
    SmallVector<Type> types(ValueRange(given).getTypes());
    types.append(numEnds, b.getIndexType());
    auto function = func::FuncOp::create(b, name.str(), b.getFunctionType(types, {}));
    function.setPrivate();
    function->setAttr("mlc.kind", b.getStringAttr("chain"));
    function.addEntryBlock();
    return function;
  }

  /// The rows, in pieces of `grain` instructions; all of them if that is too little altogether.
  void spread(func::FuncOp kernel, func::FuncOp part) const {
    int64_t least = llvm::divideCeil(boundedProduct(grain, 4), workOfRow());
    int64_t piece = llvm::alignTo(std::max<int64_t>(grain / workOfRow(), 1),
                                  ShapedType::isDynamic(known) ? kLeastOfPiece : known);
    ImplicitLocOpBuilder b(chain.back().call->getLoc(), kernel->getContext());
    b.setInsertionPointToStart(&kernel.getBody().front());
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    auto rowsOf = [&](const Link &link) {
      auto first = llvm::find(link.is.hasRows, true) - link.is.hasRows.begin();
      Value buffer = argumentFor(link.call->getOperand(static_cast<unsigned>(first)), kernel);
      return b.createOrFold<memref::DimOp>(buffer, 0);
    };
    Value rows = rowsOf(chain.front());
    Value isShort = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, rows, constant(least));
    Value all = b.createOrFold<arith::MaxUIOp>(rows, constant(1));
    Value chunk = b.createOrFold<arith::SelectOp>(isShort, all, constant(piece));
    ParallelForOp::create(b, part.getSymName(), kernel.getArguments(), constant(0), rows, chunk);
    func::ReturnOp::create(b);
    kernel->setAttr(
        kStrategyAttr,
        b.getStringAttr(std::to_string(chain.size()) + " kernels for blocks of " +
                        (ShapedType::isDynamic(known) ? "about " + std::to_string(kBlock)
                                                      : std::to_string(known)) +
                        " rows; pieces for threads from " + std::to_string(least) + " rows on"));
  }

  /// Calls the kernels for one block after the other of a range.
  void computeBlocks(func::FuncOp part) const {
    ImplicitLocOpBuilder b(chain.back().call->getLoc(), part->getContext());
    b.setInsertionPointToStart(&part.getBody().front());
    unsigned ends = part.getNumArguments() - 2;
    Value from = part.getArgument(ends), to = part.getArgument(ends + 1);
    Value block = ShapedType::isDynamic(known) ? blockFor(b, from, to)
                                               : arith::ConstantIndexOp::create(b, known);
    auto loop = scf::ForOp::create(b, from, to, block);
    func::ReturnOp::create(b);
    b.setInsertionPointToStart(loop.getBody());
    Value row = loop.getInductionVar();
    Value size = block;
    if (ShapedType::isDynamic(known))
      size = arith::MinUIOp::create(b, block, arith::SubIOp::create(b, to, row));
    for (const Link &link : chain) {
      func::FuncOp kernel = link.kernel;
      SmallVector<Value> operands;
      for (auto [operand, argument, hasRows] :
           llvm::zip(link.call->getOperands(), kernel.getArguments(), link.is.hasRows)) {
        Value buffer = argumentFor(operand, part);
        if (hasRows)
          buffer = RowsOp::create(b, argument.getType(), buffer,
                                  scratch.contains(operand) ? from : row, size);
        operands.push_back(buffer);
      }
      auto call = func::CallOp::create(b, kernel.getSymName(), TypeRange(), operands);
      if (Attribute described = link.call->getAttr(kKernelAttr))
        call->setAttr(kKernelAttr, described);
      call->setAttr(kWorkAttr, b.getI64IntegerAttr(boundedProduct(link.is.work, kMostOfBlock)));
    }
  }

  /// Rows of as many blocks as have about the wanted number, of whole register tiles but for the
  /// last.
  static Value blockFor(ImplicitLocOpBuilder &b, Value from, Value to) {
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    Value length = arith::SubIOp::create(b, to, from);
    Value rounded = arith::AddIOp::create(b, length, constant(kBlock / 2));
    Value count = arith::MaxUIOp::create(
        b, arith::DivUIOp::create(b, rounded, constant(kBlock)).getResult(), constant(1));
    Value rows = arith::CeilDivUIOp::create(b, length, count);
    Value tiles = arith::CeilDivUIOp::create(b, rows, constant(kWholeTiles));
    return arith::MulIOp::create(b, tiles, constant(kWholeTiles));
  }

  ArrayRef<Link> chain;
  int64_t grain;
  int64_t known; ///< Rows of a block, or kDynamic.
  Scratch scratch;
  llvm::DenseMap<Value, Value> buffers; ///< Of what lies in the scratch.
  SmallVector<Value> given;             ///< To the chain, by the driver.
  llvm::DenseMap<Value, unsigned> argumentOf;
};

struct ChainKernels : mlc::ir::impl::ChainKernelsPassBase<ChainKernels> {
  using ChainKernelsPassBase::ChainKernelsPassBase;

  void runOnOperation() override {
    auto run = getOperation().lookupSymbol<func::FuncOp>(kRunFunction);
    if (!run)
      return signalPassFailure();
    SymbolTable table(getOperation());
    symbols = &table;
    callsOf.clear();
    getOperation().walk([&](func::CallOp call) { ++callsOf[call.getCalleeAttr().getAttr()]; });
    count = 0;
    Chain open;
    for (Operation &op : llvm::make_early_inc_range(run.getBody().front())) {
      if (isa<memref::AllocOp>(op) || (isMemoryEffectFree(&op) && op.getNumRegions() == 0))
        continue;
      std::optional<Link> link = match(op);
      if (!link || open.links.empty() || !open.feeds(*link) ||
          !fits(open.fixedBytes + link->is.fixedBytes, link->is.bytesOfRow)) {
        close(open);
        open = Chain();
      }
      if (link)
        open.add(std::move(*link));
    }
    close(open);
  }

private:
  std::optional<Link> match(Operation &op) {
    auto call = dyn_cast<func::CallOp>(op);
    auto kernel = call ? symbols->lookup<func::FuncOp>(call.getCallee()) : nullptr;
    if (!kernel || !llvm::all_of(call.getOperands(), [](Value v) { return isDistinct(v); }))
      return std::nullopt;
    std::optional<RowKernel> found = RowKernel::match(kernel, vectorBits);
    if (!found || !fits(found->fixedBytes, found->bytesOfRow))
      return std::nullopt;
    return Link{call, kernel, std::move(*found)};
  }

  /// Whether a buffer is no other's memory, as an output that has a donor is.
  static bool isDistinct(Value buffer) {
    auto argument = dyn_cast<BlockArgument>(buffer);
    if (!argument)
      return buffer.getDefiningOp<memref::AllocOp>() != nullptr;
    auto driver = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    return !driver.getArgAttr(argument.getArgNumber(), kDonorAttr);
  }

  /// Weights stay in half of the second level of the cache, and a quarter is for a block.
  bool fits(int64_t fixedBytes, int64_t bytesOfRow) const {
    return fixedBytes <= l2Bytes / 2 && bytesOfRow <= l2Bytes / 4 / kBlock;
  }

  /// Joins several layers of several blocks.
  void close(Chain &chain) {
    if (llvm::count_if(chain.links, [](Link &link) { return link.is.isContraction; }) < 2 ||
        equalBlocks(chain.links.front().is.rows) == 0)
      return;
    giveKernels(chain.links);
    Joining(chain.links, grain).join("chain_" + Twine(count++));
  }

  /// Gives the chain kernels of its own, which are for the rows of a block, and neither spread
  /// over threads nor cancelled within a block.
  void giveKernels(MutableArrayRef<Link> chain) {
    llvm::DenseMap<StringAttr, int64_t> inChain;
    for (Link &link : chain)
      ++inChain[link.kernel.getSymNameAttr()];
    llvm::DenseMap<StringAttr, func::FuncOp> own;
    for (Link &link : chain) {
      StringAttr name = link.kernel.getSymNameAttr();
      func::FuncOp &kernel = own[name];
      if (!kernel && callsOf[name] == inChain[name])
        kernel = link.kernel;
      else if (!kernel)
        symbols->insert(kernel = link.kernel.clone());
      setRows(kernel, link.is, equalBlocks(link.is.rows));
      kernel->setAttr(kShortAttr, UnitAttr::get(&getContext()));
      link.kernel = kernel;
    }
    for (auto [name, calls] : inChain)
      callsOf[name] -= calls;
  }

  static void setRows(func::FuncOp kernel, const RowKernel &is, int64_t rows) {
    for (auto [argument, hasRows] : llvm::zip(kernel.getArguments(), is.hasRows)) {
      if (!hasRows)
        continue;
      MemRefType type = typeOf(argument);
      SmallVector<int64_t> shape(type.getShape());
      shape[0] = rows;
      argument.setType(MemRefType::get(shape, type.getElementType()));
    }
    kernel.setFunctionType(
        FunctionType::get(kernel.getContext(), kernel.getBody().getArgumentTypes(), {}));
  }

  SymbolTable *symbols = nullptr;
  llvm::DenseMap<StringAttr, int64_t> callsOf; ///< Of kernels, but for those of chains.
  int count = 0;                               ///< Of chains.
};

} // namespace
