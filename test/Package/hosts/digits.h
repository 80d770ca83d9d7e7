/* What every part of these hosts computes with mlc, and how it says so. */
#ifndef DIGITS_H
#define DIGITS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 64, CLASSES = 10, MAX_IMAGES = 512 };

/* Ends the program when something is not as it must be. */
#define MUST(condition, ...)                                                                       \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                              \
      fprintf(stderr, __VA_ARGS__);                                                                \
      fputc('\n', stderr);                                                                         \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* Reads images, rows of f32 without a header; returns how many. */
static inline int64_t read_images(const char *path, float *images) {
  FILE *file = fopen(path, "rb");
  MUST(file, "%s", path);
  size_t count = fread(images, PIXELS * sizeof(float), MAX_IMAGES, file);
  fclose(file);
  MUST(count > 0, "%s has no images", path);
  return (int64_t)count;
}

/* One line: who, and the bits of all logits. */
static inline void print_logits(const char *who, const float *logits, int64_t count) {
  printf("%s ", who);
  for (int64_t i = 0; i < count * CLASSES; ++i) {
    uint32_t bits;
    memcpy(&bits, &logits[i], sizeof bits);
    printf("%08x", (unsigned)bits);
  }
  putchar('\n');
  fflush(stdout);
}

#endif /* DIGITS_H */
