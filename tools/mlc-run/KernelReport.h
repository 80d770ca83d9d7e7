//===- KernelReport.h - Kernels as text and JSON ----------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_KERNELREPORT_H
#define MLC_TOOLS_RUN_KERNELREPORT_H

#include "Explain.h"
#include "Json.h"
#include "Profile.h"

namespace mlc::run {

/// printf to a string of at most 511 characters.
std::string format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

std::string describeProfile(const ProfileResult &result);
std::string describeExplanation(const Explanation &result);
void writeProfile(JsonWriter &json, const ProfileResult &result);
void writeExplanation(JsonWriter &json, const Explanation &result);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_KERNELREPORT_H
