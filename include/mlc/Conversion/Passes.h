//===- Passes.h - Conversions between levels of IR --------------*- C++ -*-===//
#ifndef MLC_CONVERSION_PASSES_H
#define MLC_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlc::ir {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "mlc/Conversion/Passes.h.inc"

} // namespace mlc::ir

#endif // MLC_CONVERSION_PASSES_H
