//===- Compile.cpp - Answering requests at the door -----------------------===//
//
// Graph bytes in, image or text out, through every phase. Nothing that arrives
// is trusted: the graph is validated before MLIR sees any of it.
//
//===----------------------------------------------------------------------===//
#include "Compile.h"
#include "ContextPool.h"
#include "Describe.h"
#include "KernelLibrary.h"

#include "mlc/Codegen/Codegen.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Frontend/Frontend.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlc;

namespace {

/// What MLIR says while a request is answered, one finding a line.
struct Findings {
  static constexpr size_t kMaxFindings = 1 << 16;
  std::string errors, remarks;

  void add(mlir::Diagnostic &diagnostic) {
    std::string &out =
        diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error ? errors : remarks;
    if (out.size() > kMaxFindings)
      return;
    out += out.empty() ? "" : "\n";
    llvm::raw_string_ostream stream(out);
    if (!llvm::isa<mlir::UnknownLoc>(diagnostic.getLocation())) {
      diagnostic.getLocation().print(stream);
      stream << ": ";
    }
    stream << diagnostic.str();
    for (mlir::Diagnostic &note : diagnostic.getNotes())
      stream << "; " << note.str();
  }
};

class Compilation {
public:
  Compilation(const DoorRequest &request, const volatile int32_t *cancel)
      : request(request), cancel(cancel), lease(request.payload.size()), context(*lease),
        handler(&context, [this](mlir::Diagnostic &diagnostic) { findings.add(diagnostic); }) {}

  Result<std::string> run();
  const std::string &remarks() const { return findings.remarks; }

private:
  /// Once true it stays so: passes may have been left out.
  bool cancelled() { return isCancelled = isCancelled || (cancel && *cancel != 0); }
  bool describesKernels() const {
    return request.profile || request.kind == DoorRequest::Kind::Explain;
  }
  Status readGraph();
  /// Records donated inputs in the module and its interface.
  Status donate(mlir::ModuleOp module);
  /// Takes the module to `phase`.
  Status lower(mlir::ModuleOp module, ir::Phase phase, const ir::TargetDescription &target);
  Result<std::string> emit(mlir::ModuleOp module);
  Result<std::string> emitImage(mlir::ModuleOp module, const codegen::Target &target);

  const DoorRequest &request;
  const volatile int32_t *cancel;
  bool isCancelled = false;
  Graph graph;
  const Function *function = nullptr;
  ImageInterface interface;
  ContextLease lease;
  mlir::MLIRContext &context;
  Findings findings;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace

static Error compilationCancelled() { return cancelledError("the compilation was cancelled"); }

Status Compilation::readGraph() {
  Result<Graph> read = deserialize(request.payload);
  if (!read)
    return read.takeError();
  graph = std::move(*read);
  if (Status s = validate(graph); !s)
    return s;
  if (graph.functions.empty())
    return badInputError("the graph has no function");
  function =
      request.function.empty() ? &graph.functions.front() : graph.findFunction(request.function);
  if (!function)
    return usageError("the graph has no function '" + request.function + "'");
  if (Status s = checkExecutable(graph, *function); !s)
    return s;
  // The dialect names one symbolic dimension a function; a callee may have more
  // where the entry, with calls inlined, does not. And where ops are named to people, a
  // name stands for one op.
  auto several = [](const Function &f) { return symbolicDims(f).size() > 1; };
  if (describesKernels() || llvm::any_of(graph.functions, several)) {
    Result<Graph> inlined = inlineCalls(graph, function->name);
    if (!inlined)
      return inlined.takeError();
    inlined->parameters = std::move(graph.parameters); // Unused ones are in the frame, too.
    graph = std::move(*inlined);
    function = &graph.functions.front();
  }
  return {};
}

static std::string quoted(const std::string &name) { return "'" + name + "'"; }

/// Where a tensor of that name is; a Usage error lists the names that there are.
static Result<size_t> find(const std::vector<ImageTensor> &tensors, const char *what,
                           const std::string &name) {
  std::string known;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == name)
      return i;
    known += (i ? ", " : "") + tensors[i].name;
  }
  return usageError("no " + std::string(what) + " " + quoted(name) + "; the " + what +
                    "s are: " + (known.empty() ? "none" : known));
}

Status Compilation::donate(mlir::ModuleOp module) {
  auto func = module.lookupSymbol<mlir::func::FuncOp>(function->name);
  for (const auto &[donor, output] : request.donated) {
    std::string pair = "input " + quoted(donor) + " cannot be donated to output " + quoted(output);
    Result<size_t> from = find(interface.inputs, "input", donor);
    Result<size_t> to = find(interface.outputs, "output", output);
    if (!from || !to)
      return usageError(pair + ": " + (from ? to : from).error().message);
    for (const ImageTensor &other : interface.outputs)
      if (other.donor == static_cast<int64_t>(*from))
        return usageError(pair + ": it is donated to output " + quoted(other.name));
    ImageTensor &taker = interface.outputs[*to];
    if (taker.donor >= 0)
      return usageError(pair + ": that has input " +
                        quoted(interface.inputs[static_cast<size_t>(taker.donor)].name));
    auto type = [&](ValueId id) { return function->values[static_cast<size_t>(id)].type; };
    TensorType given = type(function->body.inputs[*from]);
    TensorType wanted = type(function->body.outputs[*to]);
    if (given != wanted)
      return usageError(pair + ": one is " + toString(given) + ", the other " + toString(wanted));
    taker.donor = static_cast<int64_t>(*from);
    func.setResultAttr(static_cast<unsigned>(*to), ir::kDonorAttr,
                       mlir::StringAttr::get(&context, donor));
  }
  return {};
}

Status Compilation::lower(mlir::ModuleOp module, ir::Phase phase,
                          const ir::TargetDescription &target) {
  ir::PipelineOptions options;
  options.target = target;
  options.entry = function->name;
  options.fuse = request.fuse;
  options.grain = request.grain;
  options.weights = request.weights;
  options.describe = describesKernels();
  options.optimize = request.optimize;
  mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
  passes.enableVerifier(false); // The import was verified; the passes are ours.
  ir::addPhases(passes, ir::currentPhase(module), phase, options);
  // A pass cannot be interrupted, but the ones that follow can be skipped.
  if (cancel)
    context.registerActionHandler(
        [this](llvm::function_ref<void()> execute, const mlir::tracing::Action &action) {
          if (!cancelled() || !llvm::isa<mlir::PassExecutionAction>(action))
            execute();
        });
  bool failed = mlir::failed(passes.run(module));
  if (cancelled())
    return compilationCancelled();
  if (failed)
    return internalError("cannot lower '" + function->name + "' to the phase " +
                         ir::phaseName(phase).str() + ": " + findings.errors);
  return {};
}

/// Lowers as far as the request asks and makes its text or image.
Result<std::string> Compilation::emit(mlir::ModuleOp module) {
  bool image = request.kind == DoorRequest::Kind::Compile;
  bool explanation = request.kind == DoorRequest::Kind::Explain;
  bool assembly = request.phase == "asm";
  std::optional<ir::Phase> phase = image || assembly ? ir::Phase::LLVM
                                   : explanation     ? ir::Phase::Vector
                                                     : ir::parsePhase(request.phase);
  if (!phase)
    return usageError("unknown phase '" + request.phase + "'");

  codegen::Target target;
  if (*phase != ir::Phase::Graph) {
    Result<codegen::Target> found = codegen::findTarget(request.target);
    if (!found)
      return found.takeError();
    target = std::move(*found);
  }
  if (image)
    return emitImage(module, target);
  if (Status s = lower(module, *phase, target.description); !s)
    return s.takeError();
  if (explanation) {
    describe(module, interface);
    return interface.encode();
  }
  if (assembly)
    return codegen::emitAssembly(module, target, request.optimize);
  if (*phase == ir::Phase::LLVM)
    return codegen::emitLLVM(module, target);
  std::string text;
  llvm::raw_string_ostream(text) << module << '\n';
  return text;
}

/// What describes kernels reads their code, so that none is taken out.
Result<std::string> Compilation::emitImage(mlir::ModuleOp module, const codegen::Target &target) {
  std::vector<SharedKernel> kernels;
  auto lowerTo = [&](mlir::ModuleOp part, ir::Phase phase) {
    return lower(part, phase, target.description);
  };
  if (!describesKernels()) {
    if (Status s = lowerTo(module, ir::Phase::Buffers); !s)
      return s.takeError();
    Result<std::vector<SharedKernel>> taken =
        takeOutKernels(module, target, request.optimize, request.grain, lowerTo);
    if (!taken)
      return taken.takeError();
    kernels = std::move(*taken);
  }
  if (Status s = lowerTo(module, ir::Phase::LLVM); !s)
    return s.takeError();
  describe(module, interface);
  std::vector<llvm::StringRef> objects;
  objects.reserve(kernels.size());
  for (const SharedKernel &kernel : kernels)
    objects.push_back(kernel->object);
  return codegen::emitImage(module, std::move(interface), target, request.optimize, objects);
}

Result<std::string> Compilation::run() {
  if (Status s = readGraph(); !s)
    return s.takeError();
  context.loadDialect<ir::MLCDialect, mlir::func::FuncDialect>();
  Result<mlir::OwningOpRef<mlir::ModuleOp>> module = ir::importGraph(context, graph);
  if (!module)
    return module.takeError();
  interface = describe(graph, *function);
  if (Status s = donate(**module); !s)
    return s.takeError();
  if (cancelled())
    return compilationCancelled();
  return emit(**module);
}

static Result<std::string> parse(const DoorRequest &request) {
  Result<Graph> graph = ir::parseMlir(request.payload);
  if (!graph)
    return graph.takeError();
  return serialize(*graph);
}

DoorReply mlc::answer(const DoorRequest &request, const volatile int32_t *cancel) {
  std::optional<Compilation> compilation;
  Result<std::string> result = request.kind == DoorRequest::Kind::ParseMlir
                                   ? parse(request)
                                   : compilation.emplace(request, cancel).run();
  DoorReply reply;
  reply.ok = result.ok();
  if (result) {
    reply.result = std::move(*result);
    if (compilation)
      reply.message = compilation->remarks();
  } else {
    reply.errorKind = result.error().kind;
    reply.message = result.error().message;
  }
  return reply;
}
