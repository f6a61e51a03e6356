// Vec<T> in plain C++: arrays and loops that any compiler for any machine understands. Included by vec.h, which says
// what each operation means. fma is a product and a sum, each rounded: this is a numeric family of its own.
#ifndef RNNFAST_SIMD_VEC_GENERIC_H
#define RNNFAST_SIMD_VEC_GENERIC_H

#include <math.h>
#include <string.h>

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> struct Mask { bool m[16 / sizeof(T)]; };

template <class T> struct Vec {
  static constexpr int N = 16 / sizeof(T);
  T v[N];
  static RNNFAST_INLINE Vec zero() { return set1(T(0)); }
  static RNNFAST_INLINE Vec set1(T x) {
    Vec r;
    for (int i = 0; i < N; ++i) r.v[i] = x;
    return r;
  }
  static RNNFAST_INLINE Vec load(const T* p) {
    Vec r;
    for (int i = 0; i < N; ++i) r.v[i] = p[i];
    return r;
  }
  static RNNFAST_INLINE Vec load_partial(const T* p, int n) {
    Vec r;
    for (int i = 0; i < N; ++i) r.v[i] = i < n ? p[i] : T(0);
    return r;
  }
  RNNFAST_INLINE void store(T* p) const {
    for (int i = 0; i < N; ++i) p[i] = v[i];
  }
  RNNFAST_INLINE void store_partial(T* p, int n) const {
    for (int i = 0; i < N; ++i) {
      if (i < n) p[i] = v[i];
    }
  }
};

// One operation in every lane: RESULT lanes from lanes i of the operands.
#define RNNFAST_LANES(RESULT, MEMBER, EXPRESSION)                       \
  RESULT r;                                                             \
  for (int i = 0; i < Vec<T>::N; ++i) r.MEMBER[i] = (EXPRESSION);       \
  return r

template <class T> RNNFAST_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Vec<T>, v, a.v[i] + b.v[i]); }
template <class T> RNNFAST_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Vec<T>, v, a.v[i] - b.v[i]); }
template <class T> RNNFAST_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Vec<T>, v, a.v[i] * b.v[i]); }
template <class T> RNNFAST_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Vec<T>, v, a.v[i] / b.v[i]); }
template <class T> RNNFAST_INLINE Vec<T> operator-(Vec<T> a) { RNNFAST_LANES(Vec<T>, v, -a.v[i]); }
template <class T> RNNFAST_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
  RNNFAST_LANES(Vec<T>, v, a.v[i] * b.v[i] + c.v[i]);
}
template <class T> RNNFAST_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
  RNNFAST_LANES(Vec<T>, v, c.v[i] - a.v[i] * b.v[i]);
}
template <class T> RNNFAST_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
  RNNFAST_LANES(Vec<T>, v, a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}
template <class T> RNNFAST_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
  RNNFAST_LANES(Vec<T>, v, a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}
template <class T> RNNFAST_INLINE Mask<T> lt(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Mask<T>, m, a.v[i] < b.v[i]); }
template <class T> RNNFAST_INLINE Mask<T> le(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Mask<T>, m, a.v[i] <= b.v[i]); }
template <class T> RNNFAST_INLINE Mask<T> gt(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Mask<T>, m, a.v[i] > b.v[i]); }
template <class T> RNNFAST_INLINE Mask<T> eq(Vec<T> a, Vec<T> b) { RNNFAST_LANES(Mask<T>, m, a.v[i] == b.v[i]); }
template <class T> RNNFAST_INLINE Mask<T> isnan(Vec<T> a) { RNNFAST_LANES(Mask<T>, m, a.v[i] != a.v[i]); }
template <class T> RNNFAST_INLINE Vec<T> select(Mask<T> m, Vec<T> a, Vec<T> b) {
  RNNFAST_LANES(Vec<T>, v, m.m[i] ? a.v[i] : b.v[i]);
}

// The bits of a number, and back.
template <class T> struct BitsOf;
template <> struct BitsOf<float> { using type = uint32_t; };
template <> struct BitsOf<double> { using type = uint64_t; };
template <class T> RNNFAST_INLINE typename BitsOf<T>::type to_bits(T x) {
  typename BitsOf<T>::type bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}
template <class T> RNNFAST_INLINE T from_bits(typename BitsOf<T>::type bits) {
  T x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

template <class T> RNNFAST_INLINE Vec<T> copysign(Vec<T> magnitude, Vec<T> sign) {
  const auto sign_bit = to_bits(T(-0.0));
  RNNFAST_LANES(Vec<T>, v, from_bits<T>((to_bits(magnitude.v[i]) & ~sign_bit) | (to_bits(sign.v[i]) & sign_bit)));
}
template <class T> RNNFAST_INLINE Vec<T> abs(Vec<T> a) { return copysign(a, Vec<T>::zero()); }

RNNFAST_INLINE float sqrt_lane(float x) { return sqrtf(x); }
RNNFAST_INLINE double sqrt_lane(double x) { return ::sqrt(x); }
template <class T> RNNFAST_INLINE Vec<T> sqrt(Vec<T> a) { RNNFAST_LANES(Vec<T>, v, sqrt_lane(a.v[i])); }

template <class T> RNNFAST_INLINE Vec<T> low_bits_to_exponent(Vec<T> a) {
  RNNFAST_LANES(Vec<T>, v, from_bits<T>(to_bits(a.v[i]) << FloatFormat<T>::mantissa_bits));
}
template <class T> RNNFAST_INLINE Vec<T> exponent(Vec<T> a) {
  constexpr T two_to_mantissa = FloatFormat<T>::exponent_magic - FloatFormat<T>::bias;
  RNNFAST_LANES(Vec<T>, v,
                from_bits<T>((to_bits(a.v[i]) >> FloatFormat<T>::mantissa_bits) | to_bits(two_to_mantissa)) -
                    FloatFormat<T>::exponent_magic);
}
template <class T> RNNFAST_INLINE Vec<T> mantissa(Vec<T> a) {
  using Bits = typename BitsOf<T>::type;
  constexpr Bits field = (Bits(1) << FloatFormat<T>::mantissa_bits) - 1;
  RNNFAST_LANES(Vec<T>, v, from_bits<T>((to_bits(a.v[i]) & field) | to_bits(T(1))));
}

#undef RNNFAST_LANES

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
