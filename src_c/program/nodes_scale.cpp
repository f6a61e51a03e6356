#include "nodes_scale.h"

#include <algorithm>
#include <cmath>

namespace rnnfast {
namespace {

// Several sums at once, so that none waits for another; which element goes where depends on its place alone.
template <class T, class Term> T sum_of(int64_t n, const Term& term) {
  constexpr int64_t lanes = 16;
  T sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int64_t j = 0; j < lanes; ++j) sums[j] += term(i + j);
  for (int64_t j = 0; i < n; ++i, ++j) sums[j] += term(i);
  T total = 0;
  for (T sum : sums) total += sum;
  return total;
}

}  // namespace

template <class T> void ScaleNode<T>::map(int64_t points, int64_t features, const T* x, T* y, T*) const {
  const T *shift = shift_.data(), *scale = scale_.data(), *offset = offset_.data();
  for (int64_t point = 0; point < points; ++point, x += features, y += features)
    for (int64_t i = 0; i < features; ++i) y[i] = (x[i] - shift[i]) * scale[i] + offset[i];
}

template <class T> NodeInfo ScaleNode<T>::info() const {
  return {this->name,
          "scale",
          "feature by feature",
          "statistics are constants in inference",
          static_cast<int64_t>(3 * scale_.size() * sizeof(T))};
}

template <class T> void RectifyNode<T>::run(Context<T>& context) const {
  if (!any_order_) context.batch_major(this->inputs[0]);
  const Tensor<T>& in = context.tensor(this->inputs[0]);
  const T* x = in.data;
  const int64_t size = in.size(), count = static_cast<int64_t>(slopes_.size());
  T* y = context.create_like(this->output, in);
  const auto below = [&](T value, int64_t i) { return count > 0 ? (value - threshold_) * slopes_[i] : T{0}; };
  for (int64_t at = 0, i = 0; at < size; ++at, i = i + 1 < count ? i + 1 : 0)  // asked this way round, NaN stays NaN
    y[at] = x[at] <= threshold_ ? below(x[at], i) : x[at] > most_ ? most_ : x[at];
}

template <class T> NodeInfo RectifyNode<T>::info() const {
  return {this->name, "rectify", "element by element", "slopes are constants in inference",
          static_cast<int64_t>(slopes_.size() * sizeof(T))};
}

template <class T> void NormalizeNode<T>::map(int64_t points, int64_t features, const T* x, T* y, T*) const {
  const T *gamma = gamma_.data(), *beta = beta_.data();
  for (int64_t point = 0; point < points; ++point, x += features, y += features) {
    T shift = 0, scale;
    if (mode_ == NormalizeMode::unit) {
      scale = 1 / std::max(std::sqrt(sum_of<T>(features, [x](int64_t i) { return x[i] * x[i]; })), epsilon_);
    } else {
      const T n = static_cast<T>(features);
      const T mean = sum_of<T>(features, [x](int64_t i) { return x[i]; }) / n;
      const T variance = sum_of<T>(features, [x, mean](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / n;
      scale = 1 / std::sqrt(variance + epsilon_);
      if (mode_ == NormalizeMode::layer) shift = mean;
    }
    for (int64_t i = 0; i < features; ++i) y[i] = (x[i] - shift) * scale * gamma[i] + beta[i];
  }
}

template <class T> NodeInfo NormalizeNode<T>::info() const {
  static const char* names[] = {"layer normalization", "rms scaling", "unit normalization"};
  return {this->name,
          names[static_cast<int>(mode_)],
          "step by step",
          "each step by its own mean and variance",
          static_cast<int64_t>(2 * gamma_.size() * sizeof(T))};
}

template class ScaleNode<float>;
template class ScaleNode<double>;
template class RectifyNode<float>;
template class RectifyNode<double>;
template class NormalizeNode<float>;
template class NormalizeNode<double>;

}  // namespace rnnfast
