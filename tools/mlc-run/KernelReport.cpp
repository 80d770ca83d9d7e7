//===- KernelReport.cpp - Kernels as text and JSON ------------------------===//
#include "KernelReport.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace mlc::run {

std::string format(const char *pattern, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, pattern);
  vsnprintf(buffer, sizeof buffer, pattern, arguments);
  va_end(arguments);
  return buffer;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// `text` and blanks up to the width.
static std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

static std::string describeOps(const ImageKernel &kernel) {
  std::string text;
  for (const ImageOp &op : kernel.ops)
    text += "  " + padded(op.op, 16) + (op.node.empty() ? "(of the compiler)" : nameOf(op)) + "\n";
  return text;
}

std::string describeProfile(const ProfileResult &result) {
  std::string text = format("%-14s %10s %12s %8s %10s %10s %8s\n", "kernel", "calls", "us/call",
                            "share", "GFLOP/s", "GB/s", "of SOL");
  auto line = [&](const char *name, double seconds) {
    text += format("%-14s %10s %12.3f %7.1f%%\n", name, "", seconds * 1e6,
                   seconds / result.seconds * 100);
  };
  for (const KernelTiming &t : result.kernels) {
    text += format("%-14s %10.6g %12.3f %7.1f%% %10.2f %10.2f %7.1f%%\n", t.kernel.function.c_str(),
                   t.calls, t.seconds * 1e6, t.seconds / result.seconds * 100,
                   t.operationsPerSecond() / 1e9, t.bytesPerSecond() / 1e9, t.shareOfPeak() * 100);
    text += describeOps(t.kernel);
  }
  line("all kernels", result.kernelSeconds());
  line("the rest", result.seconds - result.kernelSeconds());
  line("a call", result.seconds);
  return text + format("%lld calls; multiply-adds at most %.1f GFLOP/s\n",
                       static_cast<long long>(result.calls), result.fmaPeak / 1e9);
}

/// Widths of the columns of a table.
static size_t widest(const std::vector<std::string> &texts) {
  size_t width = 0;
  for (const std::string &text : texts)
    width = std::max(width, text.size());
  return width;
}

std::string describeExplanation(const Explanation &result) {
  std::vector<std::string> names, kernels;
  for (const ExplainedOp &op : result.ops) {
    names.push_back(op.node + (op.place.empty() ? "" : " (" + op.place + ")"));
    std::string list;
    for (size_t i : op.kernels)
      list += (list.empty() ? "" : ", ") + result.kernels[i].function;
    kernels.push_back(list.empty() ? "-" : list);
  }
  const size_t nameWidth = widest(names), kernelWidth = widest(kernels);
  std::string text;
  for (size_t i = 0; i < result.ops.size(); ++i) {
    std::string line = padded(names[i], nameWidth) + "  " + padded(result.ops[i].op, 10) + "  " +
                       padded(kernels[i], kernelWidth) + "  " + result.ops[i].note;
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  for (const ImageKernel &kernel : result.kernels) {
    text += "\n" + kernel.function + ": " + kernel.kind +
            (kernel.prepares ? ", once, on parameters" : "") +
            (kernel.chain.empty() ? "" : ", in " + kernel.chain) + "\n";
    text += "  ends because     " + kernel.reason + "\n";
    text += "  strategy         " + kernel.strategy + "\n";
    text += "  operations       " + formula(kernel.operations, result.dim) + "\n";
    text += "  bytes            " + formula(kernel.bytes, result.dim) + "\n";
    for (const ImageOp &op : kernel.ops)
      text += "    " + padded(op.op, 15) + padded(nameOf(op), nameWidth) + "  " +
              formula(op.operations, result.dim) + "\n";
  }
  return text;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static void writeCount(JsonWriter &json, const char *name, const ImageCount &count) {
  json.key(name);
  json.beginObject();
  json.member("constant", count.constant);
  json.member("factor", count.factor);
  json.endObject();
}

/// What the compiler says of a kernel.
static void writeKernel(JsonWriter &json, const ImageKernel &kernel) {
  json.member("kernel", kernel.function);
  json.member("prepares", kernel.prepares);
  json.member("kind", kernel.kind);
  json.member("chain", kernel.chain);
  json.member("reason", kernel.reason);
  json.member("strategy", kernel.strategy);
  writeCount(json, "operations", kernel.operations);
  writeCount(json, "bytes", kernel.bytes);
  json.key("ops");
  json.beginArray();
  for (const ImageOp &op : kernel.ops) {
    json.beginObject();
    json.member("op", op.op);
    json.member("node", op.node);
    json.member("place", op.place);
    writeCount(json, "operations", op.operations);
    json.endObject();
  }
  json.endArray();
}

void writeProfile(JsonWriter &json, const ProfileResult &result) {
  json.key("profile");
  json.beginObject();
  json.member("calls", result.calls);
  json.member("call_ns", result.seconds * 1e9);
  json.member("kernels_ns", result.kernelSeconds() * 1e9);
  json.member("peak_gflops", result.fmaPeak / 1e9);
  json.key("kernels");
  json.beginArray();
  for (const KernelTiming &t : result.kernels) {
    json.beginObject();
    writeKernel(json, t.kernel);
    json.member("calls", t.calls);
    json.member("ns", t.seconds * 1e9);
    json.member("gflops", t.operationsPerSecond() / 1e9);
    json.member("gbytes_per_s", t.bytesPerSecond() / 1e9);
    json.member("sol_ns", t.least * t.calls * 1e9);
    json.member("sol_share", t.shareOfPeak());
    json.endObject();
  }
  json.endArray();
  json.endObject();
}

void writeExplanation(JsonWriter &json, const Explanation &result) {
  json.key("explanation");
  json.beginObject();
  json.member("dimension", result.dim);
  json.key("ops");
  json.beginArray();
  for (const ExplainedOp &op : result.ops) {
    json.beginObject();
    json.member("node", op.node);
    json.member("op", op.op);
    json.member("place", op.place);
    json.key("kernels");
    json.beginArray();
    for (size_t i : op.kernels)
      json.value(static_cast<int64_t>(i));
    json.endArray();
    json.member("note", op.note);
    json.endObject();
  }
  json.endArray();
  json.key("kernels");
  json.beginArray();
  for (const ImageKernel &kernel : result.kernels) {
    json.beginObject();
    writeKernel(json, kernel);
    json.endObject();
  }
  json.endArray();
  json.endObject();
}

} // namespace mlc::run
