/* SQL functions that run models, as a loadable extension of SQLite: .load ./mlc
 *
 *   mlc_predict(model, x1, x2, ...)   the model's one output for one row of numbers
 *   mlc_predict(model, blob)          the same for rows of elements in one blob
 *   mlc_predict_json(model, ...)      all outputs, as a JSON object by name
 *   mlc_describe(model)               inputs and outputs, as JSON
 *   mlc_argmax(blob)                  where the largest f32 of a blob is, from 0 on
 *   mlc_element(blob, i)              the i-th f32 of a blob, from 0 on
 *   mlc_vector(x1, x2, ...)           aggregate: a blob of f32 of all numbers and blobs
 *
 * `model` is the path of a model file. It is loaded when a connection first uses it, and
 * again by the first statement after the file has changed; with MLC_SQLITE_CACHE=DIRECTORY
 * in the environment, what was compiled is kept there for later processes. The arguments
 * behind it fill the model's inputs in order: an input takes either one blob, of its
 * elements as they lie in memory (little endian, row-major), or as many numbers as one row
 * of it has elements. A blob may hold several rows if the model has a symbolic dimension,
 * as a batch is. NULL for any argument gives NULL.
 *
 * A result of one element is a number, and NULL if that is NaN. More elements are a blob of
 * f32, one row after the other.
 *
 * Refused with an error that says what was expected: another type, number or length of
 * arguments, text that is no number, numbers that the input's dtype cannot hold.
 *
 * What is given a path reads a file, compiles it and runs what it says. So that no
 * database from strangers can do that by a view, a trigger or a column that is computed,
 * these functions are SQLITE_DIRECTONLY: only statements of the application may call them.
 * They are also SQLITE_DETERMINISTIC, which is about one statement; an index, which would
 * outlive a change of the model, is out of their reach for the same reason. */
#include "functions.h"
#include "model.h"

#include <pthread.h>
#include <stdarg.h>

SQLITE_EXTENSION_INIT1

void fail(sqlite3_context *context, const char *function, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *what = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  char *text = what ? sqlite3_mprintf("%s: %s", function, what) : NULL;
  if (text)
    sqlite3_result_error(context, text, -1);
  else
    sqlite3_result_error_nomem(context);
  sqlite3_free(text);
  sqlite3_free(what);
}

const char *type_name(sqlite3_value *value) {
  switch (sqlite3_value_type(value)) {
  case SQLITE_INTEGER:
    return "INTEGER";
  case SQLITE_FLOAT:
    return "REAL";
  case SQLITE_TEXT:
    return "TEXT";
  case SQLITE_BLOB:
    return "BLOB";
  default:
    return "NULL";
  }
}

/* Named after the file, mlc.so, as SQLite wants it. */
MLC_EXPORT int sqlite3_mlc_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  /* SQLITE_EXTENSION_INIT2 would write it again for each connection, while functions of
   * others read it on their threads. */
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  if (sqlite3_api != api)
    sqlite3_api = api;
  pthread_mutex_unlock(&mutex);
  enum {
    OF_FILES = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
    PURE = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS
  };
  static const struct {
    const char *name;
    int arguments, flags;
    void (*function)(sqlite3_context *, int, sqlite3_value **);
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*final)(sqlite3_context *);
  } functions[] = {
      {"mlc_predict", -1, OF_FILES, predict_function, NULL, NULL},
      {"mlc_predict_json", -1, OF_FILES, predict_json_function, NULL, NULL},
      {"mlc_describe", 1, OF_FILES, describe_function, NULL, NULL},
      {"mlc_argmax", 1, PURE, argmax_function, NULL, NULL},
      {"mlc_element", 2, PURE, element_function, NULL, NULL},
      {"mlc_vector", -1, PURE, NULL, vector_step, vector_final},
  };
  if (sqlite3_libversion_number() < 3031000) { /* the first with SQLITE_INNOCUOUS */
    *error = sqlite3_mprintf("mlc needs SQLite 3.31 or newer, this is %s", sqlite3_libversion());
    return SQLITE_ERROR;
  }
  if (mlc_c_version() != MLC_C_VERSION) {
    *error = sqlite3_mprintf("libmlc has version %d of the C ABI, expected %d", mlc_c_version(),
                             MLC_C_VERSION);
    return SQLITE_ERROR;
  }
  Cache *cache = cache_new();
  if (!cache)
    return SQLITE_NOMEM;
  int code = SQLITE_OK;
  for (size_t i = 0; i < sizeof functions / sizeof *functions && code == SQLITE_OK; ++i) {
    cache_retain(cache); /* released with the function, also if it cannot be made */
    code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                      functions[i].flags, cache, functions[i].function,
                                      functions[i].step, functions[i].final, cache_release);
  }
  cache_release(cache);
  /* Other connections find the library, and what it has compiled, where it is. */
  return code == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : code;
}
