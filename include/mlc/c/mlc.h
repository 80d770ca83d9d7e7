/*===- mlc.h - mlc from C ----------------------------------------*- C -*-===//
//
//   mlc_engine *engine;
//   mlc_executable *model;
//   mlc_call *call;
//   mlc_engine_create(NULL, &engine);
//   mlc_engine_load(engine, "digits.safetensors", NULL, &model);
//   mlc_executable_bind(model, &image, 1, &logits, 1, &call);
//   mlc_call_run(call);
//
// The ABI of libmlc: C11, opaque handles, plain structs. Functions that can fail
// return a status, and mlc_last_error() says what was wrong; then they have no other
// effect, and leave NULL where a handle was asked for. Nothing is thrown.
//
// Structs whose first member is `size` may grow at the end: set it to their sizeof and
// the rest to zero, which means the default. Everything else stays as it is within one
// MLC_C_VERSION.
//
// Ownership: what a create, load or bind function gives is the caller's until it is
// given to the free function of its kind, which takes NULL too. An executable may
// outlive its engine, a call its executable. Texts and arrays that are returned belong
// to the handle that they came from.
//
// Threads: an engine and an executable may be used by many threads at once, a call by
// one at a time; calls of one executable run in parallel. A handle may be freed when no
// function is running on it. A forked process runs what was loaded before, and compiles
// unless another thread of its parent was compiling then (MLC_USAGE).
//
// Floats: models become the same however the calling thread computes, and run as it
// computes.
//
// libmlc may be closed with dlclose() when all handles are freed. It leaves memory when
// the threads have ended that failed in it, since they keep a text; libmlc-compiler stays.
//
//===----------------------------------------------------------------------===*/
#ifndef MLC_C_MLC_H
#define MLC_C_MLC_H

#include "mlc/Abi/Frame.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLC_C_VERSION 1
#define MLC_EXPORT __attribute__((visibility("default")))

typedef struct mlc_engine mlc_engine;             /* the compiler and a cache of images */
typedef struct mlc_executable mlc_executable;     /* a compiled function with its weights */
typedef struct mlc_call mlc_call;                 /* an executable with bound tensors */
typedef struct mlc_cancellation mlc_cancellation; /* a wish that work ends */

/* The classes of errors that mlc-run's exit codes tell. */
typedef enum mlc_status {
  MLC_OK = 0,
  MLC_INTERNAL = 1,       /* a defect of mlc itself */
  MLC_USAGE = 2,          /* something that makes no sense was asked for */
  MLC_UNSUPPORTED = 4,    /* valid, but not implemented, or no compiler is installed */
  MLC_BAD_INPUT = 5,      /* a malformed file, or a tensor that does not fit */
  MLC_RESOURCE_LIMIT = 6, /* a limit of memory, time or size was reached */
  MLC_CANCELLED = 7       /* the caller asked for it to end */
} mlc_status;

typedef enum mlc_dtype {
  MLC_F32 = 0,
  MLC_F64 = 1,
  MLC_F16 = 2,
  MLC_BF16 = 3,
  MLC_I8 = 4,
  MLC_U8 = 5,
  MLC_I16 = 6,
  MLC_I32 = 7,
  MLC_I64 = 8,
  MLC_BOOL = 9 /* one byte, 0 or 1 */
} mlc_dtype;

/* Dense, row-major memory of the caller, aligned for its elements. */
typedef struct mlc_tensor {
  int32_t dtype; /* mlc_dtype */
  int32_t rank;
  const int64_t *shape; /* `rank` sizes */
  void *data;           /* of an input: only read; NULL if there are no elements */
} mlc_tensor;

/* MLC_C_VERSION of the library; that of this header must be the same. */
MLC_EXPORT int32_t mlc_c_version(void);
/* What was wrong in the calling thread's last function that failed, in one line or one
 * line a finding; "" before there was any. Valid until the thread's next call of mlc. */
MLC_EXPORT const char *mlc_last_error(void);

/*===----------------------------------------------------------------------===//
// Cancellation
//===----------------------------------------------------------------------===*/

/* Compilations and runs look at the wish that they were given at least every 100 ms, but
 * for a compilation in this process, which looks between two passes of the compiler, and
 * end with MLC_CANCELLED; what is done sooner may succeed all the same. All functions may be called
 * from any thread; request also from a signal handler. What was given the wish may outlive it. */
MLC_EXPORT mlc_status mlc_cancellation_create(mlc_cancellation **cancellation);
MLC_EXPORT void mlc_cancellation_free(mlc_cancellation *cancellation);
MLC_EXPORT void mlc_cancellation_request(mlc_cancellation *cancellation);
/* For what starts afterwards; what is going on may end or not. */
MLC_EXPORT void mlc_cancellation_reset(mlc_cancellation *cancellation);

/*===----------------------------------------------------------------------===//
// Engine
//===----------------------------------------------------------------------===*/

#define MLC_ALL_PROCESSORS (-1)

typedef struct mlc_engine_options {
  size_t size; /* sizeof(mlc_engine_options) */
  /* Messages for people, one line each, from any thread that uses the engine. */
  void (*log)(void *context, const char *text);
  void *log_context;
  /* Where libmlc-compiler is; NULL: $MLC_COMPILER, or beside libmlc or the program. */
  const char *compiler;
  /* Not 0: compile in a process of its own (mlc-compile-helper, of which `compiler` is
   * the path), so that a model from strangers cannot harm this one. */
  int32_t use_helper_process;
  /* For kernels that take about 50 microseconds or more, the caller's thread among them;
   * 0: that alone; MLC_ALL_PROCESSORS: as many as the process may run at a time, which are
   * never exceeded. They are oneTBB's, and results have the same bits for any number.
   * MLC_UNSUPPORTED if there is no libmlc-threads: $MLC_THREADS, or beside libmlc or the program.
   */
  int32_t threads;
  int64_t helper_memory_bytes; /* 0: 4 GiB */
  int64_t helper_seconds;      /* 0: 60 */
  /* Memory for prepared parameters and workspaces, from any thread, until the last
   * executable and call are freed; both or neither. allocate returns memory with the
   * alignment, a power of two, or NULL, which is MLC_RESOURCE_LIMIT. */
  void *(*allocate)(void *context, size_t bytes, size_t alignment);
  void (*deallocate)(void *context, void *memory, size_t bytes, size_t alignment);
  void *memory_context;
  int64_t memory_limit; /* the most bytes of that memory at a time; 0: no limit */
  /* A directory, made if need be, that keeps compiled images for later runs of the
   * program. It must be the user's own and writable by nobody else: it holds machine
   * code. NULL: every engine compiles for itself. */
  const char *cache_directory;
  int64_t cache_bytes; /* of all its files together; 0: 256 MiB */
  /* Instead of `threads`, from any thread, until the last executable and call are freed:
   * calls body(argument, i) once for every i in [0, count), in any order and on any threads,
   * and returns when all calls have: 0, or anything else to end the run with
   * MLC_BAD_INPUT. */
  int32_t (*parallel_for)(void *context, int64_t count, void (*body)(void *argument, int64_t index),
                          void *argument);
  void *parallel_context;
} mlc_engine_options;

/* `options` may be NULL. */
MLC_EXPORT mlc_status mlc_engine_create(const mlc_engine_options *options, mlc_engine **engine);
MLC_EXPORT void mlc_engine_free(mlc_engine *engine);

/* What the f32 parameters that matrix products have on their right are stored as: fewer bits
 * are read sooner, and say less. */
typedef enum mlc_weight_type {
  MLC_WEIGHTS_AS_GIVEN = 0,
  MLC_WEIGHTS_BF16 = 1,        /* rounded to nearest even */
  MLC_WEIGHTS_INT8 = 2,        /* -127 to 127, with a scale for each column */
  MLC_WEIGHTS_INT8_DYNAMIC = 3 /* the same, and what they multiply, with a scale for each row */
} mlc_weight_type;

typedef struct mlc_compile_options {
  size_t size;          /* sizeof(mlc_compile_options) */
  const char *function; /* the entry; NULL: the first of the file */
  const char *target;   /* NULL: "native"; or "x86-64-v2", "x86-64-v3", "x86-64-v4" */
  int32_t no_optimize;  /* not 0: code generation at O0 */
  int32_t no_fuse;      /* not 0: one kernel per op */
  /* Inputs, each with an output of its type that may be given the input's memory. */
  size_t num_donated;
  const char *const *donated_inputs;
  const char *const *donated_outputs;
  const mlc_cancellation *cancellation; /* ends the compilation; may be NULL */
  /* Not 0: where there is no compiler, evaluate slowly instead of MLC_UNSUPPORTED. Calls
   * have no machine code then, and are not cancelled while they run. */
  int32_t or_reference;
  int32_t weights; /* mlc_weight_type */
  /* Symbolic dimensions and sizes to compile for, those alone: a name that the function does
   * not have is MLC_USAGE, and binding other sizes MLC_BAD_INPUT. */
  size_t num_dims;
  const char *const *dim_names;
  const int64_t *dim_sizes;
} mlc_compile_options;

/* Reads a model file and compiles a function of it. `options` may be NULL. */
MLC_EXPORT mlc_status mlc_engine_load(mlc_engine *engine, const char *path,
                                      const mlc_compile_options *options,
                                      mlc_executable **executable);
/* The same for the bytes of a model file, which are not needed afterwards. `name` is what
 * errors call them; NULL: "model". */
MLC_EXPORT mlc_status mlc_engine_load_bytes(mlc_engine *engine, const void *bytes, size_t size,
                                            const char *name, const mlc_compile_options *options,
                                            mlc_executable **executable);

/*===----------------------------------------------------------------------===//
// Executable
//===----------------------------------------------------------------------===*/

/* Passed as int32_t, as a caller may have any number. */
typedef enum mlc_role { MLC_INPUT = 0, MLC_OUTPUT = 1, MLC_PARAMETER = 2 } mlc_role;

typedef struct mlc_tensor_info {
  const char *name;
  int32_t dtype; /* mlc_dtype */
  int32_t rank;
  /* A size, or -1 - i for the symbolic dimension i, of any size >= 0 and the same
   * wherever it occurs. */
  const int64_t *dims;
  int64_t donor; /* of an output: the input whose memory it may be given, or -1 */
} mlc_tensor_info;

MLC_EXPORT void mlc_executable_free(mlc_executable *executable);
/* The name of the function; NULL if `executable` is. */
MLC_EXPORT const char *mlc_executable_function(const mlc_executable *executable);
/* How many there are of an mlc_role; 0 for another number. */
MLC_EXPORT size_t mlc_executable_count(const mlc_executable *executable, int32_t role);
MLC_EXPORT mlc_status mlc_executable_info(const mlc_executable *executable, int32_t role,
                                          size_t index, mlc_tensor_info *info);
/* The name of the symbolic dimension i, or NULL if there are not so many. */
MLC_EXPORT const char *mlc_executable_dim_name(const mlc_executable *executable, size_t i);

/* Binds all inputs and outputs, in the order of mlc_executable_info. The memory must
 * live as long as the call; the structs and shapes are copied. The error lists every
 * tensor of the wrong dtype or shape, and outputs that overlap others. */
MLC_EXPORT mlc_status mlc_executable_bind(const mlc_executable *executable,
                                          const mlc_tensor *inputs, size_t num_inputs,
                                          const mlc_tensor *outputs, size_t num_outputs,
                                          mlc_call **call);

/*===----------------------------------------------------------------------===//
// Call
//===----------------------------------------------------------------------===*/

/* Waits for the end of a run on another thread. */
MLC_EXPORT void mlc_call_free(mlc_call *call);
/* Computes the outputs from what the inputs hold now. Allocates nothing. MLC_USAGE if the
 * call is running on another thread. */
MLC_EXPORT mlc_status mlc_call_run(mlc_call *call);
/* Other memory for all inputs and outputs, of the sizes that were bound. Allocates
 * nothing, and changes nothing if it fails. */
MLC_EXPORT mlc_status mlc_call_rebind(mlc_call *call, const void *const *inputs, size_t num_inputs,
                                      void *const *outputs, size_t num_outputs);
/* What ends a run from another thread, until it is set again; NULL: nothing. */
MLC_EXPORT mlc_status mlc_call_set_cancellation(mlc_call *call,
                                                const mlc_cancellation *cancellation);
/* The machine code and what it is called with, for who counts nanoseconds: valid while
 * the call lives. See mlc/Abi/Frame.h for the contract. */
MLC_EXPORT mlc_run_function mlc_call_function(const mlc_call *call);
MLC_EXPORT mlc_frame *mlc_call_frame(mlc_call *call);

#ifdef __cplusplus
}
#endif

#endif /* MLC_C_MLC_H */
