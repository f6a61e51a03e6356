#include "nodes_meeting.h"

#include <algorithm>

#include "choice.h"

namespace rnnfast {

template <class T> void MeetingNode<T>::make_mask(Context<T>& context, bool along) const {
  if (made_ < 0) return;
  const int64_t rows = context.tensor(this->output).rows, time = context.tensor(this->output).time;
  uint8_t* mask = context.create_mask(made_, rows * time);
  std::fill_n(mask, rows * time, uint8_t{0});
  for (int64_t row = 0; row < rows; ++row, mask += time) {
    int64_t begin = 0;
    for (int v : this->inputs) {
      const uint8_t* of = context.mask(v);
      const int64_t steps = context.tensor(v).time;
      for (int64_t t = 0; t < steps; ++t)
        if (of == nullptr || of[row * steps + t]) mask[begin + t] = 1;
      if (along) begin += steps;
    }
  }
}

// What one input gives to the elements of the last axis.
template <class T> struct BroadcastNode<T>::Part {
  const T* x;
  int64_t step;  // 0: the same for all
  bool has_mask, real;
};

template <class T>
void BroadcastNode<T>::combine(const std::vector<Part>& parts, bool all_masked, int64_t n, T* y) const {
  const auto each = [&](const Part& part, const auto& function) {
    for (int64_t k = 0; k < n; ++k) y[k] = function(y[k], part.x[k * part.step]);
  };
  const bool product = mode_ == MergeMode::mul;
  for (int64_t k = 0; k < n; ++k) y[k] = product && !parts[0].real ? T{1} : parts[0].x[k * parts[0].step];
  bool real = parts[0].real, any_real = real, masked = parts[0].has_mask;
  for (size_t i = 1; i < parts.size(); ++i) {
    const Part& part = parts[i];
    switch (mode_) {
      case MergeMode::sub: each(part, [](T a, T b) { return a - b; }); break;
      case MergeMode::mul: if (part.real) each(part, [](T a, T b) { return a * b; }); break;
      case MergeMode::max: case MergeMode::min:
        if (!part.real) {
        } else if (masked && !real) each(part, [](T, T b) { return b; });
        else if (mode_ == MergeMode::max) each(part, larger<T>);
        else each(part, smaller<T>);
        real = real || part.real;
        masked = masked && part.has_mask;
        break;
      default: each(part, [](T a, T b) { return a + b; });
    }
    any_real = any_real || part.real;
  }
  if (mode_ == MergeMode::ave)
    for (int64_t k = 0; k < n; ++k) y[k] /= static_cast<T>(parts.size());
  if (product && all_masked && !any_real) std::fill_n(y, n, T{0});
}

template <class T> void BroadcastNode<T>::run(Context<T>& context) const {
  this->make_mask(context, false);
  const Shapes& shapes = context.shapes();
  const std::vector<Dim>& dims = context.value(this->output).dims;
  const size_t axes = dims.size(), count = this->inputs.size();
  std::vector<int64_t> sizes, at(axes, 0);
  for (Dim dim : dims) sizes.push_back(shapes.size(dim));
  std::vector<Part> parts(count);
  std::vector<std::vector<int64_t>> steps(count, std::vector<int64_t>(axes, 0));  // elements from one place to the next
  std::vector<const T*> next;
  std::vector<const uint8_t*> masks;
  for (size_t i = 0; i < count; ++i) {
    const std::vector<Dim>& own = context.value(this->inputs[i]).dims;
    int64_t step = 1;
    for (size_t back = 1; back <= own.size(); ++back) {
      const int64_t size = shapes.size(own[own.size() - back]);
      if (size > 1) steps[i][axes - back] = step;
      step *= size;
    }
    next.push_back(context.batch_major(this->inputs[i]));
    masks.push_back(context.mask(this->inputs[i]));
    parts[i].step = steps[i][axes - 1];
    parts[i].has_mask = masks[i] != nullptr;
  }
  const bool all_masked = std::all_of(masks.begin(), masks.end(), [](const uint8_t* mask) { return mask != nullptr; });
  const Tensor<T>& out = context.tensor(this->output);
  const int64_t n = sizes[axes - 1], row_size = out.time * out.width;
  T* y = context.create(this->output);
  for (int64_t row = 0; row < out.rows; ++row) {
    for (int64_t done = 0; done < row_size; done += n, y += n) {
      for (size_t i = 0; i < count; ++i) {
        parts[i].x = next[i];
        for (size_t axis = 0; axis + 1 < axes; ++axis) parts[i].x += at[axis] * steps[i][axis];
        parts[i].real = masks[i] == nullptr || masks[i][row * out.time + at[0]];
      }
      combine(parts, all_masked, n, y);
      for (size_t axis = axes - 1; axis-- > 0;) {  // the next place, as an odometer counts
        if (++at[axis] < sizes[axis]) break;
        at[axis] = 0;
      }
    }
    for (size_t i = 0; i < count; ++i)
      next[i] += context.tensor(this->inputs[i]).time * context.tensor(this->inputs[i]).width;
  }
}

template <class T> NodeInfo BroadcastNode<T>::info() const {
  return {this->name, "merge", "element by element", "masks or sizes differ: values in batch order"};
}

template <class T> void ConcatNode<T>::run(Context<T>& context) const {
  this->make_mask(context, axis_ == 0);
  int64_t before = context.tensor(this->output).rows;
  const std::vector<Dim>& dims = context.value(this->output).dims;
  for (size_t axis = 0; axis < axis_; ++axis) before *= context.shapes().size(dims[axis]);
  std::vector<const T*> from;
  std::vector<int64_t> sizes;
  for (int v : this->inputs) {
    from.push_back(context.batch_major(v));
    sizes.push_back(context.tensor(v).size() / before);
  }
  T* y = context.create(this->output);
  for (int64_t place = 0; place < before; ++place)
    for (size_t i = 0; i < from.size(); ++i) y = std::copy_n(from[i] + place * sizes[i], sizes[i], y);
}

template <class T> NodeInfo ConcatNode<T>::info() const {
  return {this->name, "concat", "copies", "axes or masks differ: values in batch order"};
}

template class BroadcastNode<float>;
template class BroadcastNode<double>;
template class ConcatNode<float>;
template class ConcatNode<double>;

}  // namespace rnnfast
