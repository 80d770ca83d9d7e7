//===- GuardedTensor.cpp - Tensors between inaccessible pages -------------===//

#include "GuardedTensor.h"

#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

namespace mlc::test {

namespace {

struct Pages {
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t bytes = page; ///< Without the two guards.
  char *base = nullptr;

  explicit Pages(size_t needed) {
    while (bytes < needed)
      bytes += page;
    void *map = mmap(nullptr, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
      throw std::runtime_error("no memory for guarded pages");
    base = static_cast<char *>(map) + page;
    protect(PROT_READ | PROT_WRITE);
  }
  Pages(const Pages &) = delete;
  ~Pages() { munmap(base - page, bytes + 2 * page); }

  void protect(int protection) {
    if (mprotect(base, bytes, protection) != 0)
      throw std::runtime_error("cannot protect guarded pages");
  }
};

Tensor place(DType dtype, const Shape &shape, Flush flush, const Tensor *source) {
  auto count = static_cast<size_t>(elementCount(shape).value());
  size_t bytes = count * static_cast<size_t>(dtypeBytes(dtype));
  auto pages = std::make_shared<Pages>(bytes);
  char *data = flush == Flush::Start ? pages->base : pages->base + pages->bytes - bytes;
  std::memset(pages->base, 0xA5, pages->bytes);
  if (source && bytes > 0)
    std::memcpy(data, source->data(), bytes);
  if (source)
    pages->protect(PROT_READ);
  return Tensor::borrow(dtype, shape, data, pages);
}

} // namespace

Tensor guardedTensor(DType dtype, const Shape &shape, Flush flush) {
  return place(dtype, shape, flush, nullptr);
}

Tensor guardedCopy(const Tensor &tensor, Flush flush) {
  return place(tensor.dtype(), tensor.shape(), flush, &tensor);
}

} // namespace mlc::test
