/* A part of a host that uses mlc through libmlc's C ABI. */
#include "digits.h"
#include "mlc/c/mlc.h"

__attribute__((visibility("default"))) int part(const char *model_path, const char *images_path) {
  static float images[MAX_IMAGES * PIXELS], logits[MAX_IMAGES * CLASSES];
  int64_t count = read_images(images_path, images);
  int64_t image_shape[2] = {count, PIXELS}, logit_shape[2] = {count, CLASSES};
  mlc_tensor input = {MLC_F32, 2, image_shape, images}, output = {MLC_F32, 2, logit_shape, logits};
  mlc_engine *engine;
  mlc_executable *model;
  mlc_call *call;
  memset(logits, 0, sizeof logits);

  MUST(mlc_c_version() == MLC_C_VERSION, "the library has version %d, the header %d",
       (int)mlc_c_version(), MLC_C_VERSION);
  MUST(mlc_engine_create(NULL, &engine) == MLC_OK, "%s", mlc_last_error());
  MUST(mlc_engine_load(engine, model_path, NULL, &model) == MLC_OK, "%s", mlc_last_error());
  MUST(mlc_executable_bind(model, &input, 1, &output, 1, &call) == MLC_OK, "%s", mlc_last_error());
  MUST(mlc_call_run(call) == MLC_OK, "%s", mlc_last_error());
  mlc_call_free(call);
  mlc_executable_free(model);
  mlc_engine_free(engine);
  print_logits("mlc", logits, count);
  return 0;
}
