// Nodes that move values or combine two of them.
#include <algorithm>

#include "choice.h"
#include "nodes.h"

namespace rnnfast {

namespace {

template <class T, class F> void combine(const std::vector<const T*>& from, int64_t size, T* y, F function) {
  const T* first = from[0];
  for (size_t i = 1; i < from.size(); ++i, first = y)
    for (int64_t k = 0; k < size; ++k) y[k] = function(first[k], from[i][k]);
  if (first != y) std::copy_n(first, size, y);
}

}  // namespace

template <class T> void MergeNode<T>::run(Context<T>& context) const {
  const int first = this->inputs[0], out = this->output;
  const Tensor<T>& like = context.tensor(first);
  bool alike = true;
  for (int v : this->inputs) {
    const Tensor<T>& x = context.tensor(v);
    alike = alike && (x.plan != nullptr) == (like.plan != nullptr) && x.flipped == like.flipped;
  }
  std::vector<const T*> from;
  T* y;
  int64_t points = like.points();
  if (alike) {
    y = context.create_like(out, like);
    for (int v : this->inputs) from.push_back(context.tensor(v).data);
  } else if (context.value(out).packed) {
    const SequencePlan& plan = context.plan(first, false);
    for (int v : this->inputs) from.push_back(context.packed(v, plan));
    y = context.create_packed(out, plan, false);
    points = plan.total();
  } else {
    for (int v : this->inputs) from.push_back(context.batch_major(v));
    y = context.create(out);
    points = context.tensor(first).points();
  }
  const int64_t size = points * like.width;
  switch (mode_) {
    case MergeMode::concat: {
      std::vector<int64_t> widths;
      for (int v : this->inputs) widths.push_back(context.shapes().size(context.value(v).dims.back()));
      for (int64_t row = 0, rows = size / widths[0]; row < rows; ++row)
        for (size_t i = 0; i < from.size(); ++i) y = std::copy_n(from[i] + row * widths[i], widths[i], y);
      break;
    }
    case MergeMode::sum: return combine(from, size, y, [](T a, T b) { return a + b; });
    case MergeMode::sub: return combine(from, size, y, [](T a, T b) { return a - b; });
    case MergeMode::mul: return combine(from, size, y, [](T a, T b) { return a * b; });
    case MergeMode::max: return combine(from, size, y, larger<T>);
    case MergeMode::min: return combine(from, size, y, smaller<T>);
    case MergeMode::ave:
      combine(from, size, y, [](T a, T b) { return a + b; });
      for (int64_t k = 0; k < size; ++k) y[k] /= static_cast<T>(from.size());
      break;
  }
}

template <class T> NodeInfo MergeNode<T>::info() const {
  static const char* names[] = {"concat", "sum", "sub", "mul", "ave", "max", "min"};
  return {this->name,
          std::string("merge, ") + names[static_cast<int>(mode_)],
          mode_ == MergeMode::concat ? "copies" : "element by element",
          "in the layout that its inputs share"};
}

template <class T> void ReverseNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const Tensor<T>& x = context.tensor(in);
  if (x.plan != nullptr || x.time == 1) {
    context.refer(out, in);
    if (x.plan != nullptr) context.flip(out);
    return;
  }
  T* y = context.create(out);
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t t = 0; t < x.time; ++t)
      std::copy_n(x.data + (r * x.time + x.time - 1 - t) * x.width, x.width, y + (r * x.time + t) * x.width);
}

template <class T> NodeInfo ReverseNode<T>::info() const {
  return {this->name, "reverse", "none or copies", "packed sequences are turned round without being moved"};
}

template <class T> void ReshapeNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0];
  if (context.tensor(in).tokens == nullptr) context.batch_major(in);
  context.refer(this->output, in);
}

template <class T> NodeInfo ReshapeNode<T>::info() const {
  return {this->name, op_, "none", "the same memory under another shape"};
}

template <class T> void RepeatNode<T>::run(Context<T>& context) const {
  const Tensor<T>& x = context.tensor(this->inputs[0]);
  T* y = context.create(this->output);
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t i = 0; i < n_; ++i, y += x.width) std::copy_n(x.data + r * x.width, x.width, y);
}

template <class T> NodeInfo RepeatNode<T>::info() const {
  return {this->name, "repeat", "copies", "one vector for every step"};
}

template <class T> void PermuteNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0];
  const T* x = context.batch_major(in);
  T* y = context.create(this->output);
  const Value& from = context.value(in);
  const size_t axes = order_.size();
  std::vector<int64_t> sizes(axes), steps(axes), at(axes, 0);
  int64_t row = 1;
  std::vector<int64_t> strides(axes);
  for (size_t axis = axes; axis-- > 0;) {
    strides[axis] = row;
    row *= context.shapes().size(from.dims[axis]);
  }
  for (size_t axis = 0; axis < axes; ++axis) {
    sizes[axis] = context.shapes().size(from.dims[static_cast<size_t>(order_[axis])]);
    steps[axis] = strides[static_cast<size_t>(order_[axis])];
  }
  const int64_t rows = context.tensor(in).rows, inner = sizes[axes - 1], step = steps[axes - 1];
  for (int64_t r = 0; r < rows; ++r, x += row) {
    int64_t offset = 0;
    for (int64_t done = 0; done < row; done += inner, y += inner) {
      for (int64_t i = 0; i < inner; ++i) y[i] = x[offset + i * step];
      for (size_t axis = axes - 1; axis-- > 0;) {  // the next place, as an odometer counts
        offset += steps[axis];
        if (++at[axis] < sizes[axis]) break;
        offset -= steps[axis] * sizes[axis];
        at[axis] = 0;
      }
    }
  }
}

template <class T> NodeInfo PermuteNode<T>::info() const {
  return {this->name, "permute", "copies", "the axes of each row in another order"};
}

template <class T> void StepsNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const T* x = context.batch_major(in);
  T* y = context.create(out);
  const Tensor<T>& from = context.tensor(in);
  const int64_t time = from.time, width = from.width, count = context.tensor(out).time;
  for (int64_t r = 0; r < from.rows; ++r, x += time * width)
    for (int64_t t = 0; t < count; ++t, y += width) {
      const int64_t source = t / times_ - before_;
      if (source < 0 || source >= time) std::fill_n(y, width, T{0});
      else std::copy_n(x + source * width, width, y);
    }
}

template <class T> NodeInfo StepsNode<T>::info() const {
  return {this->name, times_ > 1 ? "repeat steps" : "pad or crop steps", "copies", "step by step"};
}

#define RNNFAST_INSTANTIATE(T)   \
  template class PermuteNode<T>; \
  template class StepsNode<T>;   \
  template class MergeNode<T>;   \
  template class ReverseNode<T>; \
  template class ReshapeNode<T>; \
  template class RepeatNode<T>;
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
