//===- Version.h - The version of mlc ---------------------------*- C++ -*-===//
#ifndef MLC_SUPPORT_VERSION_H
#define MLC_SUPPORT_VERSION_H

// CMake reads the numbers from here.
#define MLC_VERSION_MAJOR 0
#define MLC_VERSION_MINOR 1
#define MLC_VERSION_PATCH 0

/// The inline namespace of the C++ API, so that programs linked from parts that use
/// different versions do not mix their classes. It changes whenever a version may
/// (docs/abi.md): with each minor number before 1.0, with the major number afterwards.
#define MLC_VERSION_NAMESPACE v0_1

#endif // MLC_SUPPORT_VERSION_H
