// Training in narrow formats: forward, backward and plain products at every precision, against the same in double
// precision, on every kernel table of the machine and on AMX emulated where AVX-512 is there. Rows must not depend on
// their batch, nor anything on threads; at `highest` the bits are those of full precision. Exit status 1 if a bound is
// passed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../../src_c/engine/cpu.h"
#include "../../src_c/engine/matmul_precision.h"
#include "../../src_c/engine/rnn.h"
#include "../../src_c/engine/training.h"
#include "../../src_c/isa/tables.h"
#include "plain_cells.h"

namespace rnnfast {
AmxProducts rnnfast_products_amx_emulated();
}

namespace {

using namespace rnnfast;
using plain::as;
using plain::Array;
using plain::generator;
using plain::random;
using Floats = std::vector<float>;

struct Named {
  std::string name;
  KernelTable table;
  bool splits;          // has two parts for training, so that `high` is not full precision
  double worst[3] = {};  // of the gradients' errors, by level
};

std::vector<Named> all_tables() {
  std::vector<Named> tables;
  for (const KernelTable* table : available_tables())
    tables.push_back({table->isa, *table, std::string(table->isa) == "amx"});
#if defined(RNNFAST_HAVE_AVX512)
  if (find_table("avx512"))
    tables.push_back({"amx emulated", with_amx(rnnfast_table_avx512(), rnnfast_products_amx_emulated()), true});
#endif
  return tables;
}

struct Level {
  MatmulPrecision precision;
  const char* name;
  double error;  // bound of the norm of a result's error, in parts of the result's norm
};
const Level kLevels[] = {{MatmulPrecision::highest, "highest", 2e-6},
                         {MatmulPrecision::high, "high", 2e-5},
                         {MatmulPrecision::medium, "medium", 2e-2}};

int failures = 0, checks = 0;

void expect(const std::string& what, double error, double bound) {
  ++checks;
  if (error <= bound) return;  // not so for NaN
  ++failures;
  std::printf("%s: %.3g above %.3g\n", what.c_str(), error, bound);
}

bool same_bits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

template <class T> double relative_error(const Floats& got, const std::vector<T>& wanted) {
  double error = 0, size = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double w = static_cast<double>(wanted[i]), e = static_cast<double>(got[i]) - w;
    error += e * e;
    size += w * w;
  }
  return std::sqrt(error / std::max(size, 1e-30));
}

// A layer, its batch, and the gradients that reach it.
struct Problem {
  CellKind cell;
  bool reset_after, peephole;
  int64_t input, units, projection, batch, time, tokens;  // tokens: rows of x that an index names; 0: none
  Array kernel, recurrent, bias, peepholes, projected, x, dy, h0;
  std::vector<int64_t> lengths;  // falling, so that sorted rows stand in place
  std::vector<int32_t> index;

  Problem(CellKind cell_, bool reset_after_, bool peephole_, int64_t input_, int64_t units_, int64_t projection_,
          int64_t batch_, int64_t time_, int64_t tokens_)
      : cell(cell_), reset_after(reset_after_), peephole(peephole_), input(input_), units(units_),
        projection(projection_), batch(batch_), time(time_), tokens(tokens_) {
    const int64_t W = gate_count(cell) * units, S = state();
    const double scale = 1 / std::sqrt(static_cast<double>(input + units));
    kernel = random(input * W, scale);
    recurrent = random(S * W, scale);
    bias = random(2 * W, 0.3);
    peepholes = random(3 * units, 0.3);
    projected = random(units * S, 1 / std::sqrt(static_cast<double>(units)));
    x = random((tokens ? tokens : time * batch) * input, 1);
    dy = random(time * batch * S, 1);
    h0 = random(batch * S, 0.5);
    for (int64_t b = 0; b < batch; ++b) lengths.push_back(time - b * (time - 1) / batch);
    for (int64_t i = 0; tokens && i < time * batch; ++i)
      index.push_back(static_cast<int32_t>(generator() % static_cast<unsigned>(tokens)));
  }
  int64_t state() const { return projection ? projection : units; }
  std::string name() const {
    return "cell " + std::to_string(static_cast<int>(cell)) + (reset_after ? "a" : "") + (peephole ? "p" : "") +
           " of " + std::to_string(input) + ", " + std::to_string(units) + (projection ? "r" : "") + " with " +
           std::to_string(batch) + " rows, " + std::to_string(time) + " steps" + (tokens ? ", indexed" : "");
  }
};

template <class T> struct Results {
  std::vector<T> h, dx, dh, dkernel, drecurrent, dbias, dprojection;
};

// The rows from `first` on; with an index all.
template <class T>
Results<T> train(const Problem& k, const KernelTable& table, MatmulPrecision precision, int threads,
                 int64_t first = 0) {
  const int64_t I = k.input, H = k.units, S = k.state(), W = gate_count(k.cell) * H, B = k.batch - first;
  const Activation tanh{ActivationId::tanh, 0, 0}, gate{ActivationId::sigmoid, 0, 0};
  const RnnSpec spec{k.cell, k.reset_after, tanh, gate, I, H, k.projection};
  const auto kernel = as<T>(k.kernel), recurrent = as<T>(k.recurrent), bias = as<T>(k.bias), p = as<T>(k.peepholes);
  const auto projected = as<T>(k.projected);
  const SequencePlan plan(B, k.time, nullptr, k.lengths.data() + first, false);
  const int64_t total = plan.total();
  const auto packed = [&](const Array& values, int64_t width) {
    const std::vector<T> from = as<T>(values);
    std::vector<T> to(total * width);
    plan_gather(plan, sizeof(T), from.data() + first * width, width, k.batch * width, width, to.data(), 0,
                plan.steps());
    return to;
  };
  const std::vector<T> x = k.tokens ? as<T>(k.x) : packed(k.x, I), dy = packed(k.dy, S), h0 = as<T>(k.h0);
  std::vector<int32_t> index(k.index.begin(), k.index.begin() + (k.tokens ? total : 0));
  Results<T> r;
  r.h.resize((total + B) * S);
  std::copy(h0.begin() + first * S, h0.end(), r.h.begin() + total * S);
  std::vector<T> c((total + B) * H), extra(total * H), dc(B * H), dpeephole(3 * H);
  Buffer<T> z(CellLayout(spec, table.of<T>().lanes).z_size(total));
  const RnnWeights weights{kernel.data(), recurrent.data(), bias.data(), k.peephole ? p.data() : nullptr,
                           k.projection ? projected.data() : nullptr};
  const Dtype dtype = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
  const RnnForward forward{dtype, &spec, weights, &plan, {}, x.data(), r.h.data(), c.data(), z.data(), extra.data(),
                           threads, k.tokens ? index.data() : nullptr, k.tokens, precision};
  rnn_forward(forward, table);
  r.dh.resize(B * S);
  r.dx.resize(x.size());
  r.dkernel.resize(I * W);
  r.drecurrent.resize(S * W);
  r.dbias.resize(k.cell == CellKind::gru && k.reset_after ? 2 * W : W);
  r.dprojection.resize(H * S);
  rnn_backward({forward, dy.data(), r.dh.data(), dc.data(), r.dx.data(), r.dkernel.data(), r.drecurrent.data(),
                r.dbias.data(), k.peephole ? dpeephole.data() : nullptr, k.projection ? r.dprojection.data() : nullptr},
               table);
  return r;
}

void test_layer(std::vector<Named>& tables, const Problem& k) {
  const Results<double> exact = train<double>(k, active_table(), MatmulPrecision::highest, 1);
  for (Named& named : tables) {
    const Results<float> full = train<float>(k, named.table, MatmulPrecision::highest, 1);
    for (const Level& level : kLevels) {
      const std::string what = named.name + ", " + level.name + ", " + k.name() + ": ";
      const Results<float> got = train<float>(k, named.table, level.precision, 1);
      expect(what + "states", relative_error(got.h, exact.h), level.error);
      expect(what + "dx", relative_error(got.dx, exact.dx), level.error);
      expect(what + "dh", relative_error(got.dh, exact.dh), level.error);
      expect(what + "kernel gradient", relative_error(got.dkernel, exact.dkernel), level.error);
      const double recurrent_error = relative_error(got.drecurrent, exact.drecurrent);
      expect(what + "recurrent kernel gradient", recurrent_error, level.error);
      double& worst = named.worst[static_cast<int>(level.precision)];
      worst = std::max(worst, recurrent_error);
      expect(what + "bias gradient", relative_error(got.dbias, exact.dbias), level.error);
      if (k.projection)
        expect(what + "projection gradient", relative_error(got.dprojection, exact.dprojection), level.error);
      const bool narrow = named.splits && level.precision != MatmulPrecision::highest &&
                          worth_narrow(k.state(), gate_count(k.cell) * k.units);
      expect(what + "its own format", narrow && same_bits(got.drecurrent, full.drecurrent) ? 1 : 0, 0);
      if (level.precision == MatmulPrecision::high && !named.splits)
        expect(what + "full precision", same_bits(got.drecurrent, full.drecurrent) ? 0 : 1, 0);

      const Results<float> shared = train<float>(k, named.table, level.precision, 3);
      expect(what + "three threads", same_bits(shared.h, got.h) && same_bits(shared.dx, got.dx) &&
                                             same_bits(shared.dkernel, got.dkernel) &&
                                             same_bits(shared.drecurrent, got.drecurrent)
                                         ? 0 : 1, 0);
      if (k.tokens) continue;
      // The last row by itself: its states and the gradient that reaches its first state.
      const Results<float> alone = train<float>(k, named.table, level.precision, 1, k.batch - 1);
      const Floats last(got.dh.end() - k.state(), got.dh.end());
      expect(what + "the last row alone", same_bits(alone.dh, last) ? 0 : 1, 0);
      const Floats dx(got.dx.begin() + (k.batch - 1) * k.input, got.dx.begin() + k.batch * k.input);
      const Floats dx_alone(alone.dx.begin(), alone.dx.begin() + k.input);
      expect(what + "dx of the last row alone", same_bits(dx_alone, dx) ? 0 : 1, 0);
    }
  }
}

void test_layers(std::vector<Named>& tables) {
  generator.seed(11);
  const int64_t sizes[] = {7, 33, 65, 70};
  for (int variant = 0; variant < 6; ++variant)
    for (int64_t i = 0; i < 4; ++i) {
      const CellKind cell = variant < 3 ? CellKind::lstm : variant < 5 ? CellKind::gru : CellKind::simple_rnn;
      const int64_t batch = std::vector<int64_t>{5, 19, 33, 150}[(i + variant) % 4];
      test_layer(tables, {cell, variant == 3, variant == 1, sizes[(i + variant) % 4], sizes[i],
                          variant == 2 ? sizes[i] / 2 + 1 : 0, batch, 3 + i, i == 2 ? 6 + batch : 0});
    }
}

void test_matmul(const std::vector<Named>& tables) {
  generator.seed(12);
  const int64_t sizes[] = {1, 33, 64, 65, 100, 130};
  for (int trial = 0; trial < 48; ++trial) {
    const int64_t m = sizes[trial % 6], k = trial % 5 == 0 ? 300 : sizes[trial / 6 % 6], n = sizes[trial * 5 % 7 % 6];
    const bool ta = trial % 2, tb = trial / 2 % 2, with_bias = trial / 4 % 2;
    const int64_t lda = (ta ? m : k) + trial % 3, ldb = (tb ? k : n) + trial % 2;
    const Floats a = as<float>(random((ta ? k : m) * lda, 1)), b = as<float>(random((tb ? n : k) * ldb, 1));
    const Floats bias = as<float>(random(n, 1));
    Array exact(m * n);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = with_bias ? bias[j] : 0;
        for (int64_t l = 0; l < k; ++l)
          sum += static_cast<double>(a[ta ? l * lda + i : i * lda + l]) * b[tb ? j * ldb + l : l * ldb + j];
        exact[i * n + j] = sum;
      }
    for (const Named& named : tables)
      for (const Level& level : kLevels) {
        const auto run = [&](int64_t first, int threads) {
          Floats c((m - first) * n);
          matmul({Dtype::float32, ta, tb, m - first, n, k, a.data() + first * (ta ? 1 : lda), lda, b.data(), ldb,
                  with_bias ? bias.data() : nullptr, c.data(), n, threads, level.precision},
                 named.table);
          return c;
        };
        const std::string what = named.name + ", " + level.name + ", product of " + std::to_string(m) + " x " +
                                 std::to_string(k) + " x " + std::to_string(n) + (ta ? " a'" : "") + (tb ? " b'" : "");
        const Floats c = run(0, 1);
        expect(what, relative_error(c, exact), level.error);
        expect(what + ", three threads", same_bits(run(0, 3), c) ? 0 : 1, 0);
        if (ta) continue;  // rows are those of the weights
        const int64_t first = m / 2;
        const Floats last(c.begin() + first * n, c.end());
        expect(what + ", the last rows", same_bits(run(first, 1), last) ? 0 : 1, 0);
      }
  }
}

}  // namespace

int main() {
  std::vector<Named> tables = all_tables();
  test_matmul(tables);
  test_layers(tables);
  for (const Named& named : tables)
    for (const Level& level : kLevels)
      std::printf("%s, %s: recurrent kernel's gradient off by up to %.3g of its norm\n", named.name.c_str(), level.name,
                  named.worst[static_cast<int>(level.precision)]);
  std::printf("%d tables, %d checks, %d failures\n", static_cast<int>(tables.size()), checks, failures);
  return failures > 0;
}
