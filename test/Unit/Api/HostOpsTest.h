// What tests of print, check and custom share.
#ifndef MLC_TEST_API_HOSTOPSTEST_H
#define MLC_TEST_API_HOSTOPSTEST_H

#include "TestGraphs.h"

/// What was printed, one "label: values" each.
using Log = std::vector<std::string>;

/// An engine that prints to a log.
struct LoggingEngine {
  std::shared_ptr<Log> log = std::make_shared<Log>();
  mlc::Engine engine = make(log);

  static mlc::PrintFunction printTo(std::shared_ptr<Log> log) {
    return [log](std::string_view label, const mlc::Tensor &value) {
      log->push_back(std::string(label) + ": " + mlc::toString(value));
    };
  }

  /// What printing `graph` gives under each of the executors, which must agree.
  Log run(const mlc::Graph &graph, const mlc::TensorMap &parameters, const mlc::TensorMap &inputs);

private:
  static mlc::Engine make(const std::shared_ptr<Log> &log) {
    mlc::EngineOptions options;
    options.print = printTo(log);
    return get(mlc::Engine::create(options));
  }
};

/// A way to run a graph, for loops over all of them.
struct Way {
  const char *name;
  mlc::Executor executor;
  bool optimize = true, fuse = true;

  mlc::CompileOptions options() const {
    mlc::CompileOptions options;
    options.optimize = optimize;
    options.fuse = fuse;
    return options;
  }
};
inline const Way kWays[] = {{"reference", mlc::Executor::Reference},
                            {"eager", mlc::Executor::Eager},
                            {"jit", mlc::Executor::Jit},
                            {"jit, unfused", mlc::Executor::Jit, true, false},
                            {"jit, O0", mlc::Executor::Jit, false, true}};

inline Log LoggingEngine::run(const mlc::Graph &graph, const mlc::TensorMap &parameters,
                              const mlc::TensorMap &inputs) {
  std::optional<Log> first;
  for (const Way &way : kWays) {
    INFO(way.name);
    log->clear();
    auto outputs = engine.evaluate(graph, parameters, inputs, way.executor, way.options());
    if (!outputs)
      log->push_back(outputs.error().message);
    if (first)
      CHECK(*log == *first);
    else
      first = *log;
  }
  return *first;
}

#endif // MLC_TEST_API_HOSTOPSTEST_H
