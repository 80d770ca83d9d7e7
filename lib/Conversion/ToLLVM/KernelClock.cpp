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

KernelClock::KernelClock(ImplicitLocOpBuilder &b, Value frame) {
  Type pointer = frame.getType();
  last = LLVM::AllocaOp::create(b, pointer, b.getI64Type(), constant(b, 1));
  LLVM::StoreOp::create(b, readCounter(b), last);
  nobodys = LLVM::AllocaOp::create(b, pointer, b.getI64Type(), constant(b, 2));
  for (int64_t i : {0, 8})
    LLVM::StoreOp::create(b, constant(b, 0), byteOffset(b, nobodys, i));
  Value null = LLVM::ZeroOp::create(b, pointer);
  Value host = loadAt(b, pointer, frame, offsetof(mlc_frame, host));
  Value noHost = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, host, null);
  // The frame is longer than the field's offset: reading there is harmless.
  static_assert(offsetof(mlc_host, profile) + sizeof(void *) <= sizeof(mlc_frame));
  Value readable = LLVM::SelectOp::create(b, noHost, frame, host);
  counters = loadAt(b, pointer, readable, offsetof(mlc_host, profile));
  Value noCounters = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, counters, null);
  isNull = LLVM::OrOp::create(b, noHost, noCounters);
}

void KernelClock::stop(ImplicitLocOpBuilder &b, IntegerAttr kernel) {
  Value now = readCounter(b);
  if (kernel) {
    Value before = LLVM::LoadOp::create(b, b.getI64Type(), last);
    Value taken = LLVM::SubOp::create(b, now, before);
    Value own = byteOffset(b, counters, 16 * kernel.getInt());
    Value place = LLVM::SelectOp::create(b, isNull, nobodys, own);
    auto add = [&](int64_t offset, Value more) {
      Value sum = LLVM::AddOp::create(b, loadAt(b, b.getI64Type(), place, offset), more);
      LLVM::StoreOp::create(b, sum, byteOffset(b, place, offset));
    };
    add(0, taken);
    add(8, constant(b, 1));
  }
  LLVM::StoreOp::create(b, now, last);
}
