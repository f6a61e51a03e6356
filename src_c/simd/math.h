// exp, tanh, sigmoid and their relatives over Vec<T>. One algorithm for float and double: only the coefficient tables
// differ. Straight-line code without branches, table look-ups or reciprocal estimates, so that every instruction set
// with a fused multiply-add gives the same bits.
//
// Error in units in the last place, measured by tests/cpp/test_math.cpp (which fails beyond the limits it states):
//
//                          float   double   limit
//     exp                    1.1      1.1      2
//     sigmoid                2.5      2.4      3
//     tanh                   2.5      2.7      3
//     expm1_nonpositive      1.0      1.3      2
//     log, log1p_unit        1.4      1.4      2
//     softplus               1.7      1.7      3
//     normal_cdf             4.4      4.5      5    without fused multiply-add: 65 and 510 where it is below 1e-20
//
// NaN stays NaN, the sign of zero is kept where the function is odd, and infinities give the limits. Subnormal results
// are exempt: exp rounds them properly, sigmoid flushes those below 1 / max to zero.
#ifndef RNNFAST_SIMD_MATH_H
#define RNNFAST_SIMD_MATH_H

#include "vec.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Coefficients are least-squares fits of the relative error at Chebyshev nodes, found with 50 digits from the lowest
// degree up: each is rounded to T before the next ones are fitted, so they absorb its rounding error.
template <class T> struct MathTable;

template <> struct MathTable<float> {
  static constexpr float log2_e = 0x1.715476p+0f;
  static constexpr float ln2 = 0x1.62e43p-1f;        // nearest; 1.9e-9 too large
  static constexpr float ln2_high = 0x1.62e0p-1f;    // 12 bits: its product with an exponent is exact
  static constexpr float ln2_low = 0x1.0bfbe8p-15f;  // ln2 - ln2_high
  static constexpr float exp_min = -104.0f, exp_max = 88.8f;  // exp is 0 below, infinite above
  static constexpr float sigmoid_limit = 88.0f, sigmoid_limit_negative = -88.75f;
  static constexpr float saturation = -40.0f;  // 1 + expm1(x) vanishes in rounding beyond it
  // (exp(r) - 1 - r) / r^2 on |r| <= ln2 / 2; relative error of exp(r) - 1: 1.5e-8
  static constexpr float expm1_tail[] = {0.5f, 0x1.5554aep-3f, 0x1.55557ap-5f, 0x1.1228c2p-7f, 0x1.6c9f4p-10f};
  // (2 atanh(s) / s - 2) / s^2 in s^2, s <= 3 - 2 sqrt(2); error 8e-10 of log
  static constexpr float atanh_tail[] = {0x1.55557ap-1f, 0x1.995ed4p-2f, 0x1.31e0eep-2f};
  // P(Z > x) exp(x^2 / 2) (1 + x) in (x - 4) / (x + 4), 0 <= x <= 14.5; relative error 5.2e-8
  static constexpr float normal_tail[] = {0x1.e361ecp-2f,  -0x1.8c18dep-4f, 0x1.cab292p-7f, 0x1.d48bap-6f,
                                          -0x1.07a3dep-5f, 0x1.265666p-6f,  -0x1.4b86d4p-8f, -0x1.aec3c4p-12f,
                                          0x1.807f5ep-11f, 0x1.8f08eep-14f};
};

template <> struct MathTable<double> {
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2 = 0x1.62e42fefa39efp-1;
  static constexpr double ln2_high = 0x1.62e42fefa2p-1;  // 40 bits
  static constexpr double ln2_low = 0x1.9ef35793c7673p-41;
  static constexpr double exp_min = -746.0, exp_max = 710.0;
  static constexpr double sigmoid_limit = 709.0, sigmoid_limit_negative = -709.9;
  static constexpr double saturation = -80.0;
  // relative error 2.8e-17
  static constexpr double expm1_tail[] = {
      0.5, 0x1.555555555552ap-3, 0x1.5555555553a2dp-5, 0x1.111111111e1bp-7, 0x1.6c16c17a42bc3p-10,
      0x1.a01a01540528ep-13, 0x1.a019b2cf79b7fp-16, 0x1.71dedb3c4c708p-19, 0x1.28982aa8d4daep-22,
      0x1.addc01e4c3793p-26};
  // error 1.3e-18 of log
  static constexpr double atanh_tail[] = {
      0x1.5555555555594p-1, 0x1.999999997f6e2p-2, 0x1.24924942435c3p-2, 0x1.c71c51cdba36p-3, 0x1.74664a2d495afp-3,
      0x1.39a0a91cbe9dbp-3, 0x1.2f0fad9b02d27p-3};
  // 0 <= x <= 39; relative error 4.8e-17
  static constexpr double normal_tail[] = {
      0x1.e361ea6fba141p-2,   -0x1.8c18f2086e337p-4,  0x1.cabd72a61052ap-7,   0x1.d4969f10ddfe6p-6,
      -0x1.07c3c25836c17p-5,  0x1.25dd72063f332p-6,   -0x1.47d5fc6d0f7c3p-8,  -0x1.2b7f5eda2993fp-12,
      0x1.6c538077df3dp-11,   -0x1.8c119839cdb9bp-14, -0x1.707b2bd2e299p-14,  0x1.64823b83b4474p-16,
      0x1.c92e39e0edc22p-17,  -0x1.cc81047a0da83p-19, -0x1.5e07c637783e5p-19, 0x1.b0b152ea631a4p-22,
      0x1.23a38d7a32f5p-21,   0x1.e9f87af5683d3p-30,  -0x1.b32fc6a73a301p-24, -0x1.38dc2f9b5f7dap-26,
      0x1.8e264e56636c9p-27,  0x1.1db8fdd846764p-28,  0x1.ca130187d7bcfp-34};
};

// c[0] + c[1] x + ..., a Horner chain of pairs in x^2: half as deep as Horner's for one more product.
template <int i, class T, int n>
RNNFAST_INLINE Vec<T> polynomial_from(Vec<T> x, Vec<T> x2, const T (&c)[n]) {
  if constexpr (i + 1 == n) {
    return Vec<T>::set1(c[i]);
  } else {
    const Vec<T> pair = fma(x, Vec<T>::set1(c[i + 1]), Vec<T>::set1(c[i]));
    if constexpr (i + 2 == n) return pair;
    else return fma(x2, polynomial_from<i + 2>(x, x2, c), pair);
  }
}
template <class T, int n> RNNFAST_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[n]) {
  return polynomial_from<0>(x, x * x, c);
}

// The integer n nearest to a multiple x of it, and 2^n, which is right for -bias <= n <= bias + 1 (0 and infinity at
// the ends). The sum with magic + bias rounds, and leaves the biased exponent in the lowest bits.
template <class T> struct Power {
  Vec<T> n, value;
};
template <class T> RNNFAST_INLINE Power<T> nearest_power(Vec<T> x, T multiple) {
  const Vec<T> shift = Vec<T>::set1(FloatFormat<T>::magic + FloatFormat<T>::bias);
  const Vec<T> shifted = fma(x, Vec<T>::set1(multiple), shift);
  return {shifted - shift, low_bits_to_exponent(shifted)};
}

// x - n ln2, to full precision for every exponent n.
template <class T> RNNFAST_INLINE Vec<T> exp_remainder(Vec<T> x, Vec<T> n) {
  const Vec<T> high = fnma(n, Vec<T>::set1(MathTable<T>::ln2_high), x);
  return fnma(n, Vec<T>::set1(MathTable<T>::ln2_low), high);
}

// exp(r) - 1, |r| <= ln2 / 2.
template <class T> RNNFAST_INLINE Vec<T> expm1_reduced(Vec<T> r) {
  return fma(r * r, polynomial(r, MathTable<T>::expm1_tail), r);
}

// exp(r), |r| <= ln2 / 2.
template <class T> RNNFAST_INLINE Vec<T> exp_reduced(Vec<T> r) { return expm1_reduced(r) + Vec<T>::set1(1); }

// exp. The power of two is applied in two halves, which reaches from the smallest subnormal to the largest number.
template <class T> RNNFAST_INLINE Vec<T> exp(Vec<T> x) {
  using M = MathTable<T>;
  x = max(Vec<T>::set1(M::exp_min), min(Vec<T>::set1(M::exp_max), x));
  const Vec<T> n = nearest_power(x, M::log2_e).n;
  const Power<T> half = nearest_power(n, T(0.5));
  const Power<T> rest = nearest_power(n - half.n, T(1));
  return exp_reduced(exp_remainder(x, n)) * half.value * rest.value;
}

// 1 / (1 + exp(-x)), relatively accurate for very negative x too.
template <class T> RNNFAST_INLINE Vec<T> sigmoid(Vec<T> x) {
  using M = MathTable<T>;
  const Vec<T> one = Vec<T>::set1(1);
  x = -max(Vec<T>::set1(M::sigmoid_limit_negative), min(Vec<T>::set1(M::sigmoid_limit), x));
  const Power<T> power = nearest_power(x, M::log2_e);
  return one / fma(exp_reduced(exp_remainder(x, power.n)), power.value, one);
}

// exp(x) - 1 for x <= 0, relatively accurate at 0. ln2 in one piece is enough: n is small where the result is.
template <class T> RNNFAST_INLINE Vec<T> expm1_nonpositive(Vec<T> x) {
  using M = MathTable<T>;
  x = max(Vec<T>::set1(M::saturation), x);
  const Power<T> power = nearest_power(x, M::log2_e);
  const Vec<T> r = fnma(power.n, Vec<T>::set1(M::ln2), x);
  return fma(power.value, expm1_reduced(r), power.value - Vec<T>::set1(1));
}

// tanh(|x|) = -e / (e + 2) with e = exp(-2 |x|) - 1: one division, no cancellation anywhere.
template <class T> RNNFAST_INLINE Vec<T> tanh(Vec<T> x) {
  const Vec<T> e = expm1_nonpositive(abs(x) * Vec<T>::set1(-2));
  return copysign(e / (e + Vec<T>::set1(2)), x);
}

// k ln2 + log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1]: log(1 + f) = 2 atanh(s), s = f / (2 + f), rewritten as
// f - (f^2/2 - s (f^2/2 + tail)) so that the leading term is exact.
template <class T> RNNFAST_INLINE Vec<T> log1p_reduced(Vec<T> k, Vec<T> f) {
  using M = MathTable<T>;
  const Vec<T> s = f / (f + Vec<T>::set1(2));
  const Vec<T> s2 = s * s;
  const Vec<T> half_f2 = f * f * Vec<T>::set1(T(0.5));
  const Vec<T> tail = fma(s2, polynomial(s2, M::atanh_tail), half_f2);
  const Vec<T> correction = fma(s, tail, k * Vec<T>::set1(M::ln2_low)) - half_f2;
  return fma(k, Vec<T>::set1(M::ln2_high), correction + f);
}

// log of a normal x > 0; NaN stays NaN.
template <class T> RNNFAST_INLINE Vec<T> log(Vec<T> x) {
  const Vec<T> m = mantissa(x), k = exponent(x);
  const Mask<T> upper = gt(m, Vec<T>::set1(T(0x1.6a09e667f3bcdp+0)));  // sqrt(2)
  const Vec<T> one = Vec<T>::set1(1);
  const Vec<T> y = log1p_reduced(select(upper, k + one, k), select(upper, m * Vec<T>::set1(T(0.5)), m) - one);
  return select(isnan(x), x, y);
}

// log(1 + x) for x in [0, 1], relatively accurate at 0.
template <class T> RNNFAST_INLINE Vec<T> log1p_unit(Vec<T> x) {
  const Mask<T> upper = gt(x, Vec<T>::set1(T(0x1.a827999fcef34p-2)));  // sqrt(2) - 1
  const Vec<T> one = Vec<T>::set1(1);
  return log1p_reduced(select(upper, one, Vec<T>::zero()), select(upper, (x - one) * Vec<T>::set1(T(0.5)), x));
}

// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
template <class T> RNNFAST_INLINE Vec<T> softplus(Vec<T> x) {
  return max(Vec<T>::zero(), x) + log1p_unit(exp(-abs(x)));
}

// The standard normal distribution: P(Z <= x), relatively accurate in the lower tail too, and bell = exp(-x^2 / 2).
// (erf(x / sqrt(2)) = 2 P(Z <= x) - 1.) What x^2 loses in rounding is put back to first order.
template <class T> RNNFAST_INLINE Vec<T> normal_cdf(Vec<T> x, Vec<T>& bell) {
  using M = MathTable<T>;
  const Vec<T> one = Vec<T>::set1(1), four = Vec<T>::set1(4), half = Vec<T>::set1(T(0.5));
  const Vec<T> a = min(Vec<T>::set1(40), abs(x));
  const Vec<T> square = a * a;
  const Vec<T> lost = fma(a, a, -square);
  const Vec<T> rounded = exp(square * -half);
  bell = fnma(rounded, lost * half, rounded);
  const Vec<T> t = (a - four) / (a + four);
  const Vec<T> tail = bell * (polynomial(t, M::normal_tail) / (a + one));
  return select(gt(x, Vec<T>::zero()), one - tail, tail);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
