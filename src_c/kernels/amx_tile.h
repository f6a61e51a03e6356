// Products in matrix registers: 16 rows of A times up to four vectors of panels of B, whatever the number of rows.
//
// Why these sizes. A product of tiles takes 16 cycles and its result 52, so four sums must be under way; a tile of B is
// read in 8 cycles from L1, where a panel stays while it meets all rows. Panels of fewer vectors are taken several at
// once. The tile of the last rows computes those that do not exist from what lies in their place, and nobody reads the
// result.
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

// sums [16][V][16 lanes] = A * B
template <class F, int V> RNNFAST_NOINLINE void matrix_sums(const Tile<F>& t, int nv, float* sums) {
  constexpr int64_t step = F::layout.block * F::layout.parts;
  const uint32_t* b[V];
  for (int j = 0; j < V; ++j) b[j] = t.b + (j / nv) * t.b_panel + (j % nv) * kAmxLanes;
  zero_sums<V>();
  for (int64_t i = 0; i < t.k.first; i += step) add_block<F, V>(t.a + i * kAmxRows, b, i * t.b_k, t.b_k);
  store_sums<V>(sums);
}

template <class F> struct AmxTiles {
  static_assert(Vec<float>::N == kAmxLanes, "a vector of a panel is the width of a tile");
  static constexpr int size = kAmxRows * kAmxSums * kAmxLanes;
  struct Session : AmxSession {
    explicit Session(int64_t rows) : AmxSession(rows < 1 ? 1 : rows < kAmxRows ? static_cast<int>(rows) : kAmxRows) {}
  };

  struct Function {
    int nv, rows, vectors;
    void operator()(const Tile<F>& t) const {
      alignas(64) float sums[size];
      switch (vectors) {
        case 1: matrix_sums<F, 1>(t, nv, sums); break;
        case 2: matrix_sums<F, 2>(t, nv, sums); break;
        case 3: matrix_sums<F, 3>(t, nv, sums); break;
        default: matrix_sums<F, 4>(t, nv, sums);
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
      for (int64_t row = 0; row < rows; row += kAmxRows) {
        const int height = rows - row < kAmxRows ? static_cast<int>(rows - row) : kAmxRows;
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
