/* The SQL functions, as mlc_sqlite.c registers them, and how they fail. */
#ifndef MLC_EXAMPLES_SQLITE_FUNCTIONS_H
#define MLC_EXAMPLES_SQLITE_FUNCTIONS_H

#include <sqlite3ext.h>

/* Ends the function with an error that begins with its name. */
void fail(sqlite3_context *context, const char *function, const char *format, ...);
/* "INTEGER", "REAL", "TEXT", "BLOB" or "NULL". */
const char *type_name(sqlite3_value *value);

/* predict.c; their user data is the connection's Cache. */
void predict_function(sqlite3_context *context, int argc, sqlite3_value **argv);
void predict_json_function(sqlite3_context *context, int argc, sqlite3_value **argv);
void describe_function(sqlite3_context *context, int argc, sqlite3_value **argv);

/* vector.c */
void argmax_function(sqlite3_context *context, int argc, sqlite3_value **argv);
void element_function(sqlite3_context *context, int argc, sqlite3_value **argv);
void vector_step(sqlite3_context *context, int argc, sqlite3_value **argv);
void vector_final(sqlite3_context *context);

#endif
