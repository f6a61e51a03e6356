// Layer normalisation of what the gates' products give, and of an LSTM's cell state (Ba, Kiros and Hinton 2016):
//
//   z = gamma_x N(x W) + gamma_h N(h' U) + b        N(v) = (v - mean) / sqrt(variance + epsilon)
//   h = o state(gamma_c N(c) + beta_c)              over a whole row: all units of all gates that one product computes
//
// A row of products lies as [panel][gates * VL], so that it is walked from end to end. Sums over a row run in an order
// that does not depend on VL: kNormLanes sums for each gate, to which its units go in turn; those of the gates are then
// added, in order, and the rest in pairs.
#ifndef RNNFAST_KERNELS_LAYER_NORM_H
#define RNNFAST_KERNELS_LAYER_NORM_H

#include "state_gradient.h"

namespace rnnfast {
namespace RNNFAST_ISA {

constexpr int kNormLanes = 16;

// The lanes of v that hold units; zero in the others.
template <class T> RNNFAST_INLINE Vec<T> valid_lanes(Vec<T> v, int valid) {
  alignas(64) T lanes[Vec<T>::N];
  v.store(lanes);
  return Vec<T>::load_partial(lanes, valid);
}

// sums[m] = the sum over all units of `Gates` gates of what term(panel, gate, x) writes to x[m].
template <int Gates, int M, class T, class Term>
RNNFAST_INLINE void row_sums(int64_t units, const Term& term, T (&sums)[M]) {
  constexpr int VL = Vec<T>::N, K = kNormLanes / VL;
  Vec<T> part[M][K][Gates];
  RNNFAST_UNROLL
  for (int m = 0; m < M; ++m)
    RNNFAST_UNROLL
    for (int k = 0; k < K; ++k)
      RNNFAST_UNROLL
      for (int g = 0; g < Gates; ++g) part[m][k][g] = Vec<T>::zero();
  const auto add = [&](int64_t panel, int k, int g, int valid) RNNFAST_INLINE_LAMBDA {
    Vec<T> x[M];
    term(panel, g, x);
    RNNFAST_UNROLL
    for (int m = 0; m < M; ++m) part[m][k][g] = part[m][k][g] + (valid < VL ? valid_lanes(x[m], valid) : x[m]);
  };
  const int64_t full = units / VL;
  int64_t panel = 0;
  for (; panel + K <= full; panel += K)
    RNNFAST_UNROLL
    for (int k = 0; k < K; ++k)
      RNNFAST_UNROLL
      for (int g = 0; g < Gates; ++g) add(panel + k, k, g, VL);
  RNNFAST_UNROLL
  for (int k = 0; k < K; ++k) {
    const Slice<T> u = units_of<T>(panel + k, units);
    if (u.valid > 0)
      RNNFAST_UNROLL
      for (int g = 0; g < Gates; ++g) add(panel + k, k, g, u.valid);
  }
  for (int m = 0; m < M; ++m) {
    alignas(64) T lanes[kNormLanes];
    for (int k = 0; k < K; ++k) {
      Vec<T> sum = part[m][k][0];
      for (int g = 1; g < Gates; ++g) sum = sum + part[m][k][g];
      sum.store(lanes + k * VL);
    }
    for (int width = kNormLanes / 2; width > 0; width /= 2)
      for (int i = 0; i < width; ++i) lanes[i] = lanes[i] + lanes[i + width];
    sums[m] = lanes[0];
  }
}

template <class T> struct Moments {
  T mean, rstd;
  RNNFAST_INLINE Vec<T> normal(Vec<T> x) const { return (x - Vec<T>::set1(mean)) * Vec<T>::set1(rstd); }
};

// Of what load(panel, gate) gives.
template <int Gates, class T, class Load>
RNNFAST_INLINE Moments<T> moments(int64_t units, T epsilon, const Load& load) {
  const T n = static_cast<T>(Gates * units);
  T sum[1];
  row_sums<Gates>(units, [&](int64_t panel, int g, Vec<T>* x) RNNFAST_INLINE_LAMBDA { x[0] = load(panel, g); }, sum);
  const T mean = sum[0] / n;
  row_sums<Gates>(units, [&](int64_t panel, int g, Vec<T>* x) RNNFAST_INLINE_LAMBDA {
    const Vec<T> away = load(panel, g) - Vec<T>::set1(mean);
    x[0] = away * away;
  }, sum);
  alignas(64) T rstd[Vec<T>::N];
  (Vec<T>::set1(1) / sqrt(Vec<T>::set1(sum[0] / n + epsilon))).store(rstd);
  return {mean, rstd[0]};
}

// The gradient of v from that of gamma N(v), for the units of one vector: rstd (gamma d - means[0] - N(v) means[1]).
// Its two factors, so that it can be added in one multiply-add. means: of gamma d and of gamma d N(v), over the row.
template <class T> struct Scaled {
  Vec<T> a, b;
};
template <class T>
RNNFAST_INLINE Scaled<T> through_norm(T rstd, const T (&means)[2], Vec<T> normal, Vec<T> gamma_d) {
  return {Vec<T>::set1(rstd), fnma(normal, Vec<T>::set1(means[1]), gamma_d - Vec<T>::set1(means[0]))};
}

// Consecutive gates that are normalised together. Apart: the last one's part of z has a slot for itself, past its
// input's (the candidate of a GRU with reset_after).
template <int First, int Gates, bool Apart> struct NormGates {
  static constexpr int first = First, gates = Gates;
  static constexpr int slot(int g) { return First + g + (Apart && g == Gates - 1 ? 1 : 0); }
  static constexpr bool apart(int g) { return Apart && g == Gates - 1; }
};

// Calls each(panel, gate, where it stands, N(x)) for the vectors of one row of products x; gives 1 / the deviation.
template <class G, class T, class Each>
RNNFAST_INLINE T normalize_row(int64_t units, T epsilon, T* x, ptrdiff_t x_panel, const Each& each) {
  constexpr int VL = Vec<T>::N;
  const Moments<T> m = moments<G::gates>(units, epsilon, [&](int64_t panel, int g) RNNFAST_INLINE_LAMBDA {
    return Vec<T>::load(x + panel * x_panel + g * VL);
  });
  for (int64_t panel = 0; panel * VL < units; ++panel)
    RNNFAST_UNROLL
    for (int g = 0; g < G::gates; ++g) {
      T* const at = x + panel * x_panel + g * VL;
      each(panel, g, at, m.normal(Vec<T>::load(at)));
    }
  return m.rstd;
}

// Back: x from normal to the gradient of what was raw, from d, that of z; the gradient of gamma is added up.
template <class G, class T>
RNNFAST_INLINE void normalize_row_backward(int64_t units, const T* gamma, T* d_gamma, ptrdiff_t gamma_panel, T rstd,
                                           T* x, ptrdiff_t x_panel, const T* d, ptrdiff_t d_panel) {
  constexpr int VL = Vec<T>::N;
  const auto d_of = [&](int64_t panel, int g) RNNFAST_INLINE_LAMBDA {
    return Vec<T>::load(d + panel * d_panel + G::slot(g) * VL);
  };
  T means[2];
  row_sums<G::gates>(units, [&](int64_t panel, int g, Vec<T>* sum) RNNFAST_INLINE_LAMBDA {
    const ptrdiff_t at = panel * gamma_panel + g * VL;
    const Vec<T> normal = Vec<T>::load(x + panel * x_panel + g * VL), dv = d_of(panel, g);
    fma(dv, normal, Vec<T>::load(d_gamma + at)).store(d_gamma + at);
    sum[0] = dv * Vec<T>::load(gamma + at);
    sum[1] = sum[0] * normal;
  }, means);
  for (T& mean : means) mean /= static_cast<T>(G::gates * units);
  for (int64_t panel = 0; panel * VL < units; ++panel)
    RNNFAST_UNROLL
    for (int g = 0; g < G::gates; ++g) {
      T* const at = x + panel * x_panel + g * VL;
      const Vec<T> gamma_d = d_of(panel, g) * Vec<T>::load(gamma + panel * gamma_panel + g * VL);
      const Scaled<T> dx = through_norm(rstd, means, Vec<T>::load(at), gamma_d);
      (dx.a * dx.b).store(at);
    }
}

// The recurrent product of a cut and G's slots of z: the input's part + gamma N(a U). One apart has b_h in place of
// that part, which goes to the slot before it. In inference z begins with the input's part; in training, where it would
// have to come from memory, it is made here of the input's products.
template <class F, bool Training, class G, class T = typename F::Value>
void normalized_product(const RecurForwardArgs<typename F::Value>& p, const Cut& s, const typename F::Value* a,
                        const PanelWeights& u, G) {
  constexpr int VL = Vec<T>::N;
  const ptrdiff_t panel_size = p.norm.panel;
  T* const rows = p.norm.rows + (Training ? s.z : s.row - p.row_begin) * p.norm.row + G::first * VL;
  recurrent_tiles<F>(G::gates, s, p.panel_begin, p.panel_end, p.state, nullptr, 0, nullptr, a, u, G::gates * VL,
                     p.scratch, [&](const T* done, int height, int group, int64_t row, int64_t panel) {
    for (int r = 0; r < height; ++r)
      for (int q = 0; q < group; ++q)
        RNNFAST_UNROLL
        for (int g = 0; g < G::gates; ++g)
          Vec<T>::load(done + ((r * group + q) * G::gates + g) * VL)
              .store(rows + (row + r) * p.norm.row + (panel + q) * panel_size + g * VL);
  });
  for (int64_t r = 0; r < s.count; ++r) {
    const int64_t packed = s.z + r;
    T* const z_row = p.z + (packed - p.z_origin) * kSlots * VL;
    [[maybe_unused]] const T* const input =
        Training ? p.norm.input + (p.input_index ? p.input_index[packed] : packed) * p.norm.row : nullptr;
    const auto to_z = [&](int64_t panel, int g, T* at, Vec<T> normal) RNNFAST_INLINE_LAMBDA {
      const int gate = G::first + g;
      T* const z = z_row + panel * p.z_panel + G::slot(g) * VL;
      Vec<T> start = Vec<T>::load(G::apart(g) ? p.bias_h + panel * VL : z);
      if constexpr (Training) {
        normal.store(at);
        const ptrdiff_t i = panel * panel_size + gate * VL;
        const Vec<T> part = fma(Vec<T>::load(p.norm.input_gamma + i), Vec<T>::load(input + i),
                                Vec<T>::load(p.norm.bias + (panel * kSlots + gate) * VL));
        if (G::apart(g)) part.store(z - VL);
        else start = part;
      }
      fma(Vec<T>::load(p.norm.gamma + panel * panel_size + gate * VL), normal, start).store(z);
    };
    const T rstd = normalize_row<G>(p.units, p.norm.epsilon, rows + r * p.norm.row, panel_size, to_z);
    if constexpr (Training) p.norm.kept[packed].rstd[G::first > 0] = rstd;
  }
}

// dh' (rows of the cut) = the way back from dz through G's normalisation and product, or += it. What was normal becomes
// the gradient of the product, which U's gradient needs.
template <class F, class G, class T = typename F::Value>
void normalized_state_gradient(const RecurBackwardArgs<typename F::Value>& p, const Cut& s, const KBlocks& k,
                               const typename F::Value* z, const PanelWeights& ut, typename F::Value* dh,
                               bool accumulate, G) {
  constexpr int VL = Vec<T>::N;
  T* const rows = p.norm.rows + s.z * p.norm.row + G::first * VL;
  for (int64_t r = 0; r < s.count; ++r)
    normalize_row_backward<G>(p.units, p.norm.gamma + G::first * VL,
                              p.norm.d_gamma + (s.row + r) * p.norm.row + G::first * VL, p.norm.panel,
                              p.norm.kept[s.z + r].rstd[G::first > 0], rows + r * p.norm.row, p.norm.panel,
                              z + r * kSlots * VL, p.z_panel);
  step_product<F>(s, p.state, rows, p.norm.row, k, ut, p.prepared, accumulate, dh + s.row * p.state);
}

// The entries of the table: the input's products, of all gates together.
template <class G, class T> void normalize_rows(const NormRows<T>& p) {
  constexpr int VL = Vec<T>::N;
  for (int64_t r = 0; r < p.count; ++r) {
    const auto finish = [&](int64_t panel, int g, T* at, Vec<T> normal) RNNFAST_INLINE_LAMBDA {
      if (p.rstd) normal.store(at);
      else
        fma(Vec<T>::load(p.gamma + (panel * G::gates + g) * VL), normal,
            Vec<T>::load(p.bias + (panel * kSlots + g) * VL)).store(at);
    };
    const T rstd = normalize_row<G>(p.units, p.epsilon, p.x + r * p.x_row, p.x_panel, finish);
    if (p.rstd) p.rstd[r] = rstd;
  }
}
template <class T> void normalize(const NormRows<T>& p) {
  if (p.gates == 4) normalize_rows<NormGates<0, 4, false>>(p);
  else normalize_rows<NormGates<0, 3, false>>(p);
}

template <class G, class T> void normalize_rows_backward(const NormRows<T>& p) {
  constexpr int VL = Vec<T>::N;
  for (int64_t r = 0; r < p.count; ++r)
    normalize_row_backward<G>(p.units, p.gamma, p.d_gamma, G::gates * VL, p.rstd[r], p.x + r * p.x_row, p.x_panel,
                              p.dz + r * kSlots * VL, p.dz_panel);
}
template <class T> void normalize_backward(const NormRows<T>& p) {
  if (p.gates == 4) normalize_rows_backward<NormGates<0, 4, false>>(p);
  else normalize_rows_backward<NormGates<0, 3, false>>(p);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
