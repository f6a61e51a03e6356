// The update rules of optimizers, each one pass over a range that one thread owns. The formulas are Keras 3's; p is the
// parameter, g its gradient, lr the learning rate and t the step, from 1 on. Every element gets the same bits wherever
// in a range it lies.
#ifndef RNNFAST_KERNELS_OPTIMIZERS_H
#define RNNFAST_KERNELS_OPTIMIZERS_H

#include <math.h>

#include "../simd/slice.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// p = step(slice, p (1 - lr weight_decay), g); the old p goes to `before` where that is wanted.
template <class T, class Step>
RNNFAST_INLINE void update_range(const OptimizerUpdate& update, int64_t begin, int64_t end, const Step& step) {
  T* param = static_cast<T*>(update.param);
  T* before = static_cast<T*>(update.before);
  const T* grad = static_cast<const T*>(update.grad);
  const Vec<T> kept = Vec<T>::set1(static_cast<T>(1 - update.learning_rate * update.weight_decay));
  for (int64_t i = begin; i < end; i += Vec<T>::N) {
    const Slice<T> slice(i, end);
    const Vec<T> p = slice.load(param);
    if (before) slice.store(before, p);
    slice.store(param, step(slice, p * kept, slice.load(grad)));
  }
}

template <class T> RNNFAST_INLINE Vec<T> constant(double value) { return Vec<T>::set1(static_cast<T>(value)); }
template <class T> RNNFAST_INLINE T* slot(const OptimizerUpdate& update, int i) {
  return static_cast<T*>(update.slots[i]);
}

// A slot that follows a value: s += rate (value - s).
template <class T> RNNFAST_INLINE Vec<T> follow(const Slice<T>& slice, T* s, Vec<T> value, Vec<T> rate) {
  const Vec<T> old = slice.load(s);
  const Vec<T> now = fma(value - old, rate, old);
  slice.store(s, now);
  return now;
}

// A slot that fades and adds up: s = keep s + value.
template <class T> RNNFAST_INLINE Vec<T> fade(const Slice<T>& slice, T* s, Vec<T> keep, Vec<T> value) {
  const Vec<T> now = fma(keep, slice.load(s), value);
  slice.store(s, now);
  return now;
}

// p -= lr g; with a slot m = momentum m - lr g and p += m, or Nesterov's p += momentum m - lr g.
template <class T> void sgd(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const momentum_slot = slot<T>(update, 0);
  const Vec<T> rate = constant<T>(update.learning_rate), momentum = constant<T>(update.momentum);
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    Vec<T> change = -(rate * g);
    if (momentum_slot) {
      const Vec<T> m = fade(slice, momentum_slot, momentum, change);
      change = update.nesterov ? fma(momentum, m, change) : m;
    }
    return p + change;
  });
}

// Tieleman and Hinton 2012. Slots: v = rho v + (1 - rho) g^2, and if wanted m and a = rho a + (1 - rho) g;
// increment = lr g / sqrt(v (- a^2) + epsilon); p -= increment, or m = momentum m + increment and p -= m.
template <class T> void rmsprop(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const velocity = slot<T>(update, 0);
  T* const momentum_slot = slot<T>(update, 1);
  T* const average = slot<T>(update, 2);
  const Vec<T> rate = constant<T>(update.learning_rate), momentum = constant<T>(update.momentum);
  const Vec<T> rho = constant<T>(update.rho), rest = constant<T>(1 - update.rho);
  const Vec<T> epsilon = constant<T>(update.epsilon);
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    Vec<T> variance = fade(slice, velocity, rho, rest * (g * g));
    if (average) {
      const Vec<T> a = fade(slice, average, rho, rest * g);
      variance = fnma(a, a, variance);
    }
    Vec<T> increment = rate * g / sqrt(variance + epsilon);
    if (momentum_slot) increment = fade(slice, momentum_slot, momentum, increment);
    return p - increment;
  });
}

// Kingma and Ba 2015. Slots: m += (1 - b1) (g - m), v += (1 - b2) (g^2 - v), and if wanted (AMSGrad, Reddi et al. 2018)
// v' = max(v', v), which then stands for v; p -= m alpha / (sqrt(v) + epsilon), alpha = lr sqrt(1 - b2^t) / (1 - b1^t).
template <class T> void adam(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const first = slot<T>(update, 0);
  T* const second = slot<T>(update, 1);
  T* const largest = slot<T>(update, 2);
  const double t = static_cast<double>(update.step);
  const Vec<T> alpha = constant<T>(update.learning_rate * ::sqrt(1 - ::pow(update.beta_2, t)) /
                                   (1 - ::pow(update.beta_1, t)));
  const Vec<T> rate_1 = constant<T>(1 - update.beta_1), rate_2 = constant<T>(1 - update.beta_2);
  const Vec<T> epsilon = constant<T>(update.epsilon);
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    const Vec<T> m = follow(slice, first, g, rate_1);
    Vec<T> v = follow(slice, second, g * g, rate_2);
    if (largest) {
      v = max(slice.load(largest), v);
      slice.store(largest, v);
    }
    return p - m * alpha / (sqrt(v) + epsilon);
  });
}

// Dozat 2015. Slots: Adam's m and v; p -= lr (slot_share m + grad_share g) / (sqrt(v / (1 - b2^t)) + epsilon).
template <class T> void nadam(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const first = slot<T>(update, 0);
  T* const second = slot<T>(update, 1);
  const Vec<T> rate = constant<T>(update.learning_rate), epsilon = constant<T>(update.epsilon);
  const Vec<T> slot_share = constant<T>(update.slot_share), grad_share = constant<T>(update.grad_share);
  const Vec<T> rate_1 = constant<T>(1 - update.beta_1), rate_2 = constant<T>(1 - update.beta_2);
  const Vec<T> correction = constant<T>(1 - ::pow(update.beta_2, static_cast<double>(update.step)));
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    const Vec<T> m = fma(follow(slice, first, g, rate_1), slot_share, grad_share * g);
    const Vec<T> v = follow(slice, second, g * g, rate_2);
    return p - m * rate / (sqrt(v / correction) + epsilon);
  });
}

// Kingma and Ba 2015, section 7.1. Slots: Adam's m, and u = max(b2 u, |g|); p -= lr m / ((1 - b1^t) (u + epsilon)).
template <class T> void adamax(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const first = slot<T>(update, 0);
  T* const norm = slot<T>(update, 1);
  const Vec<T> rate = constant<T>(update.learning_rate), epsilon = constant<T>(update.epsilon);
  const Vec<T> rate_1 = constant<T>(1 - update.beta_1), keep = constant<T>(update.beta_2);
  const Vec<T> correction = constant<T>(1 - ::pow(update.beta_1, static_cast<double>(update.step)));
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    const Vec<T> m = follow(slice, first, g, rate_1);
    const Vec<T> u = max(keep * slice.load(norm), abs(g));
    slice.store(norm, u);
    return p - rate * m / (correction * (u + epsilon));
  });
}

// Duchi, Hazan and Singer 2011. Slot: a += g^2; p -= lr g / sqrt(a + epsilon).
template <class T> void adagrad(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const accumulator = slot<T>(update, 0);
  const Vec<T> rate = constant<T>(update.learning_rate), epsilon = constant<T>(update.epsilon);
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    const Vec<T> a = fma(g, g, slice.load(accumulator));
    slice.store(accumulator, a);
    return p - rate * g / sqrt(a + epsilon);
  });
}

// Zeiler 2012. Slots: a = rho a + (1 - rho) g^2; d = g sqrt(b + epsilon) / sqrt(a + epsilon);
// b = rho b + (1 - rho) d^2; p -= lr d.
template <class T> void adadelta(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const gradients = slot<T>(update, 0);
  T* const changes = slot<T>(update, 1);
  const Vec<T> rate = constant<T>(update.learning_rate), epsilon = constant<T>(update.epsilon);
  const Vec<T> rho = constant<T>(update.rho), rest = constant<T>(1 - update.rho);
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    const Vec<T> a = fade(slice, gradients, rho, rest * (g * g));
    const Vec<T> change = sqrt(slice.load(changes) + epsilon) * g / sqrt(a + epsilon);
    fade(slice, changes, rho, rest * (change * change));
    return p - rate * change;
  });
}

// Chen et al. 2023. Slot m; p -= lr sign(b1 m + (1 - b1) g), then m = b2 m + (1 - b2) g.
template <class T> void lion(const OptimizerUpdate& update, int64_t begin, int64_t end) {
  T* const momentum_slot = slot<T>(update, 0);
  const Vec<T> zero = Vec<T>::zero(), rate = constant<T>(update.learning_rate);
  const Vec<T> keep_1 = constant<T>(update.beta_1), rest_1 = constant<T>(1 - update.beta_1);
  const Vec<T> keep_2 = constant<T>(update.beta_2), rest_2 = constant<T>(1 - update.beta_2);
  update_range<T>(update, begin, end, [&](const Slice<T>& slice, Vec<T> p, Vec<T> g) {
    const Vec<T> direction = fma(keep_1, slice.load(momentum_slot), rest_1 * g);
    fade(slice, momentum_slot, keep_2, rest_2 * g);
    return p - select(eq(direction, zero), zero, copysign(rate, direction));
  });
}

template <class T> void fill_optimizers(Kernels<T>& k) {
  const auto set = [&](Rule rule, void (*kernel)(const OptimizerUpdate&, int64_t, int64_t)) {
    k.optimizer[static_cast<int>(rule)] = kernel;
  };
  set(Rule::sgd, sgd<T>);
  set(Rule::rmsprop, rmsprop<T>);
  set(Rule::adam, adam<T>);
  set(Rule::nadam, nadam<T>);
  set(Rule::adamax, adamax<T>);
  set(Rule::adagrad, adagrad<T>);
  set(Rule::adadelta, adadelta<T>);
  set(Rule::lion, lion<T>);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
