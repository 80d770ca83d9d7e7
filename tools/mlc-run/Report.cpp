//===- Report.cpp - What a command found out, as text and JSON ------------===//
#include "Report.h"

#include "Json.h"
#include "KernelReport.h"

#include <cmath>

namespace mlc::run {

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string describeComparison(const Comparison &c) {
  const Difference &d = c.difference;
  std::string text = c.output + (d.equal ? ": agrees with " : ": DIFFERS from ") + c.expectation;
  if (!d.equal)
    return text + ": " + d.message;
  double apart = std::fabs(d.got - d.expected);
  if (d.index < 0 || !(apart > 0) || std::isinf(apart))
    return text + " exactly";
  return text + format(", worst difference %.3g (%.2g of what is allowed) at element %lld: %.9g "
                       "instead of %.9g",
                       apart, d.excess, static_cast<long long>(d.index), d.got, d.expected);
}

static std::string describeTiming(const BenchmarkResult &result) {
  std::string text = format("%-10s %12s %12s %12s %12s %12s %8s %10s\n", "executor", "compile ms",
                            "ns/call", "p90", "p99", "fastest", "spread", "calls");
  for (const Timing &t : result.timings)
    text += format("%-10s %12.2f %12.1f %12.1f %12.1f %12.1f %7.1f%% %10lld\n", t.executor.c_str(),
                   t.compileMs, t.median, t.p90, t.p99, t.fastest, t.spread * 100,
                   static_cast<long long>(t.calls));
  if (result.timings.size() > 1)
    text += format("%s is %.2f times as fast as eager\n", result.timings[0].executor.c_str(),
                   result.ratio);
  return text;
}

std::string renderText(const Report &report) {
  if (!report.phase.empty())
    return report.text + (report.text.empty() || report.text.back() != '\n' ? "\n" : "");
  std::string text;
  if (report.showOutputs)
    for (const auto &[name, tensor] : report.outputs)
      text += name + ": " + toString(tensor) + "\n";
  for (const Comparison &comparison : report.comparisons)
    text += describeComparison(comparison) + "\n";
  for (size_t i = 0; i < report.goldens.size(); ++i)
    for (const Comparison &comparison : report.goldens[i].comparisons)
      text += "golden " + std::to_string(i + 1) + ", " + report.goldens[i].function + ": " +
              describeComparison(comparison) + "\n";
  if (report.benchmark)
    text += describeTiming(*report.benchmark);
  if (report.profile)
    text += describeProfile(*report.profile);
  if (report.explanation)
    text += describeExplanation(*report.explanation);
  return text;
}

std::string Report::mismatches() const {
  std::string text;
  auto add = [&](const std::string &where, const Comparison &c) {
    if (!c.difference.equal)
      text += (text.empty() ? "" : "\n") + where + "output '" + c.output + "' differs from " +
              c.expectation + ": " + c.difference.message;
  };
  for (const Comparison &comparison : comparisons)
    add("", comparison);
  for (size_t i = 0; i < goldens.size(); ++i)
    for (const Comparison &comparison : goldens[i].comparisons)
      add("golden " + std::to_string(i + 1) + ": ", comparison);
  return text;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static void writeComparisons(JsonWriter &json, const std::vector<Comparison> &comparisons) {
  json.key("comparisons");
  json.beginArray();
  for (const Comparison &c : comparisons) {
    json.beginObject();
    json.member("output", c.output);
    json.member("expectation", c.expectation);
    json.member("equal", c.difference.equal);
    json.member("index", c.difference.index);
    json.member("got", c.difference.got);
    json.member("expected", c.difference.expected);
    json.member("excess", c.difference.excess);
    json.member("relative_tolerance", c.tolerance.relative);
    json.member("absolute_tolerance", c.tolerance.absolute);
    json.member("message", c.difference.message);
    json.endObject();
  }
  json.endArray();
}

static void writeBenchmark(JsonWriter &json, const BenchmarkResult &result) {
  json.key("benchmark");
  json.beginObject();
  json.key("timings");
  json.beginArray();
  for (const Timing &t : result.timings) {
    json.beginObject();
    json.member("executor", t.executor);
    json.member("compile_ms", t.compileMs);
    json.member("calls", t.calls);
    json.member("samples", t.samples);
    json.member("batch", t.batch);
    json.member("median_ns", t.median);
    json.member("p90_ns", t.p90);
    json.member("p99_ns", t.p99);
    json.member("fastest_ns", t.fastest);
    json.member("spread", t.spread);
    json.endObject();
  }
  json.endArray();
  json.member("eager_ratio", result.ratio);
  json.endObject();
}

std::string renderJson(const Report &report) {
  JsonWriter json;
  json.beginObject();
  json.member("version", int64_t(1));
  json.member("model", report.model);
  json.member("function", report.function);
  if (!report.phase.empty()) {
    json.member("phase", report.phase);
    json.member("text", report.text);
    json.endObject();
    return json.take();
  }
  if (report.explanation) {
    writeExplanation(json, *report.explanation);
    json.endObject();
    return json.take();
  }
  json.member("executor", report.executor);
  json.member("ok", report.mismatches().empty());
  if (report.showOutputs) {
    json.key("outputs");
    json.beginObject();
    for (const auto &[name, tensor] : report.outputs)
      json.member(name, tensor);
    json.endObject();
  }
  if (!report.comparisons.empty())
    writeComparisons(json, report.comparisons);
  if (!report.goldens.empty()) {
    json.key("goldens");
    json.beginArray();
    for (const GoldenResult &golden : report.goldens) {
      json.beginObject();
      json.member("function", golden.function);
      writeComparisons(json, golden.comparisons);
      json.endObject();
    }
    json.endArray();
  }
  if (report.benchmark)
    writeBenchmark(json, *report.benchmark);
  if (report.profile)
    writeProfile(json, *report.profile);
  json.endObject();
  return json.take();
}

} // namespace mlc::run
