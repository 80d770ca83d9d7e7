/*===- Frame.h - What a compiled image exports and is called with -*- C -*-===//
//
// An image exports four functions with C linkage:
//
//   int32_t run(mlc_frame *)                   compute outputs from inputs
//   int32_t prepare(mlc_frame *)               fill `prepared` from `parameters`
//   int64_t workspace_bytes(const int64_t *)   workspace that run needs for dims
//   int64_t prepare_workspace_bytes(const int64_t *)
//
// run and prepare return 0, MLC_RUN_CANCELLED when the host's cancel flag was seen,
// MLC_RUN_HOST_FAILED when one of its functions failed, or MLC_RUN_STOPPED + i when
// something that must hold did not; the i-th message of the image says what. Outputs
// are undefined then. Tensors are dense, row major; a bool is one byte, 0 or 1.
//
// Thread-safety: an image has no mutable state. Frames that share no output,
// workspace or (in prepare) prepared memory may run at the same time.
//
//===----------------------------------------------------------------------===*/
#ifndef MLC_ABI_FRAME_H
#define MLC_ABI_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLC_FRAME_VERSION 2
/* Alignment, in bytes, of `prepared` and `workspace`. Inputs, outputs and
 * parameters need only the alignment of their element type. */
#define MLC_ALIGNMENT 64
#define MLC_RUN_CANCELLED 1
#define MLC_RUN_STOPPED 2
#define MLC_RUN_HOST_FAILED (-1)

/* Services of the host. Every pointer but the version may be null. */
typedef struct mlc_host {
  int32_t version; /* MLC_FRAME_VERSION */
  int32_t reserved;
  void *context; /* first argument of the functions below */
  /* Calls body(argument, i) once for every i in [0, count), in any order and on any
   * threads, each of which computes with the floating-point environment of the caller, and
   * returns when all are done: 0, or anything else to end the run; nothing may be thrown.
   * May be called on several threads, but never inside of `body`. Null: the image loops
   * itself. */
  int32_t (*parallel_for)(void *context, int64_t count, void (*body)(void *argument, int64_t index),
                          void *argument);
  /* What the graph asks of the host: the image's host call `index` says what it is and
   * the types of operands and results, whose symbolic dimensions have the sizes
   * `dims`. Operands are read and results are written during the call only. Returns 0,
   * or anything else to end the run; nothing may be thrown. Null: values are not
   * printed, and a custom op ends the run with a message. */
  int32_t (*call)(void *context, int64_t index, const void *const *operands, void *const *results,
                  const int64_t *dims);
  /* Non-zero asks run to return MLC_RUN_CANCELLED soon. */
  const volatile int32_t *cancel;
  /* Of an image that was made for profiling: two counters for each of its kernels, in order,
   * to which every call of one adds the ticks of the time stamp counter that it took, and 1.
   * A kernel in a chain is called for every block of rows, and on several threads at a time.
   * Other images leave it alone. */
  uint64_t *profile;
} mlc_host;

typedef struct mlc_frame {
  int32_t version; /* MLC_FRAME_VERSION */
  int32_t reserved;
  const void *const *inputs;     /* one per graph input, in order */
  void *const *outputs;          /* one per graph output, in order; no overlap with
                                    prepared, workspace or inputs, but that an output
                                    may be the input that was donated to it */
  const void *const *parameters; /* prepare only: one per parameter, in order */
  void *prepared;                /* written by prepare, read by run */
  void *workspace;               /* scratch; contents undefined afterwards */
  const int64_t *dims;           /* sizes of the symbolic dimensions, in order, >= 0 */
  const mlc_host *host;          /* may be null */
} mlc_frame;

typedef int32_t (*mlc_run_function)(mlc_frame *);
typedef int64_t (*mlc_workspace_function)(const int64_t *dims);

#ifdef __cplusplus
}
#endif

#endif /* MLC_ABI_FRAME_H */
