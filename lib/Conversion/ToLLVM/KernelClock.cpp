//===- KernelClock.cpp - Times the calls of kernels -----------------------===//
//
// Works on drivers that take a frame. See mlc_host::profile in include/mlc/Abi/Frame.h.
//
//===----------------------------------------------------------------------===//

#include "KernelClock.h"
#include "Pointers.h"

#include "mlc/Abi/Frame.h"

#include <cstddef>

using namespace mlir;
using namespace mlc::ir;

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(value));
}

static Value readCounter(ImplicitLocOpBuilder &b) {
  auto name = b.getStringAttr("llvm.readcyclecounter");
  return LLVM::CallIntrinsicOp::create(b, b.getI64Type(), name, ValueRange())->getResult(0);
}

KernelClock::KernelClock(ImplicitLocOpBuilder &b, Value host) {
  Type pointer = host.getType();
  auto allocate = [&](int64_t words) -> Value {
    return LLVM::AllocaOp::create(b, pointer, b.getI64Type(), constant(b, words));
  };
  last = allocate(1);
  LLVM::StoreOp::create(b, readCounter(b), last);
  nobodys = allocate(2);
  for (int64_t i : {0, 8})
    LLVM::StoreOp::create(b, constant(b, 0), byteOffset(b, nobodys, i));
  // Without a host, a table of our own is read.
  constexpr int64_t kField = offsetof(mlc_host, profile);
  Value null = LLVM::ZeroOp::create(b, pointer);
  Value none = allocate(kField / 8 + 1);
  LLVM::StoreOp::create(b, null, byteOffset(b, none, kField));
  Value noHost = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, host, null);
  Value readable = LLVM::SelectOp::create(b, noHost, none, host);
  counters = loadAt(b, pointer, readable, kField);
  isNull = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, counters, null);
}

void KernelClock::stop(ImplicitLocOpBuilder &b, IntegerAttr kernel) {
  Value now = readCounter(b);
  if (kernel) {
    Value before = LLVM::LoadOp::create(b, b.getI64Type(), last);
    Value taken = LLVM::SubOp::create(b, now, before);
    Value own = byteOffset(b, counters, 16 * kernel.getInt());
    Value place = LLVM::SelectOp::create(b, isNull, nobodys, own);
    auto add = [&](int64_t offset, Value more) {
      LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::add, byteOffset(b, place, offset), more,
                                LLVM::AtomicOrdering::monotonic);
    };
    add(0, taken);
    add(8, constant(b, 1));
  }
  LLVM::StoreOp::create(b, now, last);
}
