//===- main.cpp - mlc-run -------------------------------------------------===//
//
// Runs, inspects and times a model from the command line: a thin layer over
// mlc.h. Results go to stdout, all else to stderr; the exit code is 0 or the
// ErrorKind of what went wrong. The one place of the tool that ends the process.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "Limits.h"

#include <cstdio>
#include <exception>
#include <new>
#include <sys/stat.h>

using namespace mlc;
using namespace mlc::run;

static int fail(const Error &error) {
  endProgress();
  std::fprintf(stderr, "mlc-run: error: %s\n", error.message.c_str());
  return static_cast<int>(error.kind);
}

/// Prints a result; a closed pipe or full disk is an error, not silence.
static int print(const std::string &text) {
  endProgress();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return fail(resourceError("cannot write the results"));
  return 0;
}

static int64_t fileSize(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

static int runTool(int argc, char **argv) {
  auto arguments = parseArguments(argc, argv);
  if (!arguments)
    return fail(arguments.error());
  if (arguments->help)
    return print(helpText());
  if (arguments->version)
    return print("mlc-run " MLC_VERSION "\n");
  limitMemory(arguments->memoryBytes, arguments->mapWeights ? fileSize(arguments->model) : 0);
  startClock(arguments->seconds);
  auto report = execute(*arguments);
  if (!report)
    return fail(report.error());
  if (int code = print(arguments->json ? renderJson(*report) : renderText(*report)))
    return code;
  if (std::string mismatches = report->mismatches(); !mismatches.empty())
    return fail({ErrorKind::Mismatch, std::move(mismatches)});
  return 0;
}

int main(int argc, char **argv) {
  try {
    return runTool(argc, argv);
  } catch (const std::bad_alloc &) {
    return fail(resourceError("out of memory (--limit-memory)"));
  } catch (const std::exception &error) {
    return fail(internalError(error.what()));
  }
}
