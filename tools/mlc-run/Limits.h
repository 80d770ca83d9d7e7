//===- Limits.h - Bounds on this process ------------------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_LIMITS_H
#define MLC_TOOLS_RUN_LIMITS_H

#include <cstdint>

namespace mlc::run {

/// Watches the clock. After `seconds` (0: never) the process ends with exit code
/// 6 and a message that names the stage it was in. When stderr is a terminal,
/// what takes longer than two seconds is shown there.
void startClock(int64_t seconds);
/// What the process is doing, such as "compiling". `stage` lives forever.
void enterStage(const char *stage);
/// Takes the stage off the terminal.
void endProgress();

/// Bounds the address space of the process (0: no bound), so that an allocation
/// beyond it fails. `mapped` bytes are not counted.
void limitMemory(int64_t bytes, int64_t mapped);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_LIMITS_H
