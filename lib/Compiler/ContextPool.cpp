//===- ContextPool.cpp - Warm MLIR contexts -------------------------------===//
#include "ContextPool.h"

#include "mlc/Pipelines/Pipelines.h"

#include <mutex>
#include <vector>

using namespace mlc;

namespace {

constexpr size_t kMaxIdle = 4;        // contexts kept, of a few MB each
constexpr int kMaxUses = 256;         // requests that one context answers
constexpr size_t kMaxBytes = 1 << 20; // and how large they may be together

struct Pool {
  std::mutex mutex;
  std::vector<ContextLease::Pooled> idle;
  mlir::DialectRegistry registry;
  Pool() { ir::registerDialects(registry); }
};

/// Never destroyed: other threads may compile while the process exits.
Pool &pool() {
  static Pool *shared = new Pool;
  return *shared;
}

} // namespace

ContextLease::ContextLease(size_t requestBytes) {
  Pool &shared = pool();
  {
    std::lock_guard<std::mutex> lock(shared.mutex);
    if (!shared.idle.empty()) {
      pooled = std::move(shared.idle.back());
      shared.idle.pop_back();
    }
  }
  if (!pooled.context)
    pooled.context = std::make_unique<mlir::MLIRContext>(shared.registry,
                                                         mlir::MLIRContext::Threading::DISABLED);
  ++pooled.uses;
  pooled.bytes += requestBytes;
}

ContextLease::~ContextLease() {
  pooled.context->registerActionHandler(nullptr);
  if (pooled.uses >= kMaxUses || pooled.bytes >= kMaxBytes)
    return;
  Pool &shared = pool();
  std::lock_guard<std::mutex> lock(shared.mutex);
  if (shared.idle.size() < kMaxIdle)
    shared.idle.push_back(std::move(pooled));
}
