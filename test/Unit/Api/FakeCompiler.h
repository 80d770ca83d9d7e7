// A compiler half that is not there, or that answers what a test tells it to.
#ifndef MLC_TEST_API_FAKECOMPILER_H
#define MLC_TEST_API_FAKECOMPILER_H

#include "mlc/Runtime/Compiler.h"

#include <atomic>
#include <functional>

class FakeCompiler : public mlc::CompilerClient {
public:
  using Answer = std::function<mlc::Result<mlc::DoorReply>(const mlc::DoorRequest &)>;
  explicit FakeCompiler(Answer answer) : answer(std::move(answer)) {}
  mlc::Result<mlc::DoorReply> call(const mlc::DoorRequest &request,
                                   const mlc::Cancellation *) override {
    ++calls;
    return answer(request);
  }

  std::atomic<int> calls{0};

private:
  Answer answer;
};

/// As when libmlc-compiler is not installed.
inline std::shared_ptr<FakeCompiler> noCompiler() {
  return std::make_shared<FakeCompiler>(
      [](const mlc::DoorRequest &) -> mlc::Result<mlc::DoorReply> {
        return mlc::unsupportedError("no compiler here");
      });
}

#endif // MLC_TEST_API_FAKECOMPILER_H
