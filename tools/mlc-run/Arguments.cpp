//===- Arguments.cpp - mlc-run's command line -----------------------------===//
//
// Turns argv into typed options. An option's value is attached (--exec=jit) or
// the next argument (--exec jit). Refuses what it does not know, with the nearest
// option as a hint, and combinations in which one option would be ignored.
//
//===----------------------------------------------------------------------===//
#include "Arguments.h"

#include "mlc/Support/CheckedMath.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

namespace mlc::run {

namespace {

struct Option {
  const char *name;
  bool takesValue;
  std::function<Status(Arguments &, const std::string &)> set;
};

const char *const kPhases[] = {"graph",   "mlir",   "fused", "linalg",
                               "buffers", "vector", "llvm",  "asm"};

Error bad(const std::string &option, const std::string &text) {
  return usageError("--" + option + ": " + text);
}

template <typename T> bool parseNumber(const std::string &text, T &value) {
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

/// NAME=VALUE appended to `list`.
Status assign(const char *option, Assignments &list, const std::string &text) {
  size_t equal = text.find('=');
  if (equal == std::string::npos || equal == 0)
    return bad(option, "expected NAME=VALUE, got '" + text + "'");
  std::string name = text.substr(0, equal);
  for (const auto &other : list)
    if (other.first == name)
      return bad(option, "'" + name + "' is given twice");
  list.emplace_back(std::move(name), text.substr(equal + 1));
  return {};
}

Status assignFile(const char *option, Assignments &list, const std::string &text) {
  if (Status status = assign(option, list, text); !status)
    return status;
  std::string &value = list.back().second;
  if (value.size() < 2 || value[0] != '@')
    return bad(option, "expected NAME=@FILE.npy, got '" + text + "'");
  value.erase(0, 1);
  return {};
}

/// NAME=SIZE added to `sizes`.
Status assignSize(const char *option, std::map<std::string, int64_t> &sizes,
                  const std::string &text) {
  Assignments parsed;
  if (Status status = assign(option, parsed, text); !status)
    return status;
  int64_t size = 0;
  if (!parseNumber(parsed[0].second, size) || size < 0)
    return bad(option, "expected a size >= 0, got '" + parsed[0].second + "'");
  if (!sizes.emplace(parsed[0].first, size).second)
    return bad(option, "'" + parsed[0].first + "' is given twice");
  return {};
}

Status setExecutor(Arguments &a, const std::string &text) {
  for (Executor executor : {Executor::Jit, Executor::Eager, Executor::Reference})
    if (text == executorName(executor)) {
      a.executor = executor;
      return {};
    }
  return bad("exec", "expected jit, eager or reference, got '" + text + "'");
}

Status setEmit(Arguments &a, const std::string &text) {
  std::string known;
  for (const char *phase : kPhases) {
    if (text == phase) {
      a.emit = text;
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string(phase);
  }
  return bad("emit", "expected one of " + known + ", got '" + text + "'");
}

Status setWeights(Arguments &a, const std::string &text) {
  std::string known;
  for (size_t i = 0; i < std::size(kWeightTypeNames); ++i) {
    if (text == kWeightTypeNames[i]) {
      a.compile.weights = static_cast<WeightType>(i);
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string(kWeightTypeNames[i]);
  }
  return bad("weights", "expected one of " + known + ", got '" + text + "'");
}

Status setChoice(const char *option, const std::string &text, const char *yes, const char *no,
                 bool &flag) {
  if (text != yes && (!no || text != no))
    return bad(option, std::string("expected ") + yes + (no ? std::string(" or ") + no : "") +
                           ", got '" + text + "'");
  flag = text == yes;
  return {};
}

Status setTolerance(Arguments &a, const std::string &text) {
  size_t comma = text.find(',');
  Tolerance tolerance;
  bool good = parseNumber(text.substr(0, comma), tolerance.relative);
  if (comma != std::string::npos)
    good = good && parseNumber(text.substr(comma + 1), tolerance.absolute);
  good = good && std::isfinite(tolerance.relative) && std::isfinite(tolerance.absolute) &&
         tolerance.relative >= 0 && tolerance.absolute >= 0;
  if (!good)
    return bad("tolerance", "expected RELATIVE or RELATIVE,ABSOLUTE, got '" + text + "'");
  a.tolerance = tolerance;
  return {};
}

Status setMemory(Arguments &a, const std::string &text) {
  static const std::map<char, int64_t> units = {
      {'K', int64_t(1) << 10}, {'M', int64_t(1) << 20}, {'G', int64_t(1) << 30}};
  std::string digits = text;
  int64_t unit = 1;
  if (!digits.empty())
    if (auto found = units.find(digits.back()); found != units.end()) {
      unit = found->second;
      digits.pop_back();
    }
  int64_t count = 0;
  auto bytes = parseNumber(digits, count) && count >= 0 ? checkedMul(count, unit) : std::nullopt;
  if (!bytes)
    return bad("limit-memory",
               "expected bytes, or a number with K, M or G behind it, got '" + text + "'");
  a.memoryBytes = *bytes;
  return {};
}

Status setSeconds(Arguments &a, const std::string &text) {
  int64_t seconds = 0;
  if (!parseNumber(text, seconds) || seconds < 0 || seconds > int64_t(1) << 30)
    return bad("limit-seconds", "expected whole seconds, got '" + text + "'");
  a.seconds = seconds;
  return {};
}

Status setThreads(Arguments &a, const std::string &text) {
  int64_t threads = 0;
  if (!parseNumber(text, threads) || threads < 0 || threads > 1024)
    return bad("threads", "expected a number from 0 to 1024, got '" + text + "'");
  a.threads = static_cast<int>(threads);
  return {};
}

/// An option without a value.
Option flag(const char *name, bool Arguments::*member) {
  return {name, false, [=](Arguments &a, const std::string &) {
            a.*member = true;
            return Status();
          }};
}

const std::vector<Option> &options() {
  using Text = const std::string &;
  static const std::vector<Option> table = {
      {"input", true, [](Arguments &a, Text v) { return assign("input", a.inputs, v); }},
      {"parameter", true,
       [](Arguments &a, Text v) { return assign("parameter", a.parameters, v); }},
      {"output", true, [](Arguments &a, Text v) { return assignFile("output", a.outputs, v); }},
      {"expected-output", true,
       [](Arguments &a, Text v) { return assignFile("expected-output", a.expectedOutputs, v); }},
      {"dim", true, [](Arguments &a, Text v) { return assignSize("dim", a.dims, v); }},
      {"function", true,
       [](Arguments &a, Text v) {
         a.compile.function = v;
         return v.empty() ? Status(bad("function", "expected a name")) : Status();
       }},
      {"exec", true, setExecutor},
      {"compare", true,
       [](Arguments &a, Text v) {
         return setChoice("compare", v, "reference", nullptr, a.compareReference);
       }},
      flag("benchmark", &Arguments::benchmark),
      {"profile", false,
       [](Arguments &a, Text) {
         a.profile = a.compile.profile = true;
         return Status();
       }},
      flag("explain", &Arguments::explain),
      {"emit", true, setEmit},
      {"format", true,
       [](Arguments &a, Text v) { return setChoice("format", v, "json", "text", a.json); }},
      flag("selftest", &Arguments::selftest),
      flag("debug-nans", &Arguments::debugNans),
      {"tolerance", true, setTolerance},
      {"target", true,
       [](Arguments &a, Text v) {
         a.compile.target = v;
         return Status();
       }},
      {"specialize", true,
       [](Arguments &a, Text v) { return assignSize("specialize", a.specialized, v); }},
      {"weights", true, setWeights},
      {"no-fuse", false,
       [](Arguments &a, Text) {
         a.compile.fuse = false;
         return Status();
       }},
      {"no-optimize", false,
       [](Arguments &a, Text) {
         a.compile.optimize = false;
         return Status();
       }},
      {"threads", true, setThreads},
      {"limit-memory", true, setMemory},
      {"limit-seconds", true, setSeconds},
      flag("map-weights", &Arguments::mapWeights),
      flag("help", &Arguments::help),
      flag("version", &Arguments::version),
  };
  return table;
}

/// Edits (insert, delete, replace) between two short words.
size_t distance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

Error unknownOption(const std::string &argument) {
  std::string name = argument.substr(argument.find_first_not_of('-'));
  name = name.substr(0, std::min<size_t>(name.find('='), 40));
  const Option *nearest = &options().front();
  for (const Option &option : options())
    if (distance(name, option.name) < distance(name, nearest->name))
      nearest = &option;
  std::string hint = distance(name, nearest->name) <= 1 + name.size() / 3
                         ? std::string("; did you mean --") + nearest->name + "?"
                         : "; --help lists the options";
  return usageError("unknown option '" + argument + "'" + hint);
}

/// Options that the chosen command would ignore.
Status checkCombination(const Arguments &a) {
  const std::pair<const char *, bool> running[] = {
      {"--input", !a.inputs.empty()},
      {"--output", !a.outputs.empty()},
      {"--expected-output", !a.expectedOutputs.empty()},
      {"--dim", !a.dims.empty()},
      {"--compare", a.compareReference},
  };
  const std::pair<const char *, bool> commands[] = {
      {"--benchmark", a.benchmark}, {"--profile", a.profile},    {"--selftest", a.selftest},
      {"--explain", a.explain},     {"--emit", !a.emit.empty()},
  };
  std::string command; // Instead of running once.
  for (const auto &[name, isGiven] : commands) {
    if (isGiven && !command.empty())
      return usageError("choose one of " + command + " and " + name);
    if (isGiven)
      command = name;
  }
  if (a.debugNans && (a.executor == Executor::Reference || !(command.empty() || a.selftest)))
    return usageError("--debug-nans has no meaning with " +
                      (a.executor == Executor::Reference ? "--exec=reference" : command));
  if ((a.profile || a.explain) && a.executor != Executor::Jit)
    return usageError(std::string("--exec=") + executorName(a.executor) + " has no meaning with " +
                      command);
  if (a.compile.weights != WeightType::AsGiven && a.executor != Executor::Jit)
    return usageError(std::string("--weights has no meaning with --exec=") +
                      executorName(a.executor));
  if (a.selftest && !a.specialized.empty()) // goldens have sizes of their own
    return usageError("--specialize has no meaning with --selftest");
  if (command.empty() || a.benchmark || a.profile)
    return {};
  for (const auto &option : running)
    if (option.second)
      return usageError(std::string(option.first) + " has no meaning with " + command);
  return {};
}

} // namespace

const char *executorName(Executor executor) {
  switch (executor) {
  case Executor::Jit:
    return "jit";
  case Executor::Eager:
    return "eager";
  case Executor::Reference:
    return "reference";
  }
  return "";
}

Result<Arguments> parseArguments(int argc, const char *const *argv) {
  Arguments arguments;
  bool optionsEnded = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "-h")
      argument = "--help";
    if (optionsEnded || argument.size() < 2 || argument[0] != '-') {
      if (argument.empty())
        return usageError("MODEL is empty");
      if (!arguments.model.empty())
        return usageError("one MODEL at a time: '" + arguments.model + "' and '" + argument + "'");
      arguments.model = std::move(argument);
      continue;
    }
    if (argument == "--") {
      optionsEnded = true;
      continue;
    }
    if (argument.find_first_not_of('-') != 2)
      return argument.find_first_not_of('-') == std::string::npos
                 ? usageError("unknown option '" + argument + "'; --help lists the options")
                 : unknownOption(argument);
    size_t equal = argument.find('=');
    std::string name = argument.substr(2, equal == std::string::npos ? equal : equal - 2);
    auto option = std::find_if(options().begin(), options().end(),
                               [&](const Option &o) { return name == o.name; });
    if (option == options().end())
      return unknownOption(argument);
    std::string value;
    if (equal != std::string::npos) {
      if (!option->takesValue)
        return bad(name, "takes no value");
      value = argument.substr(equal + 1);
    } else if (option->takesValue) {
      if (i + 1 == argc)
        return bad(name, "expected a value");
      value = argv[++i];
    }
    if (Status status = option->set(arguments, value); !status)
      return status.takeError();
  }
  if (arguments.help || arguments.version)
    return arguments;
  if (arguments.model.empty())
    return usageError("no MODEL is given; --help shows how");
  if (Status status = checkCombination(arguments); !status)
    return status.takeError();
  if (arguments.debugNans)
    arguments.executor = Executor::Eager;
  return arguments;
}

} // namespace mlc::run
