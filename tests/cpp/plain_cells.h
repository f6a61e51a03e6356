// Recurrent cells as plain double loops over canonical weights: what the tests of the core compare with. Shares no code
// with it but the names of the cells.
#ifndef RNNFAST_TESTS_PLAIN_CELLS_H
#define RNNFAST_TESTS_PLAIN_CELLS_H

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "../../src_c/rnnfast.h"

namespace plain {

using rnnfast::CellKind;
using rnnfast::gate_count;
using Array = std::vector<double>;

inline std::mt19937 generator(7);
inline Array random(int64_t n, double scale) {
  std::normal_distribution<double> normal(0, scale);
  Array values(static_cast<size_t>(n));
  for (double& v : values) v = normal(generator);
  return values;
}

template <class T> std::vector<T> as(const Array& values) { return std::vector<T>(values.begin(), values.end()); }

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Case {
  CellKind cell;
  bool reset_after, peephole, reverse;
  int64_t input, units, batch, time, projection = 0;
  bool norm = false;  // layer normalisation
};
constexpr double kEpsilon = 0.01;

struct Weights {
  Array kernel, recurrent, bias, peephole, projection{};
  Array kernel_gamma{}, recurrent_gamma{}, cell_gamma{}, cell_beta{};
};

// Those of layer normalisation, about one.
inline void add_norm(Weights& w, int64_t units, int64_t width) {
  const auto gamma = [](int64_t n) {
    Array values = random(n, 0.3);
    for (double& v : values) v += 1;
    return values;
  };
  w.kernel_gamma = gamma(width);
  w.recurrent_gamma = gamma(width);
  w.cell_gamma = gamma(units);
  w.cell_beta = random(units, 0.3);
}

// Copies of them in another type, to point to.
template <class T> struct NormWeights {
  explicit NormWeights(const Weights& w)
      : kernel_gamma(as<T>(w.kernel_gamma)),
        recurrent_gamma(as<T>(w.recurrent_gamma)),
        cell_gamma(as<T>(w.cell_gamma)),
        cell_beta(as<T>(w.cell_beta)) {}
  rnnfast::RnnNorm<const void*> pointers() const {
    return {kernel_gamma.data(), recurrent_gamma.data(), cell_gamma.data(), cell_beta.data()};
  }
  std::vector<T> kernel_gamma, recurrent_gamma, cell_gamma, cell_beta;
};

// gamma N(row [first, last)), in place.
inline void normalize(Array& row, int64_t first, int64_t last, const Array& gamma) {
  const double n = static_cast<double>(last - first);
  double mean = 0, variance = 0;
  for (int64_t i = first; i < last; ++i) mean += row[i] / n;
  for (int64_t i = first; i < last; ++i) variance += (row[i] - mean) * (row[i] - mean) / n;
  for (int64_t i = first; i < last; ++i) row[i] = gamma[i] * (row[i] - mean) / std::sqrt(variance + kEpsilon);
}

// One row, one step, with states h and c updated in place. w: kernel and recurrent_kernel side by side, canonical.
inline void plain_step(const Case& k, const Weights& w, const double* x, Array& h, Array& c) {
  const int64_t H = k.units, G = gate_count(k.cell), W = G * H;
  // Columns [first, last) of a row times a matrix, normalised together.
  const auto product = [&](const double* row, int64_t rows, const Array& matrix, const Array& gamma, int64_t first,
                           int64_t last) {
    Array sums(W, 0);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = first; j < last; ++j) sums[j] += row[i] * matrix[i * W + j];
    if (k.norm) normalize(sums, first, last, gamma);
    return sums;
  };
  const bool split = k.cell == CellKind::gru && !k.reset_after;
  Array input = product(x, k.input, w.kernel, w.kernel_gamma, 0, W);
  for (int64_t j = 0; j < W; ++j) input[j] += w.bias[j];
  const Array recurrent = product(h.data(), static_cast<int64_t>(h.size()), w.recurrent, w.recurrent_gamma, 0, split ? 2 * H : W);
  Array next(H);
  if (k.cell == CellKind::gru) {
    const auto extra = [&](int64_t j) { return k.reset_after ? w.bias[W + j] : 0; };
    Array reset(H), reset_state(H), candidate = recurrent;
    for (int64_t u = 0; u < H; ++u) {
      reset[u] = sigmoid(input[H + u] + recurrent[H + u] + extra(H + u));
      reset_state[u] = reset[u] * h[u];
    }
    if (split) candidate = product(reset_state.data(), H, w.recurrent, w.recurrent_gamma, 2 * H, W);
    for (int64_t u = 0; u < H; ++u) {
      const double z = sigmoid(input[u] + recurrent[u] + extra(u)), inner = candidate[2 * H + u] + extra(2 * H + u);
      const double n = std::tanh(input[2 * H + u] + (split ? inner : reset[u] * inner));
      next[u] = z * h[u] + (1 - z) * n;
    }
  } else if (k.cell == CellKind::simple_rnn) {
    for (int64_t u = 0; u < H; ++u) next[u] = std::tanh(input[u] + recurrent[u]);
  } else {
    const auto peep = [&](int gate, int64_t u) { return k.peephole ? w.peephole[gate * H + u] * c[u] : 0; };
    Array z(W);
    for (int64_t j = 0; j < W; ++j) z[j] = input[j] + recurrent[j];
    for (int64_t u = 0; u < H; ++u) {
      const double i = sigmoid(z[u] + peep(0, u)), f = sigmoid(z[H + u] + peep(1, u));
      c[u] = f * c[u] + i * std::tanh(z[2 * H + u]);
    }
    Array seen = c;
    if (k.norm) {
      normalize(seen, 0, H, w.cell_gamma);
      for (int64_t u = 0; u < H; ++u) seen[u] += w.cell_beta[u];
    }
    for (int64_t u = 0; u < H; ++u) next[u] = sigmoid(z[3 * H + u] + peep(2, u)) * std::tanh(seen[u]);
  }
  h = next;
  if (k.projection == 0) return;
  h.assign(k.projection, 0);
  for (int64_t u = 0; u < H; ++u)
    for (int64_t p = 0; p < k.projection; ++p) h[p] += next[u] * w.projection[u * k.projection + p];
}

}  // namespace plain

#endif
