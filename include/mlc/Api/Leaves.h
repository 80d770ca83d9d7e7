//===- Leaves.h - The tensors inside arguments and results ------*- C++ -*-===//
//
// What jit() takes and gives may be a Tensor; a std::vector, array, pair, tuple or
// map from std::string of such; a number, enum or std::string, which becomes part
// of the signature (a static argument); or a struct that lists its members:
//
//   struct State {
//     mlc::Tensor hidden, cell;
//     template <typename Visit> void tensors(Visit &&visit) { visit(hidden, cell); }
//   };
//
//===----------------------------------------------------------------------===//
#ifndef MLC_API_LEAVES_H
#define MLC_API_LEAVES_H

#include "mlc/Support/Version.h"
#include "mlc/Tensor/Tensor.h"

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlc {
inline namespace MLC_VERSION_NAMESPACE {
namespace detail {

struct AnyVisit {
  template <typename... T> void operator()(T &...) const {}
};
template <typename T, typename = void> struct ListsTensors : std::false_type {};
template <typename T>
struct ListsTensors<T, std::void_t<decltype(std::declval<T &>().tensors(AnyVisit()))>>
    : std::true_type {};

template <typename T> struct Children : std::false_type {};
template <typename T> struct Children<std::vector<T>> : std::true_type {
  template <typename V> static void each(std::vector<T> &list, V &&visit) {
    visit.size(list.size());
    for (T &item : list)
      visit(item);
  }
};
template <typename T, size_t n> struct Children<std::array<T, n>> : std::true_type {
  template <typename V> static void each(std::array<T, n> &list, V &&visit) {
    for (T &item : list)
      visit(item);
  }
};
template <typename A, typename B> struct Children<std::pair<A, B>> : std::true_type {
  template <typename V> static void each(std::pair<A, B> &pair, V &&visit) {
    visit(pair.first);
    visit(pair.second);
  }
};
template <typename... T> struct Children<std::tuple<T...>> : std::true_type {
  template <typename V> static void each(std::tuple<T...> &tuple, V &&visit) {
    std::apply([&](auto &...items) { (visit(items), ...); }, tuple);
  }
};
template <typename T> struct Children<std::map<std::string, T>> : std::true_type {
  template <typename V> static void each(std::map<std::string, T> &map, V &&visit) {
    visit.size(map.size());
    for (auto &[key, item] : map) {
      visit.fixed(key);
      visit(item);
    }
  }
};

template <typename T, typename Sink> void visitLeaves(T &value, Sink &sink);

template <typename Sink> struct VisitEach {
  Sink &sink;
  template <typename T> void operator()(T &child) const { visitLeaves(child, sink); }
  template <typename T> void fixed(const T &constant) const { sink.fixed(constant); }
  void size(size_t n) const { sink.size(n); }
};

/// Walks `value`: sink.tensor(t) for tensors, sink.fixed(x) for static values and
/// sink.size(n) for the lengths of lists.
template <typename T, typename Sink> void visitLeaves(T &value, Sink &sink) {
  if constexpr (std::is_same_v<T, Tensor>)
    sink.tensor(value);
  else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>)
    sink.fixed(value);
  else if constexpr (Children<T>::value)
    Children<T>::each(value, VisitEach<Sink>{sink});
  else if constexpr (ListsTensors<T>::value)
    value.tensors([&](auto &...members) { (visitLeaves(members, sink), ...); });
  else
    static_assert(ListsTensors<T>::value,
                  "mlc: this type of argument or result is neither a tensor, a number, a "
                  "standard container of those, nor a struct with a member `template <typename V> "
                  "void tensors(V &&visit)` that lists its tensors (mlc/Api/Leaves.h)");
}

/// The tensors of arguments in order, by address, and the bytes of everything else
/// that makes up their signature. Allocates nothing for a few tensors.
class Leaves {
public:
  template <typename T> void collect(const T &value) {
    visitLeaves(const_cast<T &>(value), *this); // changes nothing
  }

  void tensor(const Tensor &tensor) {
    traced |= tensor.isTraced();
    if (count < kFew)
      few[count] = &tensor;
    else if (count == kFew)
      many.assign(few, few + kFew);
    if (count >= kFew)
      many.push_back(&tensor);
    ++count;
  }
  template <typename T> void fixed(const T &value) {
    if constexpr (std::is_same_v<T, std::string>) {
      size(value.size());
      statics += value;
    } else {
      statics.append(reinterpret_cast<const char *>(&value), sizeof value);
    }
  }
  void size(size_t n) { fixed(n); }

  const Tensor *const *begin() const { return count > kFew ? many.data() : few; }
  const Tensor *const *end() const { return begin() + count; }
  size_t size() const { return count; }
  bool anyTraced() const { return traced; }
  const std::string &staticBytes() const { return statics; }

private:
  static constexpr size_t kFew = 16;
  const Tensor *few[kFew];
  std::vector<const Tensor *> many;
  size_t count = 0;
  bool traced = false;
  std::string statics;
};

/// Puts tensors, in order, in place of those it meets.
struct ReplaceLeaves {
  const Tensor *next;
  void tensor(Tensor &place) { place = *next++; }
  template <typename T> void fixed(const T &) {}
  void size(size_t) {}
};
template <typename T> void replaceLeaves(T &value, ReplaceLeaves tensors) {
  visitLeaves(value, tensors);
}

} // namespace detail
} // namespace MLC_VERSION_NAMESPACE
} // namespace mlc

#endif // MLC_API_LEAVES_H
