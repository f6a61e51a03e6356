// The register tile: R rows of A times the vectors of NP panels of B, held in registers over the whole k.
//
// Why these sizes. A fused multiply-add takes 4 cycles and two start per cycle, so at least 8 sums must be under way;
// and each loaded vector of B should serve several rows. kAccumulators is what the register file leaves after the
// vectors of B and one broadcast of A: 24 of 32 registers, 12 of 16. Many rows fill it alone (6 x 4 with 32
// registers); few rows take several panels at once. Every output has one accumulator whatever the tile, so the choice
// of tile never changes a result.
#ifndef RNNFAST_KERNELS_TILE_H
#define RNNFAST_KERNELS_TILE_H

#include <cstddef>
#include <cstdint>

#include "../simd/vec.h"
#include "table.h"

#if defined(__clang__)
#define RNNFAST_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define RNNFAST_UNROLL _Pragma("GCC unroll 24")
#else
#define RNNFAST_UNROLL
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define RNNFAST_INLINE_LAMBDA
#else
#define RNNFAST_INLINE_LAMBDA __attribute__((always_inline))
#endif

namespace rnnfast {
namespace RNNFAST_ISA {

#if defined(RNNFAST_ISA_AVX512) || defined(RNNFAST_ISA_NEON)
constexpr int kAccumulators = 24;
#else
constexpr int kAccumulators = 12;
#endif

constexpr int least(int a, int b) { return a < b ? a : b; }

// Rows of the tallest tile for panels of NV vectors.
constexpr int max_rows(int nv) { return least(8, kAccumulators / nv); }
// Panels that a tile of R rows takes at once.
constexpr int max_panels(int r, int nv) { return r > 3 ? 1 : least(4, kAccumulators / (r * nv)); }

// One tile: out = init + A * B, for R rows and NP panels of NV vectors. Every product of the library runs through here.
//   init   vector j of row r in panel q at init + r * init_row + q * init_panel + j * VL. A zero stride repeats it: a bias
//          for every row. With init_last, vector NV - 1 starts from init_last + q * VL instead.
//   A      A[r, i] = a[r * a_row + i * a_k], over the blocks of k
//   B      vector j of row i in panel q at b + q * b_panel + i * b_k + j * VL; vector NV - 1 lies b_skip further on
//   out    like init; may be init
template <class T> struct Tile {
  const T* init; ptrdiff_t init_row, init_panel;
  const T* init_last;
  const T* a; ptrdiff_t a_row, a_k;
  KBlocks k;
  const T* b; ptrdiff_t b_panel, b_k, b_skip;
  T* out; ptrdiff_t out_row, out_panel;
};

// acc += A * B over one run of k, i ascending.
template <int R, int NP, int NV, class T>
RNNFAST_INLINE void multiply(Vec<T> (&acc)[R][NP * NV], const T* a, ptrdiff_t a_row, ptrdiff_t a_k, const T* b,
                             ptrdiff_t b_panel, ptrdiff_t b_k, ptrdiff_t b_skip, int64_t k) {
  constexpr int VL = Vec<T>::N;
  for (int64_t i = 0; i < k; ++i) {
    Vec<T> w[NP * NV];
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j)
      w[j] = Vec<T>::load(b + (j / NV) * b_panel + (j % NV) * VL + (j % NV == NV - 1 ? b_skip : 0));
    RNNFAST_UNROLL
    for (int r = 0; r < R; ++r) {
      const Vec<T> x = Vec<T>::set1(a[r * a_row]);
      RNNFAST_UNROLL
      for (int j = 0; j < NP * NV; ++j) acc[r][j] = fma(x, w[j], acc[r][j]);
    }
    a += a_k;
    b += b_k;
  }
}

template <int R, int NP, int NV, class T> RNNFAST_NOINLINE void tile_product(const Tile<T>& t) {
  constexpr int VL = Vec<T>::N;
  Vec<T> acc[R][NP * NV];
  RNNFAST_UNROLL
  for (int r = 0; r < R; ++r)
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j)
      acc[r][j] = j % NV == NV - 1 && t.init_last
                      ? Vec<T>::load(t.init_last + (j / NV) * VL)
                      : Vec<T>::load(t.init + r * t.init_row + (j / NV) * t.init_panel + (j % NV) * VL);
  const T* a = t.a;
  const T* b = t.b;
  for (int64_t block = 0; block < t.k.blocks; ++block, a += t.k.stride) {
    multiply<R, NP, NV>(acc, a, t.a_row, t.a_k, b, t.b_panel, t.b_k, t.b_skip, t.k.first);
    b += t.k.first * t.b_k;
    if (t.k.second > 0) {
      multiply<R, NP, NV>(acc, a + t.k.second_at, t.a_row, t.a_k, b, t.b_panel, t.b_k, t.b_skip, t.k.second);
      b += t.k.second * t.b_k;
    }
  }
  RNNFAST_UNROLL
  for (int r = 0; r < R; ++r)
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j)
      acc[r][j].store(t.out + r * t.out_row + (j / NV) * t.out_panel + (j % NV) * VL);
}

template <class T> using TileFunction = void (*)(const Tile<T>&);

// The tile of `rows` rows (at most max_rows) and `panels` panels (1, 2 or max_panels) of NV vectors.
template <int NV, class T> TileFunction<T> tile_function(int rows, int panels) {
  constexpr int Max = max_rows(NV);
  static const TileFunction<T> one_panel[] = {
      tile_product<1, 1, NV, T>,           tile_product<least(2, Max), 1, NV, T>, tile_product<least(3, Max), 1, NV, T>,
      tile_product<least(4, Max), 1, NV, T>, tile_product<least(5, Max), 1, NV, T>, tile_product<least(6, Max), 1, NV, T>,
      tile_product<least(7, Max), 1, NV, T>, tile_product<least(8, Max), 1, NV, T>};
  static const TileFunction<T> two_panels[] = {tile_product<1, least(2, max_panels(1, NV)), NV, T>,
                                               tile_product<2, least(2, max_panels(2, NV)), NV, T>,
                                               tile_product<3, least(2, max_panels(3, NV)), NV, T>};
  static const TileFunction<T> most_panels[] = {tile_product<1, max_panels(1, NV), NV, T>,
                                                tile_product<2, max_panels(2, NV), NV, T>,
                                                tile_product<3, max_panels(3, NV), NV, T>};
  return (panels == 1 ? one_panel : panels == 2 ? two_panels : most_panels)[rows - 1];
}

template <class T> TileFunction<T> tile_function(int nv, int rows, int panels) {
  switch (nv) {
    case 1: return tile_function<1, T>(rows, panels);
    case 2: return tile_function<2, T>(rows, panels);
    case 3: return tile_function<3, T>(rows, panels);
    default: return tile_function<4, T>(rows, panels);
  }
}

// Covers rows x panels with tiles of nearly equal height and calls body(function, rows, panels, first row, first panel)
// for each. A panel stays in L1 while it meets all rows; few rows take several panels at once.
template <class T, class Body> RNNFAST_INLINE void for_tiles(int nv, int64_t rows, int64_t panels, const Body& body) {
  if (rows <= 3) {
    const int height = static_cast<int>(rows), most = rows > 0 ? max_panels(height, nv) : 0;
    for (int64_t panel = 0; panel < panels && rows > 0;) {
      const int64_t left = panels - panel;
      const int group = left >= most ? most : left >= 2 ? 2 : 1;
      body(tile_function<T>(nv, height, group), height, group, int64_t{0}, panel);
      panel += group;
    }
    return;
  }
  const int64_t tiles = (rows + max_rows(nv) - 1) / max_rows(nv);
  for (int64_t panel = 0; panel < panels; ++panel)
    for (int64_t row = 0, tile = 0; tile < tiles; ++tile) {
      const int height = static_cast<int>((rows - row) / (tiles - tile));
      body(tile_function<T>(nv, height, 1), height, 1, row, panel);
      row += height;
    }
}

// Start value zero, for init with zero strides.
template <class T> inline const T* zeros() {
  alignas(64) static const T zero[kSlots * Vec<T>::N] = {};
  return zero;
}

// Elements of the largest tile.
template <class T> constexpr int tile_size() { return kAccumulators * Vec<T>::N; }

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
