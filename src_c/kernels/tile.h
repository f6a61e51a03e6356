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

#include "format.h"

namespace rnnfast {
namespace RNNFAST_ISA {

#if defined(RNNFAST_ISA_AVX512) || defined(RNNFAST_ISA_NEON)
constexpr int kAccumulators = 24;
#else
constexpr int kAccumulators = 12;
#endif

constexpr int least(int a, int b) { return a < b ? a : b; }

// Rows of the tallest tile for so many panels of NV vectors.
constexpr int max_rows(int nv, int panels = 1) { return least(8, kAccumulators / (nv * panels)); }
// Panels that tiles of more than three rows take at once: two of a single vector, of which one would load an element of
// A for every sum.
constexpr int tall_panels(int nv) { return nv == 1 ? 2 : 1; }
// Panels that a tile of R rows, few, takes at once.
constexpr int max_panels(int r, int nv) { return r > 3 ? 1 : least(4, kAccumulators / (r * nv)); }

// One tile: out = init + A * B, for R rows and NP panels of NV vectors, A and B in format F. Every product of the
// library runs through here.
//   init   vector j of row r in panel q at init + r * init_row + q * init_panel + j * VL. A zero stride repeats it: a
//          bias for every row. With init_last, vector NV - 1 starts from init_last + q * VL instead.
//   A      A[r, i] = a[r * a_row + i * a_k], over the blocks of k, which count elements; a_scale[r] where F is scaled
//   B      vector j of row i in panel q at b + q * b_panel + i * b_k + j * VL; vector NV - 1 lies b_skip further on
//          b_scale, b_offset: of each column where F is scaled, b_k from one panel to the next
//   out    like init; may be init
template <class F> struct Tile {
  using T = typename F::Value;
  const T* init; ptrdiff_t init_row, init_panel;
  const T* init_last;
  const typename F::RowElement* a; ptrdiff_t a_row, a_k;
  const float* a_scale;
  KBlocks k;
  const typename F::Element* b; ptrdiff_t b_panel, b_k, b_skip;
  const float* b_scale;
  const int32_t* b_offset;
  T* out; ptrdiff_t out_row, out_panel;

  // Vector j of row r, of panels of nv vectors, and its columns among those that have scales.
  RNNFAST_INLINE const T* init_at(int nv, int r, int j) const {
    return j % nv == nv - 1 && init_last ? init_last + (j / nv) * Vec<T>::N
                                         : init + r * init_row + (j / nv) * init_panel + (j % nv) * Vec<T>::N;
  }
  RNNFAST_INLINE ptrdiff_t columns(int nv, int j) const { return (j / nv) * b_k + (j % nv) * Vec<T>::N; }
  // out = what a finished sum makes of init.
  RNNFAST_INLINE void finish(int nv, int r, int j, const typename F::Sum& sum) const {
    F::end(sum, init_at(nv, r, j), F::scaled ? a_scale[r] : 0.0f, F::scaled ? b_scale + columns(nv, j) : nullptr)
        .store(out + r * out_row + (j / nv) * out_panel + (j % nv) * Vec<T>::N);
  }
};

// The panels of a matrix from `panel` on, and the rows of another, as a tile's factors.
template <class F> RNNFAST_INLINE void set_b(Tile<F>& t, const PanelWeights& b, int64_t panel) {
  t.b = static_cast<const typename F::Element*>(b.data) + panel * t.b_panel;
  if constexpr (F::scaled) {
    t.b_scale = b.scale + panel * t.b_k;
    t.b_offset = b.offset + panel * t.b_k;
  }
}
template <class F> RNNFAST_INLINE void set_a(Tile<F>& t, const PreparedRows<F>& rows, int64_t row) {
  t.a = rows.a + row * rows.row;
  if constexpr (F::scaled) t.a_scale = rows.scale + row;
}

// acc += A * B of one element of each row of A.
template <int Pass, int R, int NP, int NV, class F>
RNNFAST_INLINE void multiply_element(typename F::Sum (&acc)[R][NP * NV], const typename F::RowElement* a,
                                     ptrdiff_t a_row, const typename F::Element* b, ptrdiff_t b_panel,
                                     ptrdiff_t b_skip) {
  constexpr int VL = Vec<typename F::Value>::N;
  const auto weight = [&](int j) RNNFAST_INLINE_LAMBDA {
    return F::template load<Pass>(b + (j / NV) * b_panel + (j % NV) * VL + (j % NV == NV - 1 ? b_skip : 0));
  };
  if constexpr (F::passes == 2 && R < NP * NV) {
    // A weight that had to be widened is no operand in memory: so that 16 registers are enough, hold the fewer factors.
    typename F::Factor x[R];
    RNNFAST_UNROLL
    for (int r = 0; r < R; ++r) x[r] = F::template broadcast<Pass>(a[r * a_row]);
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j) {
      const typename F::Weight w = weight(j);
      RNNFAST_UNROLL
      for (int r = 0; r < R; ++r) acc[r][j] = F::multiply_add(x[r], w, acc[r][j]);
    }
    return;
  }
  typename F::Weight w[NP * NV];
  RNNFAST_UNROLL
  for (int j = 0; j < NP * NV; ++j) w[j] = weight(j);
  RNNFAST_UNROLL
  for (int r = 0; r < R; ++r) {
    const typename F::Factor x = F::template broadcast<Pass>(a[r * a_row]);
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j) acc[r][j] = F::multiply_add(x, w[j], acc[r][j]);
  }
}

// acc += A * B over one run of k, i ascending.
template <int R, int NP, int NV, class F>
RNNFAST_INLINE void multiply(typename F::Sum (&acc)[R][NP * NV], const typename F::RowElement* a, ptrdiff_t a_row,
                             ptrdiff_t a_k, const typename F::Element* b, ptrdiff_t b_panel, ptrdiff_t b_k,
                             ptrdiff_t b_skip, int64_t k) {
  for (int64_t i = 0; i < k; ++i) {
    multiply_element<0, R, NP, NV, F>(acc, a, a_row, b, b_panel, b_skip);
    if constexpr (F::passes == 2) multiply_element<1, R, NP, NV, F>(acc, a, a_row, b, b_panel, b_skip);
    a += a_k;
    b += b_k;
  }
}

template <int R, int NP, int NV, class F> RNNFAST_NOINLINE void tile_product(const Tile<F>& t) {
  typename F::Sum acc[R][NP * NV];
  RNNFAST_UNROLL
  for (int r = 0; r < R; ++r)
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j)
      acc[r][j] = F::begin(t.init_at(NV, r, j), F::scaled ? t.b_offset + t.columns(NV, j) : nullptr);
  const typename F::RowElement* a = t.a;
  const typename F::Element* b = t.b;
  for (int64_t block = 0; block < t.k.blocks; ++block, a += t.k.stride) {
    multiply<R, NP, NV, F>(acc, a, t.a_row, t.a_k, b, t.b_panel, t.b_k, t.b_skip, t.k.first);
    b += t.k.first * t.b_k;
    if (t.k.second > 0) {
      multiply<R, NP, NV, F>(acc, a + t.k.second_at, t.a_row, t.a_k, b, t.b_panel, t.b_k, t.b_skip, t.k.second);
      b += t.k.second * t.b_k;
    }
  }
  RNNFAST_UNROLL
  for (int r = 0; r < R; ++r)
    RNNFAST_UNROLL
    for (int j = 0; j < NP * NV; ++j) t.finish(NV, r, j, acc[r][j]);
}

template <class F> using TileFunction = void (*)(const Tile<F>&);

// The tile of `rows` rows (at most max_rows) and `panels` panels (1, 2 or max_panels, tall_panels) of NV vectors.
template <int NV, class F> TileFunction<F> tile_function(int rows, int panels) {
  constexpr int Max = max_rows(NV), Tall = tall_panels(NV), MaxTall = max_rows(NV, Tall);
  static const TileFunction<F> one_panel[] = {
      tile_product<1, 1, NV, F>,             tile_product<least(2, Max), 1, NV, F>,
      tile_product<least(3, Max), 1, NV, F>, tile_product<least(4, Max), 1, NV, F>,
      tile_product<least(5, Max), 1, NV, F>, tile_product<least(6, Max), 1, NV, F>,
      tile_product<least(7, Max), 1, NV, F>, tile_product<least(8, Max), 1, NV, F>};
  static const TileFunction<F> two_panels[] = {tile_product<1, least(2, max_panels(1, NV)), NV, F>,
                                               tile_product<2, least(2, max_panels(2, NV)), NV, F>,
                                               tile_product<3, least(2, max_panels(3, NV)), NV, F>,
                                               tile_product<least(4, MaxTall), Tall, NV, F>,
                                               tile_product<least(5, MaxTall), Tall, NV, F>,
                                               tile_product<least(6, MaxTall), Tall, NV, F>,
                                               tile_product<least(7, MaxTall), Tall, NV, F>,
                                               tile_product<least(8, MaxTall), Tall, NV, F>};
  static const TileFunction<F> most_panels[] = {tile_product<1, max_panels(1, NV), NV, F>,
                                                tile_product<2, max_panels(2, NV), NV, F>,
                                                tile_product<3, max_panels(3, NV), NV, F>};
  return (panels == 1 ? one_panel : panels == 2 ? two_panels : most_panels)[rows - 1];
}

template <class F> TileFunction<F> tile_function(int nv, int rows, int panels) {
  switch (nv) {
    case 1: return tile_function<1, F>(rows, panels);
    case 2: return tile_function<2, F>(rows, panels);
    case 3: return tile_function<3, F>(rows, panels);
    default: return tile_function<4, F>(rows, panels);
  }
}

// How tiles walk over panels of so many bytes.
struct Walk {
  int64_t panel_bytes;
  bool backwards;  // from the last panel to the first
};

// Panels that tiles of few rows take at once. Where a panel fits a part of L1, no more than that part, so that of what
// one walk leaves there the next one, walking the other way, finds whole groups; four sums under way are as many as L2
// can feed.
inline int panels_at_once(int rows, int nv, int64_t panel_bytes) {
  constexpr int64_t kL1Part = 32 * 1024;
  const int most = max_panels(rows, nv);
  if (most * panel_bytes <= kL1Part) return most;
  const bool one_fits = panel_bytes <= kL1Part && 2 * panel_bytes > kL1Part;
  return one_fits && rows * nv >= 4 ? 1 : least(most, 2);
}

// How a product of format F is cut into tiles.
template <class F> struct Tiles {
  // Elements of the largest tile.
  static constexpr int size = kAccumulators * Vec<typename F::Value>::N;

  // What a kernel holds while it multiplies so many rows.
  struct Session {
    explicit Session(int64_t) {}
  };

  // Covers rows x panels with tiles of nearly equal height and calls body(function, rows, panels, first row, first
  // panel) for each. A panel stays in L1 while it meets all rows; few rows take several panels at once.
  template <class Body>
  static RNNFAST_INLINE void for_each(int nv, int64_t rows, int64_t panels, const Walk& walk, const Body& body) {
    if (rows <= 0) return;
    if (rows <= 3) {
      const int height = static_cast<int>(rows), most = panels_at_once(height, nv, walk.panel_bytes);
      const int64_t whole = walk.backwards && panels > most ? panels - panels % most : 0;
      for (int64_t panel = whole; panel < panels;) {
        const int64_t left = panels - panel;
        const int group = left >= most ? most : left >= 2 ? 2 : 1;
        body(tile_function<F>(nv, height, group), height, group, int64_t{0}, panel);
        panel += group;
      }
      for (int64_t panel = whole - most; panel >= 0; panel -= most)
        body(tile_function<F>(nv, height, most), height, most, int64_t{0}, panel);
      return;
    }
    for (int64_t i = 0, group; i < panels; i += group) {
      group = panels - i < tall_panels(nv) ? 1 : tall_panels(nv);
      const int64_t panel = walk.backwards ? panels - group - i : i;
      const int together = static_cast<int>(group), tallest = max_rows(nv, together);
      const int64_t tiles = (rows + tallest - 1) / tallest;
      for (int64_t row = 0, tile = 0; tile < tiles; ++tile) {
        const int height = static_cast<int>((rows - row) / (tiles - tile));
        body(tile_function<F>(nv, height, together), height, together, row, panel);
        row += height;
      }
    }
  }
};

// Start value zero, for init with zero strides.
template <class T> inline const T* zeros() {
  alignas(64) static const T zero[kSlots * Vec<T>::N] = {};
  return zero;
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
