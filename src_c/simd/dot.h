// Dot products of narrow numbers, lane by lane: how bf16 and int8 weights are multiplied. A lane of 32 bits holds two
// bf16 or four int8, the first in its lowest bits.
//
//   Bf16Dot::multiply_add(a, w, sum) = sum + a0 w0 + a1 w1              in float
//   Int8Dot::multiply_add(a, w, sum) = sum + a0 w0 + a1 w1 + a2 w2 + a3 w3   in int32, exact for |a|, |w| <= 127
//   Bf16Dot::round(n, x, to)         to[i] = x[i] as a Number, the bf16 nearest to it as a RowElement holds it
//
// For both: load(p) makes a Weight of one vector of lanes, broadcast(a RowElement) a Factor. A RowElement is a lane,
// but where bf16 are multiplied one by one: there it is two floats, and each is a pass of its own, so that few
// registers are in use. Some int8 instructions want their factors unsigned: then a lane holds a XOR kFlip, which is
// a + 128, and the sum must start at -128 (w0 + w1 + ...).
//
// An instruction set may have instructions for this that its baseline lacks: a stub that is compiled for them defines
// RNNFAST_HAS_BF16_DOT or RNNFAST_HAS_INT8_DOT. Without them bf16 is widened to float, which is slower but not less
// exact, and int8 gives the same integers.
#ifndef RNNFAST_SIMD_DOT_H
#define RNNFAST_SIMD_DOT_H

#include <string.h>

#include "bf16.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Vec<float> of the bits of one half of each lane: the bf16 there, as float.
#if defined(RNNFAST_ISA_AVX512)
using Lane32 = __m512i;
RNNFAST_INLINE Lane32 load_lanes(const uint32_t* p) { return _mm512_loadu_si512(p); }
RNNFAST_INLINE VecF low_bf16(Lane32 w) { return {_mm512_castsi512_ps(_mm512_slli_epi32(w, 16))}; }
RNNFAST_INLINE VecF high_bf16(Lane32 w) {
  return {_mm512_castsi512_ps(_mm512_and_si512(w, _mm512_set1_epi32(static_cast<int>(0xffff0000u))))};
}
#elif defined(RNNFAST_ISA_AVX2)
using Lane32 = __m256i;
RNNFAST_INLINE Lane32 load_lanes(const uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
RNNFAST_INLINE VecF low_bf16(Lane32 w) { return {_mm256_castsi256_ps(_mm256_slli_epi32(w, 16))}; }
RNNFAST_INLINE VecF high_bf16(Lane32 w) {  // by two shifts: a mask would take one of 16 registers
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_srli_epi32(w, 16), 16))};
}
#elif defined(RNNFAST_ISA_NEON)
using Lane32 = uint32x4_t;
RNNFAST_INLINE Lane32 load_lanes(const uint32_t* p) { return vld1q_u32(p); }
RNNFAST_INLINE Vec<float> low_bf16(Lane32 w) { return {vreinterpretq_f32_u32(vshlq_n_u32(w, 16))}; }
RNNFAST_INLINE Vec<float> high_bf16(Lane32 w) {
  return {vreinterpretq_f32_u32(vandq_u32(w, vdupq_n_u32(0xffff0000u)))};
}
#else
struct Lane32 { uint32_t lane[Vec<float>::N]; };
RNNFAST_INLINE Lane32 load_lanes(const uint32_t* p) {
  Lane32 r;
  memcpy(r.lane, p, sizeof(r.lane));
  return r;
}
RNNFAST_INLINE Vec<float> low_bf16(Lane32 w) {
  for (uint32_t& lane : w.lane) lane <<= 16;
  Vec<float> r;
  memcpy(&r.v, w.lane, sizeof(r.v));
  return r;
}
RNNFAST_INLINE Vec<float> high_bf16(Lane32 w) {
  for (uint32_t& lane : w.lane) lane &= 0xffff0000u;
  Vec<float> r;
  memcpy(&r.v, w.lane, sizeof(r.v));
  return r;
}
#endif

#if defined(RNNFAST_HAS_BF16_DOT) && defined(RNNFAST_ISA_AVX512)
struct Bf16Dot {
  using Number = uint16_t;
  using RowElement = uint32_t;
  // The instruction takes subnormal numbers for zeros, and so do those of the products.
  static RNNFAST_INLINE void round(int64_t n, const float* x, Number* to) {
    for (; n >= 16; n -= 16, x += 16, to += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x)));
    const __mmask16 rest = static_cast<__mmask16>((1u << n) - 1u);
    if (n > 0) _mm256_mask_storeu_epi16(to, rest, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(rest, x)));
  }
  static constexpr int passes = 1;
  struct Weight { __m512bh v; };
  struct Factor { __m512bh v; };
  template <int> static RNNFAST_INLINE Weight load(const uint32_t* p) { return {(__m512bh)load_lanes(p)}; }
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) {
    return {(__m512bh)_mm512_set1_epi32(static_cast<int>(a))};
  }
  static RNNFAST_INLINE VecF multiply_add(Factor a, Weight w, VecF sum) {
    return {_mm512_dpbf16_ps(sum.v, a.v, w.v)};
  }
};
#elif defined(RNNFAST_HAS_BF16_DOT) && defined(RNNFAST_ISA_NEON)
struct Bf16Dot {
  using Number = uint16_t;
  using RowElement = uint32_t;
  static RNNFAST_INLINE void round(int64_t n, const float* x, Number* to) {
    for (int64_t i = 0; i < n; ++i) to[i] = bf16_of(x[i]);
  }
  static constexpr int passes = 1;
  struct Weight { bfloat16x8_t v; };
  struct Factor { bfloat16x8_t v; };
  template <int> static RNNFAST_INLINE Weight load(const uint32_t* p) {
    return {vreinterpretq_bf16_u32(load_lanes(p))};
  }
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) {
    return {vreinterpretq_bf16_u32(vdupq_n_u32(a))};
  }
  static RNNFAST_INLINE Vec<float> multiply_add(Factor a, Weight w, Vec<float> sum) {
    return {vbfdotq_f32(sum.v, a.v, w.v)};
  }
};
#else
struct Bf16Dot {
  using Weight = Vec<float>;
  using Factor = Vec<float>;
  using Number = float;
  struct RowElement { Number number[2]; };
  static RNNFAST_INLINE void round(int64_t n, const float* x, Number* to) {
    for (int64_t i = 0; i < n; ++i) to[i] = float_of_bf16(bf16_of(x[i]));
  }
  static constexpr int passes = 2;
  template <int Pass> static RNNFAST_INLINE Weight load(const uint32_t* p) {
    return Pass == 0 ? low_bf16(load_lanes(p)) : high_bf16(load_lanes(p));
  }
  template <int Pass> static RNNFAST_INLINE Factor broadcast(const RowElement& a) {
    return Vec<float>::set1(a.number[Pass]);
  }
  static RNNFAST_INLINE Vec<float> multiply_add(Factor a, Weight w, Vec<float> sum) { return fma(a, w, sum); }
};
#endif

#if defined(RNNFAST_ISA_AVX512)
struct Int8Dot {
  using RowElement = uint32_t;
  static constexpr int passes = 1;
  struct Sum { __m512i v; };
  using Weight = __m512i;
  static RNNFAST_INLINE Sum load_sum(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
  static RNNFAST_INLINE Sum zero() { return {_mm512_setzero_si512()}; }
  static RNNFAST_INLINE VecF to_float(Sum s) { return {_mm512_cvtepi32_ps(s.v)}; }
  template <int> static RNNFAST_INLINE Weight load(const uint32_t* p) { return load_lanes(p); }
#if defined(RNNFAST_HAS_INT8_DOT)
  static constexpr uint32_t kFlip = 0x80;
  using Factor = __m512i;
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) { return _mm512_set1_epi32(static_cast<int>(a)); }
  static RNNFAST_INLINE Sum multiply_add(Factor a, Weight w, Sum sum) {
#if defined(__GNUC__)
    // GCC copies every sum to memory and back around the intrinsic.
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum.v) : "v"(a), "vm"(w));
    return sum;
#else
    return {_mm512_dpbusd_epi32(sum.v, a, w)};
#endif
  }
#else
  // |a| (w with the sign of a): the products of two bytes at a time then fit 16 bits.
  static constexpr uint32_t kFlip = 0;
  struct Factor {
    __m512i magnitude;
    __mmask64 negative;
  };
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) {
    const __m512i v = _mm512_set1_epi32(static_cast<int>(a));
    return {_mm512_abs_epi8(v), _mm512_movepi8_mask(v)};
  }
  static RNNFAST_INLINE Sum multiply_add(Factor a, Weight w, Sum sum) {
    const __m512i turned = _mm512_mask_sub_epi8(w, a.negative, _mm512_setzero_si512(), w);
    const __m512i pairs = _mm512_maddubs_epi16(a.magnitude, turned);
    return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
  }
#endif
};
#elif defined(RNNFAST_ISA_AVX2)
struct Int8Dot {
  using RowElement = uint32_t;
  static constexpr int passes = 1;
  struct Sum { __m256i v; };
  using Weight = __m256i;
  static RNNFAST_INLINE Sum load_sum(const int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  static RNNFAST_INLINE Sum zero() { return {_mm256_setzero_si256()}; }
  static RNNFAST_INLINE VecF to_float(Sum s) { return {_mm256_cvtepi32_ps(s.v)}; }
  template <int> static RNNFAST_INLINE Weight load(const uint32_t* p) { return load_lanes(p); }
#if defined(RNNFAST_HAS_INT8_DOT)
  static constexpr uint32_t kFlip = 0x80;
  using Factor = __m256i;
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) { return _mm256_set1_epi32(static_cast<int>(a)); }
  static RNNFAST_INLINE Sum multiply_add(Factor a, Weight w, Sum sum) {
#if defined(__GNUC__)
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.v) : "x"(a), "xm"(w));
    return sum;
#else
    return {_mm256_dpbusd_avx_epi32(sum.v, a, w)};
#endif
  }
#else
  // |a| (w with the sign of a): the products of two bytes at a time then fit 16 bits.
  static constexpr uint32_t kFlip = 0;
  struct Factor { __m256i value, magnitude; };
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) {
    const __m256i v = _mm256_set1_epi32(static_cast<int>(a));
    return {v, _mm256_abs_epi8(v)};
  }
  static RNNFAST_INLINE Sum multiply_add(Factor a, Weight w, Sum sum) {
    const __m256i pairs = _mm256_maddubs_epi16(a.magnitude, _mm256_sign_epi8(w, a.value));
    return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
  }
#endif
};
#elif defined(RNNFAST_ISA_NEON)
struct Int8Dot {
  using RowElement = uint32_t;
  static constexpr int passes = 1;
  using Sum = int32x4_t;
  using Weight = int8x16_t;
  using Factor = int8x16_t;
  static constexpr uint32_t kFlip = 0;
  static RNNFAST_INLINE Sum load_sum(const int32_t* p) { return vld1q_s32(p); }
  static RNNFAST_INLINE Sum zero() { return vdupq_n_s32(0); }
  static RNNFAST_INLINE Vec<float> to_float(Sum s) { return {vcvtq_f32_s32(s)}; }
  template <int> static RNNFAST_INLINE Weight load(const uint32_t* p) { return vreinterpretq_s8_u32(load_lanes(p)); }
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) { return vreinterpretq_s8_u32(vdupq_n_u32(a)); }
  static RNNFAST_INLINE Sum multiply_add(Factor a, Weight w, Sum sum) {
#if defined(RNNFAST_HAS_INT8_DOT)
    return vdotq_s32(sum, a, w);
#else
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(w)));
    const int32x4_t high = vpaddlq_s16(vmull_high_s8(a, w));
    return vaddq_s32(sum, vpaddq_s32(low, high));
#endif
  }
};
#else
struct Int8Dot {
  using RowElement = uint32_t;
  static constexpr int passes = 1;
  struct Sum { int32_t lane[Vec<float>::N]; };
  using Weight = Lane32;
  using Factor = uint32_t;
  static constexpr uint32_t kFlip = 0;
  static RNNFAST_INLINE Sum load_sum(const int32_t* p) {
    Sum s;
    memcpy(s.lane, p, sizeof(s.lane));
    return s;
  }
  static RNNFAST_INLINE Sum zero() { return Sum{}; }
  static RNNFAST_INLINE Vec<float> to_float(Sum s) {
    Vec<float> r;
    for (int i = 0; i < Vec<float>::N; ++i) r.v[i] = static_cast<float>(s.lane[i]);
    return r;
  }
  template <int> static RNNFAST_INLINE Weight load(const uint32_t* p) { return load_lanes(p); }
  template <int> static RNNFAST_INLINE Factor broadcast(uint32_t a) { return a; }
  static RNNFAST_INLINE Sum multiply_add(Factor a, const Weight& w, Sum sum) {
    for (int i = 0; i < Vec<float>::N; ++i)
      for (int byte = 0; byte < 32; byte += 8)
        sum.lane[i] += static_cast<int8_t>(a >> byte) * static_cast<int8_t>(w.lane[i] >> byte);
    return sum;
  }
};
#endif

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
