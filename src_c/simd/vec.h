// Vec<T>: one register of float or double, the only way kernels touch an instruction set.
//
// A stub in isa/ defines exactly one of RNNFAST_ISA_GENERIC, _AVX2, _AVX512, _NEON before it includes anything, and one
// that adds instructions to such a set also RNNFAST_ISA, a namespace of its own. All that is compiled with that stub's
// flags lies in namespace rnnfast::RNNFAST_ISA, is inlined or local, and uses neither STL templates nor inline
// functions of <cmath>: the linker could otherwise keep an AVX-512 copy for every machine.
//
// Every operation below is correctly rounded and lane by lane, so a formula gives the same bits on every instruction
// set that has a fused multiply-add. vec_generic.h has none: there fma(a, b, c) rounds twice.
//
// What each vec_*.h provides, for T = float and double:
//   Vec<T>::N; zero(), set1(x), load(p), load_partial(p, n), store(p), store_partial(p, n)
//     unaligned; the partial ones touch p[0 .. n) alone, 0 <= n <= N, and load zeros into the other lanes
//   a + b, a - b, a * b, a / b, -a
//   fma(a, b, c) = a * b + c        fnma(a, b, c) = c - a * b
//   min(a, b) = a < b ? a : b       max(a, b) = a > b ? a : b    (a NaN in b stays, one in a is lost)
//   abs(a), sqrt(a), copysign(magnitude, sign)
//   Mask<T>: lt(a, b), le(a, b), gt(a, b), eq(a, b), isnan(a); select(mask, a, b) = mask ? a : b
//     comparisons with NaN are false
//   interleave(a, b, low, high): low, high = a0 b0 a1 b1 ... , the first N lanes and the others
//   low_bits_to_exponent(a): the value whose bits are those of a shifted left by the width of the mantissa
//   exponent(a), mantissa(a): a = mantissa * 2^exponent, mantissa in [1, 2), for normal a > 0
#ifndef RNNFAST_SIMD_VEC_H
#define RNNFAST_SIMD_VEC_H

#include <cstddef>
#include <cstdint>

#include "inlining.h"

#if defined(RNNFAST_ISA_GENERIC) + defined(RNNFAST_ISA_AVX2) + defined(RNNFAST_ISA_AVX512) + \
        defined(RNNFAST_ISA_NEON) != 1
#error "define exactly one of RNNFAST_ISA_GENERIC, RNNFAST_ISA_AVX2, RNNFAST_ISA_AVX512, RNNFAST_ISA_NEON"
#endif

#if defined(RNNFAST_ISA)
#elif defined(RNNFAST_ISA_AVX512)
#define RNNFAST_ISA isa_avx512
#elif defined(RNNFAST_ISA_AVX2)
#define RNNFAST_ISA isa_avx2
#elif defined(RNNFAST_ISA_NEON)
#define RNNFAST_ISA isa_neon
#else
#define RNNFAST_ISA isa_generic
#endif

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> struct Vec;
template <class T> struct Mask;

// Adding magic to |x| < 2^(mantissa_bits - 2) rounds x to an integer, to even on ties, which then stands in the lowest
// bits of the sum. exponent_magic is 2^mantissa_bits plus the exponent's bias: it turns a biased exponent, placed in
// the lowest bits of 2^mantissa_bits, into the exponent.
template <class T> struct FloatFormat;
template <> struct FloatFormat<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr float magic = 12582912.0f;  // 1.5 * 2^23
  static constexpr float bias = 127.0f;
  static constexpr float exponent_magic = 8388608.0f + 127.0f;
};
template <> struct FloatFormat<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double bias = 1023.0;
  static constexpr double exponent_magic = 4503599627370496.0 + 1023.0;
};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#if defined(RNNFAST_ISA_AVX512)
#include "vec_avx512.h"
#elif defined(RNNFAST_ISA_AVX2)
#include "vec_avx2.h"
#elif defined(RNNFAST_ISA_NEON)
#include "vec_neon.h"
#else
#include "vec_generic.h"
#endif

#endif
