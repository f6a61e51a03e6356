// Every element-wise activation and its slope, by Keras 3's definitions. Value and slope stand side by side, in one
// switch, as functions of the pre-activation x. At a kink the slope is that of the side PyTorch takes: 0 for relu, the
// clipped ones, the shrinks and threshold, the lower side for elu, selu, celu and leaky_relu.
#ifndef RNNFAST_KERNELS_ACTIVATIONS_H
#define RNNFAST_KERNELS_ACTIVATIONS_H

#include "../rnnfast.h"
#include "../simd/math.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Slopes that follow from the output alone.
template <class T> RNNFAST_INLINE Vec<T> tanh_slope(Vec<T> y) { return fnma(y, y, Vec<T>::set1(1)); }
template <class T> RNNFAST_INLINE Vec<T> sigmoid_slope(Vec<T> y) { return y * (Vec<T>::set1(1) - y); }

// x / 6 + 1/2, clipped to [0, 1].
template <class T> RNNFAST_INLINE Vec<T> hard_sigmoid(Vec<T> x) {
  const Vec<T> six = Vec<T>::set1(6);
  return min(six, max(Vec<T>::zero(), x + Vec<T>::set1(3))) / six;
}

// Where x times a factor tends to 0 as x falls to minus infinity, the product must not meet infinity times 0.
template <class T> RNNFAST_INLINE Vec<T> above_minus_infinity(Vec<T> x) {
  constexpr T lowest = sizeof(T) == 4 ? T(-0x1.fffffep+127) : T(-0x1.fffffffffffffp+1023);
  return max(Vec<T>::set1(lowest), x);
}

// y, and slope where it is wanted (else slope is left alone).
template <bool WithSlope, class T>
RNNFAST_INLINE void evaluate_activation(const Activation& activation, Vec<T> x, Vec<T>& y, Vec<T>& slope) {
  const Vec<T> zero = Vec<T>::zero(), one = Vec<T>::set1(1);
  switch (activation.id) {
    case ActivationId::tanh:
      y = tanh(x);
      if constexpr (WithSlope) slope = tanh_slope(y);
      return;
    case ActivationId::sigmoid:
      y = sigmoid(x);
      if constexpr (WithSlope) slope = sigmoid_slope(y);
      return;
    case ActivationId::hard_sigmoid:
      y = hard_sigmoid(x);
      if constexpr (WithSlope) slope = select(lt(abs(x), Vec<T>::set1(3)), Vec<T>::set1(T(1) / 6), zero);
      return;
    case ActivationId::relu:
      y = max(zero, x);
      if constexpr (WithSlope) slope = select(gt(x, zero), one, zero);
      return;
    case ActivationId::softsign: {
      x = -above_minus_infinity(-above_minus_infinity(x));
      const Vec<T> denominator = abs(x) + one;
      y = x / denominator;
      if constexpr (WithSlope) slope = one / denominator / denominator;
      return;
    }
    case ActivationId::softplus:
      y = softplus(x);
      if constexpr (WithSlope) slope = sigmoid(x);
      return;
    case ActivationId::elu: {
      const Vec<T> alpha = Vec<T>::set1(T(activation.alpha));
      y = select(lt(x, zero), alpha * expm1_nonpositive(min(zero, x)), x);
      if constexpr (WithSlope) slope = select(gt(x, zero), one, y + alpha);
      return;
    }
    case ActivationId::selu: {
      const Vec<T> scale = Vec<T>::set1(T(1.0507009873554804934193349852946));
      const Vec<T> scaled_alpha = Vec<T>::set1(T(1.7580993408473768599402175208123));  // scale * 1.67326324235...
      y = select(lt(x, zero), scaled_alpha * expm1_nonpositive(min(zero, x)), scale * x);
      if constexpr (WithSlope) slope = select(gt(x, zero), scale, y + scaled_alpha);
      return;
    }
    case ActivationId::celu: {  // alpha > 0
      const Vec<T> alpha = Vec<T>::set1(T(activation.alpha));
      const Vec<T> e = expm1_nonpositive(min(zero, x / alpha));
      y = select(lt(x, zero), alpha * e, x);
      if constexpr (WithSlope) slope = select(gt(x, zero), one, e + one);
      return;
    }
    case ActivationId::gelu: {  // the exact one: x P(Z <= x)
      x = above_minus_infinity(x);
      Vec<T> bell;
      const Vec<T> cdf = normal_cdf(x, bell);
      y = x * cdf;
      if constexpr (WithSlope) slope = fma(x * bell, Vec<T>::set1(T(0.39894228040143267793994605993438)), cdf);
      return;
    }
    case ActivationId::silu: {
      const Vec<T> gate = sigmoid(x);
      y = above_minus_infinity(x) * gate;
      if constexpr (WithSlope) slope = fma(y, one - gate, gate);
      return;
    }
    case ActivationId::exponential:
      y = exp(x);
      if constexpr (WithSlope) slope = y;
      return;
    case ActivationId::leaky_relu: {
      const Vec<T> alpha = Vec<T>::set1(T(activation.alpha));
      y = select(lt(x, zero), alpha * x, x);
      if constexpr (WithSlope) slope = select(gt(x, zero), one, alpha);
      return;
    }
    case ActivationId::relu6: {
      const Vec<T> six = Vec<T>::set1(6);
      y = min(six, max(zero, x));
      if constexpr (WithSlope) slope = select(gt(x, zero), select(lt(x, six), one, zero), zero);
      return;
    }
    case ActivationId::hard_tanh:
      y = min(one, max(-one, x));
      if constexpr (WithSlope) slope = select(lt(abs(x), one), one, zero);
      return;
    case ActivationId::hard_silu: {
      const Vec<T> gate = hard_sigmoid(x);
      y = above_minus_infinity(x) * gate;
      if constexpr (WithSlope) slope = gate + select(lt(abs(x), Vec<T>::set1(3)), x / Vec<T>::set1(6), zero);
      return;
    }
    case ActivationId::mish: {  // x tanh(softplus(x)): tanh(log(1 + e)) = w / (w + 2) with w = e (e + 2), e = exp(x)
      const Vec<T> two = Vec<T>::set1(2);
      const Vec<T> e = exp(min(Vec<T>::set1(40), x));
      const Vec<T> w = e * (e + two);
      const Vec<T> gate = w / (w + two);
      x = above_minus_infinity(x);
      y = x * gate;
      if constexpr (WithSlope) slope = fma(x * sigmoid(x), tanh_slope(gate), gate);
      return;
    }
    case ActivationId::log_sigmoid:
      y = -softplus(-x);
      if constexpr (WithSlope) slope = sigmoid(-x);
      return;
    case ActivationId::hard_shrink:  // written so that NaN passes
      y = select(le(abs(x), Vec<T>::set1(T(activation.alpha))), zero, x);
      if constexpr (WithSlope) slope = select(gt(abs(x), Vec<T>::set1(T(activation.alpha))), one, zero);
      return;
    case ActivationId::soft_shrink: {
      const Vec<T> width = Vec<T>::set1(T(activation.alpha));
      y = x - min(width, max(-width, x));
      if constexpr (WithSlope) slope = select(gt(abs(x), width), one, zero);
      return;
    }
    case ActivationId::tanh_shrink: {
      const Vec<T> bent = tanh(x);
      y = x - bent;
      if constexpr (WithSlope) slope = bent * bent;
      return;
    }
    case ActivationId::threshold:
      y = select(le(x, Vec<T>::set1(T(activation.alpha))), Vec<T>::set1(T(activation.beta)), x);
      if constexpr (WithSlope) slope = select(gt(x, Vec<T>::set1(T(activation.alpha))), one, zero);
      return;
    case ActivationId::sparse_plus: {
      const Vec<T> risen = max(-one, x) + one;
      y = select(lt(x, one), risen * risen * Vec<T>::set1(T(0.25)), x);
      if constexpr (WithSlope) slope = min(one, risen * Vec<T>::set1(T(0.5)));
      return;
    }
    case ActivationId::sparse_sigmoid:
      y = (min(one, max(-one, x)) + one) * Vec<T>::set1(T(0.5));
      if constexpr (WithSlope) slope = select(lt(abs(x), one), Vec<T>::set1(T(0.5)), zero);
      return;
    case ActivationId::squareplus: {  // (x + root) / 2; below 0, where the two cancel, alpha / 2 / (root - x)
      const Vec<T> half = Vec<T>::set1(T(0.5)), alpha = Vec<T>::set1(T(activation.alpha));
      const Vec<T> root = sqrt(fma(x, x, alpha));
      y = select(lt(x, zero), half * alpha / (root - x), half * (x + root));
      if constexpr (WithSlope) slope = y / root;
      return;
    }
    default:  // linear
      y = x;
      if constexpr (WithSlope) slope = one;
      return;
  }
}

// Not inlined: the switch would be copied into every row and vector of a register tile.
template <class T> RNNFAST_NOINLINE Vec<T> activate(const Activation& activation, Vec<T> x) {
  Vec<T> y, unused;
  evaluate_activation<false>(activation, x, y, unused);
  return y;
}

template <class T>
RNNFAST_NOINLINE void activate_with_slope(const Activation& activation, Vec<T> x, Vec<T>& y, Vec<T>& slope) {
  evaluate_activation<true>(activation, x, y, slope);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
