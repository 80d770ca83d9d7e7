//===- Commands.h - What mlc-run does ---------------------------*- C++ -*-===//
#ifndef MLC_TOOLS_RUN_COMMANDS_H
#define MLC_TOOLS_RUN_COMMANDS_H

#include "Report.h"

namespace mlc::run {

/// Carries out the command. An error means that there is nothing to report;
/// values that differ are in the report. Output files are written.
Result<Report> execute(const Arguments &arguments);

} // namespace mlc::run

#endif // MLC_TOOLS_RUN_COMMANDS_H
