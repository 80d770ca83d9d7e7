//===- Findings.h - Several complaints in one error --------------*- C++ -*-===//
#ifndef MLC_LIB_GRAPH_FINDINGS_H
#define MLC_LIB_GRAPH_FINDINGS_H

#include "mlc/Support/Result.h"
#include "mlc/Support/Version.h"

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Collects up to 20 findings, one a line. The error's kind is that of the most
/// basic one: malformed before unsupported before too large.
class Findings {
public:
  void add(const Error &finding) {
    bool first = count == 0;
    if (first || rank(finding.kind) < rank(error.kind))
      error.kind = finding.kind;
    if (++count > kMax)
      return;
    error.message += (first ? "" : "\n") + finding.message;
  }
  int64_t size() const { return count; }
  /// More findings would not be shown: time to stop looking.
  bool full() const { return count > kMax; }
  Status status() const {
    if (count == 0)
      return {};
    Error all = error;
    if (full())
      all.message += "\n(further findings are not listed)";
    return all;
  }

private:
  static constexpr int64_t kMax = 20;
  static int rank(ErrorKind kind) {
    return kind == ErrorKind::ResourceLimit ? 2 : kind == ErrorKind::Unsupported ? 1 : 0;
  }
  Error error;
  int64_t count = 0;
};

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_GRAPH_FINDINGS_H
