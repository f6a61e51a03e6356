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

#define RNNFAST_INSTANTIATE(T)   \
  template class MergeNode<T>;   \
  template class ReverseNode<T>; \
  template class ReshapeNode<T>; \
  template class RepeatNode<T>;
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
