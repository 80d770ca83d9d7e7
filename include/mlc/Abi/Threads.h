/*===- Threads.h - What libmlc-threads exports --------------------*- C -*-===//
//
// A library of its own, opened when an engine is given threads: programs that run models
// on one thread do not load oneTBB, and it can stay when libmlc is unloaded.
//
//===----------------------------------------------------------------------===*/
#ifndef MLC_ABI_THREADS_H
#define MLC_ABI_THREADS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLC_THREADS_VERSION 1 /* names libmlc-threads.so.N */
#define MLC_THREADS_SYMBOL "mlc_threads_functions"

typedef struct mlc_threads mlc_threads; /* threads of one engine */

/* Every function may be called on many threads at once; none throws. */
typedef struct mlc_threads_table {
  /* `count` threads with the one that runs; 0: as many as may run at a time. NULL: there
   * is no memory. */
  mlc_threads *(*create)(int32_t count);
  void (*free)(mlc_threads *threads);
  /* As mlc_host::parallel_for (Frame.h). */
  int32_t (*parallel_for)(mlc_threads *threads, int64_t count,
                          void (*body)(void *argument, int64_t index), void *argument);
} mlc_threads_table;

/* What MLC_THREADS_SYMBOL names; valid for the life of the process. */
typedef const mlc_threads_table *(*mlc_threads_functions_function)(void);

#ifdef __cplusplus
}
#endif

#endif /* MLC_ABI_THREADS_H */
