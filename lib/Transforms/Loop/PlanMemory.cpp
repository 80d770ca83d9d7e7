//===- PlanMemory.cpp - One arena for all buffers -------------------------===//
//
// Works on bufferised @run, @prepare and kernels. After it no allocation is left:
// both drivers take the prepared block and the workspace as memref<?xi8>, and, if
// any shape is symbolic, the size of the symbolic dimension as an index.
//
//===----------------------------------------------------------------------===//

#include "Lifetimes.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Support/CheckedMath.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlc::ir {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

constexpr int64_t kAlignment = 64; // MLC_ALIGNMENT

/// Bytes of a buffer: constant, or so many for each index of the leading
/// symbolic dimension. Rounded up so that every buffer starts aligned.
struct BufferSize {
  int64_t bytes;
  bool symbolic;
};

FailureOr<BufferSize> sizeOf(Operation *op, MemRefType type) {
  BufferSize size{std::max(1u, type.getElementTypeBitWidth() / 8), false};
  for (auto [i, extent] : llvm::enumerate(type.getShape())) {
    if (ShapedType::isDynamic(extent)) {
      if (i != 0 || size.symbolic)
        return op->emitError() << "expected a symbolic dimension in leading position only";
      size.symbolic = true;
      continue;
    }
    std::optional<int64_t> bytes = mlc::checkedMul(size.bytes, extent);
    if (!bytes)
      return op->emitError() << "the size of a buffer overflows";
    size.bytes = *bytes;
  }
  size.bytes = mlc::alignTo(size.bytes, kAlignment);
  return size;
}

/// A buffer that lives from one op of a driver to another.
struct Buffer {
  memref::AllocOp alloc;
  BufferSize size;
  int64_t first, last; // positions, see Positions
  int64_t offset = 0;
};

/// First fit, larger buffers first: each takes the lowest offset at which it
/// overlaps no placed buffer that is alive at the same time. Returns the total.
int64_t place(MutableArrayRef<Buffer *> buffers) {
  llvm::stable_sort(buffers, [](Buffer *a, Buffer *b) { return a->size.bytes > b->size.bytes; });
  SmallVector<Buffer *> placed;
  int64_t total = 0;
  for (Buffer *buffer : buffers) {
    int64_t offset = 0;
    // `placed` is sorted by offset.
    for (Buffer *other : placed) {
      if (other->last < buffer->first || buffer->last < other->first)
        continue;
      if (offset + buffer->size.bytes <= other->offset)
        break;
      offset = std::max(offset, other->offset + other->size.bytes);
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->size.bytes);
    placed.insert(llvm::upper_bound(placed, buffer,
                                    [](Buffer *a, Buffer *b) { return a->offset < b->offset; }),
                  buffer);
  }
  return total;
}

/// Turns a kernel's own allocations into arguments; returns their types.
SmallVector<MemRefType> hoistAllocations(func::FuncOp kernel) {
  SmallVector<memref::AllocOp> allocations;
  kernel.walk([&](memref::AllocOp alloc) { allocations.push_back(alloc); });
  SmallVector<MemRefType> types;
  for (memref::AllocOp alloc : allocations) {
    unsigned index = kernel.getNumArguments();
    if (failed(kernel.insertArgument(index, alloc.getType(), {}, alloc.getLoc())))
      continue;
    alloc.replaceAllUsesWith(kernel.getArgument(index));
    types.push_back(alloc.getType());
    alloc.erase();
  }
  return types;
}

class Driver {
public:
  explicit Driver(func::FuncOp function)
      : function(function), body(function.getBody().front()), b(function.getContext()) {}

  LogicalResult plan(const llvm::StringMap<SmallVector<MemRefType>> &scratchOf,
                     int64_t &preparedBytes) {
    for (Value argument : body.getArguments())
      symbolic |= !cast<MemRefType>(argument.getType()).hasStaticShape();
    placePrepared(preparedBytes);
    workspace = append(bytesType());
    if (symbolic)
      size = append(b.getIndexType());
    replaceDims();
    addScratch(scratchOf);
    return placeAllocations();
  }

private:
  MemRefType bytesType() { return MemRefType::get({ShapedType::kDynamic}, b.getI8Type()); }

  Value append(Type type) {
    unsigned index = function.getNumArguments();
    if (failed(function.insertArgument(index, type, {}, function.getLoc())))
      return {};
    return function.getArgument(index);
  }

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, function.getLoc(), value);
  }

  /// Prepared tensors become views of one argument, in their order.
  void placePrepared(int64_t &preparedBytes) {
    Value block = append(bytesType());
    b.setInsertionPointToStart(&body);
    int64_t offset = 0;
    llvm::BitVector gone(function.getNumArguments());
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      if (!function.getArgAttr(i, kPreparedAttr))
        continue;
      Value argument = function.getArgument(i);
      auto type = cast<MemRefType>(argument.getType());
      argument.replaceAllUsesWith(memref::ViewOp::create(b, function.getLoc(), type, block,
                                                         constant(offset), ValueRange()));
      offset +=
          mlc::alignTo(type.getNumElements() * (type.getElementTypeBitWidth() / 8), kAlignment);
      gone.set(i);
    }
    preparedBytes = offset;
    (void)function.eraseArguments(gone);
  }

  /// Every dynamic extent is the symbolic size.
  void replaceDims() {
    for (auto dim : llvm::make_early_inc_range(body.getOps<memref::DimOp>())) {
      dim.replaceAllUsesWith(size);
      dim.erase();
    }
  }

  void addScratch(const llvm::StringMap<SmallVector<MemRefType>> &scratchOf) {
    SmallVector<func::CallOp> calls;
    body.walk([&](func::CallOp call) { calls.push_back(call); });
    for (func::CallOp call : calls) {
      auto it = scratchOf.find(call.getCallee());
      if (it == scratchOf.end() || it->second.empty())
        continue;
      b.setInsertionPoint(call);
      SmallVector<Value> operands(call.getOperands());
      for (MemRefType type : it->second) {
        SmallVector<Value> sizes(type.getNumDynamicDims(), size);
        operands.push_back(memref::AllocOp::create(b, call.getLoc(), type, sizes));
      }
      auto made = func::CallOp::create(b, call.getLoc(), call.getCallee(), TypeRange(), operands);
      made->setDiscardableAttrs(call->getDiscardableAttrDictionary());
      call.erase();
    }
  }

  LogicalResult placeAllocations() {
    Positions positions(body);
    SmallVector<memref::AllocOp> allocations;
    body.walk([&](memref::AllocOp alloc) { allocations.push_back(alloc); });
    SmallVector<Buffer> buffers;
    for (memref::AllocOp alloc : allocations) {
      FailureOr<BufferSize> bytes = sizeOf(alloc, alloc.getType());
      if (failed(bytes))
        return failure();
      Buffer buffer{alloc, *bytes, positions.first(alloc), positions.last(alloc)};
      llvm::SmallPtrSet<void *, 8> seen;
      if (failed(positions.extendToUses(alloc.getResult(), alloc->getBlock(), seen, buffer.last)))
        return failure();
      buffers.push_back(buffer);
    }

    SmallVector<Buffer *> fixed, growing;
    for (Buffer &buffer : buffers)
      (buffer.size.symbolic ? growing : fixed).push_back(&buffer);
    int64_t fixedBytes = place(fixed), growingBytes = place(growing);
    for (Buffer &buffer : buffers) {
      b.setInsertionPoint(buffer.alloc);
      Value offset = constant(buffer.offset);
      if (buffer.size.symbolic) {
        Location loc = buffer.alloc.getLoc();
        offset = arith::MulIOp::create(b, loc, offset, size);
        offset = arith::AddIOp::create(b, loc, offset, constant(fixedBytes));
      }
      SmallVector<Value> sizes(buffer.alloc.getType().getNumDynamicDims(), size);
      Value view = memref::ViewOp::create(b, buffer.alloc.getLoc(), buffer.alloc.getType(),
                                          workspace, offset, sizes);
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
    function->setAttr("mlc.workspace", b.getDenseI64ArrayAttr({fixedBytes, growingBytes}));
    return success();
  }

  func::FuncOp function;
  Block &body;
  OpBuilder b;
  Value workspace, size;
  bool symbolic = false;
};

struct PlanMemory : mlc::ir::impl::PlanMemoryPassBase<PlanMemory> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::StringMap<SmallVector<MemRefType>> scratchOf;
    for (auto kernel : module.getOps<func::FuncOp>())
      if (kernel->hasAttr("mlc.kind"))
        scratchOf[kernel.getName()] = hoistAllocations(kernel);
    int64_t preparedBytes = 0;
    for (StringRef name : {kPrepareFunction, kRunFunction}) {
      auto function = module.lookupSymbol<func::FuncOp>(name);
      if (!function || failed(Driver(function).plan(scratchOf, preparedBytes)))
        return signalPassFailure();
    }
    module->setAttr("mlc.prepared_bytes",
                    IntegerAttr::get(IntegerType::get(&getContext(), 64), preparedBytes));
  }
};

} // namespace
