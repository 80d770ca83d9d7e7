/* The C ABI from a C11 program: the digits one by one, and wrong use.
 *
 *   use MODEL
 */
#include "mlc/c/mlc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s; the last error is: %s\n", __FILE__, __LINE__, #condition,        \
              mlc_last_error());                                                                   \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

enum { PIXELS = 64, CLASSES = 10 };

static int says(const char *text) { return strstr(mlc_last_error(), text) != NULL; }

static void inspect(const mlc_executable *model) {
  mlc_tensor_info info;
  CHECK(mlc_executable_count(model, MLC_INPUT) == 1);
  CHECK(mlc_executable_count(model, MLC_OUTPUT) == 1);
  CHECK(mlc_executable_count(model, MLC_PARAMETER) > 0);
  CHECK(mlc_executable_count(model, 7) == 0);
  CHECK(mlc_executable_info(model, MLC_INPUT, 0, &info) == MLC_OK);
  CHECK(info.dtype == MLC_F32 && info.rank == 2 && info.dims[0] == -1 && info.dims[1] == PIXELS);
  CHECK(info.donor == -1);
  CHECK(strlen(mlc_executable_dim_name(model, 0)) > 0);
  CHECK(mlc_executable_dim_name(model, 1) == NULL);
  CHECK(mlc_executable_info(model, MLC_OUTPUT, 0, &info) == MLC_OK);
  CHECK(info.rank == 2 && info.dims[1] == CLASSES);
  CHECK(mlc_executable_info(model, MLC_OUTPUT, 1, &info) == MLC_USAGE && says("index 1"));
  CHECK(mlc_executable_info(model, 7, 0, &info) == MLC_USAGE && says("role 7"));
  CHECK(mlc_executable_info(model, MLC_OUTPUT, 0, NULL) == MLC_USAGE && says("`info` is null"));
}

/* The same through the call and through its machine code, for several batches. */
static void run(const mlc_executable *model) {
  static float images[3 * PIXELS], logits[3 * CLASSES], one[CLASSES];
  for (int i = 0; i < 3 * PIXELS; ++i)
    images[i] = (float)(i % 17) / 16;
  int64_t in[] = {3, PIXELS}, out[] = {3, CLASSES};
  mlc_tensor image = {MLC_F32, 2, in, images}, result = {MLC_F32, 2, out, logits};
  mlc_call *call;
  CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_OK);
  CHECK(mlc_call_run(call) == MLC_OK);
  mlc_call_free(call);
  for (int row = 0; row < 3; ++row) {
    in[0] = out[0] = 1;
    image.data = images + row * PIXELS;
    result.data = one;
    CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_OK);
    memset(one, 0, sizeof one);
    CHECK(mlc_call_function(call)(mlc_call_frame(call)) == 0);
    for (int i = 0; i < CLASSES; ++i)
      CHECK(one[i] == logits[row * CLASSES + i]);
    mlc_call_free(call);
  }
}

static void bind_wrongly(const mlc_executable *model) {
  static float memory[PIXELS + CLASSES + 1];
  int64_t in[] = {1, PIXELS}, out[] = {1, CLASSES};
  mlc_call *call = (mlc_call *)memory;
  mlc_tensor image = {MLC_F32, 2, in, memory}, result = {MLC_F32, 2, out, memory + PIXELS};
#define BIND() mlc_executable_bind(model, &image, 1, &result, 1, &call)
  CHECK(mlc_executable_bind(model, NULL, 0, &result, 1, &call) == MLC_USAGE && !call);
  CHECK(says("got 0 inputs, expected 1"));
  CHECK(mlc_executable_bind(model, NULL, 1, &result, 1, &call) == MLC_USAGE && says("`inputs`"));
  CHECK(mlc_executable_bind(model, &image, 1, &result, 1, NULL) == MLC_USAGE && says("`call`"));
  CHECK(mlc_executable_bind(NULL, &image, 1, &result, 1, &call) == MLC_USAGE &&
        says("`executable`"));
  image.dtype = MLC_F64;
  CHECK(BIND() == MLC_BAD_INPUT && says("f64"));
  image.dtype = 99;
  CHECK(BIND() == MLC_USAGE && says("no dtype 99"));
  image.dtype = MLC_F32;
  image.data = NULL;
  CHECK(BIND() == MLC_USAGE && says("`data` is null"));
  image.data = (char *)memory + 1;
  CHECK(BIND() == MLC_BAD_INPUT && says("aligned to 4 bytes"));
  image.data = memory;
  in[1] = PIXELS - 1;
  CHECK(BIND() == MLC_BAD_INPUT && says("63") && says("64"));
  in[1] = -1;
  CHECK(BIND() == MLC_BAD_INPUT && says("cannot be"));
  in[1] = PIXELS;
  image.rank = -1;
  CHECK(BIND() == MLC_USAGE && says("rank"));
  image.rank = 2;
  result.data = memory + PIXELS - 1;
  CHECK(BIND() == MLC_BAD_INPUT && says("overlaps"));
  out[0] = 2;
  CHECK(BIND() == MLC_BAD_INPUT && !call);
#undef BIND
}

static void load_wrongly(mlc_engine *engine, const char *path) {
  mlc_executable *model = (mlc_executable *)engine;
  CHECK(mlc_engine_load(engine, "there-is-no-such-file", NULL, &model) == MLC_BAD_INPUT && !model);
  CHECK(says("there-is-no-such-file"));
  CHECK(mlc_engine_load(engine, NULL, NULL, &model) == MLC_USAGE && says("`path` is null"));
  CHECK(mlc_engine_load(NULL, path, NULL, &model) == MLC_USAGE && says("`engine` is null"));
  CHECK(mlc_engine_load(engine, path, NULL, NULL) == MLC_USAGE && says("`executable` is null"));
  mlc_compile_options options = {0};
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("`size` is 0"));
  options.size = sizeof options;
  options.function = "there-is-no-such-function";
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("no-such-function"));
  options.function = NULL;
  options.num_donated = 1;
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("`donated_inputs`"));

  /* A caller that is newer than the library. */
  struct {
    mlc_compile_options options;
    int64_t more;
  } newer = {{0}, 0};
  newer.options.size = sizeof newer;
  CHECK(mlc_engine_load(engine, path, &newer.options, &model) == MLC_OK);
  mlc_executable_free(model);
  newer.more = 1;
  CHECK(mlc_engine_load(engine, path, &newer.options, &model) == MLC_UNSUPPORTED && !model);
}

static void count_lines(void *context, const char *text) {
  CHECK(strlen(text) > 0);
  ++*(int *)context;
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  CHECK(mlc_c_version() == MLC_C_VERSION);
  CHECK(strcmp(mlc_last_error(), "") == 0);
  CHECK(mlc_engine_create(NULL, NULL) == MLC_USAGE && says("`engine` is null"));

  mlc_engine *engine;
  mlc_executable *model;
  CHECK(mlc_engine_create(NULL, &engine) == MLC_OK);
  CHECK(mlc_engine_load(engine, argv[1], NULL, &model) == MLC_OK);
  load_wrongly(engine, argv[1]);
  mlc_engine_free(engine); /* the executable lives on */
  inspect(model);
  run(model);
  bind_wrongly(model);
  mlc_executable_free(model);

  /* Every option; a compiler that is not there. */
  int lines = 0;
  mlc_engine_options options = {0};
  options.size = sizeof options;
  options.log = count_lines;
  options.log_context = &lines;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need all memory */
  options.use_helper_process = 1;
#endif
  CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
  mlc_compile_options slow = {.size = sizeof slow, .target = "x86-64-v3", .no_optimize = 1, .no_fuse = 1};
  CHECK(mlc_engine_load(engine, argv[1], &slow, &model) == MLC_OK);
  run(model);
  mlc_executable_free(model);
  mlc_engine_free(engine);
  options.use_helper_process = 0;
  options.compiler = "there-is-no-such-library.so";
  CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
  CHECK(mlc_engine_load(engine, argv[1], NULL, &model) == MLC_UNSUPPORTED);
  CHECK(says("there-is-no-such-library.so"));
  mlc_engine_free(engine);
  options.helper_seconds = -1;
  CHECK(mlc_engine_create(&options, &engine) == MLC_USAGE && !engine);

  CHECK(mlc_call_run(NULL) == MLC_USAGE && says("`call` is null"));
  CHECK(mlc_call_function(NULL) == NULL && mlc_call_frame(NULL) == NULL);
  mlc_call_free(NULL);
  mlc_executable_free(NULL);
  mlc_engine_free(NULL);
  puts("all as documented");
  return 0;
}
