// Building a program: convolution, pooling, normalization, and steps and axes moved about.
#include <algorithm>
#include <numeric>

#include "checks.h"
#include "nodes.h"
#include "nodes_scale.h"
#include "nodes_windows.h"

namespace rnnfast {
namespace {

template <class T> std::vector<T> filled(const T* values, int64_t n, T otherwise) {
  return values == nullptr ? std::vector<T>(static_cast<size_t>(n), otherwise) : std::vector<T>(values, values + n);
}

}  // namespace

// The size (from * times + plus) / by, known now or by every call. exact: nothing may be left over.
template <class T>
Dim Program<T>::derived_size(Dim from, int64_t times, int64_t plus, int64_t by, const std::string& name, bool exact) {
  if (times == 1 && plus == 0 && by == 1) return from;
  const DerivedSize derived{graph_.symbols.size(), from, times, plus, by, name, exact};
  const int64_t known = graph_.known(from) < 0 ? -1 : derived.of(graph_.known(from));
  if (known == 0 || known < -1 || (known < 0 && graph_.known(from) > 0))
    refuse(name, "an axis of " + std::to_string(graph_.known(from)) + " is too short");
  if (from >= 0) return known;
  for (const DerivedSize& other : graph_.derived)
    if (other.from == from && other.times == times && other.plus == plus && other.by == by && other.exact == exact)
      return -1 - static_cast<Dim>(other.symbol);
  graph_.symbols.push_back(known);
  graph_.derived.push_back(derived);
  return -static_cast<Dim>(graph_.symbols.size());
}

template <class T>
int Program<T>::conv1d(int v, const Windows& windows, int64_t features, int64_t filters, int64_t groups,
                       const T* kernel, const T* bias, const Activation& activation, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 2, name);
  if (graph_.known(out.dims[1]) != features)
    refuse(name, "expected " + std::to_string(features) + " features, got " + shape_text(out.dims));
  if (groups < 1 || features % groups != 0 || filters % groups != 0)
    refuse(name, std::to_string(groups) + " groups do not divide " + std::to_string(features) + " features and " +
                     std::to_string(filters) + " filters");
  need_int8_sums(weights_, windows.size * features / groups, name);
  out.dims = {derived_size(out.dims[0], 1, windows.surplus(), windows.stride, name), filters};
  out.end_mask();
  const bool steps_apart = out.outer.empty();
  return add_node<Conv1dNode<T>>(name, v, add_value(std::move(out)), steps_apart, *table_, weights_, windows, features,
                                 filters, groups, kernel, bias, activation);
}

template <class T> int Program<T>::pool(int v, PoolMode mode, const Windows& windows, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 2, name);
  if (windows.dilation != 1) refuse(name, "pooling has no dilation, got " + std::to_string(windows.dilation));
  out.dims[0] = derived_size(out.dims[0], 1, windows.surplus(), windows.stride, name);
  out.end_mask();
  const bool steps_apart = out.outer.empty();
  return add_node<PoolNode<T>>(name, v, add_value(std::move(out)), steps_apart, mode, windows);
}

template <class T> int Program<T>::global_pool(int v, PoolMode mode, bool keepdims, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 2, name);
  if (keepdims) out.dims[0] = 1;
  else out.dims.erase(out.dims.begin());
  out.end_mask();
  const bool steps_apart = out.outer.empty();
  return add_node<GlobalPoolNode<T>>(name, v, add_value(std::move(out)), steps_apart, mode);
}

template <class T> void Program<T>::need_features(const Value& in, int64_t features, const std::string& name) const {
  if (in.dims.empty() || graph_.known(in.dims.back()) != features || features < 1)
    refuse(name, "expected " + std::to_string(features) + " features, got " + shape_text(in.dims));
}

template <class T>
int Program<T>::scale(int v, int64_t features, const T* shift, const T* scale, const T* offset,
                      const std::string& name) {
  Value out = value(v, "input", name);
  need_features(out, features, name);
  return add_node<ScaleNode<T>>(name, v, add_value(std::move(out)), filled(shift, features, T{0}),
                                filled(scale, features, T{1}), filled(offset, features, T{0}));
}

template <class T>
int Program<T>::rectify(int v, double threshold, double most, std::vector<T> slopes, const std::string& name) {
  Value out = value(v, "input", name);
  size_t axis = out.dims.size();
  const auto count = static_cast<int64_t>(slopes.size());
  for (int64_t size = 1; size < count;) {
    if (axis == 0 || graph_.known(out.dims[--axis]) < 1 || count % (size *= graph_.known(out.dims[axis])) != 0)
      refuse(name, std::to_string(count) + " slopes do not fit an input of " + shape_text(out.dims));
  }
  // Those of one step at most go with steps in any order.
  const bool any_order = out.dims.size() - axis < std::max<size_t>(2, out.dims.size());
  return add_node<RectifyNode<T>>(name, v, add_value(std::move(out)), threshold, most, std::move(slopes), any_order);
}

template <class T>
int Program<T>::normalize(int v, NormalizeMode mode, double epsilon, std::vector<T> gamma, std::vector<T> beta,
                          const std::string& name) {
  Value out = value(v, "input", name);
  const int64_t features = out.dims.empty() ? 0 : graph_.known(out.dims.back());
  if (gamma.empty()) gamma.assign(static_cast<size_t>(std::max<int64_t>(0, features)), T{1});
  if (beta.empty()) beta.assign(gamma.size(), T{0});
  for (const std::vector<T>& weight : {gamma, beta}) need_features(out, static_cast<int64_t>(weight.size()), name);
  return add_node<NormalizeNode<T>>(name, v, add_value(std::move(out)), mode, epsilon, std::move(gamma),
                                    std::move(beta));
}

template <class T> int Program<T>::reshape(int v, const std::vector<int64_t>& shape, const std::string& name) {
  Value out = value(v, "tokens", name);
  const auto wrong = [&] { refuse(name, "cannot reshape " + shape_text(out.dims) + " to " + shape_text(shape)); };
  constexpr int64_t most = int64_t{1} << 40;
  Dim open = 1;  // the axis of unknown size
  int64_t before = 1, after = 1;
  for (Dim dim : out.dims) {
    if (graph_.known(dim) < 1 && open < 0) refuse(name, "one size may be unknown, got " + shape_text(out.dims));
    if (graph_.known(dim) < 1) open = dim;
    else if ((before *= graph_.known(dim)) > most) wrong();
  }
  for (int64_t n : shape) {
    if (n == 0 || n < -1 || n > most) wrong();
    if (n > 0 && (after *= n) > most) wrong();
  }
  const auto left = std::count(shape.begin(), shape.end(), -1);
  if (left > 1 || (left == 0 ? open < 0 || before != after : open > 0 && before % after != 0)) wrong();
  const int64_t common = std::gcd(before, after);
  const Dim rest = left == 0 ? 1 : derived_size(open, before / common, 0, after / common, name, true);
  const Dim first = out.dims.empty() ? 0 : out.dims[0];
  const bool had_time = out.dims.size() > 1 || shape.size() > 1;
  out.dims.clear();
  for (int64_t n : shape) out.dims.push_back(n > 0 ? n : rest);
  const bool moves_time = out.outer.empty() && had_time && (first > 0 || out.dims.empty() || out.dims[0] != first);
  out.end_mask();
  return add_node<ReshapeNode<T>>(name, v, add_value(std::move(out)), "reshape", moves_time);
}

template <class T> int Program<T>::permute(int v, const std::vector<int64_t>& order, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, order.size(), name);
  std::vector<Dim> dims;
  for (size_t axis = 0; axis < order.size(); ++axis) {
    if (std::count(order.begin(), order.end(), static_cast<int64_t>(axis)) != 1)
      refuse(name, "expected each axis once");
    dims.push_back(0);
  }
  for (size_t axis = 0; axis < order.size(); ++axis) dims[axis] = out.dims[static_cast<size_t>(order[axis])];
  const bool moves_time = out.outer.empty() && !order.empty() && order[0] != 0;
  out.dims = std::move(dims);
  out.end_mask();
  return add_node<PermuteNode<T>>(name, v, add_value(std::move(out)), order, moves_time);
}

template <class T> int Program<T>::pad_steps(int v, int64_t before, int64_t after, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 2, name);
  out.dims[0] = derived_size(out.dims[0], 1, before + after, 1, name);
  out.end_mask();
  const bool steps_apart = out.outer.empty();
  return add_node<StepsNode<T>>(name, v, add_value(std::move(out)), steps_apart, before, 1);
}

template <class T> int Program<T>::repeat_steps(int v, int64_t times, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 2, name);
  if (times < 1) refuse(name, "expected at least 1 repetition, got " + std::to_string(times));
  out.dims[0] = derived_size(out.dims[0], times, 0, 1, name);
  out.end_mask();
  const bool steps_apart = out.outer.empty();
  return add_node<StepsNode<T>>(name, v, add_value(std::move(out)), steps_apart, 0, times);
}

#define RNNFAST_INSTANTIATE(T)                                                                                        \
  template Dim Program<T>::derived_size(Dim, int64_t, int64_t, int64_t, const std::string&, bool);                    \
  template int Program<T>::rectify(int, double, double, std::vector<T>, const std::string&);                          \
  template int Program<T>::conv1d(int, const Windows&, int64_t, int64_t, int64_t, const T*, const T*,                 \
                                  const Activation&, const std::string&);                                             \
  template int Program<T>::pool(int, PoolMode, const Windows&, const std::string&);                                   \
  template int Program<T>::global_pool(int, PoolMode, bool, const std::string&);                                      \
  template void Program<T>::need_features(const Value&, int64_t, const std::string&) const;                           \
  template int Program<T>::scale(int, int64_t, const T*, const T*, const T*, const std::string&);                     \
  template int Program<T>::normalize(int, NormalizeMode, double, std::vector<T>, std::vector<T>, const std::string&); \
  template int Program<T>::reshape(int, const std::vector<int64_t>&, const std::string&);                             \
  template int Program<T>::permute(int, const std::vector<int64_t>&, const std::string&);                             \
  template int Program<T>::pad_steps(int, int64_t, int64_t, const std::string&);                                      \
  template int Program<T>::repeat_steps(int, int64_t, const std::string&);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
