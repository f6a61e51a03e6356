// Products over packed panels: C = A * B with an epilogue per tile, and the sums C += A^T * B of weight gradients.
#ifndef RNNFAST_KERNELS_PRODUCT_H
#define RNNFAST_KERNELS_PRODUCT_H

#include "activations.h"
#include "pack.h"
#include "tile.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Elements of k over which a weight gradient is summed at a time: one panel of them fits L1.
constexpr int64_t kOuterBlock = 128;

// A tile of ProductArgs whose results do not go straight into C: some columns do not exist, or an activation follows.
template <class F, class T, class Function>
void finished_tile(const ProductArgs<T>& p, Tile<F> t, const Function& function, int nv, int rows, int group,
                   int64_t columns) {
  constexpr int VL = Vec<T>::N;
  const int vectors = group * nv, width = vectors * VL;
  alignas(64) T result[Tiles<F>::size];
  T* const c = t.out;
  const auto place = [&](int r, int v) { return c + r * p.c_row + (v / nv) * p.c_panel + (v % nv) * VL; };
  const auto valid = [&](int v) {
    const int64_t rest = columns - (v / nv) * p.c_panel - (v % nv) * VL;
    return static_cast<int>(rest >= VL ? VL : rest > 0 ? rest : 0);
  };
  if (p.accumulate) {
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v) Vec<T>::load_partial(place(r, v), valid(v)).store(result + r * width + v * VL);
    t.init = result;
    t.init_row = width;
    t.init_panel = nv * VL;
  }
  t.out = result;
  t.out_row = width;
  t.out_panel = nv * VL;
  function(t);
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) {
      const Vec<T> y = Vec<T>::load(result + r * width + v * VL);
      (p.activation ? activate(*p.activation, y) : y).store_partial(place(r, v), valid(v));
    }
}

// Panels [begin, end), of which the first nv vectors hold columns.
template <class F, class T>
void product_panels(const ProductArgs<T>& p, const PreparedRows<F>& a, int nv, int64_t begin, int64_t end) {
  constexpr int VL = Vec<T>::N;
  const int64_t width = p.nv * VL;
  Tile<F> t;
  t.init_row = p.accumulate ? p.c_row : 0;
  t.init_panel = p.accumulate ? p.c_panel : p.bias ? kSlots * VL : 0;
  t.init_last = nullptr;
  t.a_row = a.row;
  t.a_k = 1;
  t.k = F::layout.numbers == 1 ? p.k : plain_row(prepared_row(factors(p.k), F::layout));
  t.b_panel = p.b_panel;
  t.b_k = width;
  t.b_skip = 0;
  t.out_row = p.c_row;
  t.out_panel = p.c_panel;
  const Walk walk = {t.k.blocks * t.k.first * width * static_cast<int64_t>(sizeof(*t.b)), p.backwards};
  Tiles<F>::for_each(nv, p.m, end - begin, walk,
                     [&](const auto& function, int rows, int group, int64_t row, int64_t first) {
    const int64_t panel = begin + first;
    set_a(t, a, row);
    set_b(t, p.b, panel);
    t.out = p.c + row * p.c_row + panel * p.c_panel;
    t.init = p.accumulate ? t.out : p.bias ? p.bias + panel * kSlots * VL : zeros<T>();
    const int64_t wanted = (group - 1) * width + nv * VL;
    const int64_t columns = p.partial_store ? p.n - panel * width : wanted;
    if (p.activation || columns < wanted) finished_tile(p, t, function, nv, rows, group, columns);
    else function(t);
  });
}

template <class F> void product(const ProductArgs<typename F::Value>& args) {
  using T = typename F::Value;
  constexpr int VL = Vec<T>::N;
  const int64_t width = args.gates ? VL : static_cast<int64_t>(args.nv) * VL;
  const int64_t panels = (args.n + width - 1) / width;
  // A linear panel that is not full is computed only as far as it has columns.
  const int last = args.gates ? args.nv : static_cast<int>((args.n - (panels - 1) * width + VL - 1) / VL);
  const int64_t full = last == args.nv ? panels : panels - 1;
  [[maybe_unused]] const typename Tiles<F>::Session session(args.m);
  for (int64_t row = 0; row < args.m; row += kRowBlock) {
    ProductArgs<T> p = args;
    p.m = args.m - row < kRowBlock ? args.m - row : kRowBlock;
    p.a = args.a + row * args.lda;
    p.c = args.c + row * args.c_row;
    const PreparedRows<F> a = F::prepare(p.m, p.k, p.a, p.lda, p.scratch);
    if (full < panels && p.backwards) product_panels(p, a, last, full, panels);
    product_panels(p, a, p.nv, 0, full);
    if (full < panels && !p.backwards) product_panels(p, a, last, full, panels);
  }
}

// Each block of rows is summed from zero and then added to the blocks before, whose rounding error so grows with the
// number of blocks and not of rows. Between blocks the sums lie packed in `work`.
template <class F> void outer(const OuterArgs<typename F::Value>& p) {
  using T = typename F::Value;
  constexpr int VL = Vec<T>::N;
  constexpr bool prepared = F::layout.numbers > 1;
  constexpr int64_t block = kOuterBlock * F::layout.parts;
  static_assert(!F::scaled && kOuterBlock % F::layout.block == 0, "a block of k is one of the format's, too");
  const auto* const a = static_cast<const typename F::RowElement*>(p.a);
  const auto* const b = static_cast<const typename F::Element*>(p.b);
  const int64_t width = p.nv * VL, elements = prepared_row(p.k, F::layout);
  [[maybe_unused]] const typename Tiles<F>::Session session(p.m);
  alignas(64) T sums[Tiles<F>::size];
  Tile<F> t;
  t.init = zeros<T>();
  t.init_row = t.init_panel = 0;
  t.init_last = nullptr;
  t.a_row = prepared ? elements : 1;
  t.a_k = prepared ? 1 : p.lda;
  t.b_panel = 0;
  t.b_k = p.b_row;
  t.b_skip = p.skip_slot ? VL : 0;
  t.out_row = width;
  t.out_panel = 0;
  for (int64_t k = 0; k == 0 || k < elements; k += block) {
    const bool last = k + block >= elements;
    t.k = plain_row(elements - k < block ? elements - k : block);
    t.b = b + k * p.b_row;
    const Walk walk = {0, false};
    Tiles<F>::for_each(p.nv, p.m, 1, walk, [&](const auto& function, int rows, int, int64_t i, int64_t) {
      T* work = p.work + i * width;
      t.a = prepared ? a + i * elements + k * F::layout.rows : a + k * p.lda + i;
      t.out = k == 0 && !last ? work : sums;
      function(t);
      if (k > 0)
        for (int64_t at = 0; at < rows * width; at += VL)
          (Vec<T>::load(work + at) + Vec<T>::load(sums + at)).store((last ? sums : work) + at);
      if (!last) return;
      for (int v = 0; v < p.nv; ++v) {
        const Slice<T> slice = vector_of<T>(p.c, v);
        T* c = p.c.data + i * p.c.row + v * p.c.vector;
        for (int r = 0; r < rows; ++r, c += p.c.row) {
          const Vec<T> sum = Vec<T>::load(sums + r * width + v * VL);
          slice.store(c, p.accumulate ? slice.load(c) + sum : sum);
        }
      }
    });
  }
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
