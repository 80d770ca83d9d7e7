// Loading images: hostile bytes, page protection, addresses, symbols for tools.
#include "mlc/Runtime/Image.h"
#include "../TempDir.h"
#include "Modules.h"
#include "mlc/Abi/Frame.h"
#include "mlc/Tensor/DType.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstring>
#include <fstream>

using namespace mlc;
using namespace mlc::test;
using Catch::Matchers::Contains;

static std::string makeImage(ImageInterface interface = {}) {
  TestContext test;
  auto target = codegen::findTarget("x86-64-v3");
  REQUIRE(target);
  auto bytes = codegen::emitImage(*test.parse(std::string(kVectorRun) + kOtherExports),
                                  std::move(interface), *target, true);
  REQUIRE(messageOf(bytes) == "");
  return *bytes;
}

static bool computes(const Image &image) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {};
  const void *inputs[] = {x};
  void *outputs[] = {y};
  mlc_frame frame = {};
  frame.inputs = inputs;
  frame.outputs = outputs;
  if (image.run()(&frame) != 0)
    return false;
  for (int i = 0; i < 8; ++i)
    if (y[i] != 2 * x[i] + i)
      return false;
  return true;
}

/// The permissions of the mapping that holds `address`, such as "r-xp".
static std::string permissions(const void *address) {
  std::ifstream maps("/proc/self/maps");
  auto wanted = reinterpret_cast<uint64_t>(address);
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0, end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, mode) == 3 && wanted >= start &&
        wanted < end)
      return mode;
  }
  return "none";
}

static const void *codeOf(const Image &image) { return reinterpret_cast<void *>(image.run()); }

TEST_CASE("code is executable and never writable") {
  auto image = Image::load(makeImage());
  REQUIRE(image);
  CHECK(permissions(codeOf(**image)) == "r-xp");
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    CHECK_THAT(line, !Contains("rwx") && !Contains("-wx"));
}

TEST_CASE("an image runs wherever it is mapped, and is unmapped") {
  std::string bytes = makeImage();
  auto first = Image::load(bytes), second = Image::load(bytes);
  REQUIRE(first);
  REQUIRE(second);
  CHECK((*first)->run() != (*second)->run());
  CHECK(computes(**first));
  CHECK(computes(**second));
  const void *code = codeOf(**second);
  second = Error{};
  CHECK(permissions(code) != "r-xp");
  CHECK(computes(**first));
}

TEST_CASE("an image says why it stops and what it calls its host for") {
  ImageInterface interface;
  interface.dims = {"batch"};
  interface.messages = {{ErrorKind::BadInput, "rows are sorted"}, {ErrorKind::ResourceLimit, ""}};
  ImageTensor operand{"", static_cast<int64_t>(DType::Bool), {-1, 3}};
  ImageTensor result{"", static_cast<int64_t>(DType::I64), {}};
  interface.hostCalls = {
      {ImageHostCall::Kind::Print, "x", "", {operand}, {}},
      {ImageHostCall::Kind::Custom, "f", "node `f`: ", {operand, result}, {result}}};
  auto image = Image::load(makeImage(interface));
  REQUIRE(image);
  const ImageInterface &loaded = (*image)->interface();
  REQUIRE(loaded.messages.size() == 2);
  CHECK(loaded.messages[0].kind == ErrorKind::BadInput);
  CHECK(loaded.messages[0].text == "rows are sorted");
  CHECK(loaded.messages[1].kind == ErrorKind::ResourceLimit);
  REQUIRE(loaded.hostCalls.size() == 2);
  CHECK(loaded.hostCalls[0].kind == ImageHostCall::Kind::Print);
  CHECK(loaded.hostCalls[0].results.empty());
  const ImageHostCall &custom = loaded.hostCalls[1];
  CHECK(custom.kind == ImageHostCall::Kind::Custom);
  CHECK(custom.name == "f");
  CHECK(custom.place == "node `f`: ");
  REQUIRE(custom.operands.size() == 2);
  CHECK(custom.operands[0].dims == std::vector<int64_t>{-1, 3});
  CHECK(custom.operands[0].dtype == static_cast<int64_t>(DType::Bool));
  CHECK(custom.results.size() == 1);

  interface.messages[0].kind = static_cast<ErrorKind>(7); // there is no such kind
  CHECK_FALSE(ImageInterface::decode(interface.encode()));
}

TEST_CASE("an image that was made for profiling describes its kernels") {
  ImageInterface interface;
  std::string without = interface.encode();
  interface.kernels.resize(2);
  CHECK(interface.encode().substr(0, without.size()) == without);
  ImageKernel &kernel = interface.kernels[1];
  kernel = {"kernel_0",    true,   "data", "chain_1", "function result",
            "scalar loop", {1, 2}, {3, 4}, {}};
  kernel.ops = {{"pack", "w", "net.py:1:2", {5, 6}}};
  auto read = ImageInterface::decode(interface.encode());
  REQUIRE(read);
  REQUIRE(read->kernels.size() == 2);
  CHECK_FALSE(read->kernels[0].prepares);
  const ImageKernel &got = read->kernels[1];
  CHECK(got.function == "kernel_0");
  CHECK(got.prepares);
  CHECK(got.kind == "data");
  CHECK(got.chain == "chain_1");
  CHECK(got.reason == "function result");
  CHECK(got.strategy == "scalar loop");
  CHECK(got.operations.at(10) == 21);
  CHECK(got.bytes.at(10) == 43);
  REQUIRE(got.ops.size() == 1);
  CHECK(got.ops[0].op == "pack");
  CHECK(got.ops[0].node == "w");
  CHECK(got.ops[0].place == "net.py:1:2");
  CHECK(got.ops[0].operations.factor == 6);

  std::string bytes = interface.encode();
  for (size_t size = without.size() + 1; size < bytes.size(); ++size)
    CHECK_FALSE(ImageInterface::decode(std::string_view(bytes).substr(0, size)));
  kernel.bytes.factor = -1;
  CHECK_FALSE(ImageInterface::decode(interface.encode()));
}

TEST_CASE("an image for another CPU is refused by name") {
  // The interface is rewritten by code generation, so edit the bytes.
  std::string bytes = makeImage();
  size_t at = bytes.find("avx2");
  REQUIRE(at != std::string::npos);
  bytes.replace(at, 4, "amx9");
  auto image = Image::load(bytes);
  REQUIRE_FALSE(image);
  CHECK(image.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(image.error().message, Contains("x86-64-v3") && Contains("amx9"));
}

TEST_CASE("the donor of an output is an input or none") {
  ImageInterface interface;
  interface.inputs.resize(2);
  interface.outputs.resize(1);
  for (int64_t donor : {-2, -1, 0, 1, 2}) {
    INFO("donor " << donor);
    interface.outputs[0].donor = donor;
    auto read = ImageInterface::decode(interface.encode());
    CHECK(read.ok() == (donor >= -1 && donor < 2));
    if (read)
      CHECK(read->outputs[0].donor == donor);
  }
}

TEST_CASE("an image cut off anywhere is refused") {
  std::string bytes = makeImage();
  for (size_t size = 0; size < bytes.size(); ++size) {
    // A copy of that size, so that a sanitizer sees every read past the end.
    std::string cut(bytes.data(), size);
    auto image = Image::load(cut);
    INFO("cut to " << size << " of " << bytes.size() << " bytes");
    REQUIRE_FALSE(image);
    CHECK(image.error().kind == ErrorKind::BadInput);
  }
}

TEST_CASE("no changed byte breaks the loader, changed headers are refused") {
  std::string bytes = makeImage();
  const size_t headers = 64 + 2 * 56;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned char flip : {0x01, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      auto image = Image::load(changed);
      INFO("byte " << at << " xor " << int(flip));
      if (at < headers) {
        REQUIRE_FALSE(image);
        CHECK(image.error().kind == ErrorKind::BadInput);
      }
    }
  }
}

TEST_CASE("what is no image is refused") {
  CHECK_FALSE(Image::load(""));
  CHECK_FALSE(Image::load(std::string(5000, '\0')));
  CHECK_FALSE(Image::load("\x7f"
                          "ELF"));
  std::ifstream program("/proc/self/exe", std::ios::binary);
  auto image = Image::load(std::string(std::istreambuf_iterator<char>(program), {}));
  REQUIRE_FALSE(image);
  CHECK(image.error().kind == ErrorKind::BadInput);
}

TEST_CASE("disassemblers see the functions") {
  TempDir directory;
  std::string path = directory.write("image.elf", makeImage());
  FILE *pipe = popen(("objdump -d " + path + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  for (char buffer[4096]; size_t n = fread(buffer, 1, sizeof buffer, pipe);)
    text.append(buffer, n);
  CHECK(pclose(pipe) == 0);
  CHECK_THAT(text, Contains("<run>:") && Contains("<kernel_0>:") && Contains("vfmadd") &&
                       Contains("<prepare_workspace_bytes>:"));
}
