// GRU (Cho et al. 2014), ' = the step before:
//
//   z = gate(z_z)   r = gate(z_r)                     z_g = b_g + x W_g + h' U_g
//   n = state(x W_h + b_h + r (h' U_h + b'_h))        reset_after=True  (Keras' default, PyTorch)
//   n = state(x W_h + b_h + (r h') U_h)               reset_after=False (the paper)
//   h = z h' + (1 - z) n
// With layer normalisation (layer_norm.h) each product is normalised where it is made: all three gates' at once, or,
// with reset_after=False, that of z and r and that of the candidate.
#ifndef RNNFAST_KERNELS_GRU_H
#define RNNFAST_KERNELS_GRU_H

#include "dropout.h"
#include "layer_norm.h"
#include "zoneout.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// What is normalised together: with reset_after all gates, else z and r, and the candidate.
using AllGates = NormGates<0, 3, true>;
using OpenGates = NormGates<0, 2, false>;
using Candidate = NormGates<2, 1, false>;

// h = z h' + (1 - z) n, as one multiply-add.
template <class T> RNNFAST_INLINE Vec<T> gru_state(Vec<T> z, Vec<T> h_prev, Vec<T> n) { return fma(z, h_prev - n, n); }

template <class F, bool Training, class Gates> struct GruForward {
  using T = typename F::Value;
  static constexpr int VL = Vec<T>::N;
  const RecurForwardArgs<T>& p;
  const Gates gates;
  const bool zoneout = p.h_zoneout.active();  // asked once: it is rare

  // Calls body(units, finished pre-activations, their place in z, row) for every row and panel of a tile.
  template <int NV, class Body>
  RNNFAST_INLINE void for_units(const Cut& s, const T* done, int rows, int group, int64_t row, int64_t panel,
                                const Body& body) const {
    for (int q = 0; q < group; ++q) {
      const Slice<T> u = units_of<T>(panel + q, p.units);
      T* z_row = p.z + (panel + q) * p.z_panel + (s.z - p.z_origin + row) * kSlots * VL;
      for (int r = 0; r < rows; ++r)
        body(u, done + (r * group + q) * NV * VL, z_row + r * kSlots * VL, row + r);
    }
  }

  // The finished pre-activations that gate_product left in z, panel by panel.
  template <class Body> RNNFAST_INLINE void for_units_in_z(const Cut& s, const Body& body) const {
    for (int64_t panel = p.panel_begin; panel < p.panel_end; ++panel)
      for_units<kSlots>(s, p.z + panel * p.z_panel + (s.z - p.z_origin) * kSlots * VL, static_cast<int>(s.count), 1, 0,
                        panel, body);
  }

  // Those of G's gates with layer normalisation, of a U; body also gets the input's candidate where that is apart.
  template <class G, class Body>
  RNNFAST_INLINE void for_normalized_units(const Cut& s, const T* a, const PanelWeights& u, const Body& body) const {
    products_to_normalize<F, Training>(p, s, a, u, G());
    for_norm_rows<T>(s.count, [&](int64_t first, int rows) {
      normalized_slots<Training>(p, s, first, rows, G(), body);
    });
  }

  // h of a row of the cut, from its update gate and its candidate.
  RNNFAST_INLINE void store_h(const Slice<T>& u, const Cut& s, int64_t row, Vec<T> z, Vec<T> n) const {
    const T* before = p.h + (s.prev + row) * p.units;
    T* after = p.h + (s.out + row) * p.units;
    const Vec<T> h = gru_state(z, u.load(before), n);
    if (Training || zoneout) store_state(p.h_zoneout, u, s.z + row, p.units, before, after, h);
    else u.store(after, h);
  }

  // One product; slot 3 keeps the candidate's recurrent part.
  void step_reset_after(const Cut& s) const {
    const int64_t H = p.units;
    const T* h_prev = p.h + s.prev * H;
    const auto unit_math = [&](const Slice<T>& u, const T* x, const T* inner, const T* input, T* z_row,
                               int64_t row) RNNFAST_INLINE_LAMBDA {
      const Vec<T> x_z = Vec<T>::load(x), x_r = Vec<T>::load(x + VL), hh = Vec<T>::load(inner);
      const Vec<T> z = gates.gate(x_z), r = gates.gate(x_r);
      const Vec<T> x_n = fma(r, hh, Vec<T>::load(input));
      const Vec<T> n = gates.state(x_n);
      store_h(u, s, row, z, n);
      if constexpr (Training) {
        gates.kept(x_z, z).store(z_row);
        gates.kept(x_r, r).store(z_row + VL);
        gates.kept(x_n, n).store(z_row + 2 * VL);
        hh.store(z_row + 3 * VL);
      }
    };
    if (p.norm.gamma) {
      for_normalized_units<AllGates>(s, h_prev, p.u, [&](const Slice<T>& u, const T* x, const T* input, T* z_row,
                                                         int64_t row) RNNFAST_INLINE_LAMBDA {
        unit_math(u, x, x + 3 * VL, input, z_row, row);
      });
      return;
    }
    if (Training && p.h_factors) {
      for (int gate = 0; gate < 2; ++gate) gate_product(p, s, gate, gate, nullptr);
      gate_product(p, s, 2, 3, p.bias_h);
      for_units_in_z(s, [&](const Slice<T>& u, const T* x, T* z_row, int64_t row) RNNFAST_INLINE_LAMBDA {
        unit_math(u, x, x + 3 * VL, x + 2 * VL, z_row, row);
      });
      return;
    }
    recurrent_tiles<F>(3, s, p.panel_begin, p.panel_end, H, p.z + (s.z - p.z_origin) * kSlots * VL, p.z_panel,
                       p.bias_h, h_prev, p.u, 3 * VL, p.scratch,
                       [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
                         for_units<3>(s, done, rows, group, row, panel,
                                      [&](const Slice<T>& u, const T* x, T* z_row, int64_t r) RNNFAST_INLINE_LAMBDA {
                                        unit_math(u, x, x + 2 * VL, z_row + 2 * VL, z_row, r);
                                      });
                       });
  }

  // Two products: z and r, then the candidate when r h' of all units is there.
  void step_reset_before(const Cut& s) const {
    const int64_t H = p.units;
    const T* h_prev = p.h + s.prev * H;
    T* z = p.z + (s.z - p.z_origin) * kSlots * VL;
    T* reset_state = p.extra + (p.extra_by_row ? s.row : s.z) * H;
    const auto gate_math = [&](const Slice<T>& u, const T* x, T* z_row, int64_t row) RNNFAST_INLINE_LAMBDA {
      const Vec<T> x_z = Vec<T>::load(x), x_r = Vec<T>::load(x + VL), r = gates.gate(x_r);
      gates.kept(x_z, gates.gate(x_z)).store(z_row);
      gates.kept(x_r, r).store(z_row + VL);
      u.store(reset_state + row * H, r * u.load(h_prev + row * H));
    };
    if (p.norm.gamma) {
      for_normalized_units<OpenGates>(s, h_prev, p.u, [&](const Slice<T>& u, const T* x, const T*, T* z_row,
                                                          int64_t row) RNNFAST_INLINE_LAMBDA {
        gate_math(u, x, z_row, row);
      });
    } else if (Training && p.h_factors) {
      for (int gate = 0; gate < 2; ++gate) gate_product(p, s, gate, gate, nullptr);
      for_units_in_z(s, gate_math);
      scale(s.count * H, reset_state, gate_factors(p, s, 2), false, reset_state);
    } else {
      recurrent_tiles<F>(2, s, p.panel_begin, p.panel_end, H, z, p.z_panel, nullptr, h_prev, p.u, 2 * VL, p.scratch,
                         [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
                           for_units<2>(s, done, rows, group, row, panel, gate_math);
                         });
    }
    meet(p);  // half a step done: whether to go on together is asked again when it ends
    const auto candidate_math = [&](const Slice<T>& u, const T* x, T* z_row, int64_t row) RNNFAST_INLINE_LAMBDA {
      const Vec<T> x_n = Vec<T>::load(x), n = gates.state(x_n);
      store_h(u, s, row, gates.gate_value_from_kept(Vec<T>::load(z_row)), n);
      if constexpr (Training) gates.kept(x_n, n).store(z_row + 2 * VL);
    };
    if (p.norm.gamma) {
      for_normalized_units<Candidate>(s, reset_state, p.candidate_u, [&](const Slice<T>& u, const T* x, const T*,
                                                                         T* z_row, int64_t row) RNNFAST_INLINE_LAMBDA {
        candidate_math(u, x + 2 * VL, z_row, row);
      });
      return;
    }
    recurrent_tiles<F>(1, s, p.panel_begin, p.panel_end, H, z + 2 * VL, p.z_panel, nullptr, reset_state,
                       p.candidate_u, VL, p.scratch,
                       [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
                         for_units<1>(s, done, rows, group, row, panel, candidate_math);
                       });
  }

  void step(const Cut& s) const { p.reset_after ? step_reset_after(s) : step_reset_before(s); }
};

// Gradients, ~ = slope of the gate's activation:
//   dz = dh (h' - n) z~      dn = dh (1 - z) n~ (of its pre-activation)
//   reset_after=True:  dr = dn hh r~,  dhh = dn r,  dh' = dh z + [dz dr dhh] U^T
//   reset_after=False: d(r h') = dn U_h^T,  dr = d(r h') h' r~,  dh' = dh z + d(r h') r + [dz dr] U^T
// With zoneout the part of dh that stays goes straight to dh'.
template <class F, class Gates> struct GruBackward {
  using T = typename F::Value;
  static constexpr int VL = Vec<T>::N;
  const RecurBackwardArgs<T>& p;
  const Gates gates;

  // What both variants share: dz and dn into slots 0 and 2, and dh becomes its direct part dh z.
  RNNFAST_INLINE void update_gradients(const Slice<T>& u, T* z, const T* h_prev, const T* dy, T* dh_row,
                                       int64_t packed) const {
    const Gate<T> update = gates.gate_from_kept(Vec<T>::load(z));
    const Gate<T> n = gates.state_from_kept(Vec<T>::load(z + 2 * VL));
    Vec<T> dh = u.load(dh_row);
    if (dy) dh = dh + u.load(dy);
    Vec<T> dh_kept = Vec<T>::zero();
    if (p.h_zoneout.active()) {
      const Vec<T> share = kept_share(p.h_zoneout, u, packed, p.units);
      dh_kept = share * dh;
      dh = moved_part(share, dh);
    }
    (dh * (u.load(h_prev) - n.value) * update.slope).store(z);
    (fnma(dh, update.value, dh) * n.slope).store(z + 2 * VL);
    u.store(dh_row, fma(dh, update.value, dh_kept));
  }

  template <class Body> RNNFAST_INLINE void for_units(const Cut& s, const Body& body) const {
    for (int64_t panel = 0; panel * VL < p.units; ++panel) {
      const Slice<T> u = units_of<T>(panel, p.units);
      for (int64_t r = 0; r < s.count; ++r)
        body(u, p.z + panel * p.z_panel + (s.z + r) * kSlots * VL, p.h + (s.prev + r) * p.units, r);
    }
  }

  void step(const Cut& s) const {
    const int64_t H = p.units;
    T* z = p.z + s.z * kSlots * VL;
    T* dh = p.dh + s.row * H;
    const T* dy = p.dy ? p.dy + s.z * H : nullptr;
    if (p.reset_after) {
      for_units(s, [&](const Slice<T>& u, T* z_row, const T* h_prev, int64_t r) RNNFAST_INLINE_LAMBDA {
        const Gate<T> reset = gates.gate_from_kept(Vec<T>::load(z_row + VL));
        const Vec<T> hh = Vec<T>::load(z_row + 3 * VL);
        update_gradients(u, z_row, h_prev, dy ? dy + r * H : nullptr, dh + r * H, s.z + r);
        const Vec<T> dn = Vec<T>::load(z_row + 2 * VL);
        (dn * hh * reset.slope).store(z_row + VL);
        (dn * reset.value).store(z_row + 3 * VL);
      });
      if (p.norm.gamma) normalized_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, true, AllGates());
      else if (p.h_factors) dropped_state_gradient(p, s, 3, true, z, true);
      else previous_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, true);
      return;
    }
    for_units(s, [&](const Slice<T>& u, T* z_row, const T* h_prev, int64_t r) RNNFAST_INLINE_LAMBDA {
      update_gradients(u, z_row, h_prev, dy ? dy + r * H : nullptr, dh + r * H, s.z + r);
    });
    T* drh = p.scratch - p.row_begin * H;  // d(r h'), by sorted row
    if (p.norm.gamma) normalized_state_gradient<F>(p, s, p.candidate_k, z, p.candidate_ut, drh, false, Candidate());
    else previous_state_gradient<F>(p, s, p.candidate_k, z + 2 * VL, p.candidate_ut, drh, false);
    if (p.h_factors) scale(s.count * H, drh + s.row * H, gate_factors(p, s, 2), false, drh + s.row * H);
    for_units(s, [&](const Slice<T>& u, T* z_row, const T* h_prev, int64_t r) RNNFAST_INLINE_LAMBDA {
      const Gate<T> reset = gates.gate_from_kept(Vec<T>::load(z_row + VL));
      const Vec<T> d = u.load(drh + (s.row + r) * H);
      (d * u.load(h_prev) * reset.slope).store(z_row + VL);
      u.store(dh + r * H, fma(d, reset.value, u.load(dh + r * H)));
    });
    if (p.norm.gamma) normalized_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, true, OpenGates());
    else if (p.h_factors) dropped_state_gradient(p, s, 2, false, z, true);
    else previous_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, true);
  }
};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
