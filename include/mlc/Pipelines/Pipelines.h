//===- Pipelines.h - The phases, and what each is made of -------*- C++ -*-===//
//
// The only place that orders passes. A module says in its attribute mlc.phase
// which phase it has reached (none: graph), so that stopping after any phase,
// printing, parsing and resuming gives the same result as one run.
//
//===----------------------------------------------------------------------===//
#ifndef MLC_PIPELINES_PIPELINES_H
#define MLC_PIPELINES_PIPELINES_H

#include "mlc/Abi/WeightType.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

#include <optional>
#include <string>

namespace mlc::ir {

/// What the passes need to know of the machine.
struct TargetDescription {
  int64_t vectorBits = 512;
  int64_t vectorRegisters = 32;
  bool fma = true;
  bool dotProducts = false; ///< Adds up products of four bytes in one step.
  bool f16c = true;         ///< Converts f16 to f32 and back.
  int64_t l2Bytes = 1 << 20;
};

enum class Phase { Graph, Fused, Linalg, Buffers, Vector, LLVM };
std::optional<Phase> parsePhase(llvm::StringRef name);
llvm::StringRef phaseName(Phase phase);

struct PipelineOptions {
  TargetDescription target;
  std::string entry; ///< Function to compile; empty: the first.
  bool fuse = true;
  bool optimize = true;
  WeightType weights = WeightType::AsGiven;
  int64_t grain = 0;     ///< Of mlc-parallelize; 0: its own.
  bool describe = false; ///< Kernels are described, and @run times them.
};

/// Adds the passes that lead from the phase before `phase` to it.
void addPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options);
/// Adds the passes that lead from `from` (exclusive) to `to` (inclusive).
void addPhases(mlir::OpPassManager &manager, Phase from, Phase to, const PipelineOptions &options);
/// The phase that a module has reached.
Phase currentPhase(mlir::ModuleOp module);

/// Our dialect and the upstream dialects that the phases use.
void registerDialects(mlir::DialectRegistry &registry);
/// Our passes and the pipelines --mlc-to-<phase>.
void registerPassesAndPipelines();

} // namespace mlc::ir

#endif // MLC_PIPELINES_PIPELINES_H
