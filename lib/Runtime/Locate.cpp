//===- Locate.cpp - Finding mlc's own files -------------------------------===//
#include "Locate.h"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

using namespace mlc;

static std::string directoryOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// The folder of the library that holds this code, as it was when that was loaded: its
/// name may be relative to a working directory that has changed since. Empty: it is
/// in the program.
static std::string ownDirectory() {
  Dl_info info;
  void *found = nullptr;
  if (!dladdr1(reinterpret_cast<const void *>(&ownDirectory), &info, &found, RTLD_DL_LINKMAP))
    return {};
  auto *library = static_cast<link_map *>(found);
  char origin[PATH_MAX];
  if (!library->l_name || !*library->l_name || dlinfo(library, RTLD_DI_ORIGIN, origin) != 0)
    return {};
  return origin;
}

std::vector<std::string> mlc::candidatePaths(const char *environment, const std::string &fileName,
                                             const std::vector<std::string> &folders) {
  if (const char *given = std::getenv(environment); given && *given)
    return {given};

  std::vector<std::string> directories;
  if (std::string own = ownDirectory(); !own.empty())
    directories.push_back(std::move(own));
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
    for (const std::string &folder : folders)
      add(directory + "/" + folder + "/" + fileName);
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

Result<void *> mlc::openOwnLibrary(const char *environment, const std::string &name,
                                   int64_t version, const std::string &path) {
  const std::string fileName = "libmlc-" + name + ".so." + std::to_string(version);
  std::vector<std::string> paths =
      path.empty() ? candidatePaths(environment, fileName, {"../lib", MLC_BIN_TO_LIB})
                   : std::vector<std::string>{path};
  std::string found = firstReadable(paths);
  if (found.empty() && paths.size() > 1) // perhaps where the system looks
    if (void *handle = dlopen(fileName.c_str(), RTLD_NOW | RTLD_LOCAL))
      return handle;
  if (found.empty())
    return unsupportedError("the " + name + " library was not found; looked for" +
                            listPaths(paths));
  if (void *handle = dlopen(found.c_str(), RTLD_NOW | RTLD_LOCAL))
    return handle;
  const char *why = dlerror();
  return unsupportedError("cannot open the " + name +
                          " library: " + (why ? std::string(why) : found));
}
