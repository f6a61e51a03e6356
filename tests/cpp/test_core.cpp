// The whole core without Python, for the sanitizers and for machines that only cross-compile: layers of odd sizes and
// every cell, forward and backward, ragged and reversed, on every kernel table of the machine, against plain double
// loops. Exit status 1 if a bound is passed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../../src_c/engine/cpu.h"
#include "../../src_c/engine/rnn_infer.h"
#include "../../src_c/engine/training.h"
#include "plain_cells.h"

namespace {

using namespace rnnfast;
using namespace plain;

int failures = 0;

// sum of weight * state over all real steps: a loss whose gradient is `weight`. Fills the states in (batch, time,
// units).
double plain_loss(const Case& k, const Weights& w, const Array& x, const std::vector<uint8_t>& mask,
                  const Array& weight, Array* states) {
  double loss = 0;
  for (int64_t b = 0; b < k.batch; ++b) {
    Array h(k.units, 0), c(k.units, 0);
    for (int64_t s = 0; s < k.time; ++s) {
      const int64_t t = k.reverse ? k.time - 1 - s : s, at = (b * k.time + t) * k.units;
      if (!mask[b * k.time + t]) continue;
      plain_step(k, w, &x[(b * k.time + t) * k.input], h, c);
      for (int64_t u = 0; u < k.units; ++u) {
        loss += weight[at + u] * h[u];
        if (states) (*states)[at + u] = h[u];
      }
    }
  }
  return loss;
}

void expect(const char* what, const Case& k, double error, double bound) {
  if (error <= bound) return;
  ++failures;
  std::printf("%s: error %.3g above %.3g (cell %d reset_after %d peephole %d norm %d reverse %d input %ld units %ld "
              "batch %ld time %ld)\n", what, error, bound, static_cast<int>(k.cell), k.reset_after, k.peephole, k.norm,
              k.reverse, static_cast<long>(k.input), static_cast<long>(k.units), static_cast<long>(k.batch),
              static_cast<long>(k.time));
}

template <class T> void run(const Case& k, double forward_bound, double gradient_bound) {
  const int64_t G = gate_count(k.cell), H = k.units, W = G * H;
  Weights w{random(k.input * W, 0.4), random(H * W, 0.4), random(2 * W, 0.3), random(3 * H, 0.3)};
  if (k.norm) add_norm(w, H, W);
  const Array x = random(k.batch * k.time * k.input, 1), weight = random(k.batch * k.time * H, 1);
  std::vector<uint8_t> mask(k.batch * k.time, 1);
  for (uint8_t& m : mask) m = generator() % 4 != 0;
  if (generator() % 2) std::fill(mask.begin(), mask.end(), uint8_t{1});

  const Activation tanh{ActivationId::tanh, 0, 0}, gate{ActivationId::sigmoid, 0, 0};
  const RnnSpec spec{k.cell, k.reset_after, tanh, gate, k.input, H, 0, k.norm ? kEpsilon : 0};
  const NormWeights<T> norm(w);
  const std::vector<T> kernel = as<T>(w.kernel), recurrent = as<T>(w.recurrent), bias = as<T>(w.bias);
  const std::vector<T> peephole = as<T>(w.peephole), xt = as<T>(x), dy = as<T>(weight);
  const RnnWeights weights{kernel.data(), recurrent.data(), bias.data(), k.peephole ? peephole.data() : nullptr, nullptr,
                           norm.pointers()};
  const SequencePlan plan(k.batch, k.time, mask.data(), nullptr, k.reverse);
  const int64_t total = plan.total(), rows = total + k.batch;

  std::vector<T> packed_x(total * k.input), packed_dy(total * H);
  plan_gather(plan, sizeof(T), xt.data(), k.time * k.input, k.input, k.input, packed_x.data(), 0, plan.steps());
  plan_gather(plan, sizeof(T), dy.data(), k.time * H, H, H, packed_dy.data(), 0, plan.steps());
  const Dtype dtype = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
  std::vector<T> h(rows * H), c(rows * H), extra(total * H);
  Buffer<T> z(rnn_z_size(dtype, spec, total));
  RnnForward forward{dtype, &spec, weights, &plan, {}, packed_x.data(), h.data(), c.data(), z.data(), extra.data(), 2};
  rnn_forward(forward);

  Array states(k.batch * k.time * H, 0);
  plain_loss(k, w, x, mask, weight, &states);
  std::vector<T> got(k.batch * k.time * H);
  plan_scatter(plan, sizeof(T), h.data(), H, got.data(), k.time * H, H, 0, k.batch);
  double error = 0;
  for (size_t i = 0; i < got.size(); ++i) error = std::max(error, std::abs(static_cast<double>(got[i]) - states[i]));
  expect("forward", k, error, forward_bound);

  // Inference, with and without the history of states: the bits of training.
  const PackedRnn<T> packed(active_table(), WeightType::full, spec, weights);
  Buffer<T> workspace(rnn_infer_workspace(packed, plan, 1));
  std::vector<T> h_infer(rows * H), h_state(k.batch * H), c_state(k.batch * H);
  for (T* history : {h_infer.data(), static_cast<T*>(nullptr)}) {
    std::fill(h_state.begin(), h_state.end(), T(0));
    std::fill(c_state.begin(), c_state.end(), T(0));
    const RnnInfer<T> infer{&packed, &plan, packed_x.data(), history, h_state.data(), c_state.data(), workspace.data()};
    rnn_infer(&infer, 1, 1);
    bool same = !history || std::equal(h.begin(), h.begin() + total * H, h_infer.begin());
    for (int64_t r = 0; r < k.batch; ++r)
      same = same && std::equal(&h_state[r * H], &h_state[r * H] + H, &h[plan.last(r) * H]);
    expect("inference against training", k, same ? 0 : 1, 0);
  }

  std::vector<T> dh(k.batch * H), dc(k.batch * H), dx(total * k.input), dkernel(k.input * W), drecurrent(H * W);
  std::vector<T> dbias(2 * W), dpeephole(3 * H);
  std::vector<T> dkernel_gamma(W), drecurrent_gamma(W), dcell_gamma(H), dcell_beta(H);
  const bool cell_norm = k.cell == CellKind::lstm;
  rnn_backward(RnnBackward{forward, packed_dy.data(), dh.data(), dc.data(), dx.data(), dkernel.data(),
                           drecurrent.data(), dbias.data(), k.peephole ? dpeephole.data() : nullptr, nullptr,
                           {dkernel_gamma.data(), drecurrent_gamma.data(), cell_norm ? dcell_gamma.data() : nullptr,
                            cell_norm ? dcell_beta.data() : nullptr}});
  // A few weights of each kind by central differences of the plain loops.
  const auto check = [&](const char* what, Array& values, const std::vector<T>& gradient, int64_t size) {
    for (int trial = 0; trial < 4; ++trial) {
      const int64_t i = static_cast<int64_t>(generator() % static_cast<uint64_t>(size));
      const double old = values[i], step = 1e-5;
      values[i] = old + step;
      const double up = plain_loss(k, w, x, mask, weight, nullptr);
      values[i] = old - step;
      const double down = plain_loss(k, w, x, mask, weight, nullptr);
      values[i] = old;
      const double wanted = (up - down) / (2 * step);
      expect(what, k, std::abs(static_cast<double>(gradient[i]) - wanted) / (1 + std::abs(wanted)), gradient_bound);
    }
  };
  check("kernel gradient", w.kernel, dkernel, k.input * W);
  check("recurrent kernel gradient", w.recurrent, drecurrent, H * W);
  check("bias gradient", w.bias, dbias, k.cell == CellKind::gru && k.reset_after ? 2 * W : W);
  if (k.peephole) check("peephole gradient", w.peephole, dpeephole, 3 * H);
  if (!k.norm) return;
  check("kernel gamma gradient", w.kernel_gamma, dkernel_gamma, W);
  check("recurrent gamma gradient", w.recurrent_gamma, drecurrent_gamma, W);
  if (!cell_norm) return;
  check("cell gamma gradient", w.cell_gamma, dcell_gamma, H);
  check("cell beta gradient", w.cell_beta, dcell_beta, H);
}

int run_all() {
  const int64_t sizes[] = {1, 3, 15, 17, 33};
  int cases = 0;
  for (int variant = 0; variant < 9; ++variant)
    for (int64_t units : sizes)
      for (int64_t batch : {1, 2, 7}) {
        const int plain = variant % 5;
        const CellKind cell = plain < 2 ? CellKind::lstm : plain < 4 ? CellKind::gru : CellKind::simple_rnn;
        const Case k{cell, plain == 2, plain == 1, units % 2 == batch % 2, 1 + (units * batch) % 19, units, batch,
                     1 + (units + batch) % 6, 0, variant >= 5};
        run<float>(k, k.norm ? 2e-5 : 5e-6, k.norm ? 1e-3 : 1e-4);
        run<double>(k, 1e-13, 1e-7);
        cases += 2;
      }
  std::printf("%s: %d cases, %d failures\n", active_table().isa, cases, failures);
  return failures > 0;
}

}  // namespace

// Without arguments: once under every instruction set of the machine, each in a process of its own.
int main(int argc, char** argv) {
  if (argc > 1) return run_all();
  int status = 0;
  for (const KernelTable* table : available_tables()) {
    const std::string command = "RNNFAST_ISA=" + std::string(table->isa) + " \"" + argv[0] + "\" once";
    std::fflush(stdout);
    status |= std::system(command.c_str()) != 0;
  }
  return status;
}
