#include "packing.h"

#include <algorithm>

namespace rnnfast {

CellLayout::CellLayout(const RnnSpec& spec, int64_t lanes_)
    : cell(spec.cell),
      reset_after(spec.reset_after),
      normalized(spec.norm_epsilon > 0),
      units(spec.units),
      lanes(lanes_) {}

int64_t CellLayout::panels() const { return ceil_div(units, linear() ? slot_row() : lanes); }

GateSet CellLayout::input_gates() const { return {0, gates()}; }

GateSet CellLayout::recurrent_gates() const { return {0, split() ? 2 : gates()}; }

KBlocks CellLayout::recurrent_blocks(int64_t z_panel) const {
  // The candidate's recurrent part of a GRU lies in slot 3, past its input's.
  if (cell == CellKind::gru && reset_after) return {panels(), z_panel, 2 * lanes, 3 * lanes, lanes};
  return {panels(), z_panel, block_length(recurrent_gates().count), 0, 0};
}

template <class T>
void pack_cell(const Kernels<T>& kernels, const CellLayout& layout, const GateSet& set, const T* w, int64_t k, T* out) {
  for (int64_t panel = 0; panel < layout.panels(); ++panel, out += k * layout.width(set))
    kernels.pack(k, layout.vectors(set), cell_part(layout, set, w, panel), out);
}

template <class T>
void pack_linear(const Kernels<T>& kernels, const T* w, int64_t k, int64_t n, int64_t ld, bool transposed, T* out) {
  const int64_t lanes = kernels.lanes, width = kSlots * lanes;
  for (int64_t panel = 0; panel * width < n; ++panel, out += k * width) {
    const int64_t first = panel * width, valid = std::min(width, n - first);
    if (!transposed) {
      kernels.pack(k, kSlots, linear_part(lanes, w, n, ld, panel), out);
    } else {
      if (valid < width) std::fill_n(out, k * width, T(0));
      kernels.transpose(valid, k, w + first * ld, ld, out, width);
    }
  }
}

template <class T>
void pack_cell_transposed(const Kernels<T>& kernels, const CellLayout& layout, const GateSet& set, const T* w,
                          int64_t n, T* out) {
  const int64_t H = layout.units, width = layout.slot_row(), ld = layout.gates() * H;
  const int64_t block = layout.block_length(set.count), rows = layout.panels() * block;
  // A linear block is one run of units, a gate block one run per gate.
  const int runs = layout.linear() ? 1 : set.count;
  const int64_t run = block / runs;
  if (n % width != 0 || H % run != 0) std::fill_n(out, ceil_div(n, width) * rows * width, T(0));
  for (int64_t first = 0; first < n; first += width, out += rows * width)
    for (int64_t p = 0; p < layout.panels(); ++p)
      for (int g = 0; g < runs; ++g)
        kernels.transpose(std::min(width, n - first), std::min(run, H - p * run),
                          w + first * ld + (set.first + g) * H + p * run, ld, out + (p * block + g * run) * width,
                          width);
}

namespace {

// Calls f(packed position, unit) for every unit of slot `slot` in [panel][4 * VL].
template <class F> void for_slot(const CellLayout& layout, int slot, const F& f) {
  for (int64_t u = 0; u < layout.units; ++u)
    f(layout.linear() ? u : (u / layout.lanes) * layout.slot_row() + slot * layout.lanes + u % layout.lanes, u);
}

}  // namespace

template <class T>
Buffer<T> pack_norm(const Kernels<T>& kernels, const CellLayout& layout, const T* values) {
  Buffer<T> row(layout.norm_row(), uninitialised);
  pack_cell(kernels, layout, layout.input_gates(), values, 1, row.data());
  return row;
}

template <class T> void unpack_norm(const CellLayout& layout, const T* row, T* values) {
  for (int g = 0; g < layout.gates(); ++g)
    for (int64_t u = 0; u < layout.units; ++u)
      values[g * layout.units + u] = row[u / layout.lanes * layout.norm_panel() + g * layout.lanes + u % layout.lanes];
}

template <class T> void pack_bias(const CellLayout& layout, const T* bias, T* out) {
  const int64_t H = layout.units;
  std::fill_n(out, layout.panels() * layout.slot_row(), T(0));
  const bool two_rows = layout.cell == CellKind::gru && layout.reset_after;
  for (int g = 0; g < layout.gates(); ++g)
    for_slot(layout, g, [&](int64_t at, int64_t u) {
      out[at] = bias[g * H + u] + (two_rows && g < 2 ? bias[(3 + g) * H + u] : T(0));
    });
}

template <class T> void pack_candidate_bias(const CellLayout& layout, const T* bias, T* out) {
  std::fill_n(out, layout.panels() * layout.lanes, T(0));
  std::copy_n(bias + 5 * layout.units, layout.units, out);
}

template <class T> void unpack_bias_gradient(const CellLayout& layout, const T* sums, T* dbias) {
  const int64_t H = layout.units;
  const auto copy_slot = [&](int slot, T* to) {
    for_slot(layout, slot, [&](int64_t at, int64_t u) { to[u] = sums[at]; });
  };
  for (int g = 0; g < layout.gates(); ++g) copy_slot(g, dbias + g * H);
  if (layout.cell == CellKind::gru && layout.reset_after)
    for (int g = 0; g < 3; ++g) copy_slot(g < 2 ? g : 3, dbias + (3 + g) * H);
}

#define RNNFAST_INSTANTIATE(T)                                                                                      \
  template void pack_cell(const Kernels<T>&, const CellLayout&, const GateSet&, const T*, int64_t, T*);             \
  template void pack_linear(const Kernels<T>&, const T*, int64_t, int64_t, int64_t, bool, T*);                      \
  template void pack_cell_transposed(const Kernels<T>&, const CellLayout&, const GateSet&, const T*, int64_t, T*);  \
  template Buffer<T> pack_norm(const Kernels<T>&, const CellLayout&, const T*);                                     \
  template void unpack_norm(const CellLayout&, const T*, T*);                                                       \
  template void pack_bias(const CellLayout&, const T*, T*);                                                         \
  template void pack_candidate_bias(const CellLayout&, const T*, T*);                                               \
  template void unpack_bias_gradient(const CellLayout&, const T*, T*);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
