// The formats of kernels/format.h for matrix registers (simd/amx.h). A tile takes 16 elements of k at a time, so rows
// and panels are filled up to whole blocks of 16 elements. The panels of B are tiles as they stand; the rows of A are
// stored tile by tile, [16 rows][block][part][row][16 elements], so that a tile is one KB in a row whatever k is.
//
// bf16 in parts: x = x0 + x1 + ..., each part the rest rounded to bf16; three parts hold all bits of a float. The
// product of two such numbers is the sum of the products of parts i and j with i + j < parts: what is left out is as
// small as the rest of the last part. Sums start from zero, block by block, within a block from the smallest products
// to the largest, and are added to the start value. In several parts, an input that is not finite makes the results of
// its row NaN.
// int8: as in kernels/format.h, to the last bit.
#ifndef RNNFAST_KERNELS_AMX_FORMAT_H
#define RNNFAST_KERNELS_AMX_FORMAT_H

#include "../simd/amx.h"
#include "format.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Calls body(numbers, place in the tiles a) for every block of row r of A. numbers: those of the block, zeros past k.
template <class F, class Body>
RNNFAST_INLINE void for_blocks(int64_t r, const KBlocks& k, const float* x, uint32_t* a, const Body& body) {
  constexpr int64_t numbers = kAmxLanes * F::layout.numbers;
  uint32_t* to = a + (r / kAmxRows) * kAmxRows * prepared_row(factors(k), F::layout) + (r % kAmxRows) * kAmxLanes;
  const auto next = [&](const float* block) {
    body(block, to);
    to += F::layout.parts * kAmxRows * kAmxLanes;
  };
  float block[numbers];  // of several runs
  int64_t filled = 0;
  for_runs(k, [&](int64_t at, int64_t, int64_t count) {
    for (const float *from = x + at, *const end = from + count; from < end;) {
      const int64_t wanted = numbers - filled, n = end - from < wanted ? end - from : wanted;
      if (n == numbers) {
        next(from);
      } else {
        memcpy(block + filled, from, static_cast<size_t>(n) * sizeof(float));
        filled += n;
        if (n == wanted) next(block);
        filled %= numbers;
      }
      from += n;
    }
  });
  if (filled == 0) return;
  memset(block + filled, 0, static_cast<size_t>(numbers - filled) * sizeof(float));
  next(block);
}

// The bf16 nearest to x, and in x what is missing. A finite x has a finite bf16; of any other NaN is missing.
RNNFAST_INLINE uint16_t take_bf16(float& x) {
  const bool finite = (bits_of_float(x) & 0x7fffffff) < kInfinityBits;
  const uint16_t nearest = bf16_of(x);
  const uint16_t part = static_cast<uint16_t>(nearest - (finite && (nearest & 0x7fff) == kInfinityBits >> 16 ? 1 : 0));
  x -= float_of_bf16(part);
  return part;
}

template <int Parts> struct Bf16Parts {
  using Value = float;
  using Element = uint32_t;
  using RowElement = uint32_t;
  using Sum = Vec<float>;
  static constexpr ElementLayout layout{2, 1, kAmxLanes, Parts, kAmxRows};
  static constexpr bool scaled = false;

  static PreparedRows<Bf16Parts> prepare(int64_t rows, const KBlocks& k, const float* x, ptrdiff_t ldx, void* scratch) {
    uint32_t* const a = scratch_elements<uint32_t>(rows, scratch);
    write_rows(rows, k, x, ldx, a);
    return {a, prepared_row(factors(k), layout), nullptr};
  }
  static void write_rows(int64_t rows, const KBlocks& k, const float* x, ptrdiff_t ldx, uint32_t* a) {
    for (int64_t r = 0; r < rows; ++r)
      for_blocks<Bf16Parts>(r, k, x + r * ldx, a, [](const float* block, uint32_t* to) {
        float rest[2 * kAmxLanes];
        memcpy(rest, block, sizeof(rest));
        for (int part = 0; part < Parts; ++part, to += kAmxRows * kAmxLanes) {
          uint16_t numbers[2 * kAmxLanes];
          for (int i = 0; i < 2 * kAmxLanes; ++i) numbers[i] = number_of(rest[i]);
          memcpy(to, numbers, sizeof(numbers));
        }
      });
  }
  static void pack(int64_t k, int64_t width, const float* panel, void* packed, float*, int32_t*) {
    constexpr int64_t numbers = 2 * kAmxLanes;
    for (int64_t i = 0; i < whole(k, numbers); i += 2)
      for (int64_t j = 0; j < width; j += kAmxLanes) {
        uint32_t* to = static_cast<uint32_t*>(packed) + (i / numbers * Parts * kAmxLanes + i % numbers / 2) * width + j;
        float first[kAmxLanes] = {}, second[kAmxLanes] = {};
        if (i < k) memcpy(first, panel + i * width + j, sizeof(first));
        if (i + 1 < k) memcpy(second, panel + (i + 1) * width + j, sizeof(second));
        for (int part = 0; part < Parts; ++part, to += kAmxLanes * width)
          for (int lane = 0; lane < kAmxLanes; ++lane)
            to[lane] = number_of(first[lane]) | static_cast<uint32_t>(number_of(second[lane])) << 16;
      }
  }
  // The next part of x. A single part is rounded as in the format without parts.
  static RNNFAST_INLINE uint16_t number_of(float& x) {
    if constexpr (Parts == 1) return bf16_of(x);
    else return take_bf16(x);
  }
  template <int C, int A, int B> static RNNFAST_INLINE void multiply_add() { amx_dot_bf16<C, A, B>(); }
  static RNNFAST_INLINE Sum sum_of(const float* lanes) { return Vec<float>::load(lanes); }
  static RNNFAST_INLINE Vec<float> end(Sum sum, const float* init, float, const float*) {
    return Vec<float>::load(init) + sum;
  }
};

struct AmxInt8 : Int8 {
  static constexpr ElementLayout layout{4, 1, kAmxLanes, 1, kAmxRows};
  static_assert(kFlip == 0, "both factors are signed");

  static PreparedRows<AmxInt8> prepare(int64_t rows, const KBlocks& k, const float* x, ptrdiff_t ldx, void* scratch) {
    float* const scale = scratch_scales(scratch);
    uint32_t* const a = scratch_elements<uint32_t>(rows, scratch);
    for (int64_t r = 0; r < rows; ++r) {
      const Int8Scale s = row_scale(k, x + r * ldx);
      scale[r] = s.step;
      for_blocks<AmxInt8>(r, k, x + r * ldx, a, [&](const float* block, uint32_t* to) {
        uint8_t numbers[4 * kAmxLanes];
        for (int i = 0; i < 4 * kAmxLanes; ++i) numbers[i] = static_cast<uint8_t>(int8_of(block[i], s));
        memcpy(to, numbers, sizeof(numbers));
      });
    }
    return {a, prepared_row(factors(k), layout), scale};
  }
  static void pack(int64_t k, int64_t width, const float* panel, void* packed, float* scale, int32_t* offset) {
    pack_elements(prepared_row(k, layout), k, width, panel, packed, scale, offset);
  }
  template <int C, int A, int B> static RNNFAST_INLINE void multiply_add() { amx_dot_int8<C, A, B>(); }
  static RNNFAST_INLINE Sum sum_of(const float* lanes) { return load_sum(reinterpret_cast<const int32_t*>(lanes)); }
};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
