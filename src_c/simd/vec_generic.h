// Vec<T> in portable C++: the compiler's own vectors of 16 bytes where it has them (GCC, Clang), else arrays and loops.
// Included by vec.h, which says what each operation means. fma is a product and a sum, each rounded: this is a numeric
// family of its own.
#ifndef RNNFAST_SIMD_VEC_GENERIC_H
#define RNNFAST_SIMD_VEC_GENERIC_H

#include <math.h>
#include <string.h>

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> struct BitsOf;
template <> struct BitsOf<float> { using type = uint32_t; };
template <> struct BitsOf<double> { using type = uint64_t; };

// Lanes<E>: 16 bytes of numbers or of their bits, with the operators of E lane by lane. Comparisons give bits, all ones
// where they hold.
#if defined(__GNUC__) && !defined(RNNFAST_GENERIC_ARRAYS)
template <class E> struct LanesOf {
  typedef E type __attribute__((vector_size(16)));
};
template <class E> using Lanes = typename LanesOf<E>::type;
#else
template <class E> struct Lanes {
  E lane[16 / sizeof(E)];
  RNNFAST_INLINE E& operator[](int i) { return lane[i]; }
  RNNFAST_INLINE E operator[](int i) const { return lane[i]; }
};
#define RNNFAST_LANES(RESULT, OPERATOR, PARAMETERS, EXPRESSION)                            \
  template <class E> RNNFAST_INLINE Lanes<RESULT> operator OPERATOR PARAMETERS {           \
    Lanes<RESULT> r;                                                                       \
    for (int i = 0; i < static_cast<int>(16 / sizeof(E)); ++i) r[i] = (EXPRESSION);        \
    return r;                                                                              \
  }
#define RNNFAST_BINARY(OPERATOR) RNNFAST_LANES(E, OPERATOR, (Lanes<E> a, Lanes<E> b), a[i] OPERATOR b[i])
#define RNNFAST_COMPARISON(OPERATOR)                                                       \
  RNNFAST_LANES(typename BitsOf<E>::type, OPERATOR, (Lanes<E> a, Lanes<E> b),              \
                a[i] OPERATOR b[i] ? ~typename BitsOf<E>::type(0) : 0)
RNNFAST_BINARY(+)
RNNFAST_BINARY(-)
RNNFAST_BINARY(*)
RNNFAST_BINARY(/)
RNNFAST_BINARY(&)
RNNFAST_BINARY(|)
RNNFAST_COMPARISON(<)
RNNFAST_COMPARISON(<=)
RNNFAST_COMPARISON(>)
RNNFAST_COMPARISON(==)
RNNFAST_COMPARISON(!=)
RNNFAST_LANES(E, -, (Lanes<E> a), -a[i])
RNNFAST_LANES(E, ~, (Lanes<E> a), ~a[i])
RNNFAST_LANES(E, <<, (Lanes<E> a, int bits), a[i] << bits)
RNNFAST_LANES(E, >>, (Lanes<E> a, int bits), a[i] >> bits)
#undef RNNFAST_COMPARISON
#undef RNNFAST_BINARY
#undef RNNFAST_LANES
#endif

template <class T> struct Mask { Lanes<typename BitsOf<T>::type> m; };

template <class T> struct Vec {
  static constexpr int N = 16 / sizeof(T);
  Lanes<T> v;
  static RNNFAST_INLINE Vec zero() { return set1(T(0)); }
  static RNNFAST_INLINE Vec set1(T x) {
    Vec r;
    for (int i = 0; i < N; ++i) r.v[i] = x;
    return r;
  }
  static RNNFAST_INLINE Vec load(const T* p) {
    Vec r;
    memcpy(&r.v, p, sizeof(r.v));
    return r;
  }
  static RNNFAST_INLINE Vec load_partial(const T* p, int n) {
    Vec r;
    for (int i = 0; i < N; ++i) r.v[i] = i < n ? p[i] : T(0);
    return r;
  }
  RNNFAST_INLINE void store(T* p) const { memcpy(p, &v, sizeof(v)); }
  RNNFAST_INLINE void store_partial(T* p, int n) const {
    for (int i = 0; i < N; ++i) {
      if (i < n) p[i] = v[i];
    }
  }
};

template <class T> RNNFAST_INLINE Mask<T> to_bits(Vec<T> a) {
  Mask<T> bits;
  memcpy(&bits, &a, sizeof(bits));
  return bits;
}
template <class T> RNNFAST_INLINE Vec<T> from_bits(Mask<T> bits) {
  Vec<T> a;
  memcpy(&a, &bits, sizeof(a));
  return a;
}
template <class T> RNNFAST_INLINE Mask<T> bits_of(T x) { return to_bits(Vec<T>::set1(x)); }

template <class T> RNNFAST_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) { return {a.v + b.v}; }
template <class T> RNNFAST_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) { return {a.v - b.v}; }
template <class T> RNNFAST_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) { return {a.v * b.v}; }
template <class T> RNNFAST_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) { return {a.v / b.v}; }
template <class T> RNNFAST_INLINE Vec<T> operator-(Vec<T> a) { return {-a.v}; }
template <class T> RNNFAST_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) { return {a.v * b.v + c.v}; }
template <class T> RNNFAST_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) { return {c.v - a.v * b.v}; }

template <class T> RNNFAST_INLINE Mask<T> lt(Vec<T> a, Vec<T> b) { return {(decltype(Mask<T>::m))(a.v < b.v)}; }
template <class T> RNNFAST_INLINE Mask<T> le(Vec<T> a, Vec<T> b) { return {(decltype(Mask<T>::m))(a.v <= b.v)}; }
template <class T> RNNFAST_INLINE Mask<T> gt(Vec<T> a, Vec<T> b) { return {(decltype(Mask<T>::m))(a.v > b.v)}; }
template <class T> RNNFAST_INLINE Mask<T> eq(Vec<T> a, Vec<T> b) { return {(decltype(Mask<T>::m))(a.v == b.v)}; }
template <class T> RNNFAST_INLINE Mask<T> isnan(Vec<T> a) { return {(decltype(Mask<T>::m))(a.v != a.v)}; }
template <class T> RNNFAST_INLINE Vec<T> select(Mask<T> m, Vec<T> a, Vec<T> b) {
  return from_bits<T>({(m.m & to_bits(a).m) | (~m.m & to_bits(b).m)});
}
template <class T> RNNFAST_INLINE Vec<T> min(Vec<T> a, Vec<T> b) { return select(lt(a, b), a, b); }
template <class T> RNNFAST_INLINE Vec<T> max(Vec<T> a, Vec<T> b) { return select(gt(a, b), a, b); }

template <class T> RNNFAST_INLINE Vec<T> copysign(Vec<T> magnitude, Vec<T> sign) {
  return select(bits_of(T(-0.0)), sign, magnitude);
}
template <class T> RNNFAST_INLINE Vec<T> abs(Vec<T> a) { return copysign(a, Vec<T>::zero()); }

RNNFAST_INLINE float sqrt_lane(float x) { return sqrtf(x); }
RNNFAST_INLINE double sqrt_lane(double x) { return ::sqrt(x); }
template <class T> RNNFAST_INLINE Vec<T> sqrt(Vec<T> a) {
  for (int i = 0; i < Vec<T>::N; ++i) a.v[i] = sqrt_lane(a.v[i]);
  return a;
}

template <class T> RNNFAST_INLINE void interleave(Vec<T> a, Vec<T> b, Vec<T>& low, Vec<T>& high) {
  constexpr int N = Vec<T>::N, half = N / 2;
  T first[N], second[N];
  for (int i = 0; i < half; ++i) {
    first[2 * i] = a.v[i];
    first[2 * i + 1] = b.v[i];
    second[2 * i] = a.v[half + i];
    second[2 * i + 1] = b.v[half + i];
  }
  low = Vec<T>::load(first);
  high = Vec<T>::load(second);
}

template <class T> RNNFAST_INLINE Vec<T> low_bits_to_exponent(Vec<T> a) {
  return from_bits<T>({to_bits(a).m << FloatFormat<T>::mantissa_bits});
}
template <class T> constexpr T two_to_mantissa_bits = FloatFormat<T>::exponent_magic - FloatFormat<T>::bias;
template <class T> RNNFAST_INLINE Vec<T> exponent(Vec<T> a) {
  const auto biased_bits = to_bits(a).m >> FloatFormat<T>::mantissa_bits;
  const Vec<T> biased = from_bits<T>({biased_bits | bits_of(two_to_mantissa_bits<T>).m});
  return biased - Vec<T>::set1(FloatFormat<T>::exponent_magic);
}
template <class T> RNNFAST_INLINE Vec<T> mantissa(Vec<T> a) {
  // The largest number below 2 has all bits of a mantissa set, and 1 none of them.
  const auto field = bits_of(T(2) - 1 / two_to_mantissa_bits<T>).m & ~bits_of(T(1)).m;
  return from_bits<T>({(to_bits(a).m & field) | bits_of(T(1)).m});
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
