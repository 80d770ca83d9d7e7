//===- Compile.h - Answering requests at the door ---------------*- C++ -*-===//
#ifndef MLC_LIB_COMPILER_COMPILE_H
#define MLC_LIB_COMPILER_COMPILE_H

#include "mlc/Abi/Door.h"

namespace mlc {

/// Compiles, emits or parses, as the request says. `cancel` may be null.
/// Thread-safety: may be called from many threads at once.
DoorReply answer(const DoorRequest &request, const volatile int32_t *cancel);

} // namespace mlc

#endif // MLC_LIB_COMPILER_COMPILE_H
