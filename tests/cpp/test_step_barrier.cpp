// The step barrier under plain threads: nobody passes before all have come, and where one stays away all part at the
// same meeting; and a layer shared out over threads that part in the middle has the bits of one thread. Plain threads
// and not OpenMP's, so that ThreadSanitizer sees every one of them. Exit status 1 if a check fails.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "../../src_c/engine/cpu.h"
#include "../../src_c/engine/rnn_infer.h"
#include "../../src_c/engine/step_barrier.h"
#include "plain_threads.h"

namespace {

using namespace rnnfast;

// Longer than anybody waits for a partner.
void stay_away() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

// Each member adds its own number at every meeting; all must read the same sums, whatever is not atomic included.
void test_nobody_runs_ahead() {
  for (int members : {1, 2, 3, 5}) {
    StepBarrier barrier(10);  // seconds per step: on a busy machine nobody parts
    std::vector<int64_t> numbers(static_cast<size_t>(members) * 16);
    std::atomic<bool> agree{true};
    run_members(members, [&](int member) {
      for (int64_t step = 1; step <= 2000; ++step) {
        numbers[static_cast<size_t>(member) * 16] = step * (member + 1);
        if (!barrier.meet(member, members)) agree = false;
        int64_t sum = 0;
        for (int other = 0; other < members; ++other) sum += numbers[static_cast<size_t>(other) * 16];
        if (sum != step * members * (members + 1) / 2) agree = false;
        if (!barrier.meet(member, members)) agree = false;
      }
    });
    expect(agree, "all have come before anybody passes");
  }
}

void test_all_part_at_the_same_meeting() {
  for (int members : {2, 3}) {
    StepBarrier barrier;
    std::vector<int> last(static_cast<size_t>(members));
    run_members(members, [&](int member) {
      int meeting = 1;
      for (;; ++meeting) {
        if (member == members - 1 && meeting == 50) stay_away();
        if (!barrier.meet(member, members)) break;
        if (meeting == 100'000) break;
      }
      last[static_cast<size_t>(member)] = meeting;
    });
    for (int meeting : last) expect(meeting == last[0] && meeting <= 51, "all part right after one has stayed away");
  }
}

void test_a_stall_is_remembered_for_a_while() {
  // Each stall that follows soon counts for longer: a busy machine may sleep through the first.
  bool remembered = false;
  for (int stall = 0; stall < 100 && !remembered; ++stall) {
    remember_stall();
    remembered = sharing_threads(2) == 1 && stalled_lately();
  }
  expect(remembered, "a stall keeps calls from sharing");
  while (stalled_lately()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

// An LSTM over so many threads; one member comes late to a few steps, so that the others leave the rest to the first.
void test_parting_does_not_change_bits(CellKind cell, bool reset_after, int64_t projection, bool reverse,
                                       bool history) {
  const int64_t S = projection > 0 ? projection : 70;
  constexpr int64_t H = 70, I = 5, B = 2, T = 300;
  RandomValues random;
  const int64_t width = gate_count(cell) * H;
  const std::vector<float> kernel = random(I * width), recurrent = random(S * width), bias = random(2 * width);
  const std::vector<float> x = random(T * B * I), projected = random(H * S);
  const RnnSpec spec{cell, reset_after, {ActivationId::tanh, 0, 0}, {ActivationId::sigmoid, 0, 0}, I, H, projection};
  const SequencePlan plan(B, T, nullptr, nullptr, reverse);

  for (const KernelTable* table : available_tables()) {
    const PackedRnn<float> rnn(*table, WeightType::full, spec,
                               {kernel.data(), recurrent.data(), bias.data(), nullptr,
                                projection > 0 ? projected.data() : nullptr});
    const auto run = [&](int members, bool late) {
      std::vector<float> h((T + 1) * B * S), h_state(B * S), c_state(B * H);
      Buffer<float> workspace(rnn_infer_workspace(rnn, plan, members));
      const RnnInfer<float> infer{&rnn,           &plan,          x.data(),        history ? h.data() : nullptr,
                                  h_state.data(), c_state.data(), workspace.data()};
      StepBarrier barrier;
      rnn_infer_begin(infer);
      run_members(members, [&](int member) {
        if (late && member == members - 1) stay_away();  // past the patience of the first meeting
        rnn_infer_member(infer, member, members, members > 1 ? &barrier : nullptr);
      });
      rnn_infer_end(infer);
      if (late) expect(!barrier.meet(0, 1), "the members have parted");
      h.resize(static_cast<size_t>(T * B * S));  // what lies behind is scratch
      h.insert(h.end(), h_state.begin(), h_state.end());
      return h;
    };
    const std::vector<float> wanted = run(1, false);
    const int most = static_cast<int>(std::min<int64_t>(rnn.layout().panels(), 3));
    for (int members = 2; members <= most; ++members)
      for (bool late : {false, true}) expect(run(members, late) == wanted, "the bits of one thread");
  }
}

}  // namespace

int main() {
  test_nobody_runs_ahead();
  test_all_part_at_the_same_meeting();
  test_a_stall_is_remembered_for_a_while();
  for (bool reverse : {false, true})
    for (bool history : {false, true}) {
      for (int64_t projection : {0, 21, 150})
        test_parting_does_not_change_bits(CellKind::lstm, false, projection, reverse, history);
      test_parting_does_not_change_bits(CellKind::gru, true, 0, reverse, history);
      test_parting_does_not_change_bits(CellKind::gru, false, 0, reverse, history);
      test_parting_does_not_change_bits(CellKind::simple_rnn, false, 0, reverse, history);
    }
  std::printf("step barrier: %d failures\n", failures);
  return failures > 0;
}
