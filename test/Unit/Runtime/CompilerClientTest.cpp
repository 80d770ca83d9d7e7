// Reaching the compiler half in process and as a helper process with limits.
#include "../TempDir.h"
#include "mlc/Runtime/Compiler.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace mlc;
using namespace mlc::test;
using Catch::Matchers::Contains;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static constexpr bool kSanitized = true;
#else
static constexpr bool kSanitized = false;
#endif

/// Points the search at a compiler library for the life of a test.
struct WithCompiler {
  explicit WithCompiler(const char *path) { setenv("MLC_COMPILER", path, 1); }
  ~WithCompiler() { unsetenv("MLC_COMPILER"); }
};

static DoorRequest ask(std::string payload) {
  DoorRequest request;
  request.payload = std::move(payload);
  return request;
}

static std::shared_ptr<CompilerClient> helper(HelperLimits limits = {}) {
  return CompilerClient::helperProcess(limits, HELPER);
}

static int openDescriptors() {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  while (readdir(directory))
    ++count;
  closedir(directory);
  return count;
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST_CASE("the compiler answers in process") {
  auto client = CompilerClient::inProcess(FAKE_COMPILER);
  auto reply = client->call(ask("hello"));
  REQUIRE(reply);
  CHECK(reply->ok);
  CHECK(reply->result == "echo hello");
}

TEST_CASE("a missing compiler library is named") {
  auto given = CompilerClient::inProcess("/nowhere/libmlc-compiler.so")->call(ask(""));
  REQUIRE_FALSE(given);
  CHECK(given.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(given.error().message, Contains("/nowhere/libmlc-compiler.so"));

  WithCompiler variable("/nowhere/else.so");
  auto searched = CompilerClient::inProcess()->call(ask(""));
  REQUIRE_FALSE(searched);
  CHECK_THAT(searched.error().message, Contains("/nowhere/else.so"));
  auto helped = helper()->call(ask(""));
  REQUIRE(helped); // The helper ran; its reply is the error.
  CHECK_FALSE(helped->ok);
  CHECK(helped->errorKind == ErrorKind::Unsupported);
  CHECK_THAT(helped->message, Contains("/nowhere/else.so"));
}

TEST_CASE("another library is no compiler") {
  TempDir directory;
  auto text =
      CompilerClient::inProcess(directory.write("libmlc-compiler.so", "text"))->call(ask(""));
  REQUIRE_FALSE(text);
  CHECK_THAT(text.error().message, Contains("cannot open the compiler library"));
  auto libm = CompilerClient::inProcess("/lib/x86_64-linux-gnu/libm.so.6")->call(ask(""));
  REQUIRE_FALSE(libm);
  CHECK(libm.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(libm.error().message, Contains("is not the compiler library"));
}

TEST_CASE("a missing helper is named") {
  auto reply = CompilerClient::helperProcess({}, "/nowhere/helper")->call(ask(""));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(reply.error().message, Contains("/nowhere/helper"));
}

TEST_CASE("a helper answers and leaves nothing behind") {
  WithCompiler compiler(FAKE_COMPILER);
  int before = openDescriptors();
  for (std::string payload : {std::string("hello"), std::string(5 << 20, 'y'), std::string()}) {
    auto reply = helper()->call(ask(payload));
    REQUIRE(reply);
    CHECK(reply->result == "echo " + payload);
  }
  auto big = helper()->call(ask("big"));
  REQUIRE(big);
  CHECK(big->result.size() == size_t(20) << 20);
  CHECK(openDescriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1); // No child is left.
}

TEST_CASE("helpers work from many threads") {
  WithCompiler compiler(FAKE_COMPILER);
  auto client = helper();
  std::vector<std::thread> threads;
  std::string results[4];
  for (std::string &result : results)
    threads.emplace_back([&] {
      auto reply = client->call(ask("thread"));
      result = reply ? reply->result : reply.error().message;
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &result : results)
    CHECK(result == "echo thread");
}

TEST_CASE("the memory limit holds") {
  if (kSanitized)
    return;
  WithCompiler compiler(FAKE_COMPILER);
  HelperLimits limits;
  limits.memoryBytes = int64_t(512) << 20;
  for (const char *how : {"malloc", "new"}) {
    auto reply = helper(limits)->call(ask(how));
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::ResourceLimit);
    CHECK_THAT(reply.error().message, Contains("memory limit of 512 MiB"));
  }
  for (int64_t bytes : {int64_t(1) << 20, int64_t(16) << 20, int64_t(128) << 20}) {
    limits.memoryBytes = bytes; // Too little to open the compiler at all.
    auto reply = helper(limits)->call(ask("hello"));
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::ResourceLimit);
  }
}

TEST_CASE("the time limit holds, sleeping and computing") {
  WithCompiler compiler(FAKE_COMPILER);
  HelperLimits limits;
  limits.seconds = 1;
  for (const char *how : {"sleep", "spin"}) {
    auto start = std::chrono::steady_clock::now();
    auto reply = helper(limits)->call(ask(how));
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::ResourceLimit);
    CHECK_THAT(reply.error().message, Contains("time limit of 1 s"));
    CHECK(secondsSince(start) < 5);
  }
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a crash is an error that says what was said") {
  WithCompiler compiler(FAKE_COMPILER);
  auto reply = helper()->call(ask("crash"));
  REQUIRE_FALSE(reply);
  CHECK(reply.error().kind == ErrorKind::Internal);
  CHECK_THAT(reply.error().message,
             Contains("signal 6") && Contains("Aborted") && Contains("something is broken"));
}

/// A helper that does not do its part.
static Result<DoorReply> callScript(const std::string &body, const std::string &payload = "x") {
  TempDir directory;
  std::string path = directory.write("helper", "#!/bin/sh\n" + body + "\n");
  chmod(path.c_str(), 0755);
  HelperLimits limits;
  limits.seconds = 20;
  return CompilerClient::helperProcess(limits, path)->call(ask(payload));
}

TEST_CASE("a helper that does not answer is an error") {
  auto silent = callScript("cat > /dev/null; exit 0");
  REQUIRE_FALSE(silent);
  CHECK(silent.error().kind == ErrorKind::Internal);
  CHECK_THAT(silent.error().message, Contains("gave no reply"));
  auto failing = callScript("echo bad luck >&2; exit 3");
  REQUIRE_FALSE(failing);
  CHECK_THAT(failing.error().message, Contains("status 3: bad luck"));
  auto babbling = callScript("echo this is not a reply of the door at all");
  REQUIRE_FALSE(babbling);
  // A reader that goes away in the middle of a large request must not raise
  // SIGPIPE here.
  auto deaf = callScript("exec 0<&-; exec 1>&-; exit 4", std::string(8 << 20, 'z'));
  REQUIRE_FALSE(deaf);
  CHECK_THAT(deaf.error().message, Contains("status 4"));
  auto closing = callScript("exec 0<&- 1>&- 2>&-; sleep 1000");
  REQUIRE_FALSE(closing); // Killed rather than waited for.
}

TEST_CASE("a host that ignores SIGCHLD still gets its reply") {
  WithCompiler compiler(FAKE_COMPILER);
  auto before = signal(SIGCHLD, SIG_IGN);
  auto reply = helper()->call(ask("hello"));
  signal(SIGCHLD, before);
  REQUIRE(reply);
  CHECK(reply->result == "echo hello");
}
