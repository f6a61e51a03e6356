// The pipeline under plain threads: every stage runs every step once and in order, after the stage before, whoever runs
// it and whoever stays away; and layers pipelined over time have the bits of one after the other. Plain threads and not
// OpenMP's, so that ThreadSanitizer sees every one of them. Exit status 1 if a check fails.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "../../src_c/engine/cpu.h"
#include "../../src_c/engine/pipeline.h"
#include "../../src_c/engine/rnn_infer.h"
#include "plain_threads.h"

namespace {

using namespace rnnfast;

std::vector<int> even_owners(int stages, int members) {
  std::vector<int> owners;
  for (int stage = 0; stage < stages; ++stage) owners.push_back(stage * members / stages);
  return owners;
}

// Each stage counts its steps, and adds to what the stage before has made of a step. Nothing of it is atomic.
void test_order(int stages, int members, int64_t steps, int64_t chunk, int late) {
  Pipeline pipeline(steps, chunk, even_owners(stages, members), 10);
  std::vector<std::vector<int64_t>> made(static_cast<size_t>(stages), std::vector<int64_t>(static_cast<size_t>(steps)));
  std::vector<int64_t> next(static_cast<size_t>(stages));
  std::atomic<bool> in_order{true};
  run_members(members, [&](int member) {
    if (member == late) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pipeline.work(member, members, [&](int stage, int64_t begin, int64_t end) {
      const auto s = static_cast<size_t>(stage);
      if (begin != next[s] || end <= begin || end > std::min(steps, begin + chunk)) in_order = false;
      for (int64_t step = begin; step < end; ++step) {
        const auto t = static_cast<size_t>(step);
        made[s][t] = (s == 0 ? step : made[s - 1][t]) + 3 * stage;
      }
      next[s] = end;
    });
  });
  expect(in_order, "every step once and in order");
  const int64_t added = 3 * stages * (stages - 1) / 2;
  for (int64_t step = 0; step < steps; ++step)
    expect(made.back()[static_cast<size_t>(step)] == step + added, "a step is there before the next stage reads it");
}

// Layers one above the other over rows of different lengths, from states that are not zero; the last one keeps its
// final state alone. projected: h has fewer elements than there are units.
void test_layers(CellKind cell, bool reset_after, bool projected, float zoneout, int members, int64_t chunk) {
  constexpr int64_t B = 3, T = 41, I = 6;
  const std::vector<int64_t> units = {37, 64, 5, 70}, lengths = {30, 41, 0};
  RandomValues random;
  const std::vector<float> x = random(T * B * I);
  const SequencePlan plan(B, T, nullptr, lengths.data(), false);
  std::vector<int64_t> states;
  for (int64_t n : units) states.push_back(projected ? n / 2 + 1 : n);
  std::vector<RnnSpec> specs;
  std::vector<std::vector<float>> weights;
  for (size_t i = 0; i < units.size(); ++i) {
    const int64_t in = i == 0 ? I : states[i - 1], width = gate_count(cell) * units[i];
    specs.push_back({cell, reset_after, {ActivationId::tanh, 0, 0}, {ActivationId::sigmoid, 0, 0}, in, units[i],
                     projected ? states[i] : 0});
    for (int64_t n : {in * width, states[i] * width, 2 * width, units[i] * states[i], B * states[i], B * units[i]})
      weights.push_back(random(n));
  }
  for (const KernelTable* table : available_tables()) {
    std::vector<std::unique_ptr<PackedRnn<float>>> layers;
    for (size_t i = 0; i < units.size(); ++i) {
      const std::vector<float>* w = weights.data() + 6 * i;
      layers.push_back(std::make_unique<PackedRnn<float>>(
          *table, WeightType::full, specs[i],
          RnnWeights{w[0].data(), w[1].data(), w[2].data(), nullptr, projected ? w[3].data() : nullptr}));
    }
    const auto run = [&](bool pipelined) {
      std::vector<std::vector<float>> h, state, c;
      std::vector<Buffer<float>> workspaces;
      std::vector<RnnInfer<float>> infers;
      for (size_t i = 0; i < units.size(); ++i) {
        h.emplace_back(static_cast<size_t>((plan.total() + B) * states[i]));
        state.push_back(weights[6 * i + 4]);
        c.push_back(weights[6 * i + 5]);
        workspaces.emplace_back(rnn_infer_workspace(*layers[i], plan, 1));
      }
      for (size_t i = 0; i < units.size(); ++i)
        infers.push_back({layers[i].get(), &plan, i == 0 ? x.data() : h[i - 1].data(),
                          i + 1 < units.size() ? h[i].data() : nullptr, state[i].data(), c[i].data(),
                          workspaces[i].data(), nullptr, 0, nullptr, 0, zoneout, zoneout / 2});
      if (!pipelined) {
        for (const RnnInfer<float>& infer : infers) rnn_infer(&infer, 1, 1);
      } else {
        std::vector<RnnSteps<float>> stages;
        for (const RnnInfer<float>& infer : infers) {
          rnn_infer_begin(infer);
          stages.emplace_back(infer, 0, 1, nullptr);
        }
        const int count = static_cast<int>(stages.size());
        Pipeline pipeline(plan.steps(), chunk, even_owners(count, members), 10);
        run_members(members, [&](int member) {
          pipeline.work(member, members, [&](int stage, int64_t, int64_t end) {
            stages[static_cast<size_t>(stage)].run(end);
          });
        });
        for (const RnnInfer<float>& infer : infers) rnn_infer_end(infer);
      }
      state.insert(state.end(), c.begin(), c.end());
      for (size_t i = 0; i + 1 < units.size(); ++i) {
        h[i].resize(static_cast<size_t>(plan.total() * states[i]));  // what lies behind is scratch
        state.push_back(h[i]);
      }
      return state;
    };
    expect(run(true) == run(false), "the bits of one layer after the other");
  }
}

}  // namespace

int main() {
  for (int stages : {1, 2, 3, 7})
    for (int members = 1; members <= 4; ++members)
      for (int64_t chunk : {1, 4, 1000})
        for (int late = -1; late < members; ++late) test_order(stages, members, 203, chunk, late);
  test_order(3, 2, 0, 1, -1);
  for (int members = 1; members <= 4; ++members)
    for (int64_t chunk : {1, 3, 8}) {
      test_layers(CellKind::lstm, false, false, 0.3F, members, chunk);
      test_layers(CellKind::lstm, false, true, 0, members, chunk);
      test_layers(CellKind::gru, true, false, 0.3F, members, chunk);
      test_layers(CellKind::gru, false, false, 0, members, chunk);
      test_layers(CellKind::simple_rnn, false, false, 0, members, chunk);
    }
  std::printf("pipeline: %d failures\n", failures);
  return failures > 0;
}
