// The large products of a layer whose gates each multiply x, or the state before, with factors of their own
// (kernels/dropout.h): gate by gate, over copies of some rows at a time as that gate sees them.
#ifndef RNNFAST_ENGINE_GATE_DROPOUT_H
#define RNNFAST_ENGINE_GATE_DROPOUT_H

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../kernels/table.h"
#include "buffer.h"
#include "packing.h"
#include "plan.h"
#include "rnn.h"
#include "threads.h"

namespace rnnfast {

template <class T> class GateDropout {
 public:
  // factors (gates, batch, width), sorted rows: of x, or of the states before each step, which lie in a history.
  enum class Of { input, states };
  GateDropout(Of of, const Kernels<T>& kernels, const CellLayout& layout, const SequencePlan& plan, const void* factors,
              int64_t width, int threads)
      : of_(of), kernels_(kernels), layout_(layout), segments_(plan.packed_segments()), batch_(plan.batch()),
        total_(plan.total()), z_panel_(total_ * layout.slot_row()), factors_(static_cast<const T*>(factors)),
        width_(width), threads_(threads) {}

  // z = b + x W
  void project(const PackedRnn<T>& rnn, const T* kernel, const T* x, T* z) const {
    const int64_t panel_size = width_ * layout_.width(layout_.gate(0)), size = layout_.panels() * panel_size;
    Buffer<T> w(layout_.gates() * size, uninitialised);
    for (int g = 0; g < layout_.gates(); ++g)
      pack_cell(kernels_, layout_, layout_.gate(g), kernel, width_, w.data() + g * size);
    for_row_parts(total_, threads_, [&](int64_t first, int64_t count) {
      Buffer<T> seen(count * width_, uninitialised);
      for (int g = 0; g < layout_.gates(); ++g) {
        see(g, x, first, count, 0, width_, seen.data(), width_);
        ProductArgs<T> p =
            rnn.projection(count, seen.data(), z + first * layout_.slot_row(), z_panel_, 0, layout_.panels());
        p.nv = layout_.vectors(layout_.gate(g));
        p.b = {w.data() + g * size, nullptr, nullptr};
        p.b_panel = panel_size;
        if (p.bias) p.bias += g * layout_.lanes;
        p.c += g * layout_.lanes;
        kernels_.full.product(p);
      }
    });
  }

  // dx = the sum over the gates of factors * (dz W^T)
  void input_gradient(const T* kernel, const T* dz, T* dx) const {
    std::vector<Panels<T>> wt;
    for (int g = 0; g < layout_.gates(); ++g)
      wt.push_back(transposed_panels(kernels_, kernels_.full, layout_, layout_.gate(g), kernel, width_, threads_));
    for_row_parts(total_, threads_, [&](int64_t first, int64_t count) {
      Buffer<T> rows(count * width_, uninitialised);
      for (int g = 0; g < layout_.gates(); ++g) {
        kernels_.full.product(linear_product<T>(
            layout_.lanes, count, width_, dz + first * layout_.slot_row() + g * layout_.lanes, layout_.slot_row(),
            layout_.gate_blocks(z_panel_), wt[static_cast<size_t>(g)], rows.data(), width_));
        for_pieces(first, count, [&](int64_t at, int64_t, int64_t row, int64_t piece) {
          kernels_.scale_rows(piece, width_, rows.data() + at * width_, width_, factors(g, row), width_, g > 0,
                              dx + (first + at) * width_, width_);
        });
      }
    });
  }

  // The gradient of W or U (width, G*units), of its first `gates` gates: dz^T times what they see of `rows`, turned. So
  // a panel of what a gate sees meets all of its units.
  void weight_gradient(int gates, const T* rows, const T* dz, T* gradient) const {
    const int64_t block = kSlots * layout_.lanes, blocks = gates * ceil_div(width_, block);
    const int64_t parts = std::min<int64_t>(layout_.panels(), ceil_div(threads_, blocks));
    parallel_for(blocks * parts, threads_, [&](int64_t job) {
      const int64_t column = job / gates % (blocks / gates) * block, part = job / blocks;
      weight_gradient_part(static_cast<int>(job % gates), column, layout_.panels() * part / parts,
                           layout_.panels() * (part + 1) / parts, rows, dz, gradient);
    });
  }

 private:
  static constexpr int64_t kRows = 128;  // of a panel that is copied at a time: it stays in L1

  const T* factors(int g, int64_t row) const { return factors_ + (g * batch_ + row) * width_; }

  // f(packed row, counted from `first`, where its source lies, its sorted row, rows) for runs of the packed rows.
  template <class F> void for_pieces(int64_t first, int64_t count, const F& f) const {
    auto s = std::upper_bound(segments_.begin(), segments_.end(), first,
                              [](int64_t row, const Segment& segment) { return row < segment.z; });
    if (s != segments_.begin()) --s;
    for (; s != segments_.end() && s->z < first + count; ++s) {
      const int64_t begin = std::max(s->z, first), end = std::min(s->z + s->count, first + count), shift = begin - s->z;
      if (begin < end) f(begin - first, (of_ == Of::states ? s->prev : s->z) + shift, s->row + shift, end - begin);
    }
  }

  // to = what gate g sees of some columns of packed rows.
  void see(int g, const T* from, int64_t first, int64_t count, int64_t column, int64_t columns, T* to,
           ptrdiff_t to_row) const {
    for_pieces(first, count, [&](int64_t at, int64_t source, int64_t row, int64_t piece) {
      kernels_.scale_rows(piece, columns, from + source * width_ + column, width_, factors(g, row) + column, width_,
                          false, to + at * to_row, to_row);
    });
  }

  void weight_gradient_part(int g, int64_t column, int64_t begin, int64_t end, const T* rows, const T* dz,
                            T* gradient) const {
    const int64_t lanes = layout_.lanes, block = kSlots * lanes, columns = std::min(block, width_ - column);
    const int64_t units = layout_.width(layout_.gate(g)), H = layout_.units;
    const int slot = of_ == Of::states ? layout_.recurrent_slot(g) : g;
    const int64_t seen_row = ceil_div(columns, lanes) * lanes;
    Buffer<T> seen(kRows * seen_row), sums((end - begin) * units * block, uninitialised);
    Buffer<T> work(units * block, uninitialised);
    OuterArgs<T> p{};
    p.m = units;
    p.nv = static_cast<int>(seen_row / lanes);
    p.lda = layout_.slot_row();
    p.b = seen.data();
    p.b_row = seen_row;
    p.work = work.data();
    for (int64_t first = 0; first == 0 || first < total_; first += kRows) {
      p.k = std::min(kRows, total_ - first);
      p.accumulate = first > 0;
      see(g, rows, first, p.k, column, columns, seen.data(), seen_row);
      for (int64_t panel = begin; panel < end; ++panel) {
        p.a = dz + panel * z_panel_ + first * layout_.slot_row() + slot * lanes;
        p.c = {sums.data() + (panel - begin) * units * block, block, 0, block};
        kernels_.full.outer(p);
      }
    }
    for (int64_t panel = begin; panel < end; ++panel) {
      kernels_.transpose(units, columns, sums.data() + (panel - begin) * units * block, block, work.data(), units);
      const int64_t unit = layout_.units_before(panel);
      for (int64_t c = 0; c < columns; ++c)
        std::copy_n(work.data() + c * units, layout_.units_before(panel + 1) - unit,
                    gradient + (column + c) * layout_.gates() * H + g * H + unit);
    }
  }

  const Of of_;
  const Kernels<T>& kernels_;
  const CellLayout& layout_;
  const std::vector<Segment> segments_;
  const int64_t batch_, total_, z_panel_;
  const T* const factors_;
  const int64_t width_;
  const int threads_;
};

}  // namespace rnnfast

#endif
