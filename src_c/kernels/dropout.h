// Dropout of the state before a step (Gal and Ghahramani 2016, as Keras has it): every gate multiplies the state with
// factors of its own before its product. So a step is one product per gate, each into its own slot of z, from which the
// gate math then takes finished pre-activations.
#ifndef RNNFAST_KERNELS_DROPOUT_H
#define RNNFAST_KERNELS_DROPOUT_H

#include "state_gradient.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// y = x * factors, or y += that.
template <class T> void scale(int64_t size, const T* x, const T* factors, bool accumulate, T* y) {
  constexpr int VL = Vec<T>::N;
  const int64_t full = size - size % VL;
  if (accumulate)
    for (int64_t i = 0; i < full; i += VL)
      fma(Vec<T>::load(x + i), Vec<T>::load(factors + i), Vec<T>::load(y + i)).store(y + i);
  else
    for (int64_t i = 0; i < full; i += VL) (Vec<T>::load(x + i) * Vec<T>::load(factors + i)).store(y + i);
  if (full == size) return;
  const Slice<T> last(full, size);
  const Vec<T> a = last.load(x), b = last.load(factors);
  last.store(y, accumulate ? fma(a, b, last.load(y)) : a * b);
}

// The same of rows whose next ones lie so many elements further on.
template <class T>
void scale_rows(int64_t rows, int64_t n, const T* x, ptrdiff_t x_row, const T* factors, ptrdiff_t factors_row,
                bool accumulate, T* y, ptrdiff_t y_row) {
  for (int64_t r = 0; r < rows; ++r) scale(n, x + r * x_row, factors + r * factors_row, accumulate, y + r * y_row);
}

// The factors of a gate for the rows of a cut.
template <class Args> auto gate_factors(const Args& p, const Cut& s, int gate) {
  return p.h_factors + gate * p.h_factors_gate + s.row * p.state;
}

// The rows of a cut that a gate's product reads: the states before, dropped out where the layer does so.
template <class T> const T* dropped_state(const RecurForwardArgs<T>& p, const Cut& s, int gate) {
  const T* h = p.h + s.prev * p.state;
  if (!p.h_factors) return h;
  T* dropped = static_cast<T*>(p.scratch) + (s.row - p.row_begin) * p.state;
  scale(s.count * p.state, h, gate_factors(p, s, gate), false, dropped);
  return dropped;
}

// z's slot = init + (dropped state) U_gate; init: what stands in the slot, or init_last, [panel][VL].
template <class T>
void gate_product(const RecurForwardArgs<T>& p, const Cut& s, int gate, int slot,
                  decltype(RecurForwardArgs<T>::bias_h) init_last) {
  constexpr int VL = Vec<T>::N;
  T* z = p.z + (s.z - p.z_origin) * kSlots * VL + slot * VL;
  const PanelWeights u = {p.gate_u + gate * p.gate_u_size, nullptr, nullptr};
  recurrent_tiles<Full<T>>(1, s, p.panel_begin, p.panel_end, p.state, z, p.z_panel, init_last,
                           dropped_state(p, s, gate), u, VL, nullptr,
                           [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
    for (int r = 0; r < rows; ++r)
      for (int q = 0; q < group; ++q)
        Vec<T>::load(done + (r * group + q) * VL).store(z + (panel + q) * p.z_panel + (row + r) * kSlots * VL);
  });
}

// dh' (rows of the cut) = the sum over `gates` gates of factors * (dz_gate U_gate^T), or += it. With `apart` the last
// gate's dz lies one slot further on.
template <class T>
void dropped_state_gradient(const RecurBackwardArgs<T>& p, const Cut& s, int gates, bool apart, const T* z,
                            bool accumulate) {
  T* const dropped = p.dropped - p.row_begin * p.state;  // by sorted row, as dh is
  for (int gate = 0; gate < gates; ++gate) {
    const int slot = gate + (apart && gate == gates - 1);
    previous_state_gradient<Full<T>>(p, s, p.gate_k, z + slot * Vec<T>::N,
                                     {p.gate_ut + gate * p.gate_ut_size, nullptr, nullptr}, dropped, false);
    scale(s.count * p.state, dropped + s.row * p.state, gate_factors(p, s, gate), accumulate || gate > 0,
          p.dh + s.row * p.state);
  }
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
