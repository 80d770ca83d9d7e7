//===- MathKernels.h - Compiled elementary functions for tests --*- C++ -*-===//
#ifndef MLC_TEST_UNIT_LOOP_MATHKERNELS_H
#define MLC_TEST_UNIT_LOOP_MATHKERNELS_H

#include <memory>
#include <string>

namespace mlc::test {

/// exp, log, tanh and erf as mlc-expand-math leaves them, sigmoid, gelu_erf and
/// gelu_tanh as their builders make them, all compiled for one CPU.
class MathKernels {
public:
  /// `width` 0: f32 scalars; else vectors of that many. `cpu` "native" or a level
  /// "x86-64-v2" to "x86-64-v4". Throws std::runtime_error, also when the code needs any symbol.
  MathKernels(int64_t width, const std::string &cpu);
  ~MathKernels();

  using Function = void (*)(const float *in, float *out);
  /// Computes max(width, 1) elements.
  Function find(const std::string &name) const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace mlc::test

#endif // MLC_TEST_UNIT_LOOP_MATHKERNELS_H
