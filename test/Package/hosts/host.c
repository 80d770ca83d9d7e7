/* A host that opens its parts and runs them in the order that it is told.
 *
 *   host MODEL IMAGES (local=PART | global=PART | run=PART)...
 *
 * Says at the end which of the libraries in question are in the process.
 */
#define _GNU_SOURCE
#include "digits.h"

#include <dlfcn.h>
#include <link.h>

static const char *after(const char *text, const char *prefix) {
  size_t length = strlen(prefix);
  return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static int print_library(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size, (void)data;
  if (strstr(info->dlpi_name, "libmlc") || strstr(info->dlpi_name, "libLLVM") ||
      strstr(info->dlpi_name, "libMLIR"))
    printf("loaded %s\n", info->dlpi_name);
  return 0;
}

int main(int argc, char **argv) {
  MUST(argc > 3, "usage: host MODEL IMAGES (local=PART | global=PART | run=PART)...");
  for (int i = 3; i < argc; ++i) {
    const char *path;
    if ((path = after(argv[i], "local=")))
      MUST(dlopen(path, RTLD_NOW | RTLD_LOCAL), "%s", dlerror());
    else if ((path = after(argv[i], "global=")))
      MUST(dlopen(path, RTLD_NOW | RTLD_GLOBAL), "%s", dlerror());
    else {
      MUST((path = after(argv[i], "run=")), "%s", argv[i]);
      void *part = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
      MUST(part, "%s is not open", path);
      int (*run)(const char *, const char *);
      *(void **)&run = dlsym(part, "part");
      MUST(run, "%s", dlerror());
      MUST(run(argv[1], argv[2]) == 0, "%s failed", path);
      dlclose(part);
    }
  }
  dl_iterate_phdr(print_library, NULL);
  return 0;
}
