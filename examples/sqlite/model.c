/* The models of one connection, on top of the C ABI of mlc.
 *
 * Refuses tensors of dtypes that SQL has no values for, and leaves every other check to
 * mlc, whose messages name what was wrong. */
#include "model.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

SQLITE_EXTENSION_INIT3

/* More models in use at once than any statement should need; the one that was not used
 * for the longest time makes room. */
enum { MAX_CACHED = 32, NUM_ROLES = 3 };

struct Model {
  int references;
  Model *next; /* in the cache, by last use */
  char *path;
  struct stat identity; /* of the file when it was loaded */
  mlc_executable *executable;
  Tensor *tensors[NUM_ROLES];
  int counts[NUM_ROLES];
  mlc_call *call;
  int64_t rows; /* that the call is bound for */
};

struct Cache {
  int references;
  Model *first;
};

/* One engine for all connections of the process, so that the second one that uses a model
 * finds it compiled. It lives as long as the process, as this library does. */
static int shared_engine(mlc_engine **engine, char **error) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static mlc_engine *shared = NULL;
  mlc_engine_options options = {.size = sizeof options};
  const char *directory = getenv("MLC_SQLITE_CACHE");
  options.cache_directory = directory && *directory ? directory : NULL;
  int code = SQLITE_OK;
  pthread_mutex_lock(&mutex);
  if (!shared && mlc_engine_create(&options, &shared) != MLC_OK) {
    *error = sqlite3_mprintf("%s", mlc_last_error());
    code = *error ? SQLITE_ERROR : SQLITE_NOMEM;
  }
  *engine = shared;
  pthread_mutex_unlock(&mutex);
  return code;
}

/* What a failed function of mlc says. */
static int failure(mlc_status status, char **error) {
  if (status == MLC_OK)
    return SQLITE_OK;
  *error = sqlite3_mprintf("%s", mlc_last_error());
  return *error ? SQLITE_ERROR : SQLITE_NOMEM;
}

/*===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===*/

/* 0 for dtypes without values in SQL. */
static int32_t element_bytes(int32_t dtype) {
  switch (dtype) {
  case MLC_F32:
  case MLC_I32:
    return 4;
  case MLC_I64:
    return 8;
  case MLC_BOOL:
    return 1;
  default:
    return 0;
  }
}

static int read_tensors(Model *model, mlc_role role, char **error) {
  size_t count = mlc_executable_count(model->executable, role);
  Tensor *tensors = sqlite3_malloc64((count + 1) * sizeof *tensors);
  if (!tensors)
    return SQLITE_NOMEM;
  memset(tensors, 0, (count + 1) * sizeof *tensors);
  model->tensors[role] = tensors;
  model->counts[role] = (int)count;
  for (size_t i = 0; i < count; ++i) {
    Tensor *tensor = &tensors[i];
    mlc_tensor_info *info = &tensor->info;
    int code = failure(mlc_executable_info(model->executable, role, i, info), error);
    if (code != SQLITE_OK)
      return code;
    tensor->element_bytes = element_bytes(info->dtype);
    if (tensor->element_bytes == 0 && role != MLC_PARAMETER) {
      *error = sqlite3_mprintf("'%s' is of dtype %s, expected f32, i32, i64 or bool", info->name,
                               dtype_name(info->dtype));
      return *error ? SQLITE_ERROR : SQLITE_NOMEM;
    }
    tensor->has_rows = info->rank > 0 && info->dims[0] < 0;
    tensor->row_elements = 1;
    for (int32_t d = tensor->has_rows; d < info->rank; ++d)
      tensor->row_elements *= info->dims[d]; /* mlc has seen that this does not overflow */
  }
  return SQLITE_OK;
}

void model_retain(Model *model) { ++model->references; }

void model_release(void *pointer) {
  Model *model = pointer;
  if (!model || --model->references > 0)
    return;
  mlc_call_free(model->call);
  mlc_executable_free(model->executable);
  for (int role = 0; role < NUM_ROLES; ++role) {
    for (int i = 0; model->tensors[role] && i < model->counts[role]; ++i)
      sqlite3_free(model->tensors[role][i].data);
    sqlite3_free(model->tensors[role]);
  }
  sqlite3_free(model->path);
  sqlite3_free(model);
}

static int load(const char *path, const struct stat *identity, Model **loaded, char **error) {
  mlc_engine *engine;
  int code = shared_engine(&engine, error);
  if (code != SQLITE_OK)
    return code;
  Model *model = sqlite3_malloc(sizeof *model);
  if (!model)
    return SQLITE_NOMEM;
  memset(model, 0, sizeof *model);
  model->references = 1;
  model->rows = -1;
  model->identity = *identity;
  model->path = sqlite3_mprintf("%s", path);
  code = model->path ? failure(mlc_engine_load(engine, path, NULL, &model->executable), error)
                     : SQLITE_NOMEM;
  for (int role = 0; role < NUM_ROLES && code == SQLITE_OK; ++role)
    code = read_tensors(model, role, error);
  if (code == SQLITE_OK)
    *loaded = model;
  else
    model_release(model);
  return code;
}

/*===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===*/

Cache *cache_new(void) {
  Cache *cache = sqlite3_malloc(sizeof *cache);
  if (cache)
    *cache = (Cache){1, NULL};
  return cache;
}

void cache_retain(Cache *cache) { ++cache->references; }

void cache_release(void *pointer) {
  Cache *cache = pointer;
  if (--cache->references > 0)
    return;
  while (cache->first) {
    Model *model = cache->first;
    cache->first = model->next;
    model_release(model);
  }
  sqlite3_free(cache);
}

static int same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int cache_open(Cache *cache, const char *path, Model **found, char **error) {
  struct stat now;
  if (stat(path, &now) != 0)
    memset(&now, 0, sizeof now); /* no file is like that, and loading it says why */

  Model **link = &cache->first, **last = link;
  Model *model = NULL;
  int count = 0;
  for (; *link; link = &(*link)->next, ++count) {
    last = link;
    if (strcmp((*link)->path, path) == 0)
      break;
  }
  if (*link || count >= MAX_CACHED) {
    model = *last;
    *last = model->next;
    if (strcmp(model->path, path) != 0 || !same_file(&model->identity, &now)) {
      model_release(model);
      model = NULL;
    }
  }
  if (!model) {
    int code = load(path, &now, &model, error);
    if (code != SQLITE_OK)
      return code;
  }
  model->next = cache->first;
  cache->first = model;
  ++model->references; /* the caller's, beside the cache's own */
  *found = model;
  return SQLITE_OK;
}

/*===----------------------------------------------------------------------===//
// Asking
//===----------------------------------------------------------------------===*/

const Tensor *model_tensors(const Model *model, mlc_role role, int *count) {
  *count = model->counts[role];
  return model->tensors[role];
}

const char *model_dim_name(const Model *model, int64_t dim) {
  return mlc_executable_dim_name(model->executable, (size_t)(-1 - dim));
}

const char *dtype_name(int32_t dtype) {
  static const char *const names[] = {"f32", "f64", "f16", "bf16", "i8",
                                      "u8",  "i16", "i32", "i64",  "bool"};
  return dtype >= 0 && dtype <= MLC_BOOL ? names[dtype] : "?";
}

char *model_type_text(const Model *model, const Tensor *tensor) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s[", dtype_name(tensor->info.dtype));
  for (int32_t d = 0; d < tensor->info.rank; ++d) {
    int64_t dim = tensor->info.dims[d];
    sqlite3_str_appendall(text, d ? "," : "");
    if (dim < 0)
      sqlite3_str_appendall(text, model_dim_name(model, dim));
    else
      sqlite3_str_appendf(text, "%lld", (sqlite3_int64)dim);
  }
  sqlite3_str_appendall(text, "]");
  return sqlite3_str_finish(text);
}

/*===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===*/

/* Buffers for the tensors of a role, and what mlc needs to know of them: one tensor and,
 * behind all of those, its shape. */
static int reserve_role(Model *model, mlc_role role, int64_t rows, mlc_tensor **result) {
  int count = model->counts[role];
  size_t dims = 0;
  for (int i = 0; i < count; ++i)
    dims += (size_t)model->tensors[role][i].info.rank;
  size_t shapes = (size_t)count * sizeof(mlc_tensor);
  mlc_tensor *tensors = sqlite3_malloc64(shapes + dims * sizeof(int64_t) + 1);
  *result = tensors;
  if (!tensors)
    return SQLITE_NOMEM;
  int64_t *shape = (int64_t *)((char *)tensors + shapes);
  for (int i = 0; i < count; ++i) {
    Tensor *tensor = &model->tensors[role][i];
    int64_t bytes;
    if (__builtin_mul_overflow(tensor->row_elements, tensor->has_rows ? rows : 1, &bytes) ||
        __builtin_mul_overflow(bytes, (int64_t)tensor->element_bytes, &bytes))
      return SQLITE_NOMEM;
    sqlite3_free(tensor->data);
    tensor->data = sqlite3_malloc64((sqlite3_uint64)bytes + 1);
    if (!tensor->data)
      return SQLITE_NOMEM;
    tensors[i] = (mlc_tensor){tensor->info.dtype, tensor->info.rank, shape, tensor->data};
    for (int32_t d = 0; d < tensor->info.rank; ++d)
      *shape++ = d == 0 && tensor->has_rows ? rows : tensor->info.dims[d];
  }
  return SQLITE_OK;
}

int model_reserve(Model *model, int64_t rows, char **error) {
  if (model->call && model->rows == rows)
    return SQLITE_OK;
  mlc_call_free(model->call);
  model->call = NULL;
  mlc_tensor *inputs = NULL, *outputs = NULL;
  int code = reserve_role(model, MLC_INPUT, rows, &inputs);
  if (code == SQLITE_OK)
    code = reserve_role(model, MLC_OUTPUT, rows, &outputs);
  if (code == SQLITE_OK)
    code = failure(mlc_executable_bind(model->executable, inputs, (size_t)model->counts[MLC_INPUT],
                                       outputs, (size_t)model->counts[MLC_OUTPUT], &model->call),
                   error);
  sqlite3_free(inputs);
  sqlite3_free(outputs);
  model->rows = rows;
  return code;
}

int64_t model_rows(const Model *model) { return model->rows; }

int model_run(Model *model, char **error) { return failure(mlc_call_run(model->call), error); }
