// What every contestant in C++ shares: it reads a case and answers the harness, one line for each.
//
//   load DIRECTORY   prepares the case in it        ok SECONDS
//   compile ...      the same, as often as asked
//   run FILE         computes once, writes an npy   ok
//   time CALLS       computes that often            ok SECONDS CPU-SECONDS
//   each CALLS       times every call alone         ok MEDIAN P99 (seconds)
//
// What a contestant has no means for is answered by `unsupported WHY`, what goes wrong by `error
// WHY`. Anything that libraries print goes to stderr. How many threads it may have is in the
// environment (threadCount). benchmarks/contestants/driver.py is the same in Python.
#ifndef MLC_BENCHMARKS_CONTESTANTS_DRIVER_H
#define MLC_BENCHMARKS_CONTESTANTS_DRIVER_H

#include "mlc/Tensor/Npy.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace mlc::benchmarks {

struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How many threads a contestant may have, in the variable that most libraries read themselves.
inline int threadCount() {
  const char *text = std::getenv("OMP_NUM_THREADS");
  return text ? std::max(1, std::atoi(text)) : 1;
}

/// One line of program.txt: an op, the name of what it makes, and of what it takes.
struct Step {
  std::string op, result;
  std::vector<std::string> operands;
};

/// A case: its inputs and weights, and the steps that make the output of them.
struct Program {
  std::map<std::string, Tensor> tensors;
  std::vector<std::string> inputs; ///< The other tensors are weights, which never change.
  std::vector<Step> steps;
  std::string output;

  bool isWeight(const std::string &name) const {
    return tensors.count(name) && std::find(inputs.begin(), inputs.end(), name) == inputs.end();
  }

  static Program read(const std::string &directory, bool withWeights = true) {
    Program program;
    std::ifstream file(directory + "/program.txt");
    if (!file)
      throw std::runtime_error("there is no " + directory + "/program.txt");
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      Step step;
      words >> step.op >> step.result;
      for (std::string word; words >> word;)
        step.operands.push_back(word);
      if (step.op == "output")
        program.output = step.result;
      else if (step.op == "weight" && !withWeights)
        continue;
      else if (step.op == "input" || step.op == "weight") {
        program.tensors[step.result] = readNpy(directory + "/" + step.result + ".npy").orThrow();
        if (step.op == "input")
          program.inputs.push_back(step.result);
      } else
        program.steps.push_back(step);
    }
    return program;
  }
};

/// Time of the clock on the wall and of this process's processor.
struct Stopwatch {
  double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
  static double now(clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  double wallSeconds() const { return now(CLOCK_MONOTONIC) - wall; }
  double cpuSeconds() const { return now(CLOCK_PROCESS_CPUTIME_ID) - cpu; }
};

template <typename C> std::string eachCall(C &contestant, size_t calls) {
  std::vector<double> seconds(calls);
  for (double &one : seconds) {
    Stopwatch watch;
    contestant.run();
    one = watch.wallSeconds();
  }
  std::sort(seconds.begin(), seconds.end());
  std::ostringstream reply;
  reply << "ok " << seconds[calls / 2] << " " << seconds[calls * 99 / 100];
  return reply.str();
}

/// Answers the harness until it has no more to ask. A contestant has load(directory), run(), and
/// output(), the tensor that was computed last; what it answers beside or instead is up to `extra`,
/// which gives an empty text for what it leaves.
template <typename C, typename F>
int serve(C &contestant, const std::string &about, const F &extra) {
  FILE *replies = fdopen(dup(1), "w");
  dup2(2, 1);
  auto say = [&](const std::string &line) {
    std::fprintf(replies, "%s\n", line.c_str());
    std::fflush(replies);
  };
  say("ready " + about);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, path;
    size_t calls = 0;
    std::ostringstream reply;
    reply.precision(9);
    words >> command;
    try {
      if (std::string answer = extra(command, words); !answer.empty()) {
        reply << answer;
      } else if ((command == "load" || command == "compile") && words >> path) {
        Stopwatch watch;
        contestant.load(path);
        reply << "ok " << watch.wallSeconds();
      } else if (command == "run" && words >> path) {
        contestant.run();
        writeNpy(path, contestant.output()).orThrow();
        reply << "ok";
      } else if (command == "time" && words >> calls) {
        Stopwatch watch;
        for (size_t i = 0; i < calls; ++i)
          contestant.run();
        double wall = watch.wallSeconds();
        reply << "ok " << wall << " " << watch.cpuSeconds();
      } else if (command == "each" && words >> calls && calls > 0) {
        reply << eachCall(contestant, calls);
      } else {
        reply << "error there is no command '" << line << "'";
      }
    } catch (const Unsupported &error) {
      reply << "unsupported " << error.what();
    } catch (const std::exception &error) {
      std::string what = error.what();
      std::replace(what.begin(), what.end(), '\n', ' ');
      reply << "error " << what;
    }
    say(reply.str());
  }
  return 0;
}

template <typename C> int serve(C &contestant, const std::string &about) {
  return serve(contestant, about, [](const std::string &, std::istream &) { return ""; });
}

} // namespace mlc::benchmarks

#endif // MLC_BENCHMARKS_CONTESTANTS_DRIVER_H
