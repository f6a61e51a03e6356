// Vec<T> on arm64 (NEON). Included by vec.h, which says what each operation means. min and max are comparisons, not
// vminq and vmaxq, whose answers for NaN and for zeros of either sign are not those of the other instruction sets.
#ifndef RNNFAST_SIMD_VEC_NEON_H
#define RNNFAST_SIMD_VEC_NEON_H

#include <arm_neon.h>

namespace rnnfast {
namespace RNNFAST_ISA {

template <> struct Vec<float> {
  static constexpr int N = 4;
  float32x4_t v;
  static RNNFAST_INLINE Vec zero() { return set1(0.0f); }
  static RNNFAST_INLINE Vec set1(float x) { return {vdupq_n_f32(x)}; }
  static RNNFAST_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
  static RNNFAST_INLINE Vec load_partial(const float* p, int n) {
    float lanes[N] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
  }
  RNNFAST_INLINE void store(float* p) const { vst1q_f32(p, v); }
  RNNFAST_INLINE void store_partial(float* p, int n) const {
    float lanes[N];
    store(lanes);
    for (int i = 0; i < n; ++i) p[i] = lanes[i];
  }
};

template <> struct Vec<double> {
  static constexpr int N = 2;
  float64x2_t v;
  static RNNFAST_INLINE Vec zero() { return set1(0.0); }
  static RNNFAST_INLINE Vec set1(double x) { return {vdupq_n_f64(x)}; }
  static RNNFAST_INLINE Vec load(const double* p) { return {vld1q_f64(p)}; }
  static RNNFAST_INLINE Vec load_partial(const double* p, int n) {
    double lanes[N] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
  }
  RNNFAST_INLINE void store(double* p) const { vst1q_f64(p, v); }
  RNNFAST_INLINE void store_partial(double* p, int n) const {
    double lanes[N];
    store(lanes);
    for (int i = 0; i < n; ++i) p[i] = lanes[i];
  }
};

template <> struct Mask<float> { uint32x4_t m; };
template <> struct Mask<double> { uint64x2_t m; };

using VecF = Vec<float>;
using VecD = Vec<double>;
using MaskF = Mask<float>;
using MaskD = Mask<double>;

RNNFAST_INLINE VecF operator+(VecF a, VecF b) { return {vaddq_f32(a.v, b.v)}; }
RNNFAST_INLINE VecF operator-(VecF a, VecF b) { return {vsubq_f32(a.v, b.v)}; }
RNNFAST_INLINE VecF operator*(VecF a, VecF b) { return {vmulq_f32(a.v, b.v)}; }
RNNFAST_INLINE VecF operator/(VecF a, VecF b) { return {vdivq_f32(a.v, b.v)}; }
RNNFAST_INLINE VecF operator-(VecF a) { return {vnegq_f32(a.v)}; }
RNNFAST_INLINE VecF fma(VecF a, VecF b, VecF c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
RNNFAST_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
RNNFAST_INLINE VecF abs(VecF a) { return {vabsq_f32(a.v)}; }
RNNFAST_INLINE VecF sqrt(VecF a) { return {vsqrtq_f32(a.v)}; }
RNNFAST_INLINE VecF copysign(VecF magnitude, VecF sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.v, magnitude.v)};
}
RNNFAST_INLINE MaskF lt(VecF a, VecF b) { return {vcltq_f32(a.v, b.v)}; }
RNNFAST_INLINE MaskF le(VecF a, VecF b) { return {vcleq_f32(a.v, b.v)}; }
RNNFAST_INLINE MaskF gt(VecF a, VecF b) { return {vcgtq_f32(a.v, b.v)}; }
RNNFAST_INLINE MaskF eq(VecF a, VecF b) { return {vceqq_f32(a.v, b.v)}; }
RNNFAST_INLINE MaskF isnan(VecF a) { return {vmvnq_u32(vceqq_f32(a.v, a.v))}; }
RNNFAST_INLINE VecF select(MaskF m, VecF a, VecF b) { return {vbslq_f32(m.m, a.v, b.v)}; }
RNNFAST_INLINE VecF min(VecF a, VecF b) { return select(lt(a, b), a, b); }
RNNFAST_INLINE VecF max(VecF a, VecF b) { return select(gt(a, b), a, b); }
RNNFAST_INLINE void interleave(VecF a, VecF b, VecF& low, VecF& high) {
  low = {vzip1q_f32(a.v, b.v)};
  high = {vzip2q_f32(a.v, b.v)};
}
RNNFAST_INLINE VecF low_bits_to_exponent(VecF a) {
  return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(a.v), 23))};
}
RNNFAST_INLINE VecF exponent(VecF a) {
  const uint32x4_t biased = vshrq_n_u32(vreinterpretq_u32_f32(a.v), 23);
  const uint32x4_t shifted = vorrq_u32(biased, vreinterpretq_u32_f32(vdupq_n_f32(0x1p23f)));
  return {vsubq_f32(vreinterpretq_f32_u32(shifted), vdupq_n_f32(FloatFormat<float>::exponent_magic))};
}
RNNFAST_INLINE VecF mantissa(VecF a) {
  return {vbslq_f32(vdupq_n_u32(0x007fffffu), a.v, vdupq_n_f32(1.0f))};
}

RNNFAST_INLINE VecD operator+(VecD a, VecD b) { return {vaddq_f64(a.v, b.v)}; }
RNNFAST_INLINE VecD operator-(VecD a, VecD b) { return {vsubq_f64(a.v, b.v)}; }
RNNFAST_INLINE VecD operator*(VecD a, VecD b) { return {vmulq_f64(a.v, b.v)}; }
RNNFAST_INLINE VecD operator/(VecD a, VecD b) { return {vdivq_f64(a.v, b.v)}; }
RNNFAST_INLINE VecD operator-(VecD a) { return {vnegq_f64(a.v)}; }
RNNFAST_INLINE VecD fma(VecD a, VecD b, VecD c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
RNNFAST_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
RNNFAST_INLINE VecD abs(VecD a) { return {vabsq_f64(a.v)}; }
RNNFAST_INLINE VecD sqrt(VecD a) { return {vsqrtq_f64(a.v)}; }
RNNFAST_INLINE VecD copysign(VecD magnitude, VecD sign) {
  return {vbslq_f64(vdupq_n_u64(0x8000000000000000u), sign.v, magnitude.v)};
}
RNNFAST_INLINE MaskD lt(VecD a, VecD b) { return {vcltq_f64(a.v, b.v)}; }
RNNFAST_INLINE MaskD le(VecD a, VecD b) { return {vcleq_f64(a.v, b.v)}; }
RNNFAST_INLINE MaskD gt(VecD a, VecD b) { return {vcgtq_f64(a.v, b.v)}; }
RNNFAST_INLINE MaskD eq(VecD a, VecD b) { return {vceqq_f64(a.v, b.v)}; }
RNNFAST_INLINE MaskD isnan(VecD a) {
  return {veorq_u64(vceqq_f64(a.v, a.v), vdupq_n_u64(~uint64_t(0)))};
}
RNNFAST_INLINE VecD select(MaskD m, VecD a, VecD b) { return {vbslq_f64(m.m, a.v, b.v)}; }
RNNFAST_INLINE VecD min(VecD a, VecD b) { return select(lt(a, b), a, b); }
RNNFAST_INLINE VecD max(VecD a, VecD b) { return select(gt(a, b), a, b); }
RNNFAST_INLINE void interleave(VecD a, VecD b, VecD& low, VecD& high) {
  low = {vzip1q_f64(a.v, b.v)};
  high = {vzip2q_f64(a.v, b.v)};
}
RNNFAST_INLINE VecD low_bits_to_exponent(VecD a) {
  return {vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(a.v), 52))};
}
RNNFAST_INLINE VecD exponent(VecD a) {
  const uint64x2_t biased = vshrq_n_u64(vreinterpretq_u64_f64(a.v), 52);
  const uint64x2_t shifted = vorrq_u64(biased, vreinterpretq_u64_f64(vdupq_n_f64(0x1p52)));
  return {vsubq_f64(vreinterpretq_f64_u64(shifted), vdupq_n_f64(FloatFormat<double>::exponent_magic))};
}
RNNFAST_INLINE VecD mantissa(VecD a) {
  return {vbslq_f64(vdupq_n_u64(0x000fffffffffffffu), a.v, vdupq_n_f64(1.0))};
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
