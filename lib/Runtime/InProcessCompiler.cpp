//===- InProcessCompiler.cpp - The compiler half as a shared library ------===//
#include "mlc/Runtime/Compiler.h"
#include "mlc/Runtime/CompilerLibrary.h"

#include <mutex>
#include <optional>

using namespace mlc;

namespace {

class InProcessCompiler : public CompilerClient {
public:
  explicit InProcessCompiler(std::string path) : path(std::move(path)) {}

  Result<DoorReply> call(const DoorRequest &request, const Cancellation *cancellation) override {
    std::call_once(once, [this] { library.emplace(CompilerLibrary::open(path)); });
    if (!library->ok())
      return library->error();
    return DoorReply::decode((*library)->call(request.encode(), cancellation));
  }

private:
  std::string path;
  std::once_flag once;
  std::optional<Result<CompilerLibrary>> library;
};

} // namespace

std::shared_ptr<CompilerClient> CompilerClient::inProcess(std::string libraryPath) {
  return std::make_shared<InProcessCompiler>(std::move(libraryPath));
}
