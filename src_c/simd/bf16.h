// A float's bits, and bf16: its upper half.
#ifndef RNNFAST_SIMD_BF16_H
#define RNNFAST_SIMD_BF16_H

#include <string.h>

#include "vec.h"

namespace rnnfast {
namespace RNNFAST_ISA {

RNNFAST_INLINE uint32_t bits_of_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}

RNNFAST_INLINE float float_of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

constexpr uint32_t kInfinityBits = 0x7f800000;

// To nearest, ties to even; a NaN stays one.
RNNFAST_INLINE uint16_t bf16_of(float x) {
  const uint32_t bits = bits_of_float(x), rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fffffff) > kInfinityBits ? (bits >> 16) | 0x40 : rounded);
}

RNNFAST_INLINE float float_of_bf16(uint16_t bf16) { return float_of_bits(static_cast<uint32_t>(bf16) << 16); }

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
