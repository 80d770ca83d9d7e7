/* The SQL functions that are given a model: what they take, and what they give.
 *
 * Reads SQL values into the inputs of a model and its outputs back into SQL values. The
 * comment of mlc_sqlite.c says what is accepted. */
#include "functions.h"
#include "model.h"

#include <math.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* The same with what a function of model.h said; frees it. */
static void fail_with(sqlite3_context *context, const char *function, int code, char *error) {
  if (code == SQLITE_NOMEM)
    sqlite3_result_error_nomem(context);
  else
    fail(context, function, "%s", error);
  sqlite3_free(error);
}

static int any_null(int count, sqlite3_value **values) {
  for (int i = 0; i < count; ++i)
    if (sqlite3_value_type(values[i]) == SQLITE_NULL)
      return 1;
  return 0;
}

/*===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===*/

/* The model that the first argument names, with a reference for the caller, or NULL after
 * an error. Where the argument is a constant, SQLite keeps the model for the statement,
 * and the file is looked at once. */
static Model *model_argument(sqlite3_context *context, const char *function,
                             sqlite3_value **arguments) {
  Model *model = sqlite3_get_auxdata(context, 0);
  if (model) {
    model_retain(model);
    return model;
  }
  if (sqlite3_value_type(arguments[0]) != SQLITE_TEXT) {
    fail(context, function, "argument 1 is %s, expected the path of a model file as TEXT",
         type_name(arguments[0]));
    return NULL;
  }
  const char *path = (const char *)sqlite3_value_text(arguments[0]);
  if (!path) {
    sqlite3_result_error_nomem(context);
    return NULL;
  }
  if (strlen(path) != (size_t)sqlite3_value_bytes(arguments[0])) {
    fail(context, function, "the path of the model has a zero byte in it");
    return NULL;
  }
  char *error = NULL;
  int code = cache_open(sqlite3_user_data(context), path, &model, &error);
  if (code != SQLITE_OK) {
    fail_with(context, function, code, error);
    return NULL;
  }
  model_retain(model);
  sqlite3_set_auxdata(context, 0, model, model_release);
  return model;
}

/* Writes a number as one element; otherwise says what the element must be. */
static const char *store(const Tensor *tensor, int64_t at, sqlite3_value *value) {
  int type = sqlite3_value_numeric_type(value); /* also of text that is a number */
  double real = sqlite3_value_double(value);
  int64_t integer = sqlite3_value_int64(value);
  int is_number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  /* 2^63 is no int64, and clamped to one that turns back into it. */
  int is_integer =
      type == SQLITE_INTEGER || (type == SQLITE_FLOAT && real == (double)integer && real < 0x1p63);
  switch (tensor->info.dtype) {
  case MLC_F32: {
    float rounded = type == SQLITE_INTEGER ? (float)integer : (float)real;
    if (!is_number || (isinf(rounded) && !isinf(real)))
      return is_number ? "a number that f32 can hold" : "a number";
    ((float *)tensor->data)[at] = rounded;
    return NULL;
  }
  case MLC_I32:
    if (!is_integer || integer < INT32_MIN || integer > INT32_MAX)
      return "an integer of 32 bits";
    ((int32_t *)tensor->data)[at] = (int32_t)integer;
    return NULL;
  case MLC_I64:
    if (!is_integer)
      return "an integer of 64 bits";
    ((int64_t *)tensor->data)[at] = integer;
    return NULL;
  default: /* bool, as model.c lets no others through */
    if (!is_integer || integer < 0 || integer > 1)
      return "0 or 1";
    ((unsigned char *)tensor->data)[at] = (unsigned char)integer;
    return NULL;
  }
}

/* How many rows the arguments have, or -1 after an error. */
static int64_t count_rows(sqlite3_context *context, const char *function, const Model *model,
                          int argc, sqlite3_value **argv) {
  int count, at = 1;
  const Tensor *inputs = model_tensors(model, MLC_INPUT, &count);
  int64_t rows = -1;
  for (int i = 0; i < count; ++i) {
    const Tensor *input = &inputs[i];
    int64_t here = 1, row_bytes = input->row_elements * input->element_bytes;
    if (row_bytes > 0 && at < argc && sqlite3_value_type(argv[at]) == SQLITE_BLOB) {
      int64_t bytes = sqlite3_value_bytes(argv[at++]);
      int fits = input->has_rows ? bytes > 0 && bytes % row_bytes == 0 : bytes == row_bytes;
      if (!fits) {
        char *type = model_type_text(model, input);
        fail(context, function,
             "argument %d is a blob of %lld bytes, expected %lld for input '%s', which is %s%s", at,
             (sqlite3_int64)bytes, (sqlite3_int64)row_bytes, input->info.name, type,
             input->has_rows ? ", or a multiple of that" : "");
        sqlite3_free(type);
        return -1;
      }
      here = input->has_rows ? bytes / row_bytes : 1;
    } else {
      for (int64_t k = 0; k < input->row_elements; ++k, ++at) {
        if (at < argc && sqlite3_value_type(argv[at]) != SQLITE_BLOB)
          continue;
        char *type = model_type_text(model, input);
        fail(context, function,
             "input '%s' is %s and takes one blob or %lld number%s, got %lld number%s",
             input->info.name, type, (sqlite3_int64)input->row_elements,
             input->row_elements == 1 ? "" : "s", (sqlite3_int64)k, k == 1 ? "" : "s");
        sqlite3_free(type);
        return -1;
      }
    }
    if (!input->has_rows)
      continue;
    if (rows >= 0 && rows != here) {
      fail(context, function, "input '%s' has %lld rows, those before it %lld", input->info.name,
           (sqlite3_int64)here, (sqlite3_int64)rows);
      return -1;
    }
    rows = here;
  }
  if (at < argc) {
    fail(context, function, "got %d arguments behind the model, expected %d", argc - 1, at - 1);
    return -1;
  }
  return rows < 0 ? 1 : rows;
}

/* Writes the arguments, which count_rows has seen, to the inputs; 0 after an error. */
static int fill(sqlite3_context *context, const char *function, const Model *model,
                sqlite3_value **argv) {
  int count, at = 1;
  const Tensor *inputs = model_tensors(model, MLC_INPUT, &count);
  for (int i = 0; i < count; ++i) {
    const Tensor *input = &inputs[i];
    if (input->row_elements > 0 && sqlite3_value_type(argv[at]) == SQLITE_BLOB) {
      const unsigned char *bytes = sqlite3_value_blob(argv[at]);
      int size = sqlite3_value_bytes(argv[at++]);
      if (!bytes) {
        sqlite3_result_error_nomem(context); /* of a zeroblob that had to be made */
        return 0;
      }
      for (int b = 0; input->info.dtype == MLC_BOOL && b < size; ++b)
        if (bytes[b] > 1) {
          fail(context, function, "byte %d of argument %d is %d, expected 0 or 1 for a bool", b, at,
               bytes[b]);
          return 0;
        }
      memcpy(input->data, bytes, (size_t)size);
      continue;
    }
    for (int64_t k = 0; k < input->row_elements; ++k, ++at) {
      const char *expected = store(input, k, argv[at]);
      if (!expected)
        continue;
      int is_text = sqlite3_value_type(argv[at]) == SQLITE_TEXT;
      fail(context, function,
           is_text ? "argument %d is '%.40s', expected %s for input '%s'"
                   : "argument %d is %.40s, expected %s for input '%s'",
           at + 1, sqlite3_value_text(argv[at]), expected, input->info.name);
      return 0;
    }
  }
  return 1;
}

/* Runs the model on the arguments. The model, with its outputs computed, which the caller
 * releases; or NULL, when the result is NULL or an error. */
static Model *predict(sqlite3_context *context, const char *function, int argc,
                      sqlite3_value **argv) {
  if (argc == 0) {
    fail(context, function, "expected a model and its inputs");
    return NULL;
  }
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
    return NULL;
  Model *model = model_argument(context, function, argv);
  if (!model || any_null(argc - 1, argv + 1)) {
    model_release(model);
    return NULL;
  }
  int64_t rows = count_rows(context, function, model, argc, argv);
  char *error = NULL;
  int code = rows < 0 ? SQLITE_ERROR : model_reserve(model, rows, &error);
  if (code == SQLITE_OK) {
    code = fill(context, function, model, argv) ? model_run(model, &error) : SQLITE_ERROR;
    if (code == SQLITE_OK)
      return model;
  }
  if (error || code == SQLITE_NOMEM)
    fail_with(context, function, code, error);
  model_release(model);
  return NULL;
}

/*===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===*/

/* How many elements the tensor has, in a run that has just been. */
static int64_t elements_of(const Model *model, const Tensor *tensor) {
  return tensor->row_elements * (tensor->has_rows ? model_rows(model) : 1);
}

static void result_number(sqlite3_context *context, const Tensor *tensor) {
  switch (tensor->info.dtype) {
  case MLC_F32:
    sqlite3_result_double(context, *(const float *)tensor->data);
    break;
  case MLC_I32:
    sqlite3_result_int(context, *(const int32_t *)tensor->data);
    break;
  case MLC_I64:
    sqlite3_result_int64(context, *(const int64_t *)tensor->data);
    break;
  default:
    sqlite3_result_int(context, *(const unsigned char *)tensor->data);
  }
}

void predict_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Model *model = predict(context, "mlc_predict", argc, argv);
  if (!model)
    return;
  int count;
  const Tensor *output = model_tensors(model, MLC_OUTPUT, &count);
  int64_t elements = count == 1 ? elements_of(model, output) : 0;
  if (count != 1) {
    fail(context, "mlc_predict",
         "the model has %d outputs, expected one; mlc_predict_json gives all", count);
  } else if (elements == 1) {
    result_number(context, output);
  } else if (output->info.dtype != MLC_F32) {
    char *type = model_type_text(model, output);
    fail(context, "mlc_predict",
         "output '%s' is %s, expected f32 for a blob; mlc_predict_json gives all dtypes",
         output->info.name, type);
    sqlite3_free(type);
  } else {
    sqlite3_result_blob64(context, output->data, (sqlite3_uint64)elements * sizeof(float),
                          SQLITE_TRANSIENT);
  }
  model_release(model);
}

static void append_string(sqlite3_str *json, const char *text) {
  sqlite3_str_appendchar(json, 1, '"');
  for (; *text; ++text) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      sqlite3_str_appendf(json, "\\%c", c);
    else if (c < 0x20)
      sqlite3_str_appendf(json, "\\u%04x", c);
    else
      sqlite3_str_appendchar(json, 1, *text);
  }
  sqlite3_str_appendchar(json, 1, '"');
}

/* JSON has no NaN and no infinity: NaN is null, as it is in SQL, and an infinity a number
 * that SQLite reads as one. Nine digits bring back every f32. */
static void append_element(sqlite3_str *json, const Tensor *tensor, int64_t at) {
  switch (tensor->info.dtype) {
  case MLC_F32: {
    float value = ((const float *)tensor->data)[at];
    if (isnan(value))
      sqlite3_str_appendall(json, "null");
    else if (isinf(value))
      sqlite3_str_appendall(json, value > 0 ? "9e999" : "-9e999");
    else
      sqlite3_str_appendf(json, "%!.9g", (double)value);
    break;
  }
  case MLC_I32:
    sqlite3_str_appendf(json, "%d", ((const int32_t *)tensor->data)[at]);
    break;
  case MLC_I64:
    sqlite3_str_appendf(json, "%lld", (sqlite3_int64)((const int64_t *)tensor->data)[at]);
    break;
  default:
    sqlite3_str_appendall(json, ((const unsigned char *)tensor->data)[at] ? "true" : "false");
  }
}

/* Dimension d and those behind it, from element `at` on, which it moves. */
static void append_elements(sqlite3_str *json, const Model *model, const Tensor *tensor, int32_t d,
                            int64_t *at) {
  if (d == tensor->info.rank) {
    append_element(json, tensor, (*at)++);
    return;
  }
  int64_t size = tensor->info.dims[d] < 0 ? model_rows(model) : tensor->info.dims[d];
  sqlite3_str_appendchar(json, 1, '[');
  for (int64_t i = 0; i < size && sqlite3_str_errcode(json) == SQLITE_OK; ++i) {
    if (i > 0)
      sqlite3_str_appendchar(json, 1, ',');
    append_elements(json, model, tensor, d + 1, at);
  }
  sqlite3_str_appendchar(json, 1, ']');
}

static void result_json(sqlite3_context *context, sqlite3_str *json) {
  int code = sqlite3_str_errcode(json);
  int length = sqlite3_str_length(json);
  char *text = sqlite3_str_finish(json);
  if (code == SQLITE_OK && text) {
    sqlite3_result_text(context, text, length, sqlite3_free);
    return;
  }
  sqlite3_free(text);
  if (code == SQLITE_TOOBIG)
    sqlite3_result_error_toobig(context);
  else
    sqlite3_result_error_nomem(context);
}

void predict_json_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  Model *model = predict(context, "mlc_predict_json", argc, argv);
  if (!model)
    return;
  int count;
  const Tensor *outputs = model_tensors(model, MLC_OUTPUT, &count);
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  for (int i = 0; i < count; ++i) {
    sqlite3_str_appendchar(json, 1, i ? ',' : '{');
    append_string(json, outputs[i].info.name);
    sqlite3_str_appendchar(json, 1, ':');
    int64_t at = 0;
    append_elements(json, model, &outputs[i], 0, &at);
  }
  sqlite3_str_appendall(json, "}");
  result_json(context, json);
  model_release(model);
}

static void append_tensors(sqlite3_str *json, const Model *model, mlc_role role) {
  int count;
  const Tensor *tensors = model_tensors(model, role, &count);
  sqlite3_str_appendchar(json, 1, '[');
  for (int i = 0; i < count; ++i) {
    const mlc_tensor_info *info = &tensors[i].info;
    sqlite3_str_appendall(json, i ? ",{\"name\":" : "{\"name\":");
    append_string(json, info->name);
    sqlite3_str_appendf(json, ",\"dtype\":\"%s\",\"shape\":[", dtype_name(info->dtype));
    for (int32_t d = 0; d < info->rank; ++d) {
      if (d > 0)
        sqlite3_str_appendchar(json, 1, ',');
      if (info->dims[d] < 0)
        append_string(json, model_dim_name(model, info->dims[d]));
      else
        sqlite3_str_appendf(json, "%lld", (sqlite3_int64)info->dims[d]);
    }
    sqlite3_str_appendall(json, "]}");
  }
  sqlite3_str_appendchar(json, 1, ']');
}

void describe_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  if (any_null(argc, argv))
    return;
  Model *model = model_argument(context, "mlc_describe", argv);
  if (!model)
    return;
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  sqlite3_str_appendall(json, "{\"inputs\":");
  append_tensors(json, model, MLC_INPUT);
  sqlite3_str_appendall(json, ",\"outputs\":");
  append_tensors(json, model, MLC_OUTPUT);
  sqlite3_str_appendall(json, "}");
  result_json(context, json);
  model_release(model);
}
