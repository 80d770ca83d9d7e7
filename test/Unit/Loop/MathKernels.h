//===- MathKernels.h - Compiled elementary functions for tests --*- C++ -*-===//
#ifndef MLC_TEST_UNIT_LOOP_MATHKERNELS_H
#define MLC_TEST_UNIT_LOOP_MATHKERNELS_H

#include <memory>
#include <string>

namespace mlc::test {

/// exp, log, tanh and erf as mlc-expand-math leaves them, sigmoid, gelu_erf and
/// gelu_tanh as their builders make them, widen_bf16, round_bf16, widen_f16 and round_f16
/// as mlc-expand-halves does, all compiled for one CPU.
class MathKernels {
public:
  /// `width` 0: scalars; else vectors of that many. `cpu` "native" or a level "x86-64-v2" to
  /// "x86-64-v4"; `f16c` whether its conversions of f16 are used, if it has them. Throws
  /// std::runtime_error, also when the code needs any symbol.
  MathKernels(int64_t width, const std::string &cpu, bool f16c = true);
  ~MathKernels();

  /// On floats, or the bits of bf16 and f16.
  using Function = void (*)(const void *in, void *out);
  /// Computes max(width, 1) elements.
  Function find(const std::string &name) const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace mlc::test

#endif // MLC_TEST_UNIT_LOOP_MATHKERNELS_H
