// Vec<T> on AVX-512 (F, DQ, BW, VL). Included by vec.h, which says what each operation means.
#ifndef RNNFAST_SIMD_VEC_AVX512_H
#define RNNFAST_SIMD_VEC_AVX512_H

// GCC 12's own header sets its "undefined" registers from themselves.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace rnnfast {
namespace RNNFAST_ISA {

template <> struct Vec<float> {
  static constexpr int N = 16;
  __m512 v;
  static RNNFAST_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
  static RNNFAST_INLINE Vec set1(float x) { return {_mm512_set1_ps(x)}; }
  static RNNFAST_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static RNNFAST_INLINE Vec load_partial(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  RNNFAST_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  RNNFAST_INLINE void store_partial(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), v); }

 private:
  static RNNFAST_INLINE __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
};

template <> struct Vec<double> {
  static constexpr int N = 8;
  __m512d v;
  static RNNFAST_INLINE Vec zero() { return {_mm512_setzero_pd()}; }
  static RNNFAST_INLINE Vec set1(double x) { return {_mm512_set1_pd(x)}; }
  static RNNFAST_INLINE Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static RNNFAST_INLINE Vec load_partial(const double* p, int n) { return {_mm512_maskz_loadu_pd(first(n), p)}; }
  RNNFAST_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
  RNNFAST_INLINE void store_partial(double* p, int n) const { _mm512_mask_storeu_pd(p, first(n), v); }

 private:
  static RNNFAST_INLINE __mmask8 first(int n) { return static_cast<__mmask8>((1u << n) - 1u); }
};

template <> struct Mask<float> { __mmask16 m; };
template <> struct Mask<double> { __mmask8 m; };

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = Mask<float>;
using MaskD = Mask<double>;

RNNFAST_INLINE VecF operator+(VecF a, VecF b) { return {_mm512_add_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator-(VecF a, VecF b) { return {_mm512_sub_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator*(VecF a, VecF b) { return {_mm512_mul_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator/(VecF a, VecF b) { return {_mm512_div_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF operator-(VecF a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
RNNFAST_INLINE VecF fma(VecF a, VecF b, VecF c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecF min(VecF a, VecF b) { return {_mm512_min_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF max(VecF a, VecF b) { return {_mm512_max_ps(a.v, b.v)}; }
RNNFAST_INLINE VecF abs(VecF a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
RNNFAST_INLINE VecF sqrt(VecF a) { return {_mm512_sqrt_ps(a.v)}; }
RNNFAST_INLINE VecF copysign(VecF magnitude, VecF sign) {
  const __m512i picked = _mm512_ternarylogic_epi32(_mm512_set1_epi32(INT32_MIN), _mm512_castps_si512(sign.v),
                                                   _mm512_castps_si512(magnitude.v), 0xCA);
  return {_mm512_castsi512_ps(picked)};
}
RNNFAST_INLINE MaskF lt(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
RNNFAST_INLINE MaskF le(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
RNNFAST_INLINE MaskF gt(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
RNNFAST_INLINE MaskF eq(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
RNNFAST_INLINE MaskF isnan(VecF a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
RNNFAST_INLINE VecF select(MaskF m, VecF a, VecF b) { return {_mm512_mask_blend_ps(m.m, b.v, a.v)}; }
RNNFAST_INLINE void interleave(VecF a, VecF b, VecF& low, VecF& high) {
  const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  low = {_mm512_permutex2var_ps(a.v, first, b.v)};
  high = {_mm512_permutex2var_ps(a.v, second, b.v)};
}
RNNFAST_INLINE VecF low_bits_to_exponent(VecF a) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a.v), 23))};
}
RNNFAST_INLINE VecF exponent(VecF a) {
  const __m512i biased = _mm512_srli_epi32(_mm512_castps_si512(a.v), 23);
  const __m512 shifted = _mm512_castsi512_ps(_mm512_or_si512(biased, _mm512_castps_si512(_mm512_set1_ps(0x1p23f))));
  return {_mm512_sub_ps(shifted, _mm512_set1_ps(FloatFormat<float>::exponent_magic))};
}
RNNFAST_INLINE VecF mantissa(VecF a) {
  const __m512i bits = _mm512_and_si512(_mm512_castps_si512(a.v), _mm512_set1_epi32(0x007fffff));
  return {_mm512_castsi512_ps(_mm512_or_si512(bits, _mm512_castps_si512(_mm512_set1_ps(1.0f))))};
}

RNNFAST_INLINE VecD operator+(VecD a, VecD b) { return {_mm512_add_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator-(VecD a, VecD b) { return {_mm512_sub_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator*(VecD a, VecD b) { return {_mm512_mul_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator/(VecD a, VecD b) { return {_mm512_div_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD operator-(VecD a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
RNNFAST_INLINE VecD fma(VecD a, VecD b, VecD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
RNNFAST_INLINE VecD min(VecD a, VecD b) { return {_mm512_min_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD max(VecD a, VecD b) { return {_mm512_max_pd(a.v, b.v)}; }
RNNFAST_INLINE VecD abs(VecD a) { return {_mm512_andnot_pd(_mm512_set1_pd(-0.0), a.v)}; }
RNNFAST_INLINE VecD sqrt(VecD a) { return {_mm512_sqrt_pd(a.v)}; }
RNNFAST_INLINE VecD copysign(VecD magnitude, VecD sign) {
  const __m512i picked = _mm512_ternarylogic_epi64(_mm512_set1_epi64(INT64_MIN), _mm512_castpd_si512(sign.v),
                                                   _mm512_castpd_si512(magnitude.v), 0xCA);
  return {_mm512_castsi512_pd(picked)};
}
RNNFAST_INLINE MaskD lt(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
RNNFAST_INLINE MaskD le(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
RNNFAST_INLINE MaskD gt(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)}; }
RNNFAST_INLINE MaskD eq(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
RNNFAST_INLINE MaskD isnan(VecD a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }
RNNFAST_INLINE VecD select(MaskD m, VecD a, VecD b) { return {_mm512_mask_blend_pd(m.m, b.v, a.v)}; }
RNNFAST_INLINE void interleave(VecD a, VecD b, VecD& low, VecD& high) {
  low = {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b.v)};
  high = {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b.v)};
}
RNNFAST_INLINE VecD low_bits_to_exponent(VecD a) {
  return {_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(a.v), 52))};
}
RNNFAST_INLINE VecD exponent(VecD a) {
  const __m512i biased = _mm512_srli_epi64(_mm512_castpd_si512(a.v), 52);
  const __m512d shifted = _mm512_castsi512_pd(_mm512_or_si512(biased, _mm512_castpd_si512(_mm512_set1_pd(0x1p52))));
  return {_mm512_sub_pd(shifted, _mm512_set1_pd(FloatFormat<double>::exponent_magic))};
}
RNNFAST_INLINE VecD mantissa(VecD a) {
  const __m512i bits = _mm512_and_si512(_mm512_castpd_si512(a.v), _mm512_set1_epi64(0x000fffffffffffff));
  return {_mm512_castsi512_pd(_mm512_or_si512(bits, _mm512_castpd_si512(_mm512_set1_pd(1.0))))};
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
