/* The SQL functions on blobs of f32, little endian, as mlc_predict gives and takes them. */
#include "functions.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* The elements of a blob, which may lie anywhere: read them with element_at. -1 after an
 * error. */
static int64_t elements_of(sqlite3_context *context, const char *function, sqlite3_value *value,
                           const unsigned char **bytes) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) {
    fail(context, function, "argument 1 is %s, expected a BLOB of f32", type_name(value));
    return -1;
  }
  *bytes = sqlite3_value_blob(value);
  int size = sqlite3_value_bytes(value);
  if (!*bytes && size > 0) {
    sqlite3_result_error_nomem(context); /* of a zeroblob that had to be made */
    return -1;
  }
  if (size % (int)sizeof(float) != 0) {
    fail(context, function, "a blob of %d bytes, expected a multiple of 4 as of f32", size);
    return -1;
  }
  return size / (int)sizeof(float);
}

static float element_at(const unsigned char *bytes, int64_t at) {
  float value;
  memcpy(&value, bytes + at * (int64_t)sizeof value, sizeof value);
  return value;
}

/* NULL for an empty blob, and for one with a NaN, which is as unknown as NULL. */
void argmax_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
    return;
  const unsigned char *bytes;
  int64_t count = elements_of(context, "mlc_argmax", argv[0], &bytes), best = 0;
  for (int64_t i = 0; i < count; ++i) {
    float value = element_at(bytes, i);
    if (isnan(value))
      return;
    if (value > element_at(bytes, best))
      best = i;
  }
  if (count > 0)
    sqlite3_result_int64(context, best);
}

void element_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL)
    return;
  const unsigned char *bytes;
  int64_t count = elements_of(context, "mlc_element", argv[0], &bytes);
  if (count < 0)
    return;
  if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER) {
    fail(context, "mlc_element", "argument 2 is %s, expected an INTEGER", type_name(argv[1]));
    return;
  }
  sqlite3_int64 at = sqlite3_value_int64(argv[1]);
  if (at < 0 || at >= count)
    fail(context, "mlc_element", "there is no element %lld, the blob has %lld, from 0 on", at,
         (sqlite3_int64)count);
  else
    sqlite3_result_double(context, element_at(bytes, at));
}

/* What an aggregate has collected so far; SQLite gives it zeroed. */
typedef struct Vector {
  char *bytes;
  int64_t size, capacity;
  int has_null; /* leaving NULL out would move what comes behind it */
} Vector;

static int append(sqlite3_context *context, Vector *vector, const void *bytes, int64_t size) {
  int64_t needed = vector->size + size;
  if (needed > sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1)) {
    sqlite3_result_error_toobig(context);
    return 0;
  }
  if (needed > vector->capacity) {
    int64_t capacity = needed + needed / 2 + 64;
    char *grown = sqlite3_realloc64(vector->bytes, (sqlite3_uint64)capacity);
    if (!grown) {
      sqlite3_result_error_nomem(context);
      return 0;
    }
    vector->bytes = grown;
    vector->capacity = capacity;
  }
  if (size > 0)
    memcpy(vector->bytes + vector->size, bytes, (size_t)size);
  vector->size = needed;
  return 1;
}

void vector_step(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Vector *vector = sqlite3_aggregate_context(context, sizeof *vector);
  if (!vector) {
    sqlite3_result_error_nomem(context);
    return;
  }
  for (int i = 0; i < argc && !vector->has_null; ++i) {
    if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
      vector->has_null = 1;
    } else if (sqlite3_value_type(argv[i]) == SQLITE_BLOB) {
      const unsigned char *bytes;
      int64_t count = elements_of(context, "mlc_vector", argv[i], &bytes);
      if (count < 0 || !append(context, vector, bytes, count * (int64_t)sizeof(float)))
        return;
    } else {
      int type = sqlite3_value_numeric_type(argv[i]); /* also of text that is a number */
      double real = sqlite3_value_double(argv[i]);
      float rounded = type == SQLITE_INTEGER ? (float)sqlite3_value_int64(argv[i]) : (float)real;
      if (type == SQLITE_TEXT || (isinf(rounded) && !isinf(real))) {
        fail(context, "mlc_vector", "argument %d is '%.40s', expected a number that f32 can hold",
             i + 1, sqlite3_value_text(argv[i]));
        return;
      }
      if (!append(context, vector, &rounded, sizeof rounded))
        return;
    }
  }
}

/* NULL if there was a NULL, or nothing at all, as sum() gives. SQLite calls this after an
 * error, too. */
void vector_final(sqlite3_context *context) {
  Vector *vector = sqlite3_aggregate_context(context, 0);
  if (!vector)
    return;
  if (vector->has_null || vector->size == 0)
    sqlite3_free(vector->bytes);
  else
    sqlite3_result_blob64(context, vector->bytes, (sqlite3_uint64)vector->size, sqlite3_free);
}
