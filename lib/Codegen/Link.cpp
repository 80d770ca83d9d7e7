//===- Link.cpp - Compiling and linking with ORC and JITLink --------------===//
//
// An ORC session without an executor: the memory manager lays the segments out
// at fixed addresses near zero and keeps their bytes here instead of in
// executable memory. All fix-ups are PC-relative and the segments keep their
// distance, so the linked bytes run wherever they are mapped. Refuses undefined
// symbols, absolute relocations and writable data.
//
//===----------------------------------------------------------------------===//
#include "Link.h"

#include "llvm/ADT/BitmaskEnum.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/JITLink/x86_64.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ExecutorProcessControl.h"
#include "llvm/ExecutionEngine/Orc/IRCompileLayer.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/ExecutionEngine/Orc/TaskDispatch.h"

#include <algorithm>

using namespace mlc;
using namespace mlc::codegen;
namespace jitlink = llvm::jitlink;
namespace orc = llvm::orc;

namespace {

LLVM_ENABLE_BITMASK_ENUMS_IN_NAMESPACE();

llvm::Error failure(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// The process that would run the code: none. Nothing of what is asked here is
/// used when code is only linked.
class NoExecutor : public orc::ExecutorProcessControl {
public:
  explicit NoExecutor(const llvm::Triple &triple)
      : ExecutorProcessControl(std::make_shared<orc::SymbolStringPool>(),
                               std::make_unique<orc::InPlaceTaskDispatcher>()) {
    TargetTriple = triple;
    PageSize = kPageBytes;
  }
  llvm::Expected<int32_t> runAsMain(orc::ExecutorAddr, llvm::ArrayRef<std::string>) override {
    return failure("nothing is executed");
  }
  llvm::Expected<int32_t> runAsVoidFunction(orc::ExecutorAddr) override {
    return failure("nothing is executed");
  }
  llvm::Expected<int32_t> runAsIntFunction(orc::ExecutorAddr, int) override {
    return failure("nothing is executed");
  }
  void callWrapperAsync(orc::ExecutorAddr, IncomingWFRHandler onComplete,
                        llvm::ArrayRef<char>) override {
    onComplete(orc::shared::WrapperFunctionBuffer::createOutOfBandError("nothing is executed"));
  }
  llvm::Error disconnect() override { return llvm::Error::success(); }
};

/// Lays one graph out into a LinkedImage.
class ImageMemory : public jitlink::JITLinkMemoryManager {
public:
  ImageMemory(LinkedImage &image, uint64_t headerBytes) : image(image), headerBytes(headerBytes) {}

  void allocate(const jitlink::JITLinkDylib *, jitlink::LinkGraph &graph,
                OnAllocatedFunction onAllocated) override {
    if (llvm::Error error = layOut(graph))
      onAllocated(std::move(error));
    else
      onAllocated(std::make_unique<Allocation>());
  }
  void deallocate(std::vector<FinalizedAlloc> allocations,
                  OnDeallocatedFunction onDeallocated) override {
    for (FinalizedAlloc &allocation : allocations)
      (void)allocation.release();
    onDeallocated(llvm::Error::success());
  }

private:
  class Allocation : public InFlightAlloc {
  public:
    void abandon(OnAbandonedFunction onAbandoned) override { onAbandoned(llvm::Error::success()); }
    void finalize(OnFinalizedFunction onFinalized) override {
      onFinalized(FinalizedAlloc(orc::ExecutorAddr(0)));
    }
  };

  llvm::Error layOut(jitlink::LinkGraph &graph);
  LinkedImage &image;
  uint64_t headerBytes;
};

llvm::Error ImageMemory::layOut(jitlink::LinkGraph &graph) {
  for (const jitlink::Section &section : graph.sections())
    if (!section.empty() && section.getMemLifetime() != orc::MemLifetime::NoAlloc &&
        (section.getMemProt() & orc::MemProt::Write) != orc::MemProt::None)
      return failure("image has writable data in section '" + section.getName() + "'");

  jitlink::BasicLayout layout(graph);
  auto place = [&](orc::MemProt protection, LinkedImage::Segment &out,
                   uint64_t start) -> llvm::Error {
    for (auto &[group, segment] : layout.segments()) {
      if (group.getMemProt() != protection)
        continue;
      if (segment.Alignment.value() > kPageBytes)
        return failure("image has data aligned to more than a page");
      if (out.address != 0)
        return failure("image has sections of more than one lifetime");
      out.address = llvm::alignTo(start, segment.Alignment);
      out.bytes.assign(segment.ContentSize + segment.ZeroFillSize, 0);
      segment.Addr = orc::ExecutorAddr(out.address);
      segment.WorkingMem = out.bytes.data();
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = place(orc::MemProt::Read, image.readOnly, headerBytes))
    return error;
  uint64_t textStart =
      llvm::alignTo(std::max<uint64_t>(headerBytes, image.readOnly.end()), kPageBytes);
  if (llvm::Error error = place(orc::MemProt::Read | orc::MemProt::Exec, image.text, textStart))
    return error;
  return layout.apply();
}

/// Looks at the graph before and after fix-ups.
class ImagePlugin : public orc::ObjectLinkingLayer::Plugin {
public:
  ImagePlugin(LinkedImage &image, llvm::ArrayRef<llvm::StringRef> objects)
      : image(image), objects(objects) {}

  void modifyPassConfig(orc::MaterializationResponsibility &, jitlink::LinkGraph &,
                        jitlink::PassConfiguration &config) override {
    config.PrePrunePasses.push_back(
        [this](jitlink::LinkGraph &graph) { return addObjects(graph); });
    config.PrePrunePasses.push_back(refuseUndefined);
    config.PrePrunePasses.push_back(keepFunctions);
    config.PreFixupPasses.push_back(refuseAbsolute);
    config.PostFixupPasses.push_back(
        [this](jitlink::LinkGraph &graph) { return collectSymbols(graph); });
  }
  llvm::Error notifyFailed(orc::MaterializationResponsibility &) override {
    return llvm::Error::success();
  }
  llvm::Error notifyRemovingResources(orc::JITDylib &, orc::ResourceKey) override {
    return llvm::Error::success();
  }
  void notifyTransferringResources(orc::JITDylib &, orc::ResourceKey, orc::ResourceKey) override {}

private:
  llvm::Error addObjects(jitlink::LinkGraph &graph);
  static llvm::Error refuseUndefined(jitlink::LinkGraph &graph);
  static llvm::Error keepFunctions(jitlink::LinkGraph &graph);
  static llvm::Error refuseAbsolute(jitlink::LinkGraph &graph);
  llvm::Error collectSymbols(jitlink::LinkGraph &graph);
  LinkedImage &image;
  llvm::ArrayRef<llvm::StringRef> objects;
};

/// Copies sections, blocks and symbols of `from` to `to`, whose undefined symbols they define.
void merge(jitlink::LinkGraph &from, jitlink::LinkGraph &to) {
  llvm::DenseMap<jitlink::Block *, jitlink::Block *> blocks;
  for (jitlink::Section &section : from.sections()) {
    if (section.empty() || section.getMemLifetime() == orc::MemLifetime::NoAlloc)
      continue;
    jitlink::Section *same = to.findSectionByName(section.getName());
    if (!same)
      same = &to.createSection(to.allocateName(section.getName()), section.getMemProt());
    for (jitlink::Block *block : section.blocks())
      blocks[block] = &to.createContentBlock(*same, to.allocateContent(block->getContent()),
                                             block->getAddress(), block->getAlignment(),
                                             block->getAlignmentOffset());
  }
  llvm::StringMap<jitlink::Symbol *> undefined;
  for (jitlink::Symbol *symbol : to.external_symbols())
    undefined[*symbol->getName()] = symbol;
  llvm::DenseMap<jitlink::Symbol *, jitlink::Symbol *> symbols;
  for (jitlink::Symbol *symbol : from.defined_symbols()) {
    jitlink::Block *block = blocks.lookup(&symbol->getBlock());
    if (!block)
      continue;
    jitlink::Symbol *wanted = symbol->hasName() && symbol->getScope() != jitlink::Scope::Local
                                  ? undefined.lookup(*symbol->getName())
                                  : nullptr;
    if (wanted)
      to.makeDefined(*wanted, *block, symbol->getOffset(), symbol->getSize(),
                     jitlink::Linkage::Strong, jitlink::Scope::Local, /*IsLive=*/false);
    else if (symbol->hasName())
      wanted = &to.addDefinedSymbol(*block, symbol->getOffset(), *symbol->getName(),
                                    symbol->getSize(), jitlink::Linkage::Strong,
                                    jitlink::Scope::Local, symbol->isCallable(), false);
    else
      wanted = &to.addAnonymousSymbol(*block, symbol->getOffset(), symbol->getSize(),
                                      symbol->isCallable(), false);
    wanted->setCallable(symbol->isCallable());
    symbols[symbol] = wanted;
  }
  for (auto [old, copy] : blocks)
    for (const jitlink::Edge &edge : old->edges())
      if (jitlink::Symbol *target = symbols.lookup(&edge.getTarget()))
        copy->addEdge(edge.getKind(), edge.getOffset(), *target, edge.getAddend());
}

llvm::Error ImagePlugin::addObjects(jitlink::LinkGraph &graph) {
  for (llvm::StringRef object : objects) {
    llvm::Expected<std::unique_ptr<jitlink::LinkGraph>> parsed = jitlink::createLinkGraphFromObject(
        llvm::MemoryBufferRef(object, "kernel"), graph.getSymbolStringPool());
    if (!parsed)
      return parsed.takeError();
    merge(**parsed, graph);
  }
  return llvm::Error::success();
}

llvm::Error ImagePlugin::refuseUndefined(jitlink::LinkGraph &graph) {
  std::vector<std::string> names;
  for (jitlink::Symbol *symbol : graph.external_symbols())
    names.push_back("'" + (*symbol->getName()).str() + "'");
  if (names.empty())
    return llvm::Error::success();
  std::sort(names.begin(), names.end());
  return failure("image has undefined symbol " + llvm::join(names, ", "));
}

/// A call of an internal function refers to its section, so that its symbol would
/// be pruned; debuggers and profilers want it.
llvm::Error ImagePlugin::keepFunctions(jitlink::LinkGraph &graph) {
  for (jitlink::Symbol *symbol : graph.defined_symbols())
    if (symbol->hasName() && symbol->isCallable())
      symbol->setLive(true);
  return llvm::Error::success();
}

llvm::Error ImagePlugin::refuseAbsolute(jitlink::LinkGraph &graph) {
  for (jitlink::Block *block : graph.blocks()) {
    if (block->getSection().getMemLifetime() == orc::MemLifetime::NoAlloc)
      continue;
    for (const jitlink::Edge &edge : block->edges()) {
      if (!edge.isRelocation())
        continue;
      switch (edge.getKind()) {
      case jitlink::x86_64::Delta64:
      case jitlink::x86_64::Delta32:
      case jitlink::x86_64::NegDelta64:
      case jitlink::x86_64::NegDelta32:
      case jitlink::x86_64::BranchPCRel32:
      case jitlink::x86_64::PCRel32:
        continue;
      default:
        return failure(
            "image has the relocation " + llvm::StringRef(graph.getEdgeKindName(edge.getKind())) +
            ", which is not PC-relative, in section '" + block->getSection().getName() + "'");
      }
    }
  }
  return llvm::Error::success();
}

llvm::Error ImagePlugin::collectSymbols(jitlink::LinkGraph &graph) {
  for (jitlink::Symbol *symbol : graph.defined_symbols())
    if (symbol->hasName() && !(*symbol->getName()).starts_with(".L") &&
        symbol->getSection().getMemLifetime() != orc::MemLifetime::NoAlloc)
      image.symbols.push_back({(*symbol->getName()).str(), symbol->getAddress().getValue(),
                               symbol->getSize(), symbol->isCallable(),
                               symbol->getScope() != jitlink::Scope::Local});
  std::sort(image.symbols.begin(), image.symbols.end(),
            [](const LinkedImage::Symbol &a, const LinkedImage::Symbol &b) {
              return std::tie(a.address, a.name) < std::tie(b.address, b.name);
            });
  return llvm::Error::success();
}

} // namespace

/// Adds the module to a session and asks for its exports, which compiles and
/// links it.
static llvm::Error link(orc::ExecutionSession &session, orc::IRCompileLayer &compileLayer,
                        orc::ThreadSafeModule module) {
  orc::JITDylib &library = session.createBareJITDylib("image");
  if (llvm::Error error = compileLayer.add(library, std::move(module)))
    return error;
  orc::SymbolLookupSet exports;
  for (llvm::StringRef name : kExports)
    exports.add(session.intern(name));
  return session
      .lookup({{&library, orc::JITDylibLookupFlags::MatchExportedSymbolsOnly}}, std::move(exports))
      .takeError();
}

Result<LinkedImage> codegen::compileAndLink(std::unique_ptr<llvm::Module> module, Context context,
                                            llvm::TargetMachine &machine,
                                            llvm::ArrayRef<llvm::StringRef> objects,
                                            uint64_t headerBytes) {
  LinkedImage image;
  ImageMemory memory(image, headerBytes);
  std::string reported;
  orc::ExecutionSession session(std::make_unique<NoExecutor>(machine.getTargetTriple()));
  session.setErrorReporter([&](llvm::Error error) {
    reported += (reported.empty() ? "" : "\n") + llvm::toString(std::move(error));
  });
  std::string failed;
  {
    orc::ObjectLinkingLayer linkLayer(session, memory);
    linkLayer.addPlugin(std::make_shared<ImagePlugin>(image, objects));
    orc::IRCompileLayer compileLayer(session, linkLayer,
                                     std::make_unique<orc::SimpleCompiler>(machine));
    orc::ThreadSafeModule safe(std::move(module), context.take());
    if (llvm::Error error = link(session, compileLayer, std::move(safe)))
      failed = llvm::toString(std::move(error));
    if (llvm::Error error = session.endSession(); error && failed.empty())
      failed = llvm::toString(std::move(error));
    else
      llvm::consumeError(std::move(error));
  }
  // LLVM's report says what, the failed lookup only that something failed.
  if (!context.errors().empty())
    return internalError("cannot generate code: " + context.errors());
  if (!reported.empty() || !failed.empty())
    return internalError("cannot link the image: " + (reported.empty() ? failed : reported));
  return image;
}
