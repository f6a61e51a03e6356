// Vec<T> on AVX2 with FMA. Included by vec.h, which says what each operation means.
#ifndef RNNFAST_SIMD_VEC_AVX2_H
#define RNNFAST_SIMD_VEC_AVX2_H

#include <immintrin.h>

namespace rnnfast {
namespace RNNFAST_ISA {

template <> struct Vec<float> {
  static constexpr int N = 8;
  __m256 v;
  static RNNFAST_INLINE Vec zero() { return {_mm256_setzero_ps()}; }
  static RNNFAST_INLINE Vec set1(float x) { return {_mm256_set1_ps(x)}; }
  static RNNFAST_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static RNNFAST_INLINE Vec load_partial(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
  RNNFAST_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  RNNFAST_INLINE void store_partial(float* p, int n) const { _mm256_maskstore_ps(p, first(n), v); }

 private:
  static RNNFAST_INLINE __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

template <> struct Vec<double> {
  static constexpr int N = 4;
  __m256d v;
  static RNNFAST_INLINE Vec zero() { return {_mm256_setzero_pd()}; }
  static RNNFAST_INLINE Vec set1(double x) { return {_mm256_set1_pd(x)}; }
  static RNNFAST_INLINE Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static RNNFAST_INLINE Vec load_partial(const double* p, int n) { return {_mm256_maskload_pd(p, first(n))}; }
  RNNFAST_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  RNNFAST_INLINE void store_partial(double* p, int n) const { _mm256_maskstore_pd(p, first(n), v); }

 private:
  static RNNFAST_INLINE __m256i first(int n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }
};

template <> struct Mask<float> { __m256 m; };
template <> struct Mask<double> { __m256d m; };

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = Mask<float>;
using MaskD = Mask<double>;

RNNFAST_INLINE VecF operator+(VecF a, VecF b) { return {_mm256_add_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator-(VecF a, VecF b) { return {_mm256_sub_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator*(VecF a, VecF b) { return {_mm256_mul_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator/(VecF a, VecF b) { return {_mm256_div_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator-(VecF a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
RNNFAST_INLINE VecF fma(VecF a, VecF b, VecF c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecF min(VecF a, VecF b) { return {_mm256_min_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF max(VecF a, VecF b) { return {_mm256_max_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF abs(VecF a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
RNNFAST_INLINE VecF sqrt(VecF a) { return {_mm256_sqrt_ps(a.v)}; }
RNNFAST_INLINE VecF copysign(VecF magnitude, VecF sign) {
  const auto sign_bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_and_ps(sign_bit, sign.v), _mm256_andnot_ps(sign_bit, magnitude.v))};
}
RNNFAST_INLINE MaskF lt(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
RNNFAST_INLINE MaskF le(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
RNNFAST_INLINE MaskF gt(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
RNNFAST_INLINE MaskF eq(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
RNNFAST_INLINE MaskF isnan(VecF a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
RNNFAST_INLINE VecF select(MaskF m, VecF a, VecF b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }
RNNFAST_INLINE void interleave(VecF a, VecF b, VecF& low, VecF& high) {
  const __m256 even = _mm256_unpacklo_ps(a.v, b.v), odd = _mm256_unpackhi_ps(a.v, b.v);  // of each half
  low = {_mm256_permute2f128_ps(even, odd, 0x20)};
  high = {_mm256_permute2f128_ps(even, odd, 0x31)};
}
RNNFAST_INLINE VecF low_bits_to_exponent(VecF a) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a.v), 23))};
}
RNNFAST_INLINE VecF exponent(VecF a) {
  const __m256i biased = _mm256_srli_epi32(_mm256_castps_si256(a.v), 23);
  const __m256 shifted = _mm256_castsi256_ps(_mm256_or_si256(biased, _mm256_castps_si256(_mm256_set1_ps(0x1p23f))));
  return {_mm256_sub_ps(shifted, _mm256_set1_ps(FloatFormat<float>::exponent_magic))};
}
RNNFAST_INLINE VecF mantissa(VecF a) {
  const __m256i bits = _mm256_and_si256(_mm256_castps_si256(a.v), _mm256_set1_epi32(0x007fffff));
  return {_mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_castps_si256(_mm256_set1_ps(1.0f))))};
}

RNNFAST_INLINE VecD operator+(VecD a, VecD b) { return {_mm256_add_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator-(VecD a, VecD b) { return {_mm256_sub_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator*(VecD a, VecD b) { return {_mm256_mul_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator/(VecD a, VecD b) { return {_mm256_div_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator-(VecD a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
RNNFAST_INLINE VecD fma(VecD a, VecD b, VecD c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecD min(VecD a, VecD b) { return {_mm256_min_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD max(VecD a, VecD b) { return {_mm256_max_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD abs(VecD a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
RNNFAST_INLINE VecD sqrt(VecD a) { return {_mm256_sqrt_pd(a.v)}; }
RNNFAST_INLINE VecD copysign(VecD magnitude, VecD sign) {
  const auto sign_bit = _mm256_set1_pd(-0.0);
  return {_mm256_or_pd(_mm256_and_pd(sign_bit, sign.v), _mm256_andnot_pd(sign_bit, magnitude.v))};
}
RNNFAST_INLINE MaskD lt(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
RNNFAST_INLINE MaskD le(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
RNNFAST_INLINE MaskD gt(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)}; }
RNNFAST_INLINE MaskD eq(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
RNNFAST_INLINE MaskD isnan(VecD a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }
RNNFAST_INLINE VecD select(MaskD m, VecD a, VecD b) { return {_mm256_blendv_pd(b.v, a.v, m.m)}; }
RNNFAST_INLINE void interleave(VecD a, VecD b, VecD& low, VecD& high) {
  const __m256d even = _mm256_unpacklo_pd(a.v, b.v), odd = _mm256_unpackhi_pd(a.v, b.v);
  low = {_mm256_permute2f128_pd(even, odd, 0x20)};
  high = {_mm256_permute2f128_pd(even, odd, 0x31)};
}
RNNFAST_INLINE VecD low_bits_to_exponent(VecD a) {
  return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(a.v), 52))};
}
RNNFAST_INLINE VecD exponent(VecD a) {
  const __m256i biased = _mm256_srli_epi64(_mm256_castpd_si256(a.v), 52);
  const __m256d shifted = _mm256_castsi256_pd(_mm256_or_si256(biased, _mm256_castpd_si256(_mm256_set1_pd(0x1p52))));
  return {_mm256_sub_pd(shifted, _mm256_set1_pd(FloatFormat<double>::exponent_magic))};
}
RNNFAST_INLINE VecD mantissa(VecD a) {
  const __m256i bits = _mm256_and_si256(_mm256_castpd_si256(a.v), _mm256_set1_epi64x(0x000fffffffffffff));
  return {_mm256_castsi256_pd(_mm256_or_si256(bits, _mm256_castpd_si256(_mm256_set1_pd(1.0))))};
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
