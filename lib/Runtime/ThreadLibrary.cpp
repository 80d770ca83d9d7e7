//===- ThreadLibrary.cpp - Opening libmlc-threads -------------------------===//
#include "Locate.h"

#include "mlc/Abi/Threads.h"
#include "mlc/Support/ParallelFor.h"

#include <dlfcn.h>
#include <new>

using namespace mlc;

namespace {

Result<const mlc_threads_table *> openLibrary() {
  auto library = openOwnLibrary("MLC_THREADS", "threads", MLC_THREADS_VERSION);
  if (!library)
    return library.takeError();
  auto functions =
      reinterpret_cast<mlc_threads_functions_function>(dlsym(*library, MLC_THREADS_SYMBOL));
  if (!functions)
    return unsupportedError("libmlc-threads is not that of this version of mlc");
  return functions();
}

class Threads : public ParallelFor {
public:
  Threads(const mlc_threads_table &functions, mlc_threads *threads)
      : functions(functions), threads(threads) {}
  ~Threads() override { functions.free(threads); }
  Threads(const Threads &) = delete;
  Threads &operator=(const Threads &) = delete;

  void run(int64_t count, void (*body)(void *, int64_t), void *argument) override {
    if (functions.parallel_for(threads, count, body, argument) != 0)
      throw std::bad_alloc(); // nothing else fails there
  }

private:
  const mlc_threads_table &functions;
  mlc_threads *threads;
};

} // namespace

Result<std::shared_ptr<ParallelFor>> ParallelFor::threads(int count) {
  if (count < 0)
    return usageError("the number of threads is " + std::to_string(count) +
                      ", expected at least 0");
  auto functions = openLibrary();
  if (!functions)
    return functions.takeError();
  mlc_threads *made = (*functions)->create(count);
  if (!made)
    return resourceError("no memory for threads");
  return std::shared_ptr<ParallelFor>(std::make_shared<Threads>(**functions, made));
}
