//===- Isolated.h - Code in a child process ---------------------*- C++ -*-===//
#ifndef MLC_TEST_ENDTOEND_ISOLATED_H
#define MLC_TEST_ENDTOEND_ISOLATED_H

#include <functional>
#include <string>
#include <vector>

namespace mlc::test {

using Say = std::function<void(const std::string &line)>;

struct ChildResult {
  std::vector<std::string> lines;
  std::string death; ///< How the child died early ("signal 11"), or empty.
};

/// Runs `body` in a forked child and collects the lines it says (newlines become
/// blanks). A child that says nothing for `seconds` is killed.
ChildResult runIsolated(const std::function<void(const Say &)> &body, int seconds);

} // namespace mlc::test

#endif // MLC_TEST_ENDTOEND_ISOLATED_H
