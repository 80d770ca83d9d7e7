// Targets, LLVM IR and assembly text, images that run, and what is refused.
#include "Modules.h"
#include "mlc/Abi/CpuFeatureTable.h"
#include "mlc/Abi/Frame.h"
#include "mlc/Runtime/CpuFeatures.h"
#include "mlc/Runtime/Image.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <thread>

using namespace mlc;
using namespace mlc::test;
using Catch::Matchers::Contains;
using mlc::codegen::Target;

static Target native() {
  Result<Target> target = codegen::findTarget("native");
  REQUIRE(target);
  return *target;
}

/// That an image of kVectorRun computes what that says.
static void checkRun(const Image &image) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {};
  const void *inputs[] = {x};
  void *outputs[] = {y};
  mlc_frame frame = {};
  frame.version = MLC_FRAME_VERSION;
  frame.inputs = inputs;
  frame.outputs = outputs;
  CHECK(image.run()(&frame) == 0);
  for (int i = 0; i < 8; ++i)
    CHECK(y[i] == 2 * x[i] + i);
}

TEST_CASE("targets say what they can do") {
  Result<Target> v3 = codegen::findTarget("x86-64-v3"), v4 = codegen::findTarget("x86-64-v4");
  Result<Target> v2 = codegen::findTarget("x86-64-v2");
  REQUIRE(v2);
  REQUIRE(v3);
  REQUIRE(v4);
  CHECK(v2->description.vectorBits == 128);
  CHECK(v2->description.vectorRegisters == 16);
  CHECK_FALSE(v2->description.fma);
  CHECK(v2->features == "+popcnt,+sse3,+sse4.1,+sse4.2,+ssse3");
  CHECK(v3->description.vectorBits == 256);
  CHECK(v3->description.vectorRegisters == 16);
  CHECK(v3->description.fma);
  CHECK(v4->description.vectorBits == 512);
  CHECK(v4->description.vectorRegisters == 32);
  CHECK_THAT(v3->features, Contains("+avx2") && !Contains("avx512"));
  CHECK_THAT(v4->features, Contains("+avx512vl"));
  CHECK(codegen::levelOf(*v3).cpu == "x86-64-v3");
  Target more = *v3;
  more.cpu = "alderlake";
  more.features += ",+avxvnni";
  more.description.dotProducts = true;
  CHECK(codegen::levelOf(more).cpu == "x86-64-v3");
  CHECK(codegen::levelOf(more).features == v3->features);
  Target slow = *v3; // what a CPU without fma has in common with v2 is not its vectors
  slow.cpu = "other";
  slow.features.erase(slow.features.find(",+fma"), 5);
  slow.description.fma = false;
  CHECK(codegen::levelOf(slow).cpu == "other");

  Result<Target> bad = codegen::findTarget("pentium");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().kind == ErrorKind::Usage);
  CHECK_THAT(bad.error().message, Contains("'pentium'") && Contains("'x86-64-v2'"));
}

TEST_CASE("both halves see the same CPU") {
  std::string seen;
  for (const std::string &name : hostCpuFeatures())
    seen += (seen.empty() ? "+" : ",+") + name;
  CHECK(seen == native().features);
}

TEST_CASE("the feature table is sorted") {
  CHECK(std::is_sorted(
      std::begin(kCpuFeatures), std::end(kCpuFeatures),
      [](const CpuFeature &a, const CpuFeature &b) { return std::string_view(a.name) < b.name; }));
}

TEST_CASE("an image computes") {
  bool optimize = GENERATE(false, true);
  TestContext test;
  auto module = test.parse(std::string(kVectorRun) + kOtherExports);
  REQUIRE(module);
  ImageInterface interface;
  interface.function = "double";
  interface.preparedBytes = 64;
  auto bytes = codegen::emitImage(*module, interface, native(), optimize);
  REQUIRE(messageOf(bytes) == "");
  auto image = Image::load(*bytes);
  REQUIRE(messageOf(image) == "");

  CHECK((*image)->interface().function == "double");
  CHECK((*image)->interface().preparedBytes == 64);
  CHECK((*image)->interface().cpu == native().cpu);
  CHECK((*image)->interface().features == hostCpuFeatures());
  int64_t dims[] = {11};
  CHECK((*image)->workspaceBytes()(dims) == 44);
  CHECK((*image)->prepareWorkspaceBytes()(dims) == 0);

  checkRun(**image);
  mlc_frame frame = {};
  CHECK((*image)->prepare()(&frame) == 7);
}

TEST_CASE("equal modules give equal images") {
  TestContext a, b;
  std::string text = std::string(kVectorRun) + kOtherExports;
  auto first = codegen::emitImage(*a.parse(text), {}, native(), true);
  auto second = codegen::emitImage(*b.parse(text), {}, native(), true);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first == *second);
}

TEST_CASE("a kernel that was compiled by itself is linked into an image") {
  std::string run = kVectorRun;
  size_t split = run.find("llvm.func @run");
  std::string kernel = run.substr(0, split);
  run = "llvm.func @kernel_0(!llvm.ptr, !llvm.ptr)\n" + run.substr(split) + kOtherExports;
  TestContext test;
  auto object = codegen::emitKernel(*test.parse(kernel), "kernel_0", native(), true);
  REQUIRE(messageOf(object) == "");
  auto bytes = codegen::emitImage(*test.parse(run), {}, native(), true, llvm::StringRef(*object));
  REQUIRE(messageOf(bytes) == "");
  auto image = Image::load(*bytes);
  REQUIRE(messageOf(image) == "");
  checkRun(**image);

  auto without = codegen::emitImage(*test.parse(run), {}, native(), true);
  REQUIRE_FALSE(without);
  CHECK_THAT(without.error().message, Contains("undefined symbol 'kernel_0'"));
  auto broken = codegen::emitImage(*test.parse(run), {}, native(), true, llvm::StringRef("ELF?"));
  REQUIRE_FALSE(broken);
  CHECK_THAT(broken.error().message, Contains("cannot link the image"));
}

TEST_CASE("many threads may compile at once") {
  std::string text = std::string(kVectorRun) + kOtherExports, images[4];
  const Target target = native(); // Catch2's assertions are for one thread
  std::vector<std::thread> threads;
  for (std::string &image : images)
    threads.emplace_back([&] {
      TestContext test;
      auto result = codegen::emitImage(*test.parse(text), {}, target, true);
      image = result ? *result : result.error().message;
    });
  for (std::thread &thread : threads)
    thread.join();
  CHECK(Image::load(images[0]));
  CHECK(std::count(std::begin(images), std::end(images), images[0]) == 4);
}

TEST_CASE("text of LLVM IR and assembly") {
  TestContext test;
  auto module = test.parse(std::string(kVectorRun) + kOtherExports);
  Result<Target> v4 = codegen::findTarget("x86-64-v4");
  auto llvm = codegen::emitLLVM(*module, *v4);
  REQUIRE(messageOf(llvm) == "");
  CHECK_THAT(*llvm, Contains("load i64, ptr %0, align 8")); // x86-64's data layout
  CHECK_THAT(*llvm, Contains("define dso_local i32 @run(ptr") &&
                        Contains("define internal void @kernel_0") &&
                        Contains("\"prefer-vector-width\"=\"512\"") && Contains("+avx512f"));
  auto v3 = codegen::emitAssembly(*module, *codegen::findTarget("x86-64-v3"), true);
  REQUIRE(messageOf(v3) == "");
  CHECK_THAT(*v3, Contains("kernel_0:") && Contains("vfmadd") && Contains("%ymm") &&
                      !Contains("%zmm") && !Contains(".cfi"));
}

TEST_CASE("an undefined symbol is named") {
  TestContext test;
  auto module = test.parse(std::string(R"(
    llvm.func @expf(f32) -> f32
    llvm.func @run(%frame: !llvm.ptr) -> i32 {
      %x = llvm.load %frame : !llvm.ptr -> f32
      %y = llvm.call @expf(%x) : (f32) -> f32
      llvm.store %y, %frame : f32, !llvm.ptr
      %c = llvm.mlir.constant(0 : i32) : i32
      llvm.return %c : i32
    })") + kOtherExports);
  auto image = codegen::emitImage(*module, {}, native(), true);
  REQUIRE_FALSE(image);
  CHECK(image.error().kind == ErrorKind::Internal);
  CHECK_THAT(image.error().message, Contains("undefined symbol 'expf'"));
}

TEST_CASE("a call that LLVM makes of a copy is named") {
  TestContext test;
  auto module = test.parse(std::string(R"(
    llvm.func @run(%frame: !llvm.ptr) -> i32 {
      %n = llvm.load %frame : !llvm.ptr -> i64
      %to = llvm.getelementptr %frame[64] : (!llvm.ptr) -> !llvm.ptr, i8
      "llvm.intr.memcpy"(%to, %frame, %n) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
      %c = llvm.mlir.constant(0 : i32) : i32
      llvm.return %c : i32
    })") + kOtherExports);
  auto image = codegen::emitImage(*module, {}, native(), true);
  REQUIRE_FALSE(image);
  CHECK_THAT(image.error().message, Contains("undefined symbol 'memcpy'"));
}

TEST_CASE("an absolute address is refused") {
  TestContext test;
  auto module = test.parse(std::string(R"(
    llvm.mlir.global internal constant @table() : !llvm.ptr {
      %f = llvm.mlir.addressof @prepare : !llvm.ptr
      llvm.return %f : !llvm.ptr
    }
    llvm.func @run(%frame: !llvm.ptr) -> i32 {
      %at = llvm.mlir.addressof @table : !llvm.ptr
      %f = llvm.load volatile %at : !llvm.ptr -> !llvm.ptr
      %r = llvm.call %f(%frame) : !llvm.ptr, (!llvm.ptr) -> i32
      llvm.return %r : i32
    })") + kOtherExports);
  auto image = codegen::emitImage(*module, {}, native(), true);
  REQUIRE_FALSE(image);
  // LLVM puts constants with relocations into .data.rel.ro.
  CHECK_THAT(image.error().message, Contains("'.data.rel.ro"));
}

TEST_CASE("writable data is refused") {
  TestContext test;
  auto module = test.parse(std::string(R"(
    llvm.mlir.global internal @counter(0 : i32) : i32
    llvm.func @run(%frame: !llvm.ptr) -> i32 {
      %at = llvm.mlir.addressof @counter : !llvm.ptr
      %n = llvm.load volatile %at : !llvm.ptr -> i32
      llvm.store volatile %n, %at : i32, !llvm.ptr
      llvm.return %n : i32
    })") + kOtherExports);
  auto image = codegen::emitImage(*module, {}, native(), true);
  REQUIRE_FALSE(image);
  CHECK_THAT(image.error().message, Contains("writable data in section '.bss"));
}

TEST_CASE("a missing export is named") {
  TestContext test;
  auto module = test.parse(kVectorRun);
  auto image = codegen::emitImage(*module, {}, native(), true);
  REQUIRE_FALSE(image);
  CHECK_THAT(image.error().message, Contains("no function 'prepare', 'workspace_bytes'"));
}

TEST_CASE("jump tables and large alignments link") {
  TestContext test;
  std::string cases, blocks;
  for (int i = 0; i < 12; ++i) {
    std::string n = std::to_string(i);
    cases += (i ? ", " : "") + n + ": ^b" + n;
    blocks += "^b" + n + ":\n %r" + n + " = llvm.mlir.constant(" + std::to_string((i * 37) % 23) +
              " : i32) : i32\n llvm.store volatile %r" + n + ", %frame : i32, !llvm.ptr\n" +
              " llvm.return %r" + n + " : i32\n";
  }
  auto module = test.parse(std::string(R"(
    llvm.mlir.global internal constant @data(dense<[1, 2, 3, 4]> : tensor<4xi32>) {alignment = 1024 : i64} : !llvm.array<4 x i32>
    llvm.func @run(%frame: !llvm.ptr) -> i32 {
      %n = llvm.load %frame : !llvm.ptr -> i32
      %d = llvm.mlir.addressof @data : !llvm.ptr
      %p = llvm.ptrtoint %d : !llvm.ptr to i64
      %at = llvm.getelementptr %frame[8] : (!llvm.ptr) -> !llvm.ptr, i8
      llvm.store %p, %at : i64, !llvm.ptr
      llvm.switch %n : i32, ^b0 [)") +
                           cases + "]\n" + blocks + "}" + kOtherExports);
  REQUIRE(module);
  auto bytes = codegen::emitImage(*module, {}, native(), true);
  REQUIRE(messageOf(bytes) == "");
  auto image = Image::load(*bytes);
  REQUIRE(messageOf(image) == "");
  for (int i = 0; i < 12; ++i) {
    struct {
      int32_t n;
      uint64_t address;
    } frame = {i, 0};
    CHECK((*image)->run()(reinterpret_cast<mlc_frame *>(&frame)) == (i * 37) % 23);
    CHECK(frame.address % 1024 == 0);
  }
}
