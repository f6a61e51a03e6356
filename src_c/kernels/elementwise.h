// The element-wise entries of the kernel table: activations, softmax and column sums, each over a range that one
// thread owns. Every element gets the same bits wherever in a range it lies.
#ifndef RNNFAST_KERNELS_ELEMENTWISE_H
#define RNNFAST_KERNELS_ELEMENTWISE_H

#include "../simd/slice.h"
#include "activations.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> void activate_array(Activation activation, int64_t size, const T* x, T* y) {
  for (int64_t i = 0; i < size; i += Vec<T>::N) {
    const Slice<T> slice(i, size);
    slice.store(y, activate(activation, slice.load(x)));
  }
}

template <class T>
void activate_backward(Activation activation, int64_t size, const T* x, const T* y, const T* dy, T* dx) {
  for (int64_t i = 0; i < size; i += Vec<T>::N) {
    const Slice<T> slice(i, size);
    Vec<T> value, slope;
    if (activation.id == ActivationId::tanh) slope = tanh_slope(slice.load(y));
    else if (activation.id == ActivationId::sigmoid) slope = sigmoid_slope(slice.load(y));
    else activate_with_slope(activation, slice.load(x), value, slope);
    slice.store(dx, slice.load(dy) * slope);
  }
}

// One element after the other, so that the order of a sum does not depend on the vector length.
template <class T> RNNFAST_INLINE void add_lanes(T& sum, Vec<T> v, int valid) {
  T lanes[Vec<T>::N];
  v.store(lanes);
  for (int i = 0; i < valid; ++i) sum += lanes[i];
}

// y = exp(x - max) / sum, or x - max - log(sum), with the sum over exp(x - max).
template <class T> void softmax(bool log_of, int64_t rows, int64_t features, const T* x, T* y) {
  for (int64_t row = 0; row < rows; ++row, x += features, y += features) {
    T largest = x[0];
    for (int64_t i = 1; i < features; ++i) largest = x[i] > largest ? x[i] : largest;
    const Vec<T> max_x = Vec<T>::set1(largest);
    T sum = 0;
    for (int64_t i = 0; i < features; i += Vec<T>::N) {
      const Slice<T> slice(i, features);
      const Vec<T> shifted = slice.load(x) - max_x;
      const Vec<T> e = exp(shifted);
      add_lanes(sum, e, slice.valid);
      slice.store(y, log_of ? shifted : e);
    }
    const Vec<T> total = Vec<T>::set1(sum);
    const Vec<T> log_total = log(total);
    for (int64_t i = 0; i < features; i += Vec<T>::N) {
      const Slice<T> slice(i, features);
      const Vec<T> v = slice.load(y);
      slice.store(y, log_of ? v - log_total : v / total);
    }
  }
}

// softmax: dx = y (dy - sum(dy y)); log: dx = dy - exp(y) sum(dy).
template <class T>
void softmax_backward(bool log_of, int64_t rows, int64_t features, const T* y, const T* dy, T* dx) {
  for (int64_t row = 0; row < rows; ++row, y += features, dy += features, dx += features) {
    T sum = 0;
    for (int64_t i = 0; i < features; i += Vec<T>::N) {
      const Slice<T> slice(i, features);
      const Vec<T> d = slice.load(dy);
      add_lanes(sum, log_of ? d : d * slice.load(y), slice.valid);
    }
    const Vec<T> total = Vec<T>::set1(sum);
    for (int64_t i = 0; i < features; i += Vec<T>::N) {
      const Slice<T> slice(i, features);
      const Vec<T> v = slice.load(y), d = slice.load(dy);
      slice.store(dx, log_of ? fnma(exp(v), total, d) : v * (d - total));
    }
  }
}

// sums[j] = sum of x[i, j], i ascending.
template <class T> void column_sums(int64_t rows, int64_t cols, const T* x, T* sums) {
  for (int64_t j = 0; j < cols; j += Vec<T>::N) {
    const Slice<T> slice(j, cols);
    Vec<T> sum = Vec<T>::zero();
    for (int64_t i = 0; i < rows; ++i) sum = sum + slice.load(x + i * cols);
    slice.store(sums, sum);
  }
}

template <class T> bool all_finite(int64_t size, const T* x) {
  constexpr int VL = Vec<T>::N, chains = 4;  // several sums, so that none waits for another
  const Vec<T> zero = Vec<T>::zero();
  Vec<T> sums[chains] = {zero, zero, zero, zero};  // x * 0 is zero, or NaN
  int64_t i = 0;
  for (; i + chains * VL <= size; i += chains * VL)
    for (int j = 0; j < chains; ++j) sums[j] = fma(Vec<T>::load(x + i + j * VL), zero, sums[j]);
  for (; i < size; i += VL) sums[0] = fma(Slice<T>(i, size).load(x), zero, sums[0]);
  T lanes[VL];
  ((sums[0] + sums[1]) + (sums[2] + sums[3])).store(lanes);
  for (int j = 0; j < VL; ++j)
    if (lanes[j] != 0) return false;
  return true;
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
