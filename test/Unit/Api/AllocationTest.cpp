// Running what was bound or run before allocates nothing: every allocation of this
// program is counted.
#include "TestGraphs.h"

#include <atomic>

#include <cstdlib>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

static std::atomic<long> allocations{0}, frees{0};

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

void *malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void *memalign(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
void free(void *memory) {
  ++frees;
  __libc_free(memory);
}
}

using namespace mlc;

/// Whether `run` is good a hundred times and allocates and frees nothing.
template <typename F> static void checkAllocatesNothing(F run) {
  REQUIRE(allocations > 0);
  REQUIRE(frees > 0);
  long before = allocations + frees;
  bool good = true;
  for (int i = 0; i < 100; ++i)
    good = run() && good;
  long after = allocations + frees;
  CHECK(good);
  CHECK(after == before);
}

TEST_CASE("running allocates nothing") {
  Engine engine = get(Engine::create());
  Executable model = get(engine.compile(denseGraph(), denseParameters()));
  Tensor x = tensor({3, 2}, {1, 1, 0, 0, 1, 0});
  Call call = get(model.bind({{"x", x}}));
  checkAllocatesNothing([&] { return call.run().ok(); });
  checkAllocatesNothing([&] { return call.function()(call.frame()) == 0; });

  // By position: the thread has its workspace after the first time.
  const Tensor *inputs[] = {&x};
  Tensor y = call.outputs()[0].clone();
  check(model.run(inputs, &y));
  checkAllocatesNothing([&] { return model.run(inputs, &y).ok(); });
}

TEST_CASE("running one add allocates nothing") {
  Engine engine = get(Engine::create());
  Executable model = get(engine.compile(addGraph(), {}));
  Call call = get(model.bind({{"x", tensor({1, 2}, {1, 2})}, {"z", tensor({1, 2}, {3, 4})}}));
  checkAllocatesNothing([&] { return call.run().ok(); });
}

#endif
