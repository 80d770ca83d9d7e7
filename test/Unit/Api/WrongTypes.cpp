// What does not compile, and must say why: CMakeLists.txt compiles it case by case.
#include "mlc/Api/Jit.h"

using mlc::Tensor;

struct Opaque {
  Tensor hidden;
};

void use(const Tensor &x, const Opaque &opaque) {
#if MLC_CASE == 0 // compiles
  mlc::jit([](const Tensor &t) { return t; })(x);
#elif MLC_CASE == 1
  mlc::jit([](const Opaque &o) { return o.hidden; })(opaque);
#elif MLC_CASE == 2
  mlc::jit([](const Tensor &) {})(x);
#elif MLC_CASE == 3
  mlc::cond(x, [&] { return x; }, [&] { return std::pair(x, x); });
#elif MLC_CASE == 4
  mlc::whileLoop([](const Tensor &) { return true; }, [](const Tensor &t) { return t; }, x);
#elif MLC_CASE == 5
  mlc::whileLoop([](const Tensor &t) { return t; }, [](const Tensor &t) { return std::pair(t, t); },
                 x);
#elif MLC_CASE == 6
  mlc::scan([](const Tensor &t, const Tensor &) { return std::pair(std::pair(t, t), t); }, x, x);
#endif
  (void)opaque;
}
