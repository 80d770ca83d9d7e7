//===- Locate.cpp - Finding the compiler half's files ---------------------===//
#include "Locate.h"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

using namespace mlc;

static std::string directoryOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::vector<std::string> mlc::candidatePaths(const char *environment, const std::string &fileName,
                                             const std::string &sibling) {
  if (const char *given = std::getenv(environment); given && *given)
    return {given};

  std::vector<std::string> directories;
  Dl_info info;
  if (dladdr(reinterpret_cast<const void *>(&candidatePaths), &info) && info.dli_fname)
    directories.push_back(directoryOf(info.dli_fname));
  char program[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program);
  if (length > 0 && length < static_cast<ssize_t>(sizeof program))
    directories.push_back(directoryOf(std::string(program, static_cast<size_t>(length))));

  std::vector<std::string> paths;
  auto add = [&](std::string path) {
    for (const std::string &known : paths)
      if (known == path)
        return;
    paths.push_back(std::move(path));
  };
  for (const std::string &directory : directories)
    add(directory + "/" + fileName);
  for (const std::string &directory : directories)
    add(directory + "/../" + sibling + "/" + fileName);
  return paths;
}

std::string mlc::firstReadable(const std::vector<std::string> &paths) {
  for (const std::string &path : paths)
    if (access(path.c_str(), R_OK) == 0)
      return path;
  return {};
}

std::string mlc::listPaths(const std::vector<std::string> &paths) {
  std::string text;
  for (const std::string &path : paths)
    text += "\n  " + path;
  return text;
}
