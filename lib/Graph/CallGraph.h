//===- CallGraph.h - Cycles of nodes and of calls ----------------*- C++ -*-===//
#ifndef MLC_LIB_GRAPH_CALLGRAPH_H
#define MLC_LIB_GRAPH_CALLGRAPH_H

#include "Findings.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Support/Version.h"

#include <cstddef>
#include <string>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {

/// Depth-first search over items 0 ... count - 1 without recursion.
/// `successors(i)` is a vector of items, `leave(i)` is called after all of them
/// are left, `cycle(items)` for every edge back into the path; false stops.
template <typename Successors, typename Leave, typename Cycle>
void depthFirst(size_t count, Successors successors, Leave leave, Cycle cycle) {
  enum : char { New, OnPath, Done };
  struct Frame {
    size_t item;
    std::vector<size_t> successors;
    size_t next = 0;
  };
  std::vector<char> state(count, New);
  std::vector<Frame> path;
  for (size_t root = 0; root < count; ++root) {
    if (state[root] != New)
      continue;
    state[root] = OnPath;
    path.push_back({root, successors(root)});
    while (!path.empty()) {
      Frame &frame = path.back();
      if (frame.next == frame.successors.size()) {
        leave(frame.item);
        state[frame.item] = Done;
        path.pop_back();
        continue;
      }
      size_t target = frame.successors[frame.next++];
      if (state[target] == New) {
        state[target] = OnPath;
        path.push_back({target, successors(target)});
      } else if (state[target] == OnPath) {
        std::vector<size_t> items;
        for (size_t i = path.size(); items.empty() || items.back() != target;)
          items.push_back(path[--i].item);
        if (!cycle(std::vector<size_t>(items.rbegin(), items.rend())))
          return;
      }
    }
  }
}

/// "a -> b -> a", elided in the middle where it is long.
template <typename Name> std::string cycleText(const std::vector<size_t> &items, Name name) {
  constexpr size_t maxItems = 10;
  std::string text;
  for (size_t i = 0; i < items.size() && i < maxItems; ++i)
    text += '`' + std::string(name(items[i])) + "` -> ";
  if (items.size() > maxItems)
    text += "... (" + std::to_string(items.size()) + " in all) -> ";
  return text + '`' + std::string(name(items.front())) + '`';
}

/// Reports call cycles, and functions that are too deep or too large once calls
/// are inlined. Every function must be sound by itself.
void checkCalls(const Graph &graph, const GraphLimits &limits, Findings &findings);

} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_LIB_GRAPH_CALLGRAPH_H
