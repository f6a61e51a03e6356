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
};

struct Weights {
  Array kernel, recurrent, bias, peephole, projection{};
};

// One row, one step, with states h and c updated in place. w: kernel and recurrent_kernel side by side, canonical.
inline void plain_step(const Case& k, const Weights& w, const double* x, Array& h, Array& c) {
  const int64_t H = k.units, G = gate_count(k.cell), W = G * H;
  const auto input = [&](int64_t column) {
    double sum = w.bias[column];
    for (int64_t i = 0; i < k.input; ++i) sum += x[i] * w.kernel[i * W + column];
    return sum;
  };
  const auto recurrent = [&](int64_t column, const Array& state) {
    double sum = 0;
    for (size_t i = 0; i < state.size(); ++i) sum += state[i] * w.recurrent[i * W + column];
    return sum;
  };
  Array next(H), reset_state(H);
  if (k.cell == CellKind::gru)
    for (int64_t u = 0; u < H; ++u) {
      const double extra = k.reset_after ? w.bias[W + H + u] : 0;
      reset_state[u] = sigmoid(input(H + u) + recurrent(H + u, h) + extra) * (k.reset_after ? 1 : h[u]);
    }
  for (int64_t u = 0; u < H; ++u) {
    if (k.cell == CellKind::simple_rnn) {
      next[u] = std::tanh(input(u) + recurrent(u, h));
    } else if (k.cell == CellKind::lstm) {
      const auto peep = [&](int gate, double state) { return k.peephole ? w.peephole[gate * H + u] * state : 0; };
      const double i = sigmoid(input(u) + recurrent(u, h) + peep(0, c[u]));
      const double f = sigmoid(input(H + u) + recurrent(H + u, h) + peep(1, c[u]));
      const double g = std::tanh(input(2 * H + u) + recurrent(2 * H + u, h));
      c[u] = f * c[u] + i * g;
      next[u] = sigmoid(input(3 * H + u) + recurrent(3 * H + u, h) + peep(2, c[u])) * std::tanh(c[u]);
    } else {
      const double z = sigmoid(input(u) + recurrent(u, h) + (k.reset_after ? w.bias[W + u] : 0));
      const double n = std::tanh(input(2 * H + u) +
                                 (k.reset_after ? reset_state[u] * (recurrent(2 * H + u, h) + w.bias[W + 2 * H + u])
                                                : recurrent(2 * H + u, reset_state)));
      next[u] = z * h[u] + (1 - z) * n;
    }
  }
  h = next;
  if (k.projection == 0) return;
  h.assign(k.projection, 0);
  for (int64_t u = 0; u < H; ++u)
    for (int64_t p = 0; p < k.projection; ++p) h[p] += next[u] * w.projection[u * k.projection + p];
}

}  // namespace plain

#endif
