// Nodes that move values or combine two of them.
#include <algorithm>

#include "nodes.h"

namespace rnnfast {

template <class T> void MergeNode<T>::run(Context<T>& context) const {
  const int first = this->inputs[0], second = this->inputs[1], out = this->output;
  const Tensor<T>&a = context.tensor(first), &b = context.tensor(second);
  const T *x1 = a.data, *x2 = b.data;
  T* y;
  int64_t size = a.size();
  if ((a.plan != nullptr) == (b.plan != nullptr) && a.flipped == b.flipped) {
    y = context.create_like(out, a);
  } else if (context.value(out).packed) {
    const SequencePlan& plan = context.plan(first, false);
    x1 = context.packed(first, plan);
    x2 = context.packed(second, plan);
    y = context.create_packed(out, plan, false);
    size = plan.total() * a.width;
  } else {
    x1 = context.batch_major(first);
    x2 = context.batch_major(second);
    y = context.create(out);
  }
  switch (mode_) {
    case MergeMode::concat: {
      const int64_t n1 = context.shapes().size(context.value(first).dims.back());
      const int64_t n2 = context.shapes().size(context.value(second).dims.back());
      for (int64_t i = 0, rows = size / n1; i < rows; ++i, y += n1 + n2) {
        std::copy_n(x1 + i * n1, n1, y);
        std::copy_n(x2 + i * n2, n2, y + n1);
      }
      break;
    }
    case MergeMode::sum:
      for (int64_t i = 0; i < size; ++i) y[i] = x1[i] + x2[i];
      break;
    case MergeMode::mul:
      for (int64_t i = 0; i < size; ++i) y[i] = x1[i] * x2[i];
      break;
    case MergeMode::ave:
      for (int64_t i = 0; i < size; ++i) y[i] = (x1[i] + x2[i]) / 2;
      break;
  }
}

template <class T> NodeInfo MergeNode<T>::info() const {
  static const char* names[] = {"concat", "sum", "mul", "ave"};
  NodeInfo info;
  info.name = this->name;
  info.op = std::string("merge, ") + names[static_cast<int>(mode_)];
  info.kernel = mode_ == MergeMode::concat ? "copies" : "element by element";
  info.reason = "in the layout that both inputs share";
  return info;
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
  NodeInfo info;
  info.name = this->name;
  info.op = "reverse";
  info.kernel = "none or copies";
  info.reason = "packed sequences are turned round without being moved";
  return info;
}

template <class T> void ReshapeNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0];
  if (context.tensor(in).tokens == nullptr) context.batch_major(in);
  context.refer(this->output, in);
}

template <class T> NodeInfo ReshapeNode<T>::info() const {
  NodeInfo info;
  info.name = this->name;
  info.op = op_;
  info.kernel = "none";
  info.reason = "the same memory under another shape";
  return info;
}

template <class T> void RepeatNode<T>::run(Context<T>& context) const {
  const Tensor<T>& x = context.tensor(this->inputs[0]);
  T* y = context.create(this->output);
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t i = 0; i < n_; ++i, y += x.width) std::copy_n(x.data + r * x.width, x.width, y);
}

template <class T> NodeInfo RepeatNode<T>::info() const {
  NodeInfo info;
  info.name = this->name;
  info.op = "repeat";
  info.kernel = "copies";
  info.reason = "one vector for every step";
  return info;
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
  NodeInfo info;
  info.name = this->name;
  info.op = "permute";
  info.kernel = "copies";
  info.reason = "the axes of each row in another order";
  return info;
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
  NodeInfo info;
  info.name = this->name;
  info.op = times_ > 1 ? "repeat steps" : "pad or crop steps";
  info.kernel = "copies";
  info.reason = "step by step";
  return info;
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
