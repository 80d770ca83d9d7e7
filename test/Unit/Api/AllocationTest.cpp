// Running a bound call allocates nothing: every allocation of this program is
// counted.
#include "TestGraphs.h"

#include <atomic>

#include <cstdlib>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

static std::atomic<long> allocations{0};

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

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
}

using namespace mlc;

TEST_CASE("running allocates nothing") {
  Engine engine = get(Engine::create());
  Executable model = get(engine.compile(denseGraph(), denseParameters()));
  Call call = get(model.bind({{"x", tensor({3, 2}, {1, 1, 0, 0, 1, 0})}}));
  long before = allocations;
  REQUIRE(before > 0);
  bool good = true;
  for (int i = 0; i < 100; ++i)
    good = call.run().ok() && good;
  long after = allocations;
  CHECK(good);
  CHECK(after == before);
}

#endif
