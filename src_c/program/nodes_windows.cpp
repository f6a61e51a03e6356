#include "nodes_windows.h"

#include <algorithm>
#include <limits>

#include "choice.h"

namespace rnnfast {

template <class T>
Conv1dNode<T>::Conv1dNode(std::string name, int in, int out, bool steps_apart, const KernelTable& table,
                          WeightType weights, const Windows& windows, int64_t features, int64_t filters, int64_t groups,
                          const T* kernel, const T* bias, const Activation& activation)
    : Node<T>(std::move(name), {in}, out),
      steps_apart_(steps_apart),
      windows_(windows),
      features_(features),
      filters_(filters),
      groups_(groups),
      activation_(activation),
      kernels_(table.of<T>()) {
  const int64_t inputs = windows.size * features / groups, outputs = filters / groups;
  Buffer<T> part(inputs * outputs, uninitialised);
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t i = 0; i < inputs; ++i)
      std::copy_n(kernel + i * filters + g * outputs, outputs, part.data() + i * outputs);
    products_.push_back(std::make_unique<PackedDense<T>>(table, weights, inputs, outputs, part.data(),
                                                         bias == nullptr ? nullptr : bias + g * outputs));
  }
}

// The sequence with zeros around it, in `room`; or the sequence itself where there are none.
template <class T>
const T* Conv1dNode<T>::padded(const T* x, int64_t time, int64_t count, T* room) const {
  if (room == nullptr) return x;
  const int64_t before = windows_.before(time, count) * features_, after = windows_.after(time, count) * features_;
  std::fill_n(room, before, T{0});
  std::copy_n(x, time * features_, room + before);
  std::fill_n(room + before + time * features_, after, T{0});
  return room;
}

template <class T> void Conv1dNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const T* x = context.batch_major(in);
  T* y = context.create(out);
  const int64_t rows = context.tensor(in).rows, time = context.tensor(in).time, count = context.tensor(out).time;
  const int64_t width = features_ / groups_, outputs = filters_ / groups_;
  const int64_t pads = windows_.before(time, count) + windows_.after(time, count);
  const bool whole = groups_ == 1 && windows_.dilation == 1;
  T* const padded_room = pads > 0 ? context.temporary((time + pads) * features_) : nullptr;
  T* const scratch = context.temporary(products_[0]->workspace(count));
  const bool fused = is_elementwise(activation_);
  const KBlocks k = whole ? plain_row(windows_.size * width)
                          : KBlocks{windows_.size, windows_.dilation * features_, width, 0, 0};
  for (int64_t r = 0; r < rows; ++r, x += time * features_, y += count * filters_) {
    const T* sequence = padded(x, time, count, padded_room);
    for (int64_t g = 0; g < groups_; ++g)
      products_[static_cast<size_t>(g)]->run_rows(count, sequence + g * width, windows_.stride * features_, k,
                                                  y + g * outputs, filters_, fused ? &activation_ : nullptr, scratch);
    if (!fused) activate_rows(kernels_, activation_, count, filters_, y, y);
  }
}

template <class T> double Conv1dNode<T>::work(const Graph& graph, const Shapes& shapes) const {
  const Value& out = graph.values[static_cast<size_t>(this->output)];
  return 2.0 * static_cast<double>(shapes.rows(out, 1) * shapes.time(out) * filters_) *
         static_cast<double>(windows_.size * features_ / groups_);
}

template <class T> NodeInfo Conv1dNode<T>::info() const {
  int64_t bytes = 0;
  for (const auto& product : products_) bytes += product->bytes();
  return {this->name,
          "conv1d",
          "linear panels over windows",
          "a window is a row of the product, read where it stands in the sequence",
          bytes};
}

template <class T> void PoolNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const T* x = context.batch_major(in);
  T* y = context.create(out);
  const Tensor<T>& from = context.tensor(in);
  const int64_t time = from.time, width = from.width, count = context.tensor(out).time;
  const int64_t before = windows_.before(time, count);
  for (int64_t r = 0; r < from.rows; ++r, x += time * width)
    for (int64_t t = 0; t < count; ++t, y += width) {
      const int64_t begin = std::max<int64_t>(0, t * windows_.stride - before);
      const int64_t end = std::min(time, t * windows_.stride - before + windows_.size);
      std::copy_n(x + begin * width, width, y);
      for (int64_t s = begin + 1; s < end; ++s)
        for (int64_t i = 0; i < width; ++i) {
          const T v = x[s * width + i];
          y[i] = mode_ == PoolMode::average ? y[i] + v : larger(y[i], v);
        }
      if (mode_ == PoolMode::average)
        for (int64_t i = 0; i < width; ++i) y[i] /= static_cast<T>(end - begin);
    }
}

template <class T> NodeInfo PoolNode<T>::info() const {
  return {this->name,
          mode_ == PoolMode::max ? "max pooling" : "average pooling",
          "feature by feature",
          "steps of a window in ascending order"};
}

template <class T> void GlobalPoolNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0];
  const T* x = context.batch_major(in);
  T* y = context.create(this->output);
  const Tensor<T>& from = context.tensor(in);
  const int64_t time = from.time, width = from.width;
  const uint8_t* mask = mode_ == PoolMode::average ? context.mask(in) : nullptr;
  const bool average = mode_ == PoolMode::average;
  for (int64_t r = 0; r < from.rows; ++r, y += width) {
    std::fill_n(y, width, average ? T{0} : -std::numeric_limits<T>::infinity());
    int64_t steps = 0;
    for (int64_t t = 0; t < time; ++t, x += width) {
      if (mask != nullptr && mask[r * time + t] == 0) continue;
      ++steps;
      for (int64_t i = 0; i < width; ++i) y[i] = average ? y[i] + x[i] : larger(y[i], x[i]);
    }
    if (average)
      for (int64_t i = 0; i < width; ++i) y[i] /= static_cast<T>(steps);
  }
}

template <class T> NodeInfo GlobalPoolNode<T>::info() const {
  return {this->name,
          mode_ == PoolMode::max ? "global max pooling" : "global average pooling",
          "feature by feature",
          "steps in ascending order, masked ones left out of an average"};
}

#define RNNFAST_INSTANTIATE(T)  \
  template class Conv1dNode<T>; \
  template class PoolNode<T>;   \
  template class GlobalPoolNode<T>;
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
