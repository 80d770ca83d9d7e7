// Kernels that images have in common: what they are called, and that they are compiled once.
#include "Compiler/KernelLibrary.h"
#include "Compiler/Compile.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace mlc;

/// What was compiled together with this program: what another one has packed.
llvm::ArrayRef<std::string_view> mlc::builtInKernels() {
  static const std::string file = [] {
    const char *path = std::getenv("MLC_TEST_KERNELS");
    std::ostringstream bytes;
    if (path)
      bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
  }();
  static const std::string_view files[] = {file};
  return file.empty() ? llvm::ArrayRef<std::string_view>() : files;
}

namespace {

/// A driver and a kernel that writes `op` of a vector of any size.
std::string moduleOf(const std::string &kernel, const std::string &op) {
  return R"(module attributes {mlc.phase = "buffers"} {
    func.func @run(%x: memref<5xf32>, %y: memref<5xf32>) {
      %n = arith.constant 5 : index
      %from = memref.cast %x : memref<5xf32> to memref<?xf32>
      %to = memref.cast %y : memref<5xf32> to memref<?xf32>
      call @)" +
         kernel +
         R"((%from, %to, %n) {mlc.kernel = 0 : i64} : (memref<?xf32>, memref<?xf32>, index) -> ()
      return
    }
    func.func private @)" +
         kernel + R"((%x: memref<?xf32>, %y: memref<?xf32>, %n: index)
        attributes {mlc.kind = "elementwise", mlc.short, mlc.sizes = [array<i64: 2>, array<i64: 2>]} {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
      ^bb0(%a: f32, %b: f32):
        %0 = )" +
         op + R"( %a, %a : f32
        linalg.yield %0 : f32
      }
      return
    }
  })";
}

struct Taken {
  std::vector<SharedKernel> kernels;
  std::string name;        ///< Of the kernel, as the driver calls it.
  int lowered = 0;         ///< Modules that were taken to a later phase.
  bool isDeclared = false; ///< Whether its body is gone.
};

Taken take(const std::string &text, const codegen::Target &target, bool optimize = true) {
  mlir::DialectRegistry registry;
  ir::registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  REQUIRE(module);
  Taken taken;
  auto lower = [&](mlir::ModuleOp part, ir::Phase phase) -> Status {
    ++taken.lowered;
    mlir::PassManager passes(&context, mlir::ModuleOp::getOperationName());
    ir::PipelineOptions options;
    options.target = target.description;
    ir::addPhases(passes, ir::currentPhase(part), phase, options);
    if (mlir::failed(passes.run(part)))
      return internalError("cannot lower");
    return {};
  };
  taken.kernels = takeOutKernels(*module, target, optimize, 0, lower).orThrow();
  module->walk([&](mlir::func::CallOp call) { taken.name = call.getCallee().str(); });
  taken.isDeclared = module->lookupSymbol<mlir::func::FuncOp>(taken.name).isExternal();
  return taken;
}

Taken take(const std::string &text, const std::string &target = "native", bool optimize = true) {
  return take(text, codegen::findTarget(target).orThrow(), optimize);
}

} // namespace

TEST_CASE("a kernel is compiled for the first module that has it") {
  Taken first = take(moduleOf("kernel_3", "arith.addf"));
  REQUIRE(first.kernels.size() == 1);
  CHECK(first.lowered == 2); // to the phases vector and llvm
  CHECK(first.isDeclared);
  CHECK_FALSE(first.kernels[0]->asks);
  CHECK(first.kernels[0]->object.substr(0, 4) == "\x7f"
                                                 "ELF");

  Taken second = take(moduleOf("kernel_8", "arith.addf"));
  REQUIRE(second.kernels.size() == 1);
  CHECK(second.lowered == 0);
  CHECK(second.isDeclared);
  CHECK(second.name == first.name);
  CHECK(second.kernels[0] == first.kernels[0]);
}

TEST_CASE("kernels that differ in what they do or how have names of their own") {
  std::vector<std::string> names = {take(moduleOf("kernel_3", "arith.addf")).name,
                                    take(moduleOf("kernel_3", "arith.mulf")).name,
                                    take(moduleOf("kernel_3", "arith.addf"), "x86-64-v3").name,
                                    take(moduleOf("kernel_3", "arith.addf"), "native", false).name};
  std::sort(names.begin(), names.end());
  CHECK(std::unique(names.begin(), names.end()) == names.end());
}

TEST_CASE("CPUs of one level share kernels, but for those of bytes") {
  codegen::Target v4 = codegen::findTarget("x86-64-v4").orThrow(), more = v4;
  more.cpu = "sapphirerapids";
  more.features += ",+avx512vnni";
  more.description.dotProducts = true;
  more.description.l2Bytes *= 2;
  std::string floats = moduleOf("kernel_3", "arith.addf"), bytes = floats;
  for (size_t at; (at = bytes.find("f32")) != std::string::npos;)
    bytes.replace(at, 3, "i8");
  bytes.replace(bytes.find("arith.addf"), 10, "arith.addi");
  CHECK(take(floats, v4).name == take(floats, more).name);
  CHECK(take(bytes, v4).name != take(bytes, more).name);
}

namespace {

/// relu(x * w) of any number of rows.
void compileLayer(int64_t k, int64_t n, const std::string &target) {
  Graph graph;
  graph.parameters.push_back({"w", {DType::F32, Dims{k, n}}});
  FunctionBuilder builder(graph, "main");
  ValueId x = builder.input("x", {DType::F32, Dims{Dim("batch"), k}});
  ValueId w = builder.node(Op::Parameter, {}, {{"parameter", std::string("w")}}).orThrow();
  ValueId product = builder.node(Op::MatMul, {x, w}).orThrow();
  builder.output(builder.node(Op::Relu, {product}).orThrow(), "y");
  graph.functions.push_back(builder.finish());
  DoorRequest request;
  request.payload = serialize(graph);
  request.target = target;
  DoorReply reply = answer(request, nullptr);
  INFO(reply.message);
  REQUIRE(reply.ok);
}

/// Runs tests of this program in a process that has what this one has compiled built in.
int runWithKernels(const std::string &tests) {
  std::string path = "/tmp/mlc-kernels-" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << packKernels();
  std::string command = "MLC_TEST_KERNELS=" + path + " '" + program_invocation_name + "' " + tests;
  int status = std::system(command.c_str());
  CHECK(std::remove(path.c_str()) == 0);
  return status;
}

} // namespace

TEST_CASE("a network finds kernels that were compiled for the level of its CPU") {
  compileLayer(64, 128, codegen::levelOf(codegen::findTarget("native").orThrow()).cpu);
  CHECK(runWithKernels("[.network]") == 0);
}

TEST_CASE("a network, of which nothing has to be compiled", "[.network]") {
  compileLayer(128, 192, "native");
  CHECK(kernelCounts().builtIn >= 2); // one that packs weights and one that multiplies
  CHECK(kernelCounts().compiled == 0);
}

TEST_CASE("kernels that were compiled before are found by another process") {
  for (const char *op : {"arith.addf", "arith.mulf", "arith.subf", "arith.divf"})
    take(moduleOf("kernel_3", op));
  CHECK(runWithKernels("[.built-in]") == 0);
}

TEST_CASE("kernels that this process has not compiled", "[.built-in]") {
  REQUIRE(builtInKernels().size() == 1);
  for (const char *op : {"arith.addf", "arith.mulf", "arith.subf", "arith.divf"}) {
    KernelCounts before = kernelCounts();
    Taken taken = take(moduleOf("kernel_5", op));
    CHECK(kernelCounts().builtIn == before.builtIn + 1);
    CHECK(kernelCounts().compiled == before.compiled);
    CHECK(taken.lowered == 0);
    CHECK(taken.isDeclared);
    CHECK(taken.kernels[0]->object.substr(1, 3) == "ELF");
    CHECK(taken.kernels[0]->object.find(taken.name) != std::string::npos);
    take(moduleOf("kernel_5", op));
    CHECK(kernelCounts().known == before.known + 1);
  }
  Taken other = take(moduleOf("kernel_5", "arith.maximumf"));
  CHECK(kernelCounts().compiled == 1);
  CHECK(other.lowered == 2);
}

TEST_CASE("kernels that have their sizes in their types stay where they are") {
  std::string text = moduleOf("kernel_3", "arith.addf");
  text.replace(text.find(", mlc.sizes = [array<i64: 2>, array<i64: 2>]"),
               std::string(", mlc.sizes = [array<i64: 2>, array<i64: 2>]").size(), "");
  Taken taken = take(text);
  CHECK(taken.kernels.empty());
  CHECK(taken.name == "kernel_3");
  CHECK_FALSE(taken.isDeclared);
}
