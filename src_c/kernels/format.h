// How the factors of a product are stored and multiplied: in full precision, as bf16, or as int8. Inputs, states and
// outputs are of type Value in every format; the panels of B and the rows of A that a tile reads hold Elements, each of
// which is a few consecutive k (ElementLayout of table.h).
//
//   prepare(rows, k, x, ldx, scratch)   rows of A as the tile reads them, in scratch (prepared_size of table.h) or as
//                                       they stand; the factors of KBlocks k side by side
//   load, broadcast, multiply_add       as in simd/dot.h
//   pack(k, width, panel, packed, ...)  a panel of B, given in full precision, as the tile reads it
//   begin(init, offset), end(sum, ...)  from the start value to a sum under way, and from it to the result
//
// bf16: factors rounded to nearest, ties to even; sums in float, from the start value on.
// int8: a row of A is x / s rounded to nearest, s = max |x| / 127, one s for each row; each column of B likewise, when
// it is packed. Sums are exact integers, so the result, init + sum * (s_a * s_b), is the same on every instruction set
// with fused multiply-add. A row that is not finite has no such s: its results are NaN.
#ifndef RNNFAST_KERNELS_FORMAT_H
#define RNNFAST_KERNELS_FORMAT_H

#include "../simd/bf16.h"
#include "../simd/dot.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// x = step * q, |q| <= 127.
struct Int8Scale {
  float step, inverse;
};
// The bits of the largest magnitude of x, or of what was largest before. Bits of floats that are not negative compare
// as the floats do, with NaN above all.
RNNFAST_INLINE uint32_t largest_magnitude(int64_t n, const float* x, ptrdiff_t stride, uint32_t largest) {
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t magnitude = bits_of_float(x[i * stride]) & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}
RNNFAST_INLINE Int8Scale int8_scale(uint32_t largest) {
  if (largest >= kInfinityBits) return {float_of_bits(0x7fc00000), 0.0f};
  const float top = float_of_bits(largest);
  return top < 1e-35f ? Int8Scale{0.0f, 0.0f} : Int8Scale{top / 127.0f, 127.0f / top};
}
RNNFAST_INLINE uint32_t int8_of(float x, const Int8Scale& scale) {
  return bits_of_float(x * scale.inverse + FloatFormat<float>::magic) & 0xff;
}

// Calls body(where a run of factors lies in a row of A, which factor is its first, their number) for all runs in order.
template <class Body> RNNFAST_INLINE void for_runs(const KBlocks& k, const Body& body) {
  int64_t factor = 0;
  for (int64_t block = 0; block < k.blocks; ++block) {
    body(block * k.stride, factor, k.first);
    factor += k.first;
    if (k.second > 0) body(block * k.stride + k.second_at, factor, k.second);
    factor += k.second;
  }
}

template <class F> struct PreparedRows {
  const typename F::RowElement* a;
  ptrdiff_t row;       // elements from one row to the next
  const float* scale;  // of each row (int8)
};

template <class T> struct Full {
  using Value = T;
  using Element = T;
  using RowElement = T;
  using Sum = Vec<T>;
  using Weight = Vec<T>;
  using Factor = Vec<T>;
  static constexpr ElementLayout layout{1, 1, 1, 1, 1};
  static constexpr int passes = 1;
  static constexpr bool scaled = false;
  static RNNFAST_INLINE PreparedRows<Full> prepare(int64_t, const KBlocks&, const T* x, ptrdiff_t ldx, void*) {
    return {x, ldx, nullptr};
  }
  static void pack(int64_t k, int64_t width, const T* panel, void* packed, float*, int32_t*) {
    memcpy(packed, panel, static_cast<size_t>(k * width) * sizeof(T));
  }
  template <int> static RNNFAST_INLINE Weight load(const T* p) { return Vec<T>::load(p); }
  template <int> static RNNFAST_INLINE Factor broadcast(T a) { return Vec<T>::set1(a); }
  static RNNFAST_INLINE Sum multiply_add(Factor a, Weight w, Sum sum) { return fma(a, w, sum); }
  static RNNFAST_INLINE Sum begin(const T* init, const int32_t*) { return Vec<T>::load(init); }
  static RNNFAST_INLINE Vec<T> end(Sum sum, const T*, float, const float*) { return sum; }
};

// The scratch of prepare: a scale for each row, then the rows.
inline float* scratch_scales(void* scratch) { return static_cast<float*>(scratch); }
template <class E> E* scratch_elements(int64_t rows, void* scratch) {
  return reinterpret_cast<E*>(scratch_scales(scratch) + prepared_scales(rows));
}

struct Bf16 : Bf16Dot {
  using Value = float;
  using Element = uint32_t;
  using Sum = Vec<float>;
  static constexpr ElementLayout layout{2, sizeof(RowElement) / 4, 1, 1, 1};
  static constexpr bool scaled = false;

  static PreparedRows<Bf16> prepare(int64_t rows, const KBlocks& k, const float* x, ptrdiff_t ldx, void* scratch) {
    RowElement* const a = scratch_elements<RowElement>(rows, scratch);
    write_rows(rows, k, x, ldx, a);
    return {a, prepared_row(factors(k), layout), nullptr};
  }
  static void write_rows(int64_t rows, const KBlocks& k, const float* x, ptrdiff_t ldx, RowElement* a) {
    const int64_t n = factors(k), row = prepared_row(n, layout);
    for (int64_t r = 0; r < rows; ++r) {
      Number* const to = reinterpret_cast<Number*>(a + r * row);
      for_runs(k, [&](int64_t at, int64_t factor, int64_t count) { round(count, x + r * ldx + at, to + factor); });
      if (n % layout.numbers != 0) to[n] = Number(0);
    }
  }
  static void pack(int64_t k, int64_t width, const float* panel, void* packed, float*, int32_t*) {
    uint32_t* to = static_cast<uint32_t*>(packed);
    for (int64_t i = 0; i < k; i += 2, to += width) {
      const float *const first = panel + i * width, *const second = first + width;
      if (i + 1 < k)
        for (int64_t j = 0; j < width; ++j) to[j] = bf16_of(first[j]) | static_cast<uint32_t>(bf16_of(second[j])) << 16;
      else
        for (int64_t j = 0; j < width; ++j) to[j] = bf16_of(first[j]);
    }
  }
  static RNNFAST_INLINE Sum begin(const float* init, const int32_t*) { return Vec<float>::load(init); }
  static RNNFAST_INLINE Vec<float> end(Sum sum, const float*, float, const float*) { return sum; }
};

struct Int8 : Int8Dot {
  using Value = float;
  using Element = uint32_t;
  static constexpr ElementLayout layout{4, 1, 1, 1, 1};
  static constexpr bool scaled = true;

  // The scale of a row of A.
  static Int8Scale row_scale(const KBlocks& k, const float* x) {
    uint32_t largest = 0;
    for_runs(k, [&](int64_t at, int64_t, int64_t count) { largest = largest_magnitude(count, x + at, 1, largest); });
    return int8_scale(largest);
  }
  static PreparedRows<Int8> prepare(int64_t rows, const KBlocks& k, const float* x, ptrdiff_t ldx, void* scratch) {
    const int64_t n = factors(k), row = prepared_row(n, layout);
    float* const scale = scratch_scales(scratch);
    uint32_t* const a = scratch_elements<uint32_t>(rows, scratch);
    for (int64_t r = 0; r < rows; ++r) {
      if (n % layout.numbers != 0) a[(r + 1) * row - 1] = kFlip * 0x01010101u;  // weights past k are zero
      const float* const from = x + r * ldx;
      uint8_t* const to = reinterpret_cast<uint8_t*>(a + r * row);
      const Int8Scale s = row_scale(k, from);
      for_runs(k, [&](int64_t at, int64_t factor, int64_t count) {
        for (int64_t i = 0; i < count; ++i) to[factor + i] = static_cast<uint8_t>(int8_of(from[at + i], s) ^ kFlip);
      });
      scale[r] = s.step;
    }
    return {a, row, scale};
  }
  static void pack(int64_t k, int64_t width, const float* panel, void* packed, float* scale, int32_t* offset) {
    pack_elements(prepared_row(k, layout), k, width, panel, packed, scale, offset);
  }
  // A panel of so many elements, of which those past k are zero.
  static void pack_elements(int64_t elements, int64_t k, int64_t width, const float* panel, void* packed, float* scale,
                            int32_t* offset) {
    int8_t* const to = static_cast<int8_t*>(packed);
    for (int64_t j = 0; j < width; ++j) {
      const Int8Scale column = int8_scale(largest_magnitude(k, panel + j, width, 0));
      int32_t sum = 0;
      for (int64_t i = 0; i < elements * 4; ++i) {
        const int8_t q = i < k ? static_cast<int8_t>(int8_of(panel[i * width + j], column)) : int8_t(0);
        to[((i / 4) * width + j) * 4 + i % 4] = q;
        sum += q;
      }
      scale[j] = column.step;
      offset[j] = -static_cast<int32_t>(kFlip) * sum;
    }
  }
  static RNNFAST_INLINE Sum begin(const float*, const int32_t* offset) { return kFlip ? load_sum(offset) : zero(); }
  static RNNFAST_INLINE Vec<float> end(Sum sum, const float* init, float a_scale, const float* b_scale) {
    return fma(to_float(sum), Vec<float>::set1(a_scale) * Vec<float>::load(b_scale), Vec<float>::load(init));
  }
};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
