/* The C ABI from a C11 program: the digits one by one, what a host may give, and wrong
 * use.
 *
 *   use MODEL DIRECTORY
 */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
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
  CHECK(strcmp(mlc_executable_function(model), "main") == 0);
  CHECK(mlc_executable_function(NULL) == NULL);
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
  options.num_donated = 0;
  options.weights = MLC_WEIGHTS_INT8_DYNAMIC + 1;
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("`weights` is 4"));

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

/* One call for all rows: only the memory changes. */
static void rebind(const mlc_executable *model) {
  static float images[3 * PIXELS], logits[3 * CLASSES], rows[3 * CLASSES];
  for (int i = 0; i < 3 * PIXELS; ++i)
    images[i] = (float)(i % 13) / 16;
  int64_t in[] = {3, PIXELS}, out[] = {3, CLASSES};
  mlc_tensor image = {MLC_F32, 2, in, images}, result = {MLC_F32, 2, out, logits};
  mlc_call *call;
  CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_OK);
  CHECK(mlc_call_run(call) == MLC_OK);
  mlc_call_free(call);
  in[0] = out[0] = 1;
  result.data = rows;
  CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_OK);
  for (int row = 0; row < 3; ++row) {
    const void *inputs[] = {images + row * PIXELS};
    void *outputs[] = {rows + row * CLASSES};
    CHECK(mlc_call_rebind(call, inputs, 1, outputs, 1) == MLC_OK);
    CHECK(mlc_call_run(call) == MLC_OK);
  }
  CHECK(memcmp(rows, logits, sizeof rows) == 0);

  const void *inputs[] = {images};
  void *outputs[] = {images + PIXELS - 1};
  CHECK(mlc_call_rebind(call, inputs, 1, outputs, 1) == MLC_BAD_INPUT && says("overlaps input"));
  outputs[0] = NULL;
  CHECK(mlc_call_rebind(call, inputs, 1, outputs, 1) == MLC_BAD_INPUT && says("is null"));
  CHECK(mlc_call_rebind(call, inputs, 1, outputs, 0) == MLC_USAGE && says("0 outputs"));
  CHECK(mlc_call_rebind(call, NULL, 1, outputs, 1) == MLC_USAGE && says("`inputs`"));
  CHECK(mlc_call_rebind(call, inputs, 1, NULL, 1) == MLC_USAGE && says("`outputs`"));
  CHECK(mlc_call_rebind(NULL, inputs, 1, outputs, 1) == MLC_USAGE && says("`call`"));
  memset(rows, 0, sizeof rows);
  CHECK(mlc_call_run(call) == MLC_OK); /* with what was right last */
  CHECK(memcmp(rows + 2 * CLASSES, logits + 2 * CLASSES, sizeof logits / 3) == 0);
  mlc_call_free(call);
}

static void cancel(mlc_engine *engine, const char *path) {
  mlc_cancellation *cancellation;
  CHECK(mlc_cancellation_create(NULL) == MLC_USAGE);
  CHECK(mlc_cancellation_create(&cancellation) == MLC_OK);
  mlc_cancellation_request(cancellation);
  mlc_compile_options options = {.size = sizeof options, .cancellation = cancellation, .no_fuse = 1};
  mlc_executable *model;
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_CANCELLED && says("cancelled"));
  mlc_cancellation_reset(cancellation);
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_OK);

  static float memory[PIXELS + CLASSES];
  int64_t in[] = {1, PIXELS}, out[] = {1, CLASSES};
  mlc_tensor image = {MLC_F32, 2, in, memory}, result = {MLC_F32, 2, out, memory + PIXELS};
  mlc_call *call;
  CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_OK);
  CHECK(mlc_call_set_cancellation(NULL, cancellation) == MLC_USAGE);
  CHECK(mlc_call_set_cancellation(call, cancellation) == MLC_OK);
  CHECK(mlc_call_run(call) == MLC_OK);
  mlc_cancellation_request(cancellation);
  mlc_cancellation_free(cancellation); /* the call keeps the wish */
  CHECK(mlc_call_run(call) == MLC_CANCELLED && says("the run was cancelled"));
  CHECK(mlc_call_set_cancellation(call, NULL) == MLC_OK);
  CHECK(mlc_call_run(call) == MLC_OK);
  mlc_call_free(call);
  mlc_executable_free(model);
  mlc_cancellation_request(NULL);
  mlc_cancellation_reset(NULL);
  mlc_cancellation_free(NULL);
}

/* Memory of the host, which ends at some time, and a cache. */
static size_t taken, most = SIZE_MAX;

static void *take(void *context, size_t bytes, size_t alignment) {
  CHECK(context == &taken && bytes > 0 && alignment == MLC_ALIGNMENT);
  void *memory = NULL;
  if (taken + bytes > most || posix_memalign(&memory, alignment, bytes) != 0)
    return NULL;
  taken += bytes;
  return memory;
}

static void give_back(void *context, void *memory, size_t bytes, size_t alignment) {
  CHECK(context == &taken && alignment == MLC_ALIGNMENT && bytes <= taken);
  taken -= bytes;
  free(memory);
}

static void host_services(const char *path, const char *directory) {
  mlc_engine_options options = {.size = sizeof options,
                                .allocate = take,
                                .deallocate = give_back,
                                .memory_context = &taken,
                                .cache_directory = directory};
  mlc_engine *engine;
  mlc_executable *model;
  for (int i = 0; i < 2; ++i) {
    CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
    CHECK(mlc_engine_load(engine, path, NULL, &model) == MLC_OK);
    mlc_engine_free(engine);
    CHECK(taken > 0);
    run(model);
    mlc_executable_free(model);
    CHECK(taken == 0);
    options.compiler = "there-is-no-such-library.so"; /* The cache has the image. */
  }
  most = 100;
  CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
  CHECK(mlc_engine_load(engine, path, NULL, &model) == MLC_RESOURCE_LIMIT && !model);
  CHECK(says("prepared parameters") && says("cannot be allocated") && taken == 0);
  mlc_engine_free(engine);
  most = SIZE_MAX;
  options.memory_limit = 100;
  CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
  CHECK(mlc_engine_load(engine, path, NULL, &model) == MLC_RESOURCE_LIMIT);
  CHECK(says("the engine's limit of 100 bytes"));
  mlc_engine_free(engine);

  options.cache_directory = path; /* a file */
  CHECK(mlc_engine_create(&options, &engine) == MLC_BAD_INPUT && says("is not a directory"));
  options.cache_directory = NULL;
  options.cache_bytes = -1;
  CHECK(mlc_engine_create(&options, &engine) == MLC_USAGE);
  options.cache_bytes = 0;
  options.deallocate = NULL;
  CHECK(mlc_engine_create(&options, &engine) == MLC_USAGE && says("`deallocate`"));
}

static int64_t parts, answer;
static int32_t backwards(void *context, int64_t count, void (*body)(void *, int64_t),
                         void *argument) {
  CHECK(strcmp(context, "context") == 0);
  parts += count;
  for (int64_t i = count - 1; i >= 0 && answer == 0; --i)
    body(argument, i);
  return (int32_t)answer;
}

/* A batch that is worth more than one thread: the same bits, whoever runs the parts. */
static void threads(const char *path) {
  enum { ROWS = 20000 };
  float *memory = malloc(sizeof(float) * ROWS * (PIXELS + 3 * CLASSES));
  CHECK(memory);
  for (int i = 0; i < ROWS * PIXELS; ++i)
    memory[i] = (float)(i % 17);
  float *logits = memory + ROWS * PIXELS;
  mlc_engine_options options = {0};
  options.size = sizeof options;
  options.parallel_context = "context";
  for (int way = 0; way < 3; ++way) {
    options.threads = way == 1 ? MLC_ALL_PROCESSORS : 0;
    options.parallel_for = way == 2 ? backwards : NULL;
    mlc_engine *engine;
    mlc_executable *model;
    mlc_call *call;
    CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
    CHECK(mlc_engine_load(engine, path, NULL, &model) == MLC_OK);
    int64_t in[] = {ROWS, PIXELS}, out[] = {ROWS, CLASSES};
    float *mine = logits + way * ROWS * CLASSES;
    mlc_tensor image = {MLC_F32, 2, in, memory}, result = {MLC_F32, 2, out, mine};
    CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_OK);
    CHECK(mlc_call_run(call) == MLC_OK);
    CHECK(memcmp(mine, logits, sizeof(float) * ROWS * CLASSES) == 0);
    CHECK((parts > 0) == (way == 2));
    answer = 7;
    if (way == 2)
      CHECK(mlc_call_run(call) == MLC_BAD_INPUT && says("`parallel_for` returned 7"));
    answer = 0;
    CHECK(mlc_call_run(call) == MLC_OK);
    mlc_call_free(call);
    mlc_executable_free(model);
    mlc_engine_free(engine);
  }
  free(memory);
  mlc_engine *engine;
  options.threads = -2;
  CHECK(mlc_engine_create(&options, &engine) == MLC_USAGE && says("`threads` is -2"));
}

/* A batch of one compiled as such: the same bits as of one row of any batch. */
static void specialize(mlc_engine *engine, const char *path, const mlc_executable *any) {
  const char *names[] = {mlc_executable_dim_name(any, 0), "rows"};
  int64_t sizes[] = {1, 1};
  mlc_compile_options options = {
      .size = sizeof options, .num_dims = 1, .dim_names = names, .dim_sizes = sizes};
  mlc_executable *model;
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_OK);
  mlc_tensor_info info;
  CHECK(mlc_executable_info(model, MLC_INPUT, 0, &info) == MLC_OK && info.dims[0] == 1);
  CHECK(mlc_executable_dim_name(model, 0) == NULL);

  static float images[2 * PIXELS], logits[2][CLASSES];
  for (int i = 0; i < 2 * PIXELS; ++i)
    images[i] = (float)(i % 11) / 16;
  int64_t in[] = {1, PIXELS}, out[] = {1, CLASSES};
  mlc_tensor image = {MLC_F32, 2, in, images}, result = {MLC_F32, 2, out, NULL};
  mlc_call *call;
  for (int i = 0; i < 2; ++i) {
    result.data = logits[i];
    CHECK(mlc_executable_bind(i ? model : any, &image, 1, &result, 1, &call) == MLC_OK);
    CHECK(mlc_call_run(call) == MLC_OK);
    mlc_call_free(call);
  }
  CHECK(memcmp(logits[0], logits[1], sizeof logits[0]) == 0);
  in[0] = out[0] = 2;
  result.data = logits;
  CHECK(mlc_executable_bind(model, &image, 1, &result, 1, &call) == MLC_BAD_INPUT && !call);
  mlc_executable_free(model);

  options.num_dims = 2;
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("dimension `rows`"));
  names[1] = names[0];
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("twice"));
  options.dim_sizes = NULL;
  CHECK(mlc_engine_load(engine, path, &options, &model) == MLC_USAGE && says("`dim_sizes`"));
}

/* Callers that were built against an older, shorter struct. */
static void old_caller(const char *path) {
  mlc_engine_options options;
  memset(&options, 0xff, sizeof options); /* what lies behind the old struct */
  memset(&options, 0, offsetof(mlc_engine_options, allocate));
  options.size = offsetof(mlc_engine_options, allocate);
  mlc_engine *engine;
  mlc_executable *model;
  CHECK(mlc_engine_create(&options, &engine) == MLC_OK);
  mlc_compile_options compile;
  memset(&compile, 0xff, sizeof compile);
  memset(&compile, 0, offsetof(mlc_compile_options, cancellation));
  compile.size = offsetof(mlc_compile_options, cancellation);
  CHECK(mlc_engine_load(engine, path, &compile, &model) == MLC_OK);
  mlc_executable_free(model);
  mlc_engine_free(engine);
}

/* A model that is in no file. */
static void load_bytes(mlc_engine *engine, const char *path) {
  FILE *file = fopen(path, "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  long size = ftell(file);
  CHECK(size > 0 && fseek(file, 0, SEEK_SET) == 0);
  char *bytes = malloc((size_t)size);
  CHECK(bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size && fclose(file) == 0);
  mlc_executable *model;
  CHECK(mlc_engine_load_bytes(engine, bytes, (size_t)size, NULL, NULL, &model) == MLC_OK);
  memset(bytes, 0, (size_t)size);
  inspect(model);
  run(model);
  mlc_executable_free(model);
  CHECK(mlc_engine_load_bytes(engine, bytes, 20, "table t", NULL, &model) == MLC_BAD_INPUT && !model);
  CHECK(says("table t"));
  CHECK(mlc_engine_load_bytes(engine, NULL, 0, NULL, NULL, &model) == MLC_BAD_INPUT && says("model"));
  CHECK(mlc_engine_load_bytes(engine, NULL, 1, NULL, NULL, &model) == MLC_USAGE && says("`bytes`"));
  CHECK(mlc_engine_load_bytes(NULL, bytes, 1, NULL, NULL, &model) == MLC_USAGE && says("`engine`"));
  CHECK(mlc_engine_load_bytes(engine, bytes, 1, NULL, NULL, NULL) == MLC_USAGE);
  free(bytes);
}

static void other_version(mlc_engine *engine, const char *directory) {
  char path[4096];
  snprintf(path, sizeof path, "%s/version-2.json", directory);
  FILE *file = fopen(path, "w");
  CHECK(file && fputs("{\"format_version\": 2, \"functions\": []}", file) >= 0 &&
        fclose(file) == 0);
  mlc_executable *model;
  CHECK(mlc_engine_load(engine, path, NULL, &model) == MLC_UNSUPPORTED && !model);
  CHECK(says("version-2.json") && says("version 2 is newer"));
}

static void count_lines(void *context, const char *text) {
  CHECK(strlen(text) > 0);
  ++*(int *)context;
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  CHECK(mlc_c_version() == MLC_C_VERSION);
  CHECK(strcmp(mlc_last_error(), "") == 0);
  CHECK(mlc_engine_create(NULL, NULL) == MLC_USAGE && says("`engine` is null"));

  mlc_engine *engine;
  mlc_executable *model;
  CHECK(mlc_engine_create(NULL, &engine) == MLC_OK);
  CHECK(mlc_engine_load(engine, argv[1], NULL, &model) == MLC_OK);
  load_wrongly(engine, argv[1]);
  cancel(engine, argv[1]);
  specialize(engine, argv[1], model);
  old_caller(argv[1]);
  threads(argv[1]);
  host_services(argv[1], argv[2]);
  other_version(engine, argv[2]);
  load_bytes(engine, argv[1]);
  mlc_engine_free(engine); /* the executable lives on */
  inspect(model);
  run(model);
  rebind(model);
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
  mlc_compile_options anyhow = {.size = sizeof anyhow, .or_reference = 1};
  CHECK(mlc_engine_load(engine, argv[1], &anyhow, &model) == MLC_OK);
  rebind(model);
  inspect(model);
  mlc_executable_free(model);
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
