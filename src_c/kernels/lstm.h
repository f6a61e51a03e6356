// LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes: Gers and Schmidhuber 2000).
//
//   i = gate(z_i + p_i c')   f = gate(z_f + p_f c')   g = state(z_g)      z = b + x W + h' U,   ' = the step before
//   c = f c' + i g           o = gate(z_o + p_o c)    h = o state(c)
// With a projection R h = (o state(c)) R (Sak et al. 2014).
#ifndef RNNFAST_KERNELS_LSTM_H
#define RNNFAST_KERNELS_LSTM_H

#include "dropout.h"
#include "zoneout.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> inline const T* peephole_row(const T* peephole, int gate, int64_t units) {
  return peephole ? peephole + gate * units : nullptr;
}

template <class F, bool Training, class Gates> struct LstmForward {
  using T = typename F::Value;
  static constexpr int VL = Vec<T>::N;
  const RecurForwardArgs<T>& p;
  const Gates gates;
  const bool zoneout = p.h_zoneout.active() || p.c_zoneout.active();  // asked once: it is rare

  // Gate math of VL units of one row; x: finished pre-activations, z_row: their place in z, may be x; packed: the row.
  RNNFAST_INLINE void unit_math(const Slice<T>& u, const T* x, T* z_row, const T* c_prev_row, T* c_row,
                                const T* h_prev_row, T* h_row, int64_t packed) const {
    Vec<T> x_i = Vec<T>::load(x), x_f = Vec<T>::load(x + VL), x_g = Vec<T>::load(x + 2 * VL);
    Vec<T> x_o = Vec<T>::load(x + 3 * VL);
    const Vec<T> c_prev = u.load(c_prev_row);
    if (p.peephole) {
      x_i = fma(u.load(peephole_row(p.peephole, 0, p.units)), c_prev, x_i);
      x_f = fma(u.load(peephole_row(p.peephole, 1, p.units)), c_prev, x_f);
    }
    const Vec<T> i = gates.gate(x_i), f = gates.gate(x_f), g = gates.state(x_g);
    const Vec<T> c = fma(f, c_prev, i * g);
    if (p.peephole) x_o = fma(u.load(peephole_row(p.peephole, 2, p.units)), c, x_o);
    const Vec<T> o = gates.gate(x_o);
    const Vec<T> h = o * gates.state(c);
    if (Training || zoneout) {
      store_state(p.c_zoneout, u, packed, p.units, c_prev_row, c_row, c);
      store_state(p.h_zoneout, u, packed, p.units, h_prev_row, h_row, h);
    } else {
      u.store(c_row, c);
      u.store(h_row, h);
    }
    if constexpr (Training) {
      gates.kept(x_i, i).store(z_row);
      gates.kept(x_f, f).store(z_row + VL);
      gates.kept(x_g, g).store(z_row + 2 * VL);
      gates.kept(x_o, o).store(z_row + 3 * VL);
    }
  }

  // h of the rows of the cut, in the panels of it that this call computes, once o state(c) of all units is there.
  void project(const Cut& s, const T* unprojected) const {
    T* h = p.h + s.out * p.state;
    recurrent_tiles<F>(kSlots, s, p.projection_begin, p.projection_end, p.units, nullptr, 0, nullptr, unprojected,
                       p.projection, kSlots * VL, p.scratch,
                       [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
      for (int v = 0; v < group * kSlots; ++v) {
        const Slice<T> columns = units_of<T>(panel * kSlots + v, p.state);
        for (int r = 0; r < rows; ++r)
          columns.store(h + (row + r) * p.state, Vec<T>::load(done + (r * group * kSlots + v) * VL));
      }
    });
  }

  void step(const Cut& s) const {
    const int64_t H = p.units;
    T* z = p.z + (s.z - p.z_origin) * kSlots * VL;
    const T* h_prev = p.h + s.prev * p.state;
    T* h = p.projection.data ? p.extra + (p.extra_by_row ? s.row : s.z) * H : p.h + s.out * H;
    const T* c_prev = p.c + (p.c_by_row ? s.row : s.prev) * H;
    T* c = p.c + (p.c_by_row ? s.row : s.out) * H;
    const auto finish = [&](const T* done, int rows, int group, int64_t row, int64_t panel) {
      for (int q = 0; q < group; ++q) {
        const Slice<T> u = units_of<T>(panel + q, H);
        T* z_row = z + (panel + q) * p.z_panel + row * kSlots * VL;
        for (int r = 0; r < rows; ++r)
          unit_math(u, done + (r * group + q) * 4 * VL, z_row + r * kSlots * VL, c_prev + (row + r) * H,
                    c + (row + r) * H, h_prev + (row + r) * H, h + (row + r) * H, s.z + row + r);
      }
    };
    if (Training && p.h_factors) {
      for (int gate = 0; gate < 4; ++gate) gate_product(p, s, 4, gate, gate, nullptr);
      for (int64_t panel = p.panel_begin; panel < p.panel_end; ++panel)
        finish(z + panel * p.z_panel, static_cast<int>(s.count), 1, 0, panel);
    } else {
      recurrent_tiles<F>(4, s, p.panel_begin, p.panel_end, p.state, z, p.z_panel, nullptr, h_prev, p.u, 4 * VL,
                         p.scratch, finish);
    }
    if (!p.projection.data) return;
    meet(p);  // half a step done: whether to go on together is asked again when it ends
    project(s, h);
  }
};

// Gradients, ' = the step before, d(.) = gradient of the loss; dh arrives complete:
//   do = dh state(c) o~            dc += dh o state~(c) + p_o do          ~ = slope of the gate's activation
//   di = dc g i~   df = dc c' f~   dg = dc i g~
//   dc' = dc f + p_i di + p_f df   dh' = [di df dg do] U^T
// With a projection dh above is dh R^T.
// With zoneout the parts of dh and dc that stay go straight to dh' and dc', and state(c) is of the c before it.
template <class F, class Gates> struct LstmBackward {
  using T = typename F::Value;
  const RecurBackwardArgs<T>& p;
  const Gates gates;

  RNNFAST_INLINE void unit_gradients(const Slice<T>& u, T* z, const T* c_prev_row, const T* c_row, const T* dy_row,
                                     T* dh_row, T* dc_row, int64_t packed) const {
    constexpr int VL = Vec<T>::N;
    const Gate<T> i = gates.gate_from_kept(Vec<T>::load(z)), f = gates.gate_from_kept(Vec<T>::load(z + VL));
    const Gate<T> g = gates.state_from_kept(Vec<T>::load(z + 2 * VL));
    const Gate<T> o = gates.gate_from_kept(Vec<T>::load(z + 3 * VL));
    const Vec<T> c_prev = u.load(c_prev_row);
    Vec<T> c = u.load(c_row), dc_kept = Vec<T>::zero(), dc = u.load(dc_row);
    if (p.c_zoneout.active()) {
      const Vec<T> share = kept_share(p.c_zoneout, u, packed, p.units);
      c = fma(f.value, c_prev, i.value * g.value);
      dc_kept = share * dc;
      dc = moved_part(share, dc);
    }
    const Gate<T> state = gates.state_of(c);
    Vec<T> dh = u.load(dh_row);
    if (dy_row) dh = dh + u.load(dy_row);
    if (p.h_zoneout.active()) {
      const Vec<T> share = kept_share(p.h_zoneout, u, packed, p.units);
      u.store(dh_row, share * dh);
      dh = moved_part(share, dh);
    }
    const Vec<T> d_o = dh * state.value * o.slope;
    dc = fma(dh * o.value, state.slope, dc);
    if (p.peephole) dc = fma(u.load(peephole_row(p.peephole, 2, p.units)), d_o, dc);
    const Vec<T> d_i = dc * g.value * i.slope;
    const Vec<T> d_f = dc * c_prev * f.slope;
    const Vec<T> d_g = dc * i.value * g.slope;
    Vec<T> dc_prev = fma(dc, f.value, dc_kept);
    if (p.peephole) {
      dc_prev = fma(u.load(peephole_row(p.peephole, 0, p.units)), d_i, dc_prev);
      dc_prev = fma(u.load(peephole_row(p.peephole, 1, p.units)), d_f, dc_prev);
    }
    d_i.store(z);
    d_f.store(z + VL);
    d_g.store(z + 2 * VL);
    d_o.store(z + 3 * VL);
    u.store(dc_row, dc_prev);
  }

  // The gradient of o state(c), rows of the cut, from that of its projection, which is kept for R.
  T* through_projection(const Cut& s) const {
    T* d = p.d_projected + s.z * p.state;
    const T* dh = p.dh + s.row * p.state;
    for (int64_t i = 0; i < s.count * p.state; i += Vec<T>::N) {
      const Slice<T> slice(i, s.count * p.state);
      slice.store(d, p.dy ? slice.load(dh) + slice.load(p.dy + s.z * p.state) : slice.load(dh));
    }
    T* unprojected = p.scratch + (s.row - p.row_begin) * p.units;
    step_product<Full<T>>(s, p.units, d, p.state, plain_row(p.state), {p.projection_t, nullptr, nullptr}, nullptr,
                          false, unprojected);
    return unprojected;
  }

  void step(const Cut& s) const {
    constexpr int VL = Vec<T>::N;
    const int64_t H = p.units, panels = (H + VL - 1) / VL;
    T* dh = p.projection_t ? through_projection(s) : p.dh + s.row * H;
    const T* dy = p.dy && !p.projection_t ? p.dy + s.z * H : nullptr;
    T* z = p.z + s.z * kSlots * VL;
    for (int64_t panel = 0; panel < panels; ++panel) {
      const Slice<T> u = units_of<T>(panel, H);
      for (int64_t r = 0; r < s.count; ++r)
        unit_gradients(u, z + panel * p.z_panel + r * kSlots * VL, p.c + (s.prev + r) * H, p.c + (s.out + r) * H,
                       dy ? dy + r * H : nullptr, dh + r * H, p.dc + (s.row + r) * H, s.z + r);
    }
    const bool direct = p.h_zoneout.active();
    if (p.h_factors) dropped_state_gradient(p, s, 4, false, z, direct);
    else previous_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, direct);
  }
};

// dp_i, dp_f = sum of d(i, f) * c_prev and dp_o = sum of d(o) * c over all steps and rows, in order.
template <class T>
void peephole_gradient(int64_t units, const Segment* segments, int64_t segment_count, const T* z, ptrdiff_t z_panel,
                       const T* c, T* dp) {
  constexpr int VL = Vec<T>::N;
  for (int64_t panel = 0; panel * VL < units; ++panel) {
    const Slice<T> u = units_of<T>(panel, units);
    Vec<T> sum_i = Vec<T>::zero(), sum_f = Vec<T>::zero(), sum_o = Vec<T>::zero();
    for (int64_t k = 0; k < segment_count; ++k) {
      const Segment& s = segments[k];
      for (int64_t r = 0; r < s.count; ++r) {
        const T* dz = z + panel * z_panel + (s.z + r) * kSlots * VL;
        const Vec<T> c_prev = u.load(c + (s.prev + r) * units);
        sum_i = fma(Vec<T>::load(dz), c_prev, sum_i);
        sum_f = fma(Vec<T>::load(dz + VL), c_prev, sum_f);
        sum_o = fma(Vec<T>::load(dz + 3 * VL), u.load(c + (s.out + r) * units), sum_o);
      }
    }
    u.store(dp, sum_i);
    u.store(dp + units, sum_f);
    u.store(dp + 2 * units, sum_o);
  }
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
