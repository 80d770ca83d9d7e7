//===- HelperProcess.cpp - The compiler half as a process -----------------===//
//
// One mlc-compile-helper per call. The request goes to its stdin and the reply
// comes from its stdout, which are one socket (a socket, because a write to it
// can be told not to raise SIGPIPE in the host); its stderr is kept for the
// message when it crashes. The helper limits its own memory and CPU time before
// it opens the compiler; the clock is watched here.
//
//===----------------------------------------------------------------------===//
#include "Locate.h"
#include "mlc/Runtime/Compiler.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

extern char **environ;

using namespace mlc;

namespace {

constexpr size_t kMaxReplyBytes = size_t(1) << 30;
constexpr size_t kMaxStderrBytes = 4096;
constexpr int kLookMilliseconds = 20; ///< How often it is asked whether to go on.
using Clock = std::chrono::steady_clock;

Error systemError(const std::string &what) {
  return resourceError(what + ": " + std::generic_category().message(errno));
}

/// A descriptor that closes itself.
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd(fd) {}
  Descriptor(Descriptor &&o) noexcept : fd(o.fd) { o.fd = -1; }
  Descriptor &operator=(Descriptor &&o) noexcept {
    std::swap(fd, o.fd);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd >= 0)
      ::close(fd);
    fd = -1;
  }
  int get() const { return fd; }
  bool isOpen() const { return fd >= 0; }
  /// Moves it out of the range of stdin, stdout and stderr, so that dup2 onto
  /// those in the child cannot overwrite it.
  bool raise() {
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (raised < 0)
      return false;
    close();
    fd = raised;
    return true;
  }

private:
  int fd;
};

/// What a helper left behind.
struct Outcome {
  std::string reply, complaint;
  bool timedOut = false, replyTooLong = false, cancelled = false;
  int status = -1; ///< As waitpid gives it; -1 when the host reaps its children itself.
};

class HelperProcess : public CompilerClient {
public:
  HelperProcess(HelperLimits limits, std::string path) : limits(limits), path(std::move(path)) {}

  Result<DoorReply> call(const DoorRequest &request, const Cancellation *cancellation) override {
    std::vector<std::string> paths =
        path.empty()
            ? candidatePaths("MLC_COMPILE_HELPER", "mlc-compile-helper", {"../bin", MLC_LIB_TO_BIN})
            : std::vector<std::string>{path};
    std::string program = firstReadable(paths);
    if (program.empty())
      return unsupportedError("the compile helper was not found; looked for" + listPaths(paths));

    Descriptor talk, complaints;
    Result<pid_t> pid = start(program, talk, complaints);
    if (!pid)
      return pid.takeError();
    Outcome outcome;
    exchange(request.encode(), std::move(talk), std::move(complaints), cancellation, outcome);
    reap(*pid, outcome);
    return judge(outcome);
  }

private:
  Result<pid_t> start(const std::string &program, Descriptor &talk, Descriptor &complaints) const;
  void exchange(std::string_view request, Descriptor talk, Descriptor complaints,
                const Cancellation *cancellation, Outcome &outcome) const;
  static void reap(pid_t pid, Outcome &outcome);
  Result<DoorReply> judge(const Outcome &outcome) const;

  HelperLimits limits;
  std::string path;
};

} // namespace

Result<pid_t> HelperProcess::start(const std::string &program, Descriptor &talk,
                                   Descriptor &complaints) const {
  int sockets[2], pipes[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return systemError("cannot make a socket for the compile helper");
  talk = Descriptor(sockets[0]);
  Descriptor childTalk(sockets[1]);
  if (pipe2(pipes, O_CLOEXEC) != 0)
    return systemError("cannot make a pipe for the compile helper");
  complaints = Descriptor(pipes[0]);
  Descriptor childComplaints(pipes[1]);
  if (!childTalk.raise() || !childComplaints.raise())
    return systemError("cannot start the compile helper");

  std::string memory = "--memory=" + std::to_string(std::max<int64_t>(limits.memoryBytes, 0));
  std::string seconds = "--seconds=" + std::to_string(std::max<int64_t>(limits.seconds, 0));
  std::string name = program;
  char *argv[] = {name.data(), memory.data(), seconds.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, childTalk.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, childTalk.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, childComplaints.get(), STDERR_FILENO);
  // The host's signal mask and ignored signals are not the helper's.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid;
  int failed = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed) {
    errno = failed;
    Error error = systemError("cannot start " + program);
    if (failed == ENOENT || failed == EACCES || failed == ENOEXEC)
      error.kind = ErrorKind::Unsupported;
    return error;
  }
  return pid;
}

/// Writes the request and reads both answers until the helper closes them, the
/// time is over, the reply is too long or nobody wants it any more.
void HelperProcess::exchange(std::string_view request, Descriptor talk, Descriptor complaints,
                             const Cancellation *cancellation, Outcome &outcome) const {
  auto deadline = Clock::now() + std::chrono::seconds(limits.seconds);
  fcntl(talk.get(), F_SETFL, fcntl(talk.get(), F_GETFL) | O_NONBLOCK);
  fcntl(complaints.get(), F_SETFL, fcntl(complaints.get(), F_GETFL) | O_NONBLOCK);
  if (request.empty())
    shutdown(talk.get(), SHUT_WR);
  char buffer[1 << 16];
  while (talk.isOpen() || complaints.isOpen()) {
    int wait = -1;
    if (cancellation && cancellation->isRequested()) {
      outcome.cancelled = true;
      return;
    }
    if (limits.seconds > 0) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      wait = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
      if (left.count() <= 0) {
        outcome.timedOut = true;
        return;
      }
    }
    if (cancellation)
      wait = wait < 0 ? kLookMilliseconds : std::min(wait, kLookMilliseconds);
    pollfd polled[2] = {{talk.get(), short(request.empty() ? POLLIN : POLLIN | POLLOUT), 0},
                        {complaints.get(), POLLIN, 0}};
    if (poll(polled, 2, wait) < 0 && errno != EINTR)
      return;

    if (polled[0].revents & POLLOUT) {
      ssize_t n = send(talk.get(), request.data(), request.size(), MSG_NOSIGNAL);
      if (n > 0)
        request.remove_prefix(static_cast<size_t>(n));
      else if (n < 0 && errno != EAGAIN && errno != EINTR)
        request = {}; // It went away; its exit status says why.
      if (request.empty())
        shutdown(talk.get(), SHUT_WR);
    }
    if (polled[0].revents & (POLLIN | POLLHUP | POLLERR)) {
      ssize_t n = recv(talk.get(), buffer, sizeof buffer, 0);
      if (n > 0)
        outcome.reply.append(buffer, static_cast<size_t>(n));
      else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        talk.close();
      if (outcome.reply.size() > kMaxReplyBytes) {
        outcome.replyTooLong = true;
        return;
      }
    }
    if (polled[1].revents & (POLLIN | POLLHUP | POLLERR)) {
      ssize_t n = read(complaints.get(), buffer, sizeof buffer);
      if (n > 0)
        outcome.complaint.append(
            buffer, std::min(static_cast<size_t>(n), kMaxStderrBytes - outcome.complaint.size()));
      else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        complaints.close();
    }
  }
}

/// Ends the helper if it has not ended: nothing of it is needed any more. A host
/// that ignores or reaps SIGCHLD leaves no status.
void HelperProcess::reap(pid_t pid, Outcome &outcome) {
  pid_t waited = waitpid(pid, &outcome.status, WNOHANG);
  if (waited == 0) {
    // When it has ended by itself this changes nothing: an exiting process
    // closes its files after its status is decided.
    kill(pid, SIGKILL);
    do
      waited = waitpid(pid, &outcome.status, 0);
    while (waited < 0 && errno == EINTR);
  }
  if (waited < 0)
    outcome.status = -1;
}

Result<DoorReply> HelperProcess::judge(const Outcome &outcome) const {
  int status = outcome.status;
  int signal = status != -1 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (outcome.cancelled)
    return cancelledError("the compilation was cancelled");
  if (outcome.replyTooLong)
    return resourceError("the compiler's reply is larger than " + std::to_string(kMaxReplyBytes) +
                         " bytes");
  if (outcome.timedOut || signal == SIGXCPU)
    return resourceError("the compiler reached its time limit of " +
                         std::to_string(limits.seconds) + " s");
  if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == kHelperOutOfMemory)
    return resourceError("the compiler reached its memory limit of " +
                         std::to_string(limits.memoryBytes >> 20) + " MiB");
  if (signal == SIGKILL)
    return resourceError("the compile helper was killed; the system may be out of memory");
  std::string complaint = outcome.complaint.substr(0, outcome.complaint.find_last_not_of('\n') + 1);
  if (!complaint.empty())
    complaint = ": " + complaint;
  if (signal != 0)
    return internalError("the compiler crashed with signal " + std::to_string(signal) + " (" +
                         sigdescr_np(signal) + ")" + complaint);
  if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) != 0)
    return internalError("the compile helper failed with status " +
                         std::to_string(WEXITSTATUS(status)) + complaint);
  Result<DoorReply> reply = DoorReply::decode(outcome.reply);
  if (!reply && outcome.reply.empty())
    return internalError("the compile helper gave no reply" + complaint);
  return reply;
}

std::shared_ptr<CompilerClient> CompilerClient::helperProcess(HelperLimits limits,
                                                              std::string helperPath) {
  return std::make_shared<HelperProcess>(limits, std::move(helperPath));
}
