//===- Help.cpp - The text of --help --------------------------------------===//
#include "Arguments.h"

namespace mlc::run {

std::string helpText() {
  return R"(mlc-run - run, inspect and time a model

usage: mlc-run MODEL [option]...

MODEL is a model file (.safetensors with the graph, or .json) or a .mlir file
in the mlc dialect.

What to run
  --function NAME            the function to run; default: the first in the file
  --input NAME=VALUE         an input; every input must be given
  --parameter NAME=VALUE     a weight that is not in the file, or another one
  --dim NAME=SIZE            the size of a symbolic dimension
  --exec jit|eager|reference one native function for the graph (default), one per
                             op, or the slow evaluator that the others are
                             checked against
  --threads N                threads for long kernels; default 1; 0 is as many as may
                             run at a time. Results have the same bits for any number
  --debug-nans               run op by op (eager) and stop at the first op that makes
                             a NaN out of operands without any; exit 5

What to do with the results (default: print them)
  --output NAME=@FILE.npy    write an output, do not print
  --expected-output NAME=@FILE.npy
                             compare an output with a file; exit 3 if it differs
  --compare reference        run the reference beside; exit 3 if results differ
  --tolerance REL[,ABS]      what may differ: |got - expected| <= ABS + REL * |expected|
                             (defaults by dtype: docs/mlc-run.md)
  --format text|json         how results are printed (docs/mlc-run.md)

Instead of running once
  --selftest                 run the goldens, the calls recorded in the file, and compare
  --benchmark                time the executor, and eager beside it
  --profile                  time every kernel of a call, beside what the machine can do
  --explain                  print which kernel each op went to, why the kernel ends there
                             and how it computes
  --emit PHASE               print the graph (graph), or a phase of its compilation:
                             mlir, fused, linalg, buffers, vector, llvm, asm

How to compile
  --target NAME              native (default), x86-64-v2, x86-64-v3 or x86-64-v4
  --specialize NAME=SIZE     compile for one size of a symbolic dimension, instead of any
  --weights TYPE             store the weights of matrix products in fewer bits: as bf16, int8
                             (a scale for each column) or int8-dynamic (what they multiply,
                             too); default as-given. --compare reference says what it cost
  --no-fuse                  one kernel per op
  --no-optimize              code generation without optimisation

Limits
  --limit-memory BYTES       default 4G; K, M and G are powers of 1024
  --limit-seconds N          for the whole command; default 120
                             0 is no limit. With both 0 the compiler runs in this
                             process, otherwise in a helper process.
  --map-weights              map the weights instead of copying them; the file must
                             not change meanwhile

  --help, --version

A VALUE is one of
  @FILE.npy, @FILE.npz:NAME  a tensor from numpy
  2x3xf32=1 2 3 4 5 6        shape, dtype and elements; f32=1 is a scalar
  ones, zeros                of the input's type
  random:SEED                of the input's type: floats in [-1, 1), integers in
                             [-100, 100] (u8: [0, 100]), bools; the same for the
                             same SEED and NAME on every machine

Tolerances, unless --tolerance says otherwise; goldens have their own (relative, absolute)
  f32 1e-5, 1e-5    f64 1e-12, 1e-12    f16 1e-2, 1e-3    bf16 2e-2, 1e-2
  f32 of weights in bf16 2e-2, 1e-2, in int8 5e-2, 5e-2; goldens, too
  integers and bool must be equal; NaN agrees with NaN only

Exit codes
  0 success            1 internal failure       2 usage
  3 values differ      4 unsupported op, dtype or feature
  5 bad model file or input, or a check op found it so
  6 resource limit

Examples
  mlc-run digits.safetensors --input image=@images.npy
  mlc-run net.safetensors --input x=random:1 --dim batch=32 --benchmark
  mlc-run net.safetensors --input x=ones --compare reference
  mlc-run net.safetensors --emit graph
)";
}

} // namespace mlc::run
