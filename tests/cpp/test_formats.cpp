// Dense products and every cell in every weight format, against plain double loops: on every kernel table of the
// machine, with and without what additions its instruction set has, and on AMX emulated where AVX-512 is there. Rows
// must not depend on their batch, and int8 must be the same bits everywhere. Exit status 1 if a bound is passed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../../src_c/engine/cpu.h"
#include "../../src_c/engine/rnn_infer.h"
#include "../../src_c/engine/trial.h"
#include "../../src_c/isa/tables.h"
#include "plain_cells.h"

namespace rnnfast {
AmxProducts rnnfast_products_amx_emulated();
}

namespace {

using namespace rnnfast;
using namespace plain;
using Floats = std::vector<float>;

struct Named {
  std::string name;
  KernelTable table;
};

std::vector<Named> all_tables() {
  std::vector<Named> tables;
  for (const KernelTable* table : available_tables()) tables.push_back({table->isa, *table});
#if defined(RNNFAST_HAVE_AVX512)
  if (find_table("avx512")) {
    tables.push_back({"avx512 alone", rnnfast_table_avx512()});
    tables.push_back({"amx emulated", with_amx(rnnfast_table_avx512(), rnnfast_products_amx_emulated())});
  }
#endif
#if defined(RNNFAST_HAVE_AVX2)
  if (find_table("avx2")) tables.push_back({"avx2 alone", rnnfast_table_avx2()});
#endif
#if defined(RNNFAST_HAVE_NEON)
  if (find_table("neon")) tables.push_back({"neon alone", rnnfast_table_neon()});
#endif
  return tables;
}

struct Format {
  WeightType type;
  const char* name;
  double product;  // bound of a product's error, in parts of the sum of its terms' magnitudes
  double state;    // bound of a state's error
};
const Format kFormats[] = {{WeightType::full, "full", 4e-7, 5e-6},
                           {WeightType::bf16, "bf16", 8e-3, 1e-1},
                           {WeightType::int8, "int8", 3e-2, 1e-1},
                           {WeightType::bf16x2, "bf16x2", 1e-5, 1e-4},
                           {WeightType::bf16x3, "bf16x3", 4e-7, 5e-6}};

const int64_t kSizes[] = {1, 15, 16, 17, 31, 32, 33, 64, 100, 127};

int failures = 0, checks = 0;

void expect(const std::string& table, const Format& format, const std::string& what, double error, double bound) {
  ++checks;
  if (error <= bound) return;  // not so for NaN
  ++failures;
  std::printf("%s, %s, %s: %.3g above %.3g\n", table.c_str(), format.name, what.c_str(), error, bound);
}

// The larger of two errors; a NaN stays.
double worse(double a, double b) { return b <= a || std::isnan(a) ? a : b; }

bool same_bits(const float* a, const float* b, int64_t n) {
  return std::memcmp(a, b, static_cast<size_t>(n) * sizeof(float)) == 0;
}

Floats dense(const PackedDense<float>& layer, int64_t rows, int64_t n, const float* x, const Activation* activation) {
  Floats y(rows * n);
  Buffer<float> scratch(layer.workspace(rows), uninitialised);
  layer.run(rows, x, y.data(), activation, scratch.data());
  return y;
}

// What a format does to a product of m rows.
struct Product {
  int64_t m, k, n;
  Floats x, w, bias;

  // Whole numbers that every format holds as they are, the largest of each row and column 127.
  static Product whole_numbers(int64_t m, int64_t k, int64_t n) {
    Product p{m, k, n, Floats(m * k), Floats(k * n), Floats(n)};
    const auto number = [] { return static_cast<float>(static_cast<int>(generator() % 255) - 127); };
    for (Floats* values : {&p.x, &p.w, &p.bias})
      for (float& v : *values) v = number();
    for (int64_t r = 0; r < m; ++r) p.x[r * k + r % k] = 127;
    for (int64_t j = 0; j < n; ++j) p.w[(j % k) * n + j] = -127;
    return p;
  }
  static Product of_normal(int64_t m, int64_t k, int64_t n) {
    return {m, k, n, as<float>(random(m * k, 1)), as<float>(random(k * n, 1)), as<float>(random(n, 1))};
  }

  // Largest error in parts of the terms' magnitudes; adds the squares of all errors, likewise, to `squares`.
  double error(const Floats& y, double* squares) const {
    double largest = 0;
    for (int64_t r = 0; r < m; ++r)
      for (int64_t j = 0; j < n; ++j) {
        double sum = bias[j], magnitude = std::abs(sum);
        for (int64_t i = 0; i < k; ++i) {
          const double term = static_cast<double>(x[r * k + i]) * w[i * n + j];
          sum += term;
          magnitude += std::abs(term);
        }
        const double e = std::abs(y[r * n + j] - sum) / magnitude;
        largest = worse(largest, e);
        *squares += e * e;
      }
    return largest;
  }
};

void test_products(const std::vector<Named>& tables) {
  for (const Named& named : tables)
    for (const Format& format : kFormats) {
      if (named.table.products<float>(format.type) == nullptr) continue;
      generator.seed(3);
      double squares = 0, full_squares = 0;
      int trial = 0;
      for (int64_t k : kSizes)
        for (int64_t n : kSizes) {
          const int64_t m = n == 17 && k == 33 ? kRowBlock + 3 : kSizes[(++trial + n) % 7];
          const std::string size =
              std::to_string(m) + " x " + std::to_string(k) + " x " + std::to_string(n) + " product";
          const Product exact = Product::whole_numbers(m, k, n);
          const PackedDense<float> whole(named.table, format.type, k, n, exact.w.data(), exact.bias.data());
          double unused = 0;
          expect(named.name, format, size + " of whole numbers",
                 exact.error(dense(whole, m, n, exact.x.data(), nullptr), &unused), 0);

          const Product p = Product::of_normal(m, k, n);
          const PackedDense<float> layer(named.table, format.type, k, n, p.w.data(), p.bias.data());
          const Floats y = dense(layer, m, n, p.x.data(), nullptr);
          expect(named.name, format, size, p.error(y, k < kSplitFactors ? &unused : &squares), format.product);
          const PackedDense<float> full(named.table, WeightType::full, k, n, p.w.data(), p.bias.data());
          p.error(dense(full, m, n, p.x.data(), nullptr), k < kSplitFactors ? &unused : &full_squares);

          // The last rows by themselves, and with an activation.
          const int64_t rows = (m + 1) / 2, first = m - rows;
          const Activation relu{ActivationId::relu, 0, 0};
          Floats alone = dense(layer, rows, n, p.x.data() + first * k, nullptr);
          const Floats clipped = dense(layer, rows, n, p.x.data() + first * k, &relu);
          expect(named.name, format, size + " in another batch",
                 same_bits(alone.data(), y.data() + first * n, rows * n) ? 0 : 1, 0);
          for (float& v : alone) v = std::max(v, 0.0f);
          expect(named.name, format, size + " with relu", alone == clipped ? 0 : 1, 0);
        }
      const double ratio = std::sqrt(squares / full_squares);
      std::printf("%s, %s by %s: error %.3g of full precision's\n", named.name.c_str(), format.name,
                  named.table.products<float>(format.type)->instructions, ratio);
      if (format.type == WeightType::bf16x3) expect(named.name, format, "error in parts of full precision's", ratio, 1);
    }
}

// The states after each step, (time, batch, units). Two members share out the units.
Floats run_layer(const KernelTable& table, WeightType type, const RnnSpec& spec, const RnnWeights& weights,
                 int64_t batch, int64_t time, const Floats& x, int members = 1) {
  const PackedRnn<float> rnn(table, type, spec, weights);
  const SequencePlan plan(batch, time, nullptr, nullptr, false);
  Buffer<float> workspace(rnn_infer_workspace(rnn, plan, members), uninitialised);
  const int64_t state = state_size(spec);
  Floats h((time + 1) * batch * state), h_state(batch * state), c_state(batch * spec.units);
  const RnnInfer<float> infer{&rnn, &plan, x.data(), h.data(), h_state.data(), c_state.data(), workspace.data()};
  StepBarrier barrier;
  rnn_infer_begin(infer);
  if (members == 1) {
    rnn_infer_member(infer, 0, 1, nullptr);
  } else {
    std::thread other([&] { rnn_infer_member(infer, 1, 2, &barrier); });
    rnn_infer_member(infer, 0, 2, &barrier);
    other.join();
  }
  rnn_infer_end(infer);
  return h;
}

void test_cell(const std::vector<Named>& tables, const Case& k) {
  const int64_t W = gate_count(k.cell) * k.units, H = k.units, T = k.time, B = k.batch;
  const int64_t S = k.projection > 0 ? k.projection : H;
  const double scale = 1 / std::sqrt(static_cast<double>(k.input + k.units));
  const Floats kernel = as<float>(random(k.input * W, scale)), recurrent = as<float>(random(S * W, scale));
  const Floats bias = as<float>(random(2 * W, 0.3)), peephole = as<float>(random(3 * H, 0.3));
  const Floats projection = as<float>(random(H * k.projection, 1 / std::sqrt(static_cast<double>(H))));
  const Floats x = as<float>(random(T * B * k.input, 1));  // (time, batch, input)
  const Activation tanh{ActivationId::tanh, 0, 0}, gate{ActivationId::sigmoid, 0, 0};
  const RnnSpec spec{k.cell, k.reset_after, tanh, gate, k.input, H, k.projection};
  const RnnWeights weights{kernel.data(), recurrent.data(), bias.data(), k.peephole ? peephole.data() : nullptr,
                           k.projection > 0 ? projection.data() : nullptr};
  const auto wide = [](const Floats& values) { return Array(values.begin(), values.end()); };
  const Weights w{wide(kernel), wide(recurrent), wide(bias), wide(peephole), wide(projection)};
  Array states;
  std::vector<Array> h(B, Array(S, 0)), c(B, Array(H, 0));
  for (int64_t t = 0; t < T; ++t)
    for (int64_t b = 0; b < B; ++b) {
      const Array row(x.begin() + (t * B + b) * k.input, x.begin() + (t * B + b + 1) * k.input);
      plain_step(k, w, row.data(), h[b], c[b]);
      states.insert(states.end(), h[b].begin(), h[b].end());
    }
  // The last row by itself.
  Floats last(T * k.input);
  for (int64_t t = 0; t < T; ++t) std::copy_n(&x[(t * B + B - 1) * k.input], k.input, &last[t * k.input]);

  Floats int8;
  for (const Named& named : tables)
    for (const Format& format : kFormats) {
      if (named.table.products<float>(format.type) == nullptr) continue;
      const std::string what = "cell " + std::to_string(static_cast<int>(k.cell)) + (k.reset_after ? "a" : "") +
                               (k.peephole ? "p" : "") + (k.projection > 0 ? " projected" : "") + " of " +
                               std::to_string(k.input) + ", " + std::to_string(H) +
                               " with " + std::to_string(B) + " rows";
      const Floats got = run_layer(named.table, format.type, spec, weights, B, T, x);
      double error = 0;
      for (size_t i = 0; i < states.size(); ++i) error = worse(error, std::abs(got[i] - states[i]));
      expect(named.name, format, what, error, format.state);
      const Floats alone = run_layer(named.table, format.type, spec, weights, 1, T, last);
      bool same = true;
      for (int64_t t = 0; t < T; ++t) same = same && same_bits(&alone[t * S], &got[(t * B + B - 1) * S], S);
      expect(named.name, format, what + ", the last row alone", same ? 0 : 1, 0);
      const Floats shared = run_layer(named.table, format.type, spec, weights, B, T, x, 2);
      expect(named.name, format, what + ", shared by two", same_bits(shared.data(), got.data(), T * B * S) ? 0 : 1, 0);
      if (format.type != WeightType::int8 || named.name == "generic") continue;
      if (int8.empty()) int8 = got;
      expect(named.name, format, what + ", the bits of the first table",
             same_bits(int8.data(), got.data(), T * B * S) ? 0 : 1, 0);
    }
}

void test_cells(const std::vector<Named>& tables) {
  generator.seed(5);
  for (int variant = 0; variant < 6; ++variant)
    for (int64_t units : kSizes) {
      const bool lstm = variant < 2 || variant == 5;
      const CellKind cell = lstm ? CellKind::lstm : variant < 4 ? CellKind::gru : CellKind::simple_rnn;
      const int64_t trial = units + variant, batch = std::vector<int64_t>{1, 3, 16, 17, 33}[trial % 5];
      const int64_t projection = variant == 5 ? kSizes[(trial + 3) % 10] : 0;
      test_cell(tables, {cell, variant == 2, variant == 1, false, kSizes[trial % 10], units, batch, 3, projection});
    }
}

// Infinities and NaN stay in their row.
void test_not_finite(const std::vector<Named>& tables) {
  for (const Named& named : tables)
    for (const Format& format : kFormats) {
      if (named.table.products<float>(format.type) == nullptr) continue;
      Product p = Product::of_normal(20, 40, 18);
      const PackedDense<float> layer(named.table, format.type, p.k, p.n, p.w.data(), p.bias.data());
      const Floats clean = dense(layer, p.m, p.n, p.x.data(), nullptr);
      for (float value : {HUGE_VALF, -HUGE_VALF, std::nanf("")}) {
        p.x[7 * p.k + 33] = value;
        const Floats y = dense(layer, p.m, p.n, p.x.data(), nullptr);
        bool other_rows = same_bits(clean.data(), y.data(), 7 * p.n) &&
                          same_bits(clean.data() + 8 * p.n, y.data() + 8 * p.n, 12 * p.n);
        bool own_row = true;
        for (int64_t j = 0; j < p.n; ++j) own_row = own_row && !std::isfinite(y[7 * p.n + j]);
        expect(named.name, format, "a row that is not finite", own_row && other_rows ? 0 : 1, 0);
      }
      // The largest finite number is not rounded to infinity by what splits it.
      if (format.type == WeightType::bf16 || format.type == WeightType::int8) continue;
      p.x[7 * p.k + 33] = 3.4028235e38f;
      Floats small(p.k * p.n, 0.25f);
      const PackedDense<float> weak(named.table, format.type, p.k, p.n, small.data(), p.bias.data());
      const double y = dense(weak, p.m, p.n, p.x.data(), nullptr)[7 * p.n];
      expect(named.name, format, "the largest number", std::abs(y / 8.507059e37 - 1), 1e-5);
    }
}

// The trial that comes before a table is offered finds what it is there to find.
template <class Args> void writes_nothing(const Args&) {}
void test_trial(const std::vector<Named>& tables) {
  for (const Named& named : tables) {
    expect(named.name, kFormats[0], "the trial", products_agree(named.table) ? 0 : 1, 0);
    KernelTable broken = named.table;
    broken.bf16.product = writes_nothing;
    expect(named.name, kFormats[1], "the trial of a broken table", products_agree(broken) ? 1 : 0, 0);
    if (named.table.bf16.outer == nullptr) continue;
    broken = named.table;
    broken.bf16.outer = writes_nothing;
    expect(named.name, kFormats[1], "the trial of broken sums over rows", products_agree(broken) ? 1 : 0, 0);
  }
}

}  // namespace

int main() {
  const std::vector<Named> tables = all_tables();
  test_trial(tables);
  test_products(tables);
  test_cells(tables);
  test_not_finite(tables);
  std::printf("%d tables, %d checks, %d failures\n", static_cast<int>(tables.size()), checks, failures);
  return failures > 0;
}
