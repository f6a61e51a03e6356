// Building a program: values combined element by element, or laid one after the other.
#include <algorithm>

#include "checks.h"
#include "nodes.h"
#include "nodes_meeting.h"

namespace rnnfast {

template <class T>
int Program<T>::merge(const std::vector<int>& values, MergeMode mode, bool heed_masks, const std::string& name) {
  if (values.empty()) refuse(name, "expected at least one input");
  if (mode == MergeMode::sub && values.size() != 2) refuse(name, "expected two inputs to subtract");
  Value out = value(values[0], "first input", name);
  if (mode == MergeMode::concat) return concat(values, static_cast<int64_t>(out.dims.size()) - 1, name);
  bool alike = !out.dims.empty() && (!heed_masks || out.mask < 0);
  for (int v : values) {
    const Value& other = value(v, "another input", name);
    alike = alike && out.dims.size() == other.dims.size() && out.outer == other.outer && out.mask == other.mask;
    for (size_t i = 0; alike && i < out.dims.size(); ++i) alike = graph_.same(out.dims[i], other.dims[i]);
  }
  return alike ? add_node<MergeNode<T>>(name, values, add_value(std::move(out)), mode) : broadcast(values, mode, name);
}

// Axes of sizes that agree or are 1, counted from the last.
template <class T> int Program<T>::broadcast(const std::vector<int>& values, MergeMode mode, const std::string& name) {
  Value out = graph_.values[static_cast<size_t>(values[0])];
  for (int v : values) {
    const Value& other = graph_.values[static_cast<size_t>(v)];
    bool fits = out.outer == other.outer && !other.dims.empty();
    if (other.dims.size() > out.dims.size())
      out.dims.insert(out.dims.begin(), other.dims.size() - out.dims.size(), Dim{1});
    for (size_t back = 1; fits && back <= other.dims.size(); ++back) {
      Dim &mine = out.dims[out.dims.size() - back], own = other.dims[other.dims.size() - back];
      if (graph_.known(mine) == 1) mine = own;
      else fits = graph_.same(mine, own) || graph_.known(own) == 1;
    }
    if (!fits) refuse(name, "cannot merge " + shape_text(out.dims) + " and " + shape_text(other.dims));
  }
  bool spreads = false;  // what belongs to no step, or to one, is read at every step
  for (int v : values) {
    const Value& other = graph_.values[static_cast<size_t>(v)];
    const bool own_time = other.dims.size() == out.dims.size() && graph_.same(other.dims[0], out.dims[0]);
    if (!own_time && other.mask >= 0) refuse(name, "a mask over steps that are not those of the output");
    spreads = spreads || (!own_time && out.dims.size() > 1 && out.outer.empty());
  }
  const int made = meet_masks(values, out, false);
  return add_node<BroadcastNode<T>>(name, values, add_value(std::move(out)), made, mode, spreads);
}

template <class T> int Program<T>::concat(const std::vector<int>& values, int64_t along, const std::string& name) {
  if (values.empty()) refuse(name, "expected at least one input");
  Value out = value(values[0], "first input", name);
  if (along < 0 || along >= static_cast<int64_t>(out.dims.size()))
    refuse(name, "expected inputs of more axes, got " + shape_text(out.dims));
  const auto axis = static_cast<size_t>(along);
  bool one_mask = true;
  Dim open = 0;  // the axis of unknown size, and how often it is there
  int64_t times = 0, known = 0;
  for (int v : values) {
    const Value& other = value(v, "another input", name);
    bool fits = out.dims.size() == other.dims.size() && out.outer == other.outer;
    for (size_t i = 0; fits && i < out.dims.size(); ++i) fits = i == axis || graph_.same(out.dims[i], other.dims[i]);
    if (!fits) refuse(name, "cannot merge " + shape_text(out.dims) + " and " + shape_text(other.dims));
    one_mask = one_mask && out.mask == other.mask;
    const Dim dim = other.dims[axis];
    if (graph_.known(dim) > 0) {
      known += graph_.known(dim);
      continue;
    }
    if (times > 0 && dim != open) refuse(name, "one axis of unknown size may be concatenated, got two");
    open = dim;
    ++times;
  }
  const bool last = axis + 1 == out.dims.size(), over_time = axis == 0 && !last;
  out.dims[axis] = times == 0 ? known : derived_size(open, times, known, 1, name);
  if (last && one_mask && times == 0)
    return add_node<MergeNode<T>>(name, values, add_value(std::move(out)), MergeMode::concat);
  const int made = meet_masks(values, out, over_time);
  const bool steps_apart = over_time && out.outer.empty();
  return add_node<ConcatNode<T>>(name, values, add_value(std::move(out)), made, axis, steps_apart);
}

// Sets the mask of what values are merged into. Along the time axis: that of all steps, if there is any. Else none if
// one value has none, theirs if it is the same, or a step is real where one of them is. Gives the mask to make, or -1.
template <class T> int Program<T>::meet_masks(const std::vector<int>& values, Value& out, bool along) {
  const auto mask_of = [this](int v) { return graph_.values[static_cast<size_t>(v)].mask; };
  const bool any = std::any_of(values.begin(), values.end(), [&](int v) { return mask_of(v) >= 0; });
  const bool all = std::all_of(values.begin(), values.end(), [&](int v) { return mask_of(v) >= 0; });
  const bool one = std::all_of(values.begin(), values.end(), [&](int v) { return mask_of(v) == mask_of(values[0]); });
  out.end_mask();
  if (!(along ? any : all)) return -1;
  if (!along && one) {
    out.mask = mask_of(values[0]);
    return -1;
  }
  out.mask = graph_.masks++;
  return out.mask;
}

#define RNNFAST_INSTANTIATE(T)                                                                      \
  template int Program<T>::merge(const std::vector<int>&, MergeMode, bool, const std::string&);     \
  template int Program<T>::broadcast(const std::vector<int>&, MergeMode, const std::string&);       \
  template int Program<T>::concat(const std::vector<int>&, int64_t, const std::string&);            \
  template int Program<T>::meet_masks(const std::vector<int>&, Value&, bool);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
