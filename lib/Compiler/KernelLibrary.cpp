//===- KernelLibrary.cpp - Kernels that images have in common -------------===//
//
// Level: the phase buffers in, object files and declarations out.
//
//===----------------------------------------------------------------------===//
#include "KernelLibrary.h"

#include "mlc/Dialect/MLCDialect.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/raw_ostream.h"

#include <list>
#include <mutex>
#include <unordered_map>

using namespace mlc;
using mlir::func::FuncOp;

namespace {

/// The kernels that were used last, by name.
class Library {
public:
  SharedKernel find(const std::string &name) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = places.find(name);
    if (found == places.end())
      return nullptr;
    kernels.splice(kernels.begin(), kernels, found->second);
    return found->second->second;
  }

  void add(const std::string &name, const SharedKernel &kernel) {
    constexpr size_t kMaxBytes = 8 << 20;
    std::lock_guard<std::mutex> lock(mutex);
    if (places.count(name)) // Another thread was faster.
      return;
    kernels.emplace_front(name, kernel);
    places[name] = kernels.begin();
    for (bytes += kernel->object.size(); bytes > kMaxBytes; kernels.pop_back()) {
      bytes -= kernels.back().second->object.size();
      places.erase(kernels.back().first);
    }
  }

private:
  using Kernels = std::list<std::pair<std::string, SharedKernel>>; ///< The last used first.
  std::mutex mutex;
  Kernels kernels;
  std::unordered_map<std::string, Kernels::iterator> places;
  size_t bytes = 0;
};

} // namespace

/// Never destroyed: other threads may compile while the process exits.
static Library &library() {
  static Library *shared = new Library;
  return *shared;
}

/// A name for everything that the code of a kernel is made of.
static std::string nameOf(FuncOp kernel, const codegen::Target &target, bool optimize,
                          int64_t grain) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << target.cpu << ' ' << target.features << ' ' << target.description.l2Bytes << ' '
         << optimize << ' ' << grain << '\n';
  kernel.print(stream, mlir::OpPrintingFlags().useLocalScope().printGenericOpForm());
  llvm::BLAKE3Result<16> hash =
      llvm::BLAKE3::hash<16>({reinterpret_cast<const uint8_t *>(text.data()), text.size()});
  return "kernel_" + llvm::toHex(hash, /*LowerCase=*/true);
}

static bool asksTheHost(mlir::ModuleOp module) {
  auto asks = [](mlir::Operation *op) {
    return mlir::isa<ir::CancelledOp, ir::ParallelForOp>(op) ? mlir::WalkResult::interrupt()
                                                             : mlir::WalkResult::advance();
  };
  return module.walk(asks).wasInterrupted();
}

/// `kernel` alone in a module.
static Result<SharedKernel> compile(FuncOp kernel, const codegen::Target &target, bool optimize,
                                    llvm::function_ref<Status(mlir::ModuleOp, ir::Phase)> lower) {
  mlir::OwningOpRef<mlir::ModuleOp> alone = mlir::ModuleOp::create(kernel.getLoc());
  if (auto phase = kernel->getParentOfType<mlir::ModuleOp>()->getAttr(ir::kPhaseAttr))
    (*alone)->setAttr(ir::kPhaseAttr, phase);
  alone->push_back(kernel->clone());
  auto compiled = std::make_shared<CompiledKernel>();
  if (Status s = lower(*alone, ir::Phase::Vector); !s)
    return s.takeError();
  compiled->asks = asksTheHost(*alone);
  if (Status s = lower(*alone, ir::Phase::LLVM); !s)
    return s.takeError();
  Result<std::string> object =
      codegen::emitKernel(*alone, kernel.getName().str(), target, optimize);
  if (!object)
    return object.takeError();
  compiled->object = std::move(*object);
  return SharedKernel(std::move(compiled));
}

Result<std::vector<SharedKernel>>
mlc::takeOutKernels(mlir::ModuleOp module, const codegen::Target &target, bool optimize,
                    int64_t grain, llvm::function_ref<Status(mlir::ModuleOp, ir::Phase)> lower) {
  std::vector<SharedKernel> taken;
  llvm::DenseMap<mlir::StringAttr, FuncOp> renamed;
  mlir::MLIRContext *context = module.getContext();
  for (auto kernel : module.getOps<FuncOp>()) {
    if (!kernel->hasAttr(ir::kSizesAttr) || kernel.isExternal())
      continue;
    mlir::StringAttr old = kernel.getSymNameAttr();
    kernel.setName("kernel"); // The number that it had is no part of what it does.
    std::string name = nameOf(kernel, target, optimize, grain);
    kernel.setName(name);
    renamed[old] = kernel;
    SharedKernel known = library().find(name);
    if (!known) {
      Result<SharedKernel> compiled = compile(kernel, target, optimize, lower);
      if (!compiled)
        return compiled.takeError();
      known = *compiled;
      library().add(name, known);
    }
    kernel.getBody().getBlocks().clear();
    if (known->asks)
      kernel->setAttr(ir::kAsksAttr, mlir::UnitAttr::get(context));
    taken.push_back(std::move(known));
  }
  if (!renamed.empty())
    module.walk([&](mlir::func::CallOp call) {
      auto found = renamed.find(call.getCalleeAttr().getAttr());
      if (found != renamed.end())
        call.setCallee(found->second.getName());
    });
  return taken;
}
