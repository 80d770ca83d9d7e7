/* Models for the SQL functions of mlc_sqlite.c: found by path, kept in a cache of the
 * connection, run on any number of rows.
 *
 * Functions that can fail return an SQLite result code; unless that is SQLITE_OK or
 * SQLITE_NOMEM, *error is a text for the user, to be freed with sqlite3_free. One thread
 * at a time uses a cache and its models, as SQLite promises for one connection. */
#ifndef MLC_EXAMPLES_SQLITE_MODEL_H
#define MLC_EXAMPLES_SQLITE_MODEL_H

#include "mlc/c/mlc.h"

#include <sqlite3ext.h>

/* An input or output, with a buffer for the rows of one run. */
typedef struct Tensor {
  mlc_tensor_info info;
  int64_t row_elements; /* of all dimensions but a symbolic first one */
  int32_t element_bytes;
  int32_t has_rows; /* whether the first dimension is symbolic */
  void *data;
} Tensor;

typedef struct Model Model;
typedef struct Cache Cache;

/* Caches are counted: one starts with one reference. */
Cache *cache_new(void);
void cache_retain(Cache *cache);
void cache_release(void *cache);

/* The model of a file, loaded again if the file is another one by now. The caller gets
 * a reference, to be given to model_release. */
int cache_open(Cache *cache, const char *path, Model **model, char **error);
void model_retain(Model *model);
void model_release(void *model); /* NULL too */

/* Inputs, outputs or parameters. */
const Tensor *model_tensors(const Model *model, mlc_role role, int *count);
/* The name of a symbolic dimension. */
const char *model_dim_name(const Model *model, int64_t dim);
/* "f32". */
const char *dtype_name(int32_t dtype);
/* "f32[batch,64]", to be freed with sqlite3_free; NULL without memory. */
char *model_type_text(const Model *model, const Tensor *tensor);

/* Makes room for so many rows; the data of inputs may be written then. */
int model_reserve(Model *model, int64_t rows, char **error);
int64_t model_rows(const Model *model);
/* Computes the data of the outputs. */
int model_run(Model *model, char **error);

#endif
