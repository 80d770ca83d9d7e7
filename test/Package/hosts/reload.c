/* Loads and unloads libmlc again and again, each time with a model that is compiled and
 * run; several libraries take turns, and are in the process together. Their paths may be
 * relative: the working directory is another one when they look for the compiler.
 *
 *   reload MODEL IMAGES ROUNDS LIBMLC...
 *
 * Prints how much the process grew in the second half of the rounds, the logits of each
 * library, which must have the same bits in every round, and the compilers, which stay.
 */
#define _GNU_SOURCE
#include "digits.h"
#include "mlc/c/mlc.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

enum { MAX_LIBRARIES = 4 };
static float images[MAX_IMAGES * PIXELS];
static float first[MAX_LIBRARIES][MAX_IMAGES * CLASSES];
static int64_t count;
static const char *model_path;

#define FUNCTION(name)                                                                             \
  __typeof__(&name) p_##name;                                                                      \
  *(void **)&p_##name = dlsym(library, #name);                                                     \
  MUST(p_##name, "%s", dlerror())

static void compute(void *library, float *logits) {
  FUNCTION(mlc_last_error);
  FUNCTION(mlc_engine_create);
  FUNCTION(mlc_engine_free);
  FUNCTION(mlc_engine_load);
  FUNCTION(mlc_executable_free);
  FUNCTION(mlc_executable_bind);
  FUNCTION(mlc_call_free);
  FUNCTION(mlc_call_run);
  int64_t image_shape[2] = {count, PIXELS}, logit_shape[2] = {count, CLASSES};
  mlc_tensor input = {MLC_F32, 2, image_shape, images}, output = {MLC_F32, 2, logit_shape, logits};
  mlc_engine *engine;
  mlc_executable *model;
  mlc_call *call;
  MUST(p_mlc_engine_create(NULL, &engine) == MLC_OK, "%s", p_mlc_last_error());
  MUST(p_mlc_engine_load(engine, model_path, NULL, &model) == MLC_OK, "%s", p_mlc_last_error());
  MUST(p_mlc_executable_bind(model, &input, 1, &output, 1, &call) == MLC_OK, "%s",
       p_mlc_last_error());
  MUST(p_mlc_call_run(call) == MLC_OK, "%s", p_mlc_last_error());
  p_mlc_call_free(call);
  p_mlc_executable_free(model);
  p_mlc_engine_free(engine);
}

/* What went wrong is kept for each thread, in memory that a thread frees when it ends. */
static void *fail(void *library) {
  FUNCTION(mlc_last_error);
  FUNCTION(mlc_engine_create);
  MUST(p_mlc_engine_create(NULL, NULL) == MLC_USAGE, "no handle was given");
  MUST(strstr(p_mlc_last_error(), "`engine` is null"), "%s", p_mlc_last_error());
  return NULL;
}

static void fail_in_a_thread(void *library) {
  pthread_t thread;
  MUST(pthread_create(&thread, NULL, fail, library) == 0, "no thread");
  MUST(pthread_join(thread, NULL) == 0, "the thread cannot be joined");
}

static long resident_kilobytes(void) {
  long pages[2] = {0, 0};
  FILE *file = fopen("/proc/self/statm", "r");
  MUST(file && fscanf(file, "%ld %ld", &pages[0], &pages[1]) == 2, "/proc/self/statm");
  fclose(file);
  return pages[1] * (sysconf(_SC_PAGESIZE) / 1024);
}

static int print_compiler(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  if (strstr(info->dlpi_name, "libmlc"))
    printf("loaded %s\n", info->dlpi_name);
  return 0;
}

int main(int argc, char **argv) {
  int libraries = argc - 4, rounds = argc > 4 ? atoi(argv[3]) : 0;
  MUST(libraries > 0 && libraries <= MAX_LIBRARIES && rounds > 1,
       "usage: reload MODEL IMAGES ROUNDS LIBMLC...");
  model_path = argv[1];
  count = read_images(argv[2], images);
  long half = 0;
  int here = open(".", O_RDONLY | O_DIRECTORY);
  MUST(here >= 0, "the working directory");
  for (int round = 0; round < rounds; ++round) {
    void *handles[MAX_LIBRARIES];
    for (int i = 0; i < libraries; ++i) {
      MUST(!dlopen(argv[4 + i], RTLD_NOW | RTLD_NOLOAD), "%s was not unloaded", argv[4 + i]);
      MUST((handles[i] = dlopen(argv[4 + i], RTLD_NOW | RTLD_LOCAL)), "%s", dlerror());
    }
    MUST(chdir("/") == 0, "/");
    for (int i = 0; i < libraries; ++i) {
      static float logits[MAX_IMAGES * CLASSES];
      memset(logits, 0, sizeof logits);
      compute(handles[i], logits);
      if (round == 0)
        memcpy(first[i], logits, sizeof logits);
      MUST(memcmp(first[i], logits, sizeof logits) == 0, "round %d of %s: other bits", round,
           argv[4 + i]);
      fail_in_a_thread(handles[i]);
    }
    for (int i = 0; i < libraries; ++i)
      MUST(dlclose(handles[i]) == 0, "%s", dlerror());
    MUST(fchdir(here) == 0, "back to the working directory");
    malloc_trim(0);
    if (round + 1 == (rounds + 1) / 2)
      half = resident_kilobytes();
  }
  printf("grew %ld kB\n", resident_kilobytes() - half);
  for (int i = 0; i < libraries; ++i)
    print_logits("mlc", first[i], count);
  dl_iterate_phdr(print_compiler, NULL);

  /* A thread that outlives the library, and keeps what it last said. */
  void *library = dlopen(argv[4], RTLD_NOW | RTLD_LOCAL);
  fail(library);
  dlclose(library);
  return 0;
}
