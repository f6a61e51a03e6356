// Canonical weights to panels and back. The layouts are those of kernels/table.h; VL = lanes of the kernel table.
#ifndef RNNFAST_ENGINE_PACKING_H
#define RNNFAST_ENGINE_PACKING_H

#include <algorithm>
#include <cstdint>

#include "../kernels/table.h"
#include "../rnnfast.h"
#include "buffer.h"

namespace rnnfast {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Which of a cell's gates a packed matrix holds: consecutive ones, each a vector of a panel.
struct GateSet {
  int first, count;
};

// The panels of a cell's weights and pre-activations at one vector length.
struct CellLayout {
  CellKind cell;
  bool reset_after;
  bool normalized;  // the products' rows, over all panels
  int64_t units, lanes;

  CellLayout(const RnnSpec& spec, int64_t lanes_);
  bool linear() const { return cell == CellKind::simple_rnn; }  // panels of consecutive units instead of gates
  bool split() const { return cell == CellKind::gru && !reset_after; }  // candidate's product waits for r
  int gates() const { return gate_count(cell); }
  int64_t panels() const;
  int64_t units_before(int64_t panel) const { return std::min(units, panel * (linear() ? slot_row() : lanes)); }
  int64_t slot_row() const { return kSlots * lanes; }           // elements of one row of a z panel
  int64_t z_size(int64_t rows) const { return panels() * rows * slot_row(); }
  GateSet input_gates() const;      // of W
  GateSet recurrent_gates() const;  // of U; z and r alone when split
  GateSet gate(int g) const { return {g, 1}; }
  // Where in z the recurrent part of a gate lies: for the candidate of a GRU it may be past the input's.
  int recurrent_slot(int g) const { return cell == CellKind::gru && reset_after && g == 2 ? 3 : g; }
  GateSet candidate_gates() const { return {2, 1}; }  // of U's other part when split
  int vectors(const GateSet& set) const { return linear() ? kSlots : set.count; }  // per k of a panel
  int64_t width(const GateSet& set) const { return vectors(set) * lanes; }
  // Elements of one block of a row of dz that meet so many vectors of weights.
  int64_t block_length(int vectors) const { return linear() ? (panels() == 1 ? units : slot_row()) : vectors * lanes; }
  // A row of dz as the k of a product with the transposes of W and U; gate_blocks: of one gate, from its slot on.
  KBlocks input_blocks(int64_t z_panel) const { return {panels(), z_panel, block_length(gates()), 0, 0}; }
  KBlocks recurrent_blocks(int64_t z_panel) const;
  KBlocks gate_blocks(int64_t z_panel) const { return {panels(), z_panel, block_length(1), 0, 0}; }
  // A normalised row of products holds all gates, [panel][gates * VL], as a row of W's panels does.
  int64_t norm_panel() const { return gates() * lanes; }
  int64_t norm_row() const { return panels() * norm_panel(); }
  KBlocks norm_blocks(const GateSet& set) const { return {panels(), norm_panel(), set.count * lanes, 0, 0}; }
};

// A panel's part of w (rows, n) with leading dimension ld, as linear panels have it.
template <class E> PanelPart<E> linear_part(int64_t lanes, E* w, int64_t n, int64_t ld, int64_t panel) {
  const int64_t first = panel * kSlots * lanes;
  return {w + first, ld, 0, n - first};
}
// A panel's part of w (rows, G*units): VL consecutive units of each gate of the set, or of a SimpleRNN 4 * VL units.
template <class E> PanelPart<E> cell_part(const CellLayout& layout, const GateSet& set, E* w, int64_t panel) {
  const int64_t H = layout.units, first = panel * layout.lanes;
  if (layout.linear()) return linear_part(layout.lanes, w, H, H, panel);
  return {w + set.first * H + first, layout.gates() * H, H, H - first};
}

// out [panel][k][vectors * VL] = the panels' parts of w (k, G*units).
template <class T>
void pack_cell(const Kernels<T>&, const CellLayout&, const GateSet&, const T* w, int64_t k, T* out);

// out [panel][k][4 * VL]: consecutive columns of w (k, n), or of the transpose of w (n, k).
template <class T>
void pack_linear(const Kernels<T>&, const T* w, int64_t k, int64_t n, int64_t ld, bool transposed, T* out);
inline int64_t linear_size(int64_t lanes, int64_t k, int64_t n) {
  return ceil_div(n, kSlots * lanes) * k * kSlots * lanes;
}

// Panels of the transpose of w (n, G*units) whose k run over [block][gate of the set][unit], as a row of dz has them.
template <class T>
void pack_cell_transposed(const Kernels<T>&, const CellLayout&, const GateSet&, const T* w, int64_t n, T* out);
inline int64_t transposed_size(const CellLayout& layout, const GateSet& set, int64_t n) {
  return ceil_div(n, layout.slot_row()) * layout.panels() * layout.block_length(set.count) * layout.slot_row();
}

// A row of values for each gate, (G*units), as a normalised row has them, and back.
template <class T> Buffer<T> pack_norm(const Kernels<T>&, const CellLayout&, const T* values);
template <class T> void unpack_norm(const CellLayout&, const T* row, T* values);

// out [panel][4 * VL] by slot of z; z and r of a GRU with reset_after take the sum of both biases.
template <class T> void pack_bias(const CellLayout&, const T* bias, T* out);
// out [panel][VL]: the recurrent bias of a GRU candidate (reset_after).
template <class T> void pack_candidate_bias(const CellLayout&, const T* bias, T* out);
// The bias gradient from the sums of dz over all rows, [panel][4 * VL] by slot.
template <class T> void unpack_bias_gradient(const CellLayout&, const T* sums, T* dbias);

}  // namespace rnnfast

#endif
