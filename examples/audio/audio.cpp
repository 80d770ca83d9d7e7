// Runs the amplifier as a host's audio thread would, with everything forbidden that can
// make such a thread late, and compares what it plays with plain loops in double.
//
//   audio [--blocks=N] [--misbehave=allocation|lock|system-call|fault]
//
// With --misbehave the thread itself does what it may not, to show that it is noticed.
#include "Amp.h"
#include "Watch.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <x86intrin.h>

using mlc::Tensor;

namespace {

constexpr int kBlock = 64;           // samples
constexpr long kCompared = 200;      // blocks, and the length of what is played over and over
constexpr long kMisbehaves = 50;     // the block in which it does
constexpr long kMostBlocks = 100000; // whose times are kept
constexpr double kPeriod = kBlock / audio::Amp::kSampleRate; // seconds

using Samples = std::vector<float>;

/// What the audio thread, which is a process of its own, finds out for its parent.
struct Session {
  audio::Watched watched;
  uint64_t ticks[kMostBlocks] = {}; ///< For each block.
  double ticksPerSecond = 0;
  float played[kCompared * kBlock] = {};
  bool environmentKept = false; ///< MXCSR.
};

/// In memory that this process shares with its children. Never freed.
Session &makeSession() {
  void *memory =
      mmap(nullptr, sizeof(Session), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw mlc::Error(mlc::ErrorKind::ResourceLimit, "there is no memory to share");
  return *new (memory) Session;
}

//===----------------------------------------------------------------------===//
// What should be heard
//===----------------------------------------------------------------------===//

mlc::TensorMap makeWeights() {
  constexpr int64_t hidden = audio::AmpNetwork::kHidden;
  uint64_t seed = 1;
  auto random = [&](mlc::Shape shape) {
    return mlc::randomUniform(std::move(shape), seed++, -0.3f, 0.3f);
  };
  return {{"unit.weight_ih_l0", random({3 * hidden, 1})},
          {"unit.weight_hh_l0", random({3 * hidden, hidden})},
          {"unit.bias_ih_l0", random({3 * hidden})},
          {"unit.bias_hh_l0", random({3 * hidden})},
          {"head.weight", random({1, hidden})},
          {"head.bias", random({1})}};
}

/// Plucked strings: a note now and then, that fades to silence.
Samples makeSignal() {
  Samples signal(kCompared * kBlock);
  for (size_t i = 0; i < signal.size(); ++i) {
    double t = static_cast<double>(i % 6000) / audio::Amp::kSampleRate;
    double pitch = 110 * static_cast<double>(1 + i / 6000);
    signal[i] = static_cast<float>(0.8 * std::exp(-20 * t) * std::sin(2 * M_PI * pitch * t));
  }
  return signal;
}

/// The same network, written out.
Samples playInDouble(const mlc::TensorMap &weights, const Samples &signal) {
  constexpr int hidden = audio::AmpNetwork::kHidden;
  auto of = [&](const char *name) { return weights.at(name).dataAs<float>(); };
  const float *input = of("unit.weight_ih_l0"), *recurrent = of("unit.weight_hh_l0"),
              *inputBias = of("unit.bias_ih_l0"), *recurrentBias = of("unit.bias_hh_l0"),
              *mix = of("head.weight"), *mixBias = of("head.bias");
  auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  std::vector<double> state(hidden), next(hidden);
  Samples played;
  for (double x : signal) {
    for (int i = 0; i < hidden; ++i) {
      double fromInput[3], fromState[3];
      for (int gate = 0; gate < 3; ++gate) {
        int row = gate * hidden + i;
        fromInput[gate] = input[row] * x + inputBias[row];
        fromState[gate] = recurrentBias[row];
        for (int j = 0; j < hidden; ++j)
          fromState[gate] += recurrent[row * hidden + j] * state[static_cast<size_t>(j)];
      }
      double reset = sigmoid(fromInput[0] + fromState[0]);
      double update = sigmoid(fromInput[1] + fromState[1]);
      double candidate = std::tanh(fromInput[2] + reset * fromState[2]);
      next[static_cast<size_t>(i)] =
          (1 - update) * candidate + update * state[static_cast<size_t>(i)];
    }
    state.swap(next);
    double y = x + mixBias[0];
    for (int i = 0; i < hidden; ++i)
      y += mix[i] * state[static_cast<size_t>(i)];
    played.push_back(static_cast<float>(y));
  }
  return played;
}

//===----------------------------------------------------------------------===//
// The audio thread
//===----------------------------------------------------------------------===//

/// Does what an audio thread may not.
struct Misbehaviour {
  std::string what;
  volatile char *untouched = nullptr; ///< A page.
  std::mutex mutex;

  explicit Misbehaviour(std::string kind) : what(std::move(kind)) {
    void *page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    untouched = static_cast<volatile char *>(page);
  }
  void operator()() {
    if (what == "allocation")
      operator delete(operator new(100));
    else if (what == "lock")
      std::lock_guard<std::mutex> lock(mutex);
    else if (what == "system-call")
      static_cast<void>(getppid());
    else if (what == "fault")
      *untouched = 1;
  }
};

/// The ticks of the processor in a second.
double measureTicks() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  uint64_t first = __rdtsc();
  while (Clock::now() - start < std::chrono::milliseconds(50)) {
  }
  double ticks = static_cast<double>(__rdtsc() - first);
  return ticks / std::chrono::duration<double>(Clock::now() - start).count();
}

/// The host's loop. Reads the processor's own clock, as the system's may be a call.
template <typename Process>
void play(Session &session, const Samples &signal, long blocks, Misbehaviour &misbehave,
          Process &&process) {
  float out[kBlock];
  for (long block = 0; block < blocks; ++block) {
    session.watched.block = block;
    uint64_t start = __rdtsc();
    process(&signal[static_cast<size_t>(block % kCompared) * kBlock], out);
    session.ticks[block] = __rdtsc() - start;
    if (block < kCompared)
      std::copy_n(out, kBlock, &session.played[block * kBlock]);
    if (block == kMisbehaves)
      misbehave();
  }
}

[[noreturn]] void runThread(Session &session, const mlc::TensorMap &weights, const Samples &signal,
                            long blocks, const std::string &misbehaviour) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); // the kernel merges no pages under the thread
  new (&session) Session;                // touches every page
  audio::Amp amp(weights);
  amp.prepare(audio::Amp::kSampleRate, kBlock);

  // Hosts set this so that fading tails, whose numbers get tiny, cost no more than others.
  _mm_setcsr(_mm_getcsr() | _MM_FLUSH_ZERO_ON | 0x40 /* denormals are zeros */);
  constexpr unsigned flags = _MM_EXCEPT_MASK;
  const unsigned environment = _mm_getcsr() & ~flags;

  session.ticksPerSecond = measureTicks();
  Misbehaviour nothing(""), something(misbehaviour);
  auto silence = [](const float *, float *out) { std::fill_n(out, kBlock, 0.0f); };
  play(session, signal, kCompared, nothing, silence); // the loop itself, not the amplifier
  // What is there stays there, where the system lets us lock it.
  static_cast<void>(mlockall(MCL_CURRENT | MCL_ONFAULT));
  audio::startWatching(session.watched);
  play(session, signal, blocks, something,
       [&](const float *in, float *out) { amp.process(in, out); });
  session.environmentKept = (_mm_getcsr() & ~flags) == environment;
  audio::stopWatching();
  audio::endProcess(0);
}

//===----------------------------------------------------------------------===//
// The report
//===----------------------------------------------------------------------===//

/// Complains about what should not have been; returns whether there was nothing.
bool judge(const Session &session, int status, long blocks) {
  const audio::Watched &w = session.watched;
  bool good = true;
  auto complain = [&](const std::string &text) {
    std::fprintf(stderr, "%s\n", text.c_str());
    good = false;
  };
  auto inBlock = [](long block) { return " in block " + std::to_string(block); };
  if (w.systemCalls)
    complain("system call " + std::to_string(w.systemCall) + inBlock(w.block));
  else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    complain("the audio thread ended with wait status " + std::to_string(status) +
             inBlock(w.block));
  if (w.allocations)
    complain(std::to_string(w.allocations) + " allocations or frees, the first" +
             inBlock(w.allocationBlock));
  if (w.locks)
    complain(std::to_string(w.locks) + " locks, the first" + inBlock(w.lockBlock));
  if (w.minorFaults || w.majorFaults)
    complain(std::to_string(w.minorFaults) + " minor and " + std::to_string(w.majorFaults) +
             " major page faults");
  if (good && !session.environmentKept)
    complain("MXCSR was changed");
  if (good)
    std::printf("%ld blocks after prepare(): no allocation, no lock, no system call, no page "
                "fault\n",
                blocks);
  return good;
}

bool compare(const Session &session, const Samples &expected, long blocks) {
  float largest = 0;
  for (size_t i = 0; i < static_cast<size_t>(std::min(blocks, kCompared) * kBlock); ++i) {
    float difference = std::fabs(session.played[i] - expected[i]);
    largest = difference <= largest ? largest : difference; // NaN is kept
  }
  std::printf("largest difference to plain loops in double: %.1e\n", static_cast<double>(largest));
  return largest < 1e-5f;
}

void reportTimes(const Session &session, long blocks) {
  std::vector<double> times;
  for (long i = 0; i < blocks; ++i)
    times.push_back(static_cast<double>(session.ticks[i]) / session.ticksPerSecond);
  auto missed = std::count_if(times.begin(), times.end(), [](double t) { return t > kPeriod; });
  std::sort(times.begin(), times.end());
  auto at = [&](double share) {
    return 1e6 * times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("a block of %d samples is due every %.1f us and took: median %.1f us, 99 %% %.1f us, "
              "99.9 %% %.1f us, maximum %.1f us\n"
              "missed deadlines: %ld\n",
              kBlock, 1e6 * kPeriod, at(0.5), at(0.99), at(0.999), at(1), missed);
}

int run(long blocks, const std::string &misbehaviour) {
  Session &session = makeSession();
  mlc::TensorMap weights = makeWeights();
  Samples signal = makeSignal(), expected = playInDouble(weights, signal);

  std::fflush(stdout);
  pid_t child = fork(); // a process of its own, as the kernel never forgets a filter
  if (child == 0)
    try {
      runThread(session, weights, signal, blocks, misbehaviour);
    } catch (const std::exception &error) {
      std::fprintf(stderr, "%s\n", error.what());
      audio::endProcess(1);
    }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child)
    return std::perror("no process for the audio thread"), 1;
  if (!judge(session, status, blocks) || !compare(session, expected, blocks))
    return 1;
  reportTimes(session, blocks);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  long blocks = kMostBlocks;
  std::string misbehaviour;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.rfind("--blocks=", 0) == 0)
      blocks = std::atol(argument.c_str() + 9);
    else if (argument.rfind("--misbehave=", 0) == 0)
      misbehaviour = argument.substr(12);
    else
      return std::fprintf(stderr, "unknown argument '%s'\n", argv[i]), 2;
  }
  const char *known[] = {"", "allocation", "lock", "system-call", "fault"};
  if (std::find(std::begin(known), std::end(known), misbehaviour) == std::end(known))
    return std::fprintf(stderr, "unknown misbehaviour '%s'\n", misbehaviour.c_str()), 2;
  if (blocks < 1 || blocks > kMostBlocks)
    return std::fprintf(stderr, "--blocks takes 1 to %ld\n", kMostBlocks), 2;
  try {
    return run(blocks, misbehaviour);
  } catch (const std::exception &error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
