// LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000; peepholes: Gers and Schmidhuber 2000).
//
//   i = gate(z_i + p_i c')   f = gate(z_f + p_f c')   g = state(z_g)      z = b + x W + h' U,   ' = the step before
//   c = f c' + i g           o = gate(z_o + p_o c)    h = o state(c)
// With a projection R h = (o state(c)) R (Sak et al. 2014). With layer normalisation (layer_norm.h) z is of normalised
// products, and h = o state(gamma N(c) + beta).
#ifndef RNNFAST_KERNELS_LSTM_H
#define RNNFAST_KERNELS_LSTM_H

#include "dropout.h"
#include "layer_norm.h"
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

  // What VL units of one row make of their gates.
  struct Cell {
    Vec<T> c, o;
  };

  // x: finished pre-activations; z_row: their place in z, may be x, which keeps what backward needs.
  RNNFAST_INLINE Cell cell_math(const Slice<T>& u, const T* x, T* z_row, const T* c_prev_row) const {
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
    if constexpr (Training) {
      gates.kept(x_i, i).store(z_row);
      gates.kept(x_f, f).store(z_row + VL);
      gates.kept(x_g, g).store(z_row + 2 * VL);
      gates.kept(x_o, o).store(z_row + 3 * VL);
    }
    return {c, o};
  }

  // The states of VL units after a step. packed: the row.
  RNNFAST_INLINE void store_states(const Slice<T>& u, Vec<T> c, Vec<T> h, const T* c_prev_row, T* c_row,
                                   const T* h_prev_row, T* h_row, int64_t packed) const {
    if (Training || zoneout) {
      store_state(p.c_zoneout, u, packed, p.units, c_prev_row, c_row, c);
      store_state(p.h_zoneout, u, packed, p.units, h_prev_row, h_row, h);
    } else {
      u.store(c_row, c);
      u.store(h_row, h);
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

  RNNFAST_INLINE void unit_math(const Slice<T>& u, const T* x, T* z_row, const T* c_prev_row, T* c_row,
                                const T* h_prev_row, T* h_row, int64_t packed) const {
    const Cell cell = cell_math(u, x, z_row, c_prev_row);
    store_states(u, cell.c, cell.o * gates.state(cell.c), c_prev_row, c_row, h_prev_row, h_row, packed);
  }

  // A step with layer normalisation, a few rows at a time: c of all units, and then h from its normalised value. In
  // inference c may be updated in place, and z has no more to keep: the new c, and o, wait there.
  void normalized_step(const Cut& s, T* z, const T* c_prev, T* c, const T* h_prev, T* h) const {
    using G = NormGates<0, 4, false>;
    const int64_t H = p.units;
    products_to_normalize<F, Training>(p, s, h_prev, p.u, G());
    for_norm_rows<T>(s.count, [&](int64_t first, int rows) {
      normalized_slots<Training>(p, s, first, rows, G(), [&](const Slice<T>& u, const T* x, const T*, T* z_row,
                                                             int64_t row) RNNFAST_INLINE_LAMBDA {
        const Cell cell = cell_math(u, x, z_row, c_prev + row * H);
        if constexpr (Training) {
          u.store(c + row * H, cell.c);
        } else {
          cell.c.store(z_row);
          cell.o.store(z_row + 3 * VL);
        }
      });
      normalized_states(first, rows, z, c_prev, c, h_prev, h, s.z);
    });
  }
  void normalized_states(int64_t first, int rows, T* z, const T* c_prev, T* c, const T* h_prev, T* h,
                         int64_t packed) const {
    const int64_t H = p.units, z_panel = p.z_panel;
    const Norm<T> norm = p.norm;
    const auto z_of = [&](int64_t r, int64_t panel) RNNFAST_INLINE_LAMBDA {
      return z + (first + r) * kSlots * VL + panel * z_panel;
    };
    const auto new_c = [&](int r, int64_t panel, int) RNNFAST_INLINE_LAMBDA {
      return Training ? units_of<T>(panel, H).load(c + (first + r) * H) : Vec<T>::load(z_of(r, panel));
    };
    RowMoments<T> moments_of;
    moments<1>(rows, H, norm.epsilon, new_c, moments_of);
    for (int r = 0; r < rows; ++r) {
      const int64_t row = first + r;
      const Moments<T> m = moments_of[r];
      if constexpr (Training) {
        norm.kept[packed + row].cell_mean = m.mean;
        norm.kept[packed + row].cell_rstd = m.rstd;
      }
      for (int64_t panel = 0; panel * VL < H; ++panel) {
        const Slice<T> u = units_of<T>(panel, H);
        const Vec<T> kept = Vec<T>::load(z_of(r, panel) + 3 * VL), now = new_c(r, panel, 0);
        const Vec<T> o = Training ? gates.gate_value_from_kept(kept) : kept;
        const Vec<T> out = o * gates.state(fma(u.load(norm.cell_gamma), m.normal(now), u.load(norm.cell_beta)));
        store_states(u, now, out, c_prev + row * H, c + row * H, h_prev + row * H, h + row * H, packed + row);
      }
    }
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
    if (p.norm.gamma) {
      normalized_step(s, z, c_prev, c, h_prev, h);
    } else if (Training && p.h_factors) {
      for (int gate = 0; gate < 4; ++gate) gate_product(p, s, gate, gate, nullptr);
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
// With zoneout the parts of dh and dc that stay go straight to dh' and dc', and state(c) is of the c before it. With
// layer normalisation state(c), and what dc gets of dh, go through N(c), and dh' through that of the product.
template <class F, class Gates> struct LstmBackward {
  using T = typename F::Value;
  static constexpr int VL = Vec<T>::N;
  const RecurBackwardArgs<T>& p;
  const Gates gates;

  struct InputGates {
    Gate<T> i, f, g;
  };
  RNNFAST_INLINE InputGates input_gates(const T* z) const {
    return {gates.gate_from_kept(Vec<T>::load(z)), gates.gate_from_kept(Vec<T>::load(z + VL)),
            gates.state_from_kept(Vec<T>::load(z + 2 * VL))};
  }

  // c of a step before its zoneout.
  RNNFAST_INLINE Vec<T> new_c(const Slice<T>& u, const InputGates& in, const T* c_prev_row, const T* c_row) const {
    return p.c_zoneout.active() ? fma(in.f.value, u.load(c_prev_row), in.i.value * in.g.value) : u.load(c_row);
  }

  // From dh: do, into its slot, and in two factors the gradient of what state() was taken of.
  RNNFAST_INLINE Scaled<T> output_gradients(const Slice<T>& u, T* z, const Gate<T>& state, const T* dy_row, T* dh_row,
                                            int64_t packed) const {
    const Gate<T> o = gates.gate_from_kept(Vec<T>::load(z + 3 * VL));
    Vec<T> dh = u.load(dh_row);
    if (dy_row) dh = dh + u.load(dy_row);
    if (p.h_zoneout.active()) {
      const Vec<T> share = kept_share(p.h_zoneout, u, packed, p.units);
      u.store(dh_row, share * dh);
      dh = moved_part(share, dh);
    }
    (dh * state.value * o.slope).store(z + 3 * VL);
    return {dh * o.value, state.slope};
  }

  // di, df, dg and dc', from do and, in two factors, from what c gets of dh.
  RNNFAST_INLINE void input_gradients(const Slice<T>& u, T* z, const InputGates& in, const T* c_prev_row,
                                      const Scaled<T>& of_h, T* dc_row, int64_t packed) const {
    const Vec<T> c_prev = u.load(c_prev_row);
    Vec<T> dc_kept = Vec<T>::zero(), dc = u.load(dc_row);
    if (p.c_zoneout.active()) {
      const Vec<T> share = kept_share(p.c_zoneout, u, packed, p.units);
      dc_kept = share * dc;
      dc = moved_part(share, dc);
    }
    dc = fma(of_h.a, of_h.b, dc);
    if (p.peephole) dc = fma(u.load(peephole_row(p.peephole, 2, p.units)), Vec<T>::load(z + 3 * VL), dc);
    const Vec<T> d_i = dc * in.g.value * in.i.slope;
    const Vec<T> d_f = dc * c_prev * in.f.slope;
    const Vec<T> d_g = dc * in.i.value * in.g.slope;
    Vec<T> dc_prev = fma(dc, in.f.value, dc_kept);
    if (p.peephole) {
      dc_prev = fma(u.load(peephole_row(p.peephole, 0, p.units)), d_i, dc_prev);
      dc_prev = fma(u.load(peephole_row(p.peephole, 1, p.units)), d_f, dc_prev);
    }
    d_i.store(z);
    d_f.store(z + VL);
    d_g.store(z + 2 * VL);
    u.store(dc_row, dc_prev);
  }

  RNNFAST_INLINE void unit_gradients(const Slice<T>& u, T* z, const T* c_prev_row, const T* c_row, const T* dy_row,
                                     T* dh_row, T* dc_row, int64_t packed) const {
    const InputGates in = input_gates(z);
    const Gate<T> state = gates.state_of(new_c(u, in, c_prev_row, c_row));
    const Scaled<T> of_h = output_gradients(u, z, state, dy_row, dh_row, packed);
    input_gradients(u, z, in, c_prev_row, of_h, dc_row, packed);
  }

  // The same of all units of some rows of a cut, from `first` on: what c gets of dh depends on all of a row.
  void normalized_rows(const Cut& s, int64_t first, int rows, T* z, const T* dy, T* dh) const {
    const int64_t H = p.units, z_panel = p.z_panel, packed = s.z + first;
    const Norm<T> norm = p.norm;
    const T *const c_prev = p.c + (s.prev + first) * H, *const c = p.c + (s.out + first) * H;
    T *const dc = p.dc + (s.row + first) * H, *const d_normal = norm.cell_rows + (s.row - p.row_begin + first) * H;
    const auto z_of = [&](int r, int64_t panel) RNNFAST_INLINE_LAMBDA {
      return z + (first + r) * kSlots * VL + panel * z_panel;
    };
    const auto normal_c = [&](int r, const Slice<T>& u, const InputGates& in) RNNFAST_INLINE_LAMBDA {
      const RowNorm<T>& kept = norm.kept[packed + r];
      return Moments<T>{kept.cell_mean, kept.cell_rstd}.normal(new_c(u, in, c_prev + r * H, c + r * H));
    };
    Vec<T> sums[2];
    row_sums<1>(rows, H, [&](int r) RNNFAST_INLINE_LAMBDA {
      T *const d_gamma = norm.d_cell + (s.row + first + r) / norm.group * 2 * H, *const d_beta = d_gamma + H;
      return [&, r, d_gamma, d_beta](int64_t panel, int, Vec<T>* sum) RNNFAST_INLINE_LAMBDA {
        const Slice<T> u = units_of<T>(panel, H);
        T* const at = z_of(r, panel);
        const Vec<T> normal = normal_c(r, u, input_gates(at)), gamma = u.load(norm.cell_gamma);
        const Gate<T> state = gates.state_of(fma(gamma, normal, u.load(norm.cell_beta)));
        const Scaled<T> d =
            output_gradients(u, at, state, dy ? dy + (first + r) * H : nullptr, dh + (first + r) * H, packed + r);
        const Vec<T> d_state = d.a * d.b;
        u.store(d_gamma, fma(d_state, normal, u.load(d_gamma)));
        u.store(d_beta, d_state + u.load(d_beta));
        sum[0] = gamma * d_state;
        sum[1] = sum[0] * normal;
        u.store(d_normal + r * H, sum[0]);
      };
    }, sums);
    RowMeans<T> means;
    means.set(sums, H);
    for (int r = 0; r < rows; ++r)
      for (int64_t panel = 0; panel * VL < H; ++panel) {
        const Slice<T> u = units_of<T>(panel, H);
        const InputGates in = input_gates(z_of(r, panel));
        const Scaled<T> of_h = through_norm(norm.kept[packed + r].cell_rstd, means, r, normal_c(r, u, in),
                                            u.load(d_normal + r * H));
        input_gradients(u, z_of(r, panel), in, c_prev + r * H, of_h, dc + r * H, packed + r);
      }
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
    const int64_t H = p.units;
    const bool direct = p.h_zoneout.active();
    T* dh = p.projection_t ? through_projection(s) : p.dh + s.row * H;
    const T* dy = p.dy && !p.projection_t ? p.dy + s.z * H : nullptr;
    T* z = p.z + s.z * kSlots * VL;
    if (p.norm.gamma) {
      for_norm_rows<T>(s.count, [&](int64_t first, int rows) { normalized_rows(s, first, rows, z, dy, dh); });
      normalized_state_gradient<F>(p, s, p.k, z, p.ut, p.dh, direct, NormGates<0, 4, false>());
      return;
    }
    for (int64_t panel = 0; panel * VL < H; ++panel) {
      const Slice<T> u = units_of<T>(panel, H);
      for (int64_t r = 0; r < s.count; ++r)
        unit_gradients(u, z + panel * p.z_panel + r * kSlots * VL, p.c + (s.prev + r) * H, p.c + (s.out + r) * H,
                       dy ? dy + r * H : nullptr, dh + r * H, p.dc + (s.row + r) * H, s.z + r);
    }
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
