//===- KernelLibrary.cpp - Kernels that images have in common -------------===//
//
// Level: the phase buffers in, object files and declarations out.
//
//===----------------------------------------------------------------------===//
#include "KernelLibrary.h"

#include "mlc/Dialect/MLCDialect.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>

using namespace mlc;
using mlir::func::FuncOp;

namespace {

std::atomic<int64_t> known{0}, builtIn{0}, compiled{0}, dropped{0};

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
    for (bytes += kernel->object.size(); bytes > kMaxBytes; kernels.pop_back(), ++dropped) {
      bytes -= kernels.back().second->object.size();
      places.erase(kernels.back().first);
    }
  }

  std::map<std::string, SharedKernel> all() {
    std::lock_guard<std::mutex> lock(mutex);
    return {kernels.begin(), kernels.end()};
  }

private:
  using Kernels = std::list<std::pair<std::string, SharedKernel>>; ///< The last used first.
  std::mutex mutex;
  Kernels kernels;
  std::unordered_map<std::string, Kernels::iterator> places;
  size_t bytes = 0;
};

/// Of the file of built-in kernels: a header, an entry for each kernel, sorted by name, and the
/// object files. Written and read by one build on one kind of machine, so in its byte order.
struct Header {
  char magic[8] = {'m', 'l', 'c', 'k', 'e', 'r', 'n', '1'};
  uint64_t count = 0;
};
struct Entry {
  char name[39] = {}; ///< As nameOf has it.
  char asks = 0;
  uint64_t offset = 0, size = 0;

  std::string_view text() const { return {name, sizeof(name)}; }
};

} // namespace

__attribute__((weak)) llvm::ArrayRef<std::string_view> mlc::builtInKernels() { return {}; }

KernelCounts mlc::kernelCounts() { return {known, builtIn, compiled, dropped}; }

/// Null if there is none of that name.
static SharedKernel findIn(std::string_view file, const std::string &name) {
  const auto *header = reinterpret_cast<const Header *>(file.data());
  llvm::ArrayRef<Entry> entries(reinterpret_cast<const Entry *>(header + 1), header->count);
  const Entry *entry = llvm::partition_point(
      entries, [&](const Entry &candidate) { return candidate.text() < name; });
  if (entry == entries.end() || entry->text() != name)
    return nullptr;
  auto kernel = std::make_shared<CompiledKernel>();
  kernel->object = file.substr(entry->offset, entry->size);
  kernel->asks = entry->asks != 0;
  return kernel;
}

static SharedKernel findBuiltIn(const std::string &name) {
  for (std::string_view file : builtInKernels())
    if (SharedKernel found = findIn(file, name))
      return found;
  return nullptr;
}

/// Never destroyed: other threads may compile while the process exits.
static Library &library() {
  static Library *shared = new Library;
  return *shared;
}

std::string mlc::packKernels() {
  std::map<std::string, SharedKernel> kernels = library().all();
  Header header;
  header.count = kernels.size();
  std::string entries, objects;
  auto bytes = [](const auto &value) {
    return std::string(reinterpret_cast<const char *>(&value), sizeof(value));
  };
  for (const auto &[name, kernel] : kernels) {
    Entry entry;
    std::memcpy(entry.name, name.data(), std::min(name.size(), sizeof(entry.name)));
    entry.asks = kernel->asks ? 1 : 0;
    entry.offset = sizeof(header) + header.count * sizeof(entry) + objects.size();
    entry.size = kernel->object.size();
    entries += bytes(entry);
    objects += kernel->object;
  }
  return bytes(header) + entries + objects;
}

/// What the kernel is compiled for. Only products of bytes have code of their own on CPUs that
/// have more than their level.
static codegen::Target targetOf(FuncOp kernel, const codegen::Target &target) {
  bool hasBytes = llvm::any_of(kernel.getArgumentTypes(), [](mlir::Type type) {
    auto memref = mlir::dyn_cast<mlir::MemRefType>(type);
    return memref && memref.getElementType().isInteger(8);
  });
  return hasBytes ? target : codegen::levelOf(target);
}

/// A name for everything that the code of a kernel is made of. Behind the phase buffers nothing
/// depends on the size of a cache.
static std::string nameOf(FuncOp kernel, const codegen::Target &target, bool optimize,
                          int64_t grain) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << target.cpu << ' ' << target.features << ' ' << optimize << ' ' << grain << '\n';
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

/// The kernel of that name, from where it is had soonest.
static Result<SharedKernel> find(FuncOp kernel, const std::string &name,
                                 const codegen::Target &target, bool optimize,
                                 llvm::function_ref<Status(mlir::ModuleOp, ir::Phase)> lower) {
  if (SharedKernel earlier = library().find(name)) {
    ++known;
    return earlier;
  }
  SharedKernel kernelOfBuild = findBuiltIn(name);
  ++(kernelOfBuild ? builtIn : compiled);
  Result<SharedKernel> found =
      kernelOfBuild ? kernelOfBuild : compile(kernel, target, optimize, lower);
  if (found)
    library().add(name, *found);
  return found;
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
    codegen::Target own = targetOf(kernel, target);
    std::string name = nameOf(kernel, own, optimize, grain);
    kernel.setName(name);
    renamed[old] = kernel;
    Result<SharedKernel> found = find(kernel, name, own, optimize, lower);
    if (!found)
      return found.takeError();
    kernel.getBody().getBlocks().clear();
    if ((*found)->asks)
      kernel->setAttr(ir::kAsksAttr, mlir::UnitAttr::get(context));
    taken.push_back(std::move(*found));
  }
  if (!renamed.empty())
    module.walk([&](mlir::func::CallOp call) {
      auto found = renamed.find(call.getCalleeAttr().getAttr());
      if (found != renamed.end())
        call.setCallee(found->second.getName());
    });
  return taken;
}
