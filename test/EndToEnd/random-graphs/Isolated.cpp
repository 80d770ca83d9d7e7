//===- Isolated.cpp - Code in a child process -----------------------------===//

#include "Isolated.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace mlc::test {

namespace {

[[noreturn]] void runChild(int output, const std::function<void(const Say &)> &body) {
  auto say = [output](std::string line) {
    std::replace(line.begin(), line.end(), '\n', ' ');
    line += '\n';
    for (size_t done = 0; done < line.size();) {
      ssize_t written = write(output, line.data() + done, line.size() - done);
      if (written <= 0)
        _exit(1);
      done += static_cast<size_t>(written);
    }
  };
  try {
    body(say);
  } catch (const std::exception &e) {
    fprintf(stderr, "%s\n", e.what());
    _exit(1);
  }
  _exit(0);
}

} // namespace

ChildResult runIsolated(const std::function<void(const Say &)> &body, int seconds) {
  int ends[2];
  if (pipe(ends) != 0)
    throw std::runtime_error("no pipe");
  fflush(nullptr);
  pid_t child = fork();
  if (child < 0)
    throw std::runtime_error("no process");
  if (child == 0) {
    close(ends[0]);
    runChild(ends[1], body);
  }
  close(ends[1]);

  ChildResult result;
  std::string buffer;
  bool late = false;
  for (char chunk[4096];;) {
    pollfd ready{ends[0], POLLIN, 0};
    if (poll(&ready, 1, seconds * 1000) == 0) {
      late = true;
      kill(child, SIGKILL);
      break;
    }
    ssize_t count = read(ends[0], chunk, sizeof chunk);
    if (count <= 0)
      break;
    buffer.append(chunk, static_cast<size_t>(count));
    for (size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1))
      result.lines.push_back(buffer.substr(0, end));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (late)
    result.death = "no answer for " + std::to_string(seconds) + " s";
  else if (WIFSIGNALED(status))
    result.death = "signal " + std::to_string(WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0)
    result.death = "exit status " + std::to_string(WEXITSTATUS(status));
  return result;
}

} // namespace mlc::test
