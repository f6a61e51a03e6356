// SimpleRNN (Elman 1990): h = state(b + x W + h' U), ' = the step before.
#ifndef RNNFAST_KERNELS_SIMPLE_RNN_H
#define RNNFAST_KERNELS_SIMPLE_RNN_H

#include "dropout.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class F, bool Training, class Gates> struct SimpleRnnForward {
  using T = typename F::Value;
  static constexpr int VL = Vec<T>::N;
  const RecurForwardArgs<T>& p;
  const Gates gates;

  // Panels are linear: kSlots vectors of consecutive units, of which the first nv hold any.
  void some_panels(const Cut& s, const T* h_prev, int nv, int64_t begin, int64_t end) const {
    const int64_t H = p.units;
    T* z = p.z + (s.z - p.z_origin) * kSlots * VL;
    recurrent_tiles<F>(nv, s, begin, end, H, z, p.z_panel, nullptr, h_prev, p.u, kSlots * VL, p.scratch,
                       [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
                         for (int v = 0; v < group * nv; ++v) {
                           const int64_t q = panel + v / nv;
                           const Slice<T> u = units_of<T>(q * kSlots + v % nv, H);
                           for (int r = 0; r < rows; ++r) {
                             const Vec<T> x = Vec<T>::load(done + (r * group * nv + v) * VL), h = gates.state(x);
                             u.store(p.h + (s.out + row + r) * H, h);
                             if constexpr (Training)
                               gates.kept(x, h).store(z + q * p.z_panel + ((row + r) * kSlots + v % nv) * VL);
                           }
                         }
                       });
  }

  void step(const Cut& s) const {
    const int64_t full = p.units / (kSlots * VL), rest = p.units - full * kSlots * VL;
    const T* h_prev = p.h + s.prev * p.units;
    if constexpr (Training) h_prev = dropped_state(p, s, 0);
    some_panels(s, h_prev, kSlots, p.panel_begin, p.panel_end < full ? p.panel_end : full);
    if (p.panel_end > full) some_panels(s, h_prev, static_cast<int>((rest + VL - 1) / VL), full, full + 1);
  }
};

// dz = dh state~(z),  dh' = dz U^T
template <class F, class Gates> struct SimpleRnnBackward {
  using T = typename F::Value;
  static constexpr int VL = Vec<T>::N;
  const RecurBackwardArgs<T>& p;
  const Gates gates;

  void step(const Cut& s) const {
    const int64_t H = p.units, panels = (H + kSlots * VL - 1) / (kSlots * VL);
    T* z = p.z + s.z * kSlots * VL;
    for (int64_t v = 0; v < panels * kSlots; ++v) {
      const Slice<T> u = units_of<T>(v, H);
      T* z_panel = z + (v / kSlots) * p.z_panel + (v % kSlots) * VL;
      for (int64_t r = 0; r < s.count; ++r) {
        T* z_row = z_panel + r * kSlots * VL;
        if (u.valid == 0) {
          Vec<T>::zero().store(z_row);  // forward left these lanes unset
          continue;
        }
        Vec<T> dh = u.load(p.dh + (s.row + r) * H);
        if (p.dy) dh = dh + u.load(p.dy + (s.z + r) * H);
        (dh * gates.state_from_kept(Vec<T>::load(z_row)).slope).store(z_row);
      }
    }
    if (p.h_factors) dropped_state_gradient(p, s, 1, false, z, false);
    else previous_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, false);
  }
};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
