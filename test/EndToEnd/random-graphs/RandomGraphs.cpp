//===- RandomGraphs.cpp - Random graphs under every executor --------------===//
//
//   mlc-random-graphs [--seeds A..B] [--executor NAME]... [--failures DIR]
//                     [--target NAME] [--matrix PREFIX] [--shrink N] [--print SEED]
//                     [--self-test]
//
// Generates a graph from every seed and compares reference, eager and jit (at O0
// and optimised, fused and unfused). With --matrix it is jit only, in the combinations of
// target, optimisation, fusion and threads whose names begin so ("v2", "v3-O0-fused-4"). Work is
// done in child processes, so that a crash or hang is a failure of its seed. The first N failures
// are shrunk and written to DIR as model files with their inputs and expected outputs: see what is
// wrong with `mlc-run DIR/FILE --selftest`. --self-test plants a defect in each op and expects it
// found and shrunk. Exit status 1 if anything failed.
//
//===----------------------------------------------------------------------===//

#include "Executors.h"
#include "Generator.h"
#include "Isolated.h"
#include "Shrink.h"

#include "mlc/Graph/Print.h"
#include "mlc/Graph/Rewrite.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <set>
#include <sstream>

using namespace mlc;
using namespace mlc::test;

namespace {

constexpr uint64_t kSeedsPerChild = 50;
constexpr int kPatience = 120; // seconds

struct Options {
  uint64_t first = 0, last = 99;
  std::vector<std::string> executors;
  std::string failures = "failures";
  std::string target = "native", matrix;
  size_t shrink = 5;
};

Engine makeEngine() {
  auto engine = Engine::create();
  if (!engine)
    throw std::runtime_error(engine.error().message);
  return std::move(*engine);
}

/// Ops of the whole specimen, and of its first function in order.
std::string opsOf(const Specimen &specimen) {
  std::string text;
  for (const Node &node : specimen.graph.functions[0].body.nodes)
    if (node.op != Op::Constant && node.op != Op::Parameter)
      text += (text.empty() ? "" : " ") + std::string(opInfo(node.op).name);
  return text.empty() ? "no op" : text;
}

/// The failure of one way in a process of its own: its message, or empty.
std::string failure(const Specimen &specimen, const Way &way) {
  ChildResult result =
      runIsolated([&](const Say &say) { say(check(makeEngine(), specimen, way)); }, kPatience);
  if (!result.death.empty())
    return "dies: " + result.death;
  return result.lines.empty() ? "" : result.lines[0];
}

Status save(const std::string &path, const Specimen &specimen) {
  const Function &function = specimen.graph.functions[0];
  auto expected =
      evaluateBounded(specimen.graph, function, specimen.parameters, orderedInputs(specimen));
  if (!expected)
    return expected.takeError();
  Model model;
  model.graph = specimen.graph;
  model.parameters = specimen.parameters;
  Golden golden;
  golden.function = function.name;
  golden.inputs = specimen.inputs;
  for (size_t i = 0; i < function.outputNames.size(); ++i)
    golden.outputs.emplace(function.outputNames[i], (*expected)[i].value);
  golden.relativeTolerance = golden.absoluteTolerance = 1e-5;
  model.golden.push_back(std::move(golden));
  return saveModel(path, model);
}

struct Failure {
  uint64_t seed;
  std::string way, message;
};

struct Report {
  std::vector<Failure> failures;
  Tally tally;
  std::map<std::string, int64_t> ops;
  int64_t seeds = 0;
};

/// Runs seeds in a child, which says what it does: "begin SEED WAY", "fail SEED
/// message", "op NAME", "tally ELEMENTS UNKNOWN EXACT", "end SEED".
void runSeeds(uint64_t first, uint64_t last, const std::vector<Way> &ways, const Say &say) {
  Engine engine = makeEngine();
  for (uint64_t seed = first; seed <= last; ++seed) {
    std::string number = std::to_string(seed);
    say("begin " + number + " generator");
    Specimen specimen = generate(seed);
    std::set<std::string> ops;
    for (const Function &function : specimen.graph.functions)
      walk(function, [&](const Node &node) { ops.insert(std::string(opInfo(node.op).name)); });
    for (const std::string &op : ops)
      say("op " + op);
    for (const Way &way : ways) {
      say("begin " + number + " " + way.name);
      Tally tally;
      std::string message = check(engine, specimen, way, &tally);
      if (!message.empty()) {
        say("fail " + number + " " + message);
        break; // one finding per seed
      }
      say("tally " + std::to_string(tally.elements) + " " + std::to_string(tally.unknown) + " " +
          std::to_string(tally.exact));
    }
    say("end " + number);
  }
}

/// Reads what a child said; returns the seed to go on with.
uint64_t collect(const ChildResult &child, uint64_t first, Report &report) {
  uint64_t seed = first;
  std::string way;
  bool open = false;
  for (const std::string &line : child.lines) {
    std::istringstream words(line);
    std::string kind, rest;
    words >> kind;
    if (kind == "begin") {
      words >> seed >> std::ws;
      std::getline(words, way);
      open = true;
    } else if (kind == "fail") {
      words >> seed >> std::ws;
      std::getline(words, rest);
      report.failures.push_back({seed, way, rest});
    } else if (kind == "op") {
      words >> rest;
      ++report.ops[rest];
    } else if (kind == "tally") {
      int64_t elements, unknown, exact;
      words >> elements >> unknown >> exact;
      report.tally.elements += elements;
      report.tally.unknown += unknown;
      report.tally.exact += exact;
    } else if (kind == "end") {
      ++report.seeds;
      open = false;
    }
  }
  if (open) {
    report.failures.push_back({seed, way, "dies: " + child.death});
    ++report.seeds;
  }
  return seed + 1;
}

/// Shrinks a failure and says where it is written.
std::string shrinkAndSave(const Failure &failed, const Way &way, const std::string &directory,
                          std::string &ops) {
  bool dies = failed.message.rfind("dies", 0) == 0;
  Specimen small = shrink(generate(failed.seed), [&](const Specimen &candidate) {
    std::string message = failure(candidate, way);
    return !message.empty() && (message.rfind("dies", 0) == 0) == dies;
  });
  ops = opsOf(small);
  std::filesystem::create_directories(directory);
  std::string path = directory + "/seed-" + std::to_string(failed.seed) + ".safetensors";
  if (Status status = save(path, small); !status)
    return "cannot be saved: " + status.error().message;
  return "shrunk to " + path + ": " + failure(small, way) + "\n" + print(small.graph.functions[0]);
}

int sweep(const Options &options) {
  std::vector<Way> ways;
  for (const Way &way :
       options.matrix.empty() ? allWays(options.target) : matrixWays(options.matrix))
    if (options.executors.empty() ||
        std::any_of(options.executors.begin(), options.executors.end(),
                    [&](const std::string &name) { return way.name.rfind(name, 0) == 0; }))
      ways.push_back(way);
  if (ways.empty()) {
    std::cout << "no way of these names" << std::endl;
    return 1;
  }
  Report report;
  for (uint64_t seed = options.first; seed <= options.last;) {
    uint64_t last = std::min(options.last, seed + kSeedsPerChild - 1);
    ChildResult child =
        runIsolated([&](const Say &say) { runSeeds(seed, last, ways, say); }, kPatience);
    seed = collect(child, seed, report);
  }

  std::map<std::string, int64_t> culprits;
  for (size_t i = 0; i < report.failures.size(); ++i) {
    const Failure &failed = report.failures[i];
    std::cout << "seed " << failed.seed << ": " << failed.way << ": " << failed.message << "\n";
    auto way =
        std::find_if(ways.begin(), ways.end(), [&](const Way &w) { return w.name == failed.way; });
    if (i < options.shrink && way != ways.end()) {
      std::string ops;
      std::cout << "  " << shrinkAndSave(failed, *way, options.failures, ops) << std::endl;
      ++culprits[ops];
    }
  }
  for (const auto &[ops, count] : culprits)
    std::cout << count << " shrunk to: " << ops << "\n";
  const Tally &tally = report.tally;
  std::cout << report.seeds << " seeds, " << report.failures.size() << " failed; " << tally.elements
            << " elements compared, " << tally.exact << " of them exactly, " << tally.unknown
            << " left out" << std::endl;
  std::string absent;
  for (int32_t i = 0; i < numOps(); ++i)
    if (std::string name(opInfo(opAt(i)).name); !report.ops.count(name))
      absent += " " + name;
  if (!absent.empty())
    std::cout << "ops that did not occur:" << absent << std::endl;
  bool toothless = report.seeds >= 250 &&
                   (!absent.empty() || tally.unknown * 20 > tally.elements || tally.exact == 0);
  if (toothless)
    std::cout << "too little was compared" << std::endl;
  return report.failures.empty() && !toothless ? 0 : 1;
}

/// Plants a defect in every op and expects it found, and shrunk to that op.
int selfTest(const Options &options) {
  Engine engine = makeEngine();
  std::string missed;
  for (int32_t i = 0; i < numOps(); ++i) {
    if (hasEffect(opAt(i)))
      continue; // there is no result to be wrong
    std::string op(opInfo(opAt(i)).name);
    Way way = brokenReference(op);
    auto fails = [&](const Specimen &s) { return !check(engine, s, way).empty(); };
    bool found = false;
    for (uint64_t seed = options.first; seed <= options.last && !found; ++seed) {
      Specimen specimen = generate(seed);
      if (specimen.graph.functions.size() > 1 && op != "call") {
        auto inlined = inlineCalls(specimen.graph, "main");
        specimen.graph = std::move(*inlined);
      }
      if (!fails(specimen))
        continue;
      found = true;
      Specimen small = shrink(std::move(specimen), fails);
      if (small.graph.functions[0].body.nodes.size() != 1)
        missed += " " + op + " (not shrunk: " + opsOf(small) + ")";
    }
    if (!found)
      missed += " " + op;
  }
  if (missed.empty())
    std::cout << "a defect in any op is found and shrunk to one node" << std::endl;
  else
    std::cout << "defects not found:" << missed << std::endl;
  return missed.empty() ? 0 : 1;
}

int usage() {
  std::cerr
      << "usage: mlc-random-graphs [--seeds A..B] [--executor NAME]... [--failures DIR]\n"
         "                         [--target NAME] [--matrix PREFIX] [--shrink N] [--print SEED]\n"
         "                         [--self-test]\n";
  return 2;
}

} // namespace

int main(int count, char **arguments) {
  Options options;
  bool self = false;
  for (int i = 1; i < count; ++i) {
    std::string name = arguments[i];
    if (name == "--self-test") {
      self = true;
      continue;
    }
    if (i + 1 == count)
      return usage();
    std::string value = arguments[++i];
    if (name == "--seeds") {
      if (std::sscanf(value.c_str(), "%lu..%lu", &options.first, &options.last) != 2)
        return usage();
    } else if (name == "--executor") {
      options.executors.push_back(value);
    } else if (name == "--failures") {
      options.failures = value;
    } else if (name == "--target") {
      options.target = value;
    } else if (name == "--matrix") {
      options.matrix = value;
    } else if (name == "--shrink") {
      options.shrink = std::stoul(value);
    } else if (name == "--print") {
      std::cout << print(generate(std::stoul(value)).graph);
      return 0;
    } else {
      return usage();
    }
  }
  if (!options.matrix.empty()) {
    std::string target = targetNamed(options.matrix.substr(0, options.matrix.find('-')));
    // Children are forked: the compiler is for them to open.
    ChildResult child = runIsolated(
        [&](const Say &say) { say(obstacleTo(makeEngine(), target).orThrow()); }, kPatience);
    if (child.lines.size() == 1 && !child.lines[0].empty()) {
      std::cout << "skipped: " << child.lines[0] << std::endl;
      return 0;
    }
  }
  return self ? selfTest(options) : sweep(options);
}
