// Layer normalisation of what the gates' products give, and of an LSTM's cell state (Ba, Kiros and Hinton 2016):
//
//   z = gamma_x N(x W) + gamma_h N(h' U) + b        N(v) = (v - mean) / sqrt(variance + epsilon)
//   h = o state(gamma_c N(c) + beta_c)              over a whole row: all units of all gates that one product computes
//
// A row of products lies as [panel][gates * VL], so that it is walked from end to end. Sums over a row run in an order
// that does not depend on VL: kNormLanes sums for each gate, to which its units go in turn; those of the gates are then
// added, in order, and the rest in pairs.
// A few rows are taken at a time: their last sums are added side by side, and none waits for the root and the quotient
// of another.
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

// Rows that are normalised at a time.
template <class T> constexpr int kNormRows = Vec<T>::N;

// f(first row, rows) for runs of at most kNormRows.
template <class T, class Body> RNNFAST_INLINE void for_norm_rows(int64_t rows, const Body& body) {
  for (int64_t first = 0; first < rows; first += kNormRows<T>)
    body(first, rows - first < kNormRows<T> ? static_cast<int>(rows - first) : kNormRows<T>);
}

// Lane r of sum[0]: the lanes of sum[r], each added to the one half a vector on, and so on with what that gives. The
// vectors from Rows on are zero.
template <int Half, int Rows, class T> RNNFAST_INLINE void add_halves(Vec<T>* sum) {
  constexpr int count = least(Half, Rows);
  RNNFAST_UNROLL
  for (int r = 0; r < count; ++r) {
    Vec<T> low, high;
    interleave(sum[r], sum[r + Half], low, high);
    sum[r] = low + high;
  }
  if constexpr (Half > 1) add_halves<Half / 2, Rows>(sum);
}
template <int Rows, class T> RNNFAST_INLINE Vec<T> lane_sums(const Vec<T>* v) {
  constexpr int VL = Vec<T>::N;
  Vec<T> sum[VL];
  RNNFAST_UNROLL
  for (int r = 0; r < VL; ++r) sum[r] = r < Rows ? v[r] : Vec<T>::zero();
  add_halves<VL / 2, Rows>(sum);
  return sum[0];
}

// parts[m] = the sums, lane by lane, over all units of `Gates` gates of what term(panel, gate, x) writes to x[m].
template <int Gates, int M, class T, class Term>
RNNFAST_INLINE void partial_sums(int64_t units, const Term& term, Vec<T> (&parts)[M]) {
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
  RNNFAST_UNROLL
  for (int m = 0; m < M; ++m) {
    Vec<T> sum[K];
    RNNFAST_UNROLL
    for (int k = 0; k < K; ++k) {
      sum[k] = part[m][k][0];
      RNNFAST_UNROLL
      for (int g = 1; g < Gates; ++g) sum[k] = sum[k] + part[m][k][g];
    }
    RNNFAST_UNROLL
    for (int half = K / 2; half > 0; half /= 2)
      RNNFAST_UNROLL
      for (int k = 0; k < half; ++k) sum[k] = sum[k] + sum[k + half];
    parts[m] = sum[0];
  }
}

// sums[m], lane r = the sum over row r, of at most kNormRows, of what term_of(r)(panel, gate, x) writes to x[m].
template <int Gates, int M, class T, class Term>
RNNFAST_INLINE void row_sums(int rows, int64_t units, const Term& term_of, Vec<T> (&sums)[M]) {
  constexpr int VL = Vec<T>::N;
  Vec<T> parts[M][VL];
  for (int r = 0; r < rows; ++r) {
    Vec<T> of_row[M];
    partial_sums<Gates>(units, term_of(r), of_row);
    RNNFAST_UNROLL
    for (int m = 0; m < M; ++m) parts[m][r] = of_row[m];
  }
  for (int r = rows; rows != 1 && r < VL; ++r)
    RNNFAST_UNROLL
    for (int m = 0; m < M; ++m) parts[m][r] = Vec<T>::zero();
  RNNFAST_UNROLL
  for (int m = 0; m < M; ++m) sums[m] = rows == 1 ? lane_sums<1>(parts[m]) : lane_sums<VL>(parts[m]);
}

template <class T> struct Moments {
  T mean, rstd;
  RNNFAST_INLINE Vec<T> normal(Vec<T> x) const { return (x - Vec<T>::set1(mean)) * Vec<T>::set1(rstd); }
};
template <class T> struct RowMoments {
  alignas(64) T mean[kNormRows<T>], rstd[kNormRows<T>];
  RNNFAST_INLINE Moments<T> operator[](int r) const { return {mean[r], rstd[r]}; }
};

// Of what load(row, panel, gate) gives.
template <int Gates, class T, class Load>
RNNFAST_INLINE void moments(int rows, int64_t units, T epsilon, const Load& load, RowMoments<T>& m) {
  const Vec<T> n = Vec<T>::set1(static_cast<T>(Gates * units));
  Vec<T> sum[1];
  row_sums<Gates>(rows, units, [&](int r) RNNFAST_INLINE_LAMBDA {
    return [&load, r](int64_t panel, int g, Vec<T>* x) RNNFAST_INLINE_LAMBDA { x[0] = load(r, panel, g); };
  }, sum);
  (sum[0] / n).store(m.mean);
  row_sums<Gates>(rows, units, [&](int r) RNNFAST_INLINE_LAMBDA {
    return [&load, r, mean = Vec<T>::set1(m.mean[r])](int64_t panel, int g, Vec<T>* x) RNNFAST_INLINE_LAMBDA {
      const Vec<T> away = load(r, panel, g) - mean;
      x[0] = away * away;
    };
  }, sum);
  (Vec<T>::set1(1) / sqrt(sum[0] / n + Vec<T>::set1(epsilon))).store(m.rstd);
}

// What the way back through a row needs: the means of gamma d and of gamma d N(v), row by row.
template <class T> struct RowMeans {
  alignas(64) T of_d[kNormRows<T>], of_product[kNormRows<T>];
  RNNFAST_INLINE void set(const Vec<T> (&sums)[2], int64_t n) {
    (sums[0] / Vec<T>::set1(static_cast<T>(n))).store(of_d);
    (sums[1] / Vec<T>::set1(static_cast<T>(n))).store(of_product);
  }
};

// The gradient of v from that of gamma N(v), for the units of one vector of row r: rstd (gamma d - its mean - N(v)
// times the other mean). Its two factors, so that it can be added in one multiply-add.
template <class T> struct Scaled {
  Vec<T> a, b;
};
template <class T>
RNNFAST_INLINE Scaled<T> through_norm(T rstd, const RowMeans<T>& means, int r, Vec<T> normal, Vec<T> gamma_d) {
  return {Vec<T>::set1(rstd), fnma(normal, Vec<T>::set1(means.of_product[r]), gamma_d - Vec<T>::set1(means.of_d[r]))};
}

// Consecutive gates that are normalised together. Apart: the last one's part of z has a slot for itself, past its
// input's (the candidate of a GRU with reset_after).
template <int First, int Gates, bool Apart> struct NormGates {
  static constexpr int first = First, gates = Gates;
  static constexpr int slot(int g) { return First + g + (Apart && g == Gates - 1 ? 1 : 0); }
  static constexpr bool apart(int g) { return Apart && g == Gates - 1; }
};

// The moments of rows of products.
template <class G, class T>
RNNFAST_INLINE void product_moments(int rows, int64_t units, T epsilon, const T* x, ptrdiff_t x_row, ptrdiff_t x_panel,
                                    RowMoments<T>& m) {
  moments<G::gates>(rows, units, epsilon, [&](int r, int64_t panel, int g) RNNFAST_INLINE_LAMBDA {
    return Vec<T>::load(x + r * x_row + panel * x_panel + g * Vec<T>::N);
  }, m);
}

// Back, of at most kNormRows rows: x from normal to the gradient of what was raw, from d, that of z. The gradient of
// gamma is added to d_gamma(r); rstd(r): of the row.
template <class G, class T, class Gradient, class Rstd>
RNNFAST_INLINE void normalize_rows_backward(int rows, int64_t units, const T* gamma, ptrdiff_t gamma_panel,
                                            const Gradient& d_gamma, const Rstd& rstd, T* x, ptrdiff_t x_row,
                                            ptrdiff_t x_panel, const T* d, ptrdiff_t d_panel) {
  constexpr int VL = Vec<T>::N;
  const auto d_of = [&](int r, int64_t panel, int g) RNNFAST_INLINE_LAMBDA {
    return Vec<T>::load(d + r * kSlots * VL + panel * d_panel + G::slot(g) * VL);
  };
  Vec<T> sums[2];
  row_sums<G::gates>(rows, units, [&](int r) RNNFAST_INLINE_LAMBDA {
    return [=, row = x + r * x_row, d_row = d_gamma(r)](int64_t panel, int g, Vec<T>* sum) RNNFAST_INLINE_LAMBDA {
      const ptrdiff_t at = panel * gamma_panel + g * VL;
      const Vec<T> normal = Vec<T>::load(row + panel * x_panel + g * VL), dv = d_of(r, panel, g);
      fma(dv, normal, Vec<T>::load(d_row + at)).store(d_row + at);
      sum[0] = dv * Vec<T>::load(gamma + at);
      sum[1] = sum[0] * normal;
    };
  }, sums);
  RowMeans<T> means;
  means.set(sums, G::gates * units);
  for (int r = 0; r < rows; ++r) {
    const T row_rstd = rstd(r);
    for (int64_t panel = 0; panel * VL < units; ++panel)
      RNNFAST_UNROLL
      for (int g = 0; g < G::gates; ++g) {
        T* const at = x + r * x_row + panel * x_panel + g * VL;
        const Vec<T> gamma_d = d_of(r, panel, g) * Vec<T>::load(gamma + panel * gamma_panel + g * VL);
        const Scaled<T> dx = through_norm(row_rstd, means, r, Vec<T>::load(at), gamma_d);
        (dx.a * dx.b).store(at);
      }
  }
}

// Where the recurrent products of a cut's rows stand, from G's first gate on.
template <class G, bool Training, class T> T* norm_rows(const RecurForwardArgs<T>& p, const Cut& s) {
  return p.norm.rows + (Training ? s.z : s.row - p.row_begin) * p.norm.row + G::first * Vec<T>::N;
}

// The recurrent products a U of a cut, of G's gates.
template <class F, bool Training, class G, class T = typename F::Value>
void products_to_normalize(const RecurForwardArgs<typename F::Value>& p, const Cut& s, const typename F::Value* a,
                           const PanelWeights& u, G) {
  constexpr int VL = Vec<T>::N;
  ProductArgs<T> product{};
  product.m = s.count;
  product.nv = G::gates;
  product.k = plain_row(p.state);
  product.b = u;
  product.b_panel = prepared_row(p.state, F::layout) * G::gates * VL;
  product.backwards = s.backwards;
  product.c = norm_rows<G, Training>(p, s);
  product.c_row = p.norm.row;
  product.c_panel = p.norm.panel;
  product_panels<F>(product, F::prepare(s.count, product.k, a, p.state, p.scratch), G::gates, 0,
                    (p.units + VL - 1) / VL);
}

// From these, for `rows` rows of a cut from `first` on: finish(units, G's slots of z, the input's candidate where that
// is apart, the row's place in z, row). A slot is the input's part + gamma N(a U). One apart has b_h in place of that
// part. In inference z begins with the input's part; in training, where it would have to come from memory, it is made
// here of the input's products.
template <bool Training, class G, class T, class Finish>
RNNFAST_INLINE void normalized_slots(const RecurForwardArgs<T>& p, const Cut& s, int64_t first, int rows, G,
                                     const Finish& finish) {
  constexpr int VL = Vec<T>::N;
  const Norm<T> norm = p.norm;  // copies, which no store can be thought to change
  const int64_t units = p.units, z_panel = p.z_panel;
  const T* const bias_h = p.bias_h;
  T* const x = norm_rows<G, Training>(p, s) + first * norm.row;
  RowMoments<T> m;
  product_moments<G>(rows, units, norm.epsilon, x, norm.row, norm.panel, m);
  for (int r = 0; r < rows; ++r) {
    const int64_t row = first + r, packed = s.z + row;
    const Moments<T> of_row = m[r];
    if constexpr (Training) norm.kept[packed].rstd[G::first > 0] = of_row.rstd;
    T* z_row = p.z + (packed - p.z_origin) * kSlots * VL;
    [[maybe_unused]] const T* const input =
        Training ? norm.input + (p.input_index ? p.input_index[packed] : packed) * norm.row : nullptr;
    for (int64_t panel = 0; panel * VL < units; ++panel, z_row += z_panel) {
      alignas(64) T slots[kSlots * VL], apart[VL];
      RNNFAST_UNROLL
      for (int g = 0; g < G::gates; ++g) {
        const int gate = G::first + g;
        T* const at = x + r * norm.row + panel * norm.panel + g * VL;
        const Vec<T> normal = of_row.normal(Vec<T>::load(at));
        Vec<T> start;
        if constexpr (Training) {
          normal.store(at);
          const ptrdiff_t i = panel * norm.panel + gate * VL;
          start = fma(Vec<T>::load(norm.input_gamma + i), Vec<T>::load(input + i),
                      Vec<T>::load(norm.bias + (panel * kSlots + gate) * VL));
        } else {
          start = Vec<T>::load(z_row + gate * VL);
        }
        if (G::apart(g)) {
          start.store(apart);
          start = Vec<T>::load(bias_h + panel * VL);
        }
        fma(Vec<T>::load(norm.gamma + panel * norm.panel + gate * VL), normal, start).store(slots + G::slot(g) * VL);
      }
      finish(units_of<T>(panel, units), slots, apart, z_row, row);
    }
  }
}

// dh' (rows of the cut) = the way back from dz through G's normalisation and product, or += it. What was normal becomes
// the gradient of the product, which U's gradient needs.
template <class F, class G, class T = typename F::Value>
void normalized_state_gradient(const RecurBackwardArgs<typename F::Value>& p, const Cut& s, const KBlocks& k,
                               const typename F::Value* z, const PanelWeights& ut, typename F::Value* dh,
                               bool accumulate, G) {
  constexpr int VL = Vec<T>::N;
  const Norm<T> norm = p.norm;
  const int64_t units = p.units, z_panel = p.z_panel;
  T* const x = norm.rows + s.z * norm.row + G::first * VL;
  for_norm_rows<T>(s.count, [&](int64_t first, int rows) RNNFAST_INLINE_LAMBDA {
    const RowNorm<T>* const kept = norm.kept + s.z + first;
    normalize_rows_backward<G>(
        rows, units, norm.gamma + G::first * VL, norm.panel,
        [&](int r) RNNFAST_INLINE_LAMBDA {
          return norm.d_gamma + (s.row + first + r) / norm.group * norm.row + G::first * VL;
        },
        [&](int r) { return kept[r].rstd[G::first > 0]; }, x + first * norm.row, norm.row, norm.panel,
        z + first * kSlots * VL, z_panel);
  });
  step_product<F>(s, p.state, x, norm.row, k, ut, p.prepared, accumulate, dh + s.row * p.state);
}

// The entries of the table: the input's products, of all gates together.
template <class G, bool Finish, class T> void normalize_input(const NormRows<T>& args) {
  constexpr int VL = Vec<T>::N;
  const NormRows<T> p = args;
  for_norm_rows<T>(p.count, [&](int64_t first, int rows) RNNFAST_INLINE_LAMBDA {
    T* const x = p.x + first * p.x_row;
    RowMoments<T> m;
    product_moments<G>(rows, p.units, p.epsilon, x, p.x_row, p.x_panel, m);
    for (int r = 0; r < rows; ++r) {
      const Moments<T> of_row = m[r];
      if (!Finish) p.rstd[first + r] = of_row.rstd;
      for (int64_t panel = 0; panel * VL < p.units; ++panel)
        RNNFAST_UNROLL
        for (int g = 0; g < G::gates; ++g) {
          T* const at = x + r * p.x_row + panel * p.x_panel + g * VL;
          const Vec<T> normal = of_row.normal(Vec<T>::load(at));
          (Finish ? fma(Vec<T>::load(p.gamma + (panel * G::gates + g) * VL), normal,
                        Vec<T>::load(p.bias + (panel * kSlots + g) * VL))
                  : normal).store(at);
        }
    }
  });
}
template <class T> void normalize(const NormRows<T>& p) {
  using Four = NormGates<0, 4, false>;
  using Three = NormGates<0, 3, false>;
  if (p.gates == 4) p.rstd ? normalize_input<Four, false>(p) : normalize_input<Four, true>(p);
  else p.rstd ? normalize_input<Three, false>(p) : normalize_input<Three, true>(p);
}

template <class G, class T> void normalize_input_backward(const NormRows<T>& args) {
  constexpr int VL = Vec<T>::N;
  const NormRows<T> p = args;
  for_norm_rows<T>(p.count, [&](int64_t first, int rows) RNNFAST_INLINE_LAMBDA {
    normalize_rows_backward<G>(
        rows, p.units, p.gamma, G::gates * VL, [&](int) { return p.d_gamma; },
        [&](int r) { return p.rstd[first + r]; }, p.x + first * p.x_row, p.x_row, p.x_panel,
        p.dz + first * kSlots * VL, p.dz_panel);
  });
}
template <class T> void normalize_backward(const NormRows<T>& p) {
  if (p.gates == 4) normalize_input_backward<NormGates<0, 4, false>>(p);
  else normalize_input_backward<NormGates<0, 3, false>>(p);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
