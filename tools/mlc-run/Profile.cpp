//===- Profile.cpp - Where a call spends its time -------------------------===//
//
// Several rounds of calls are timed, from outside and by the image's own counters; the
// round with the fastest calls is reported, since what else the machine does slows the
// others down. So the kernels' times and the call's are of the same calls.
//
//===----------------------------------------------------------------------===//
#include "Profile.h"

#include "Limits.h"

#include "mlc/Runtime/Machine.h"

#include <algorithm>
#include <chrono>

namespace mlc::run {

namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr double kBatchSeconds = 10e-6;
constexpr double kRoundSeconds = 0.05;
constexpr int kRounds = 10;
/// A model that is slower than this gets fewer rounds.
constexpr double kMostSeconds = 5;

Status repeat(Call &call, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (Status status = call.run(); !status)
      return status;
  return {};
}

/// The number of calls after which reading the clock costs nothing beside them. Warms up.
Result<int64_t> findBatch(Call &call) {
  int64_t batch = 1;
  auto start = Clock::now();
  do {
    auto sample = Clock::now();
    if (Status status = repeat(call, batch); !status)
      return status.takeError();
    if (secondsSince(sample) < kBatchSeconds)
      batch *= 2;
  } while (secondsSince(start) < kRoundSeconds);
  return batch;
}

/// The size of the symbolic dimension, 0 if there is none.
int64_t symbolicSize(const ImageInterface &interface, const TensorMap &inputs) {
  for (const ImageTensor &input : interface.inputs)
    if (!input.dims.empty() && input.dims[0] < 0)
      return inputs.at(input.name).shape()[0];
  return 0;
}

bool isChain(const ImageKernel &kernel) { return kernel.kind == "chain"; }

/// Shares the calls and the time of each chain among the kernels that it calls: those were counted
/// for every block of rows, and on several threads at once.
std::vector<KernelProfile> shareOut(const std::vector<ImageKernel> &kernels,
                                    const std::vector<KernelProfile> &counted) {
  std::map<std::string, KernelProfile> chains;
  std::map<std::string, double> together; // what the kernels of each took
  for (size_t i = 0; i < kernels.size(); ++i)
    if (isChain(kernels[i]))
      chains[kernels[i].function] = counted[i];
    else
      together[kernels[i].chain] += counted[i].seconds;
  std::vector<KernelProfile> counts = counted;
  for (size_t i = 0; i < kernels.size(); ++i) {
    auto chain = chains.find(kernels[i].chain);
    if (chain == chains.end())
      continue;
    double all = together[kernels[i].chain];
    counts[i].calls = chain->second.calls;
    counts[i].seconds = all > 0 ? chain->second.seconds * (counted[i].seconds / all) : 0;
  }
  return counts;
}

} // namespace

double ProfileResult::kernelSeconds() const {
  double sum = 0;
  for (const KernelTiming &timing : kernels)
    sum += timing.seconds;
  return sum;
}

Result<ProfileResult> profile(const Engine &engine, const Arguments &arguments, const Graph &graph,
                              const TensorMap &parameters, const TensorMap &inputs) {
  enterStage("compiling");
  auto executable = engine.compile(graph, parameters, arguments.compile);
  if (!executable)
    return executable.takeError();
  auto call = executable->bind(inputs);
  if (!call)
    return call.takeError();

  enterStage("profiling");
  auto batch = findBatch(*call);
  if (!batch)
    return batch.takeError();
  ProfileResult result;
  std::vector<KernelProfile> counts;
  auto begin = Clock::now();
  for (int i = 0; i < kRounds && (i == 0 || secondsSince(begin) < kMostSeconds); ++i) {
    call->resetProfile();
    int64_t calls = 0;
    auto start = Clock::now();
    double elapsed = 0;
    do {
      if (Status status = repeat(*call, *batch); !status)
        return status.takeError();
      calls += *batch;
      elapsed = secondsSince(start);
    } while (elapsed < kRoundSeconds);
    double perCall = elapsed / static_cast<double>(calls);
    if (result.calls > 0 && perCall >= result.seconds)
      continue;
    result.calls = calls;
    result.seconds = perCall;
    counts = call->profile();
  }

  enterStage("measuring the machine");
  result.fmaPeak = measureFmaPeak();
  std::map<int64_t, double> bandwidths; // by bytes
  const ImageInterface &interface = executable->interface();
  int64_t size = symbolicSize(interface, inputs);
  std::vector<KernelProfile> perCall = shareOut(interface.kernels, counts);
  for (size_t i = 0; i < interface.kernels.size(); ++i) {
    KernelTiming timing;
    timing.kernel = interface.kernels[i];
    if (timing.kernel.prepares || isChain(timing.kernel))
      continue;
    timing.calls = static_cast<double>(perCall[i].calls) / static_cast<double>(result.calls);
    timing.seconds = perCall[i].seconds / static_cast<double>(result.calls);
    timing.operations = timing.kernel.operations.at(size);
    timing.bytes = timing.kernel.bytes.at(size);
    if (timing.calls > 0 && result.fmaPeak > 0) {
      auto [known, isNew] = bandwidths.emplace(static_cast<int64_t>(timing.bytes), 0);
      if (isNew)
        known->second = measureReadBandwidth(known->first);
      timing.least = timing.operations / result.fmaPeak;
      if (known->second > 0)
        timing.least = std::max(timing.least, timing.bytes / known->second);
    }
    result.kernels.push_back(std::move(timing));
  }
  return result;
}

} // namespace mlc::run
