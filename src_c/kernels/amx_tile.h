// Products in matrix registers: blocks of 16 rows of A times up to four vectors of panels of B.
//
// Why these sizes. A product of tiles takes 16 cycles and its result 52, so four sums must be under way; a tile is read
// in 8 cycles from L1, and more slowly from L2. Where there are more than 16 rows, the sums are those of two blocks of
// rows and two vectors, so that each tile that is read serves two of them; one block takes four vectors, and panels of
// fewer are taken several at once. Every sum is made of the same products in the same order in both shapes. The last
// block computes rows that do not exist from what lies in their place, and nobody reads the result.
#ifndef RNNFAST_KERNELS_AMX_TILE_H
#define RNNFAST_KERNELS_AMX_TILE_H

#include "amx_format.h"
#include "tile.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Tiles: as many sums, then the parts of A; the last is for one part of one vector of B.
constexpr int kAmxSums = 4, kAmxA = 4;

// Sum C += (part P of A) B + ... + (part 0 of A) B
template <class F, int C, int P> RNNFAST_INLINE void add_products() {
  F::template multiply_add<C, kAmxA + P, kAmxB>();
  if constexpr (P > 0) add_products<F, C, P - 1>();
}

// Sums J .. V - 1 of one part of B, Q.
template <class F, int V, int Q, int J = 0>
RNNFAST_INLINE void add_part(const uint32_t* const (&b)[V], ptrdiff_t at, ptrdiff_t stride) {
  amx_load<kAmxB>(b[J] + at, stride);
  add_products<F, J, F::layout.parts - 1 - Q>();
  if constexpr (J + 1 < V) add_part<F, V, Q, J + 1>(b, at, stride);
}

// All parts of one block, from Q down to 0; b_block: elements of B from one part to the next.
template <class F, int V, int Q = F::layout.parts - 1>
RNNFAST_INLINE void add_block(const uint32_t* a, const uint32_t* const (&b)[V], ptrdiff_t at, ptrdiff_t b_k) {
  constexpr int P = F::layout.parts - 1 - Q;
  amx_load<kAmxA + P>(a + P * kAmxRows * kAmxLanes, 4 * kAmxLanes);
  add_part<F, V, Q>(b, at + Q * kAmxLanes * b_k, 4 * b_k);
  if constexpr (Q > 0) add_block<F, V, Q - 1>(a, b, at, b_k);
}

template <int V, int J = 0> RNNFAST_INLINE void zero_sums() {
  amx_zero<J>();
  if constexpr (J + 1 < V) zero_sums<V, J + 1>();
}
template <int V, int J = 0> RNNFAST_INLINE void store_sums(float* sums) {
  amx_store<J>(sums + J * kAmxLanes, 4 * V * kAmxLanes);
  if constexpr (J + 1 < V) store_sums<V, J + 1>(sums);
}

// Where vector j of panels of nv vectors begins in B.
template <class F> RNNFAST_INLINE const uint32_t* vector_of_b(const Tile<F>& t, int nv, int j) {
  return t.b + (j / nv) * t.b_panel + (j % nv) * kAmxLanes + (j % nv == nv - 1 ? t.b_skip : 0);
}

// sums [16][V][16 lanes] = A * B
template <class F, int V> RNNFAST_NOINLINE void matrix_sums(const Tile<F>& t, int nv, float* sums) {
  constexpr int64_t step = F::layout.block * F::layout.parts;
  const uint32_t* b[V];
  for (int j = 0; j < V; ++j) b[j] = vector_of_b(t, nv, j);
  zero_sums<V>();
  for (int64_t i = 0; i < t.k.first; i += step) add_block<F, V>(t.a + i * kAmxRows, b, i * t.b_k, t.b_k);
  store_sums<V>(sums);
}

// Two blocks of rows by two vectors. Tiles: sums 0 and 1 of the first rows, 2 and 3 of the others; 4 and 5 for one part
// of A, 6 and 7 for one part of B.
// Sums += (part P of A) B + ... + (part 0 of A) B
template <class F, int P> RNNFAST_INLINE void add_square_products(const uint32_t* const (&a)[2]) {
  amx_load<4>(a[0] + P * kAmxRows * kAmxLanes, 4 * kAmxLanes);
  amx_load<5>(a[1] + P * kAmxRows * kAmxLanes, 4 * kAmxLanes);
  F::template multiply_add<0, 4, 6>();
  F::template multiply_add<1, 4, 7>();
  F::template multiply_add<2, 5, 6>();
  F::template multiply_add<3, 5, 7>();
  if constexpr (P > 0) add_square_products<F, P - 1>(a);
}

// All parts of one block of k, from Q down to 0; the strides of b are in elements.
template <class F, int Q = F::layout.parts - 1>
RNNFAST_INLINE void add_square(const uint32_t* const (&a)[2], const uint32_t* const (&b)[2], ptrdiff_t at,
                               ptrdiff_t b_k) {
  amx_load<6>(b[0] + at + Q * kAmxLanes * b_k, 4 * b_k);
  amx_load<7>(b[1] + at + Q * kAmxLanes * b_k, 4 * b_k);
  add_square_products<F, F::layout.parts - 1 - Q>(a);
  if constexpr (Q > 0) add_square<F, Q - 1>(a, b, at, b_k);
}

// Vectors v and v + 1 of sums [32][vectors][16 lanes] = A * B
template <class F> RNNFAST_NOINLINE void square_sums(const Tile<F>& t, int nv, int vectors, int v, float* sums) {
  constexpr int64_t step = F::layout.block * F::layout.parts;
  const uint32_t* const b[2] = {vector_of_b(t, nv, v), vector_of_b(t, nv, v + 1)};
  zero_sums<4>();
  for (int64_t i = 0; i < t.k.first; i += step) {
    const uint32_t* const a[2] = {t.a + i * kAmxRows, t.a + kAmxRows * t.a_row + i * kAmxRows};
    add_square<F>(a, b, i * t.b_k, t.b_k);
  }
  const ptrdiff_t row = vectors * kAmxLanes;
  float* const first = sums + v * kAmxLanes;
  amx_store<0>(first, 4 * row);
  amx_store<1>(first + kAmxLanes, 4 * row);
  amx_store<2>(first + kAmxRows * row, 4 * row);
  amx_store<3>(first + kAmxRows * row + kAmxLanes, 4 * row);
}

template <class F> struct AmxTiles {
  static_assert(Vec<float>::N == kAmxLanes, "a vector of a panel is the width of a tile");
  static constexpr int size = 2 * kAmxRows * kAmxSums * kAmxLanes;
  struct Session : AmxSession {
    explicit Session(int64_t rows) : AmxSession(rows < 1 ? 1 : rows < kAmxRows ? static_cast<int>(rows) : kAmxRows) {}
  };

  struct Function {
    int nv, rows, vectors;
    void operator()(const Tile<F>& t) const {
      alignas(64) float sums[size];
      if (rows > kAmxRows) {
        for (int v = 0; v < vectors; v += 2) square_sums(t, nv, vectors, v, sums);
      } else {
        switch (vectors) {
          case 1: matrix_sums<F, 1>(t, nv, sums); break;
          case 2: matrix_sums<F, 2>(t, nv, sums); break;
          case 3: matrix_sums<F, 3>(t, nv, sums); break;
          default: matrix_sums<F, 4>(t, nv, sums);
        }
      }
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < vectors; ++j) t.finish(nv, r, j, F::sum_of(sums + (r * vectors + j) * kAmxLanes));
    }
  };

  // As Tiles has it.
  template <class Body>
  static void for_each(int nv, int64_t rows, int64_t panels, const Walk& walk, const Body& body) {
    const int most = kAmxSums / nv;
    for (int64_t done = 0; done < panels;) {
      const int group = panels - done < most ? static_cast<int>(panels - done) : most;
      const int64_t panel = walk.backwards ? panels - done - group : done;
      const int most_rows = group * nv % 2 == 0 ? 2 * kAmxRows : kAmxRows;
      for (int64_t row = 0; row < rows; row += most_rows) {
        const int height = rows - row < most_rows ? static_cast<int>(rows - row) : most_rows;
        body(Function{nv, height, group * nv}, height, group, row, panel);
      }
      done += group;
    }
  }
};

template <int Parts> struct Tiles<Bf16Parts<Parts>> : AmxTiles<Bf16Parts<Parts>> {};
template <> struct Tiles<AmxInt8> : AmxTiles<AmxInt8> {};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
