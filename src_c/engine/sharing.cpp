#include "sharing.h"

#include <algorithm>

#include "cpu.h"
#include "step_barrier.h"
#include "threads.h"

namespace rnnfast {
namespace {

// Measured on a Zen 5 core, which is fast: where steps take longer, sharing pays the sooner.
constexpr double kMultiplyAdds = 120e9;                     // per second, float32
constexpr double kFromL1 = 400e9, kFromL2 = 200e9, kFromMemory = 100e9;  // bytes per second, one core
constexpr double kGateMath = 1.0e-9;                        // per unit and row
constexpr double kStep = 60e-9;                             // what a step costs besides
constexpr double kMeeting = 0.35e-6;                        // two threads wait for each other

double read_seconds(double bytes) {
  const CpuInfo& cpu = cpu_info();
  const double l1 = static_cast<double>(cpu.l1d), l2 = static_cast<double>(cpu.l2);
  return bytes / (bytes <= 0.75 * l1 ? kFromL1 : bytes <= l2 ? kFromL2 : kFromMemory);
}

double layer_seconds(const RnnWork& work, int members) {
  const CellLayout& layout = work.layout;
  const int64_t panels = ceil_div(layout.panels(), members), units = layout.units_before(panels);
  const double inputs = static_cast<double>(work.input_dim * units * layout.gates());
  const double projection =
      std::max(product_seconds(inputs * static_cast<double>(work.rows * work.steps), work.item),
               read_seconds(inputs * static_cast<double>(work.item)));
  const double waiting = members > 1 ? static_cast<double>(work.steps - 1) * kMeeting : 0;
  return projection + static_cast<double>(work.steps) * step_seconds(work, panels) + waiting;
}

}  // namespace

double product_seconds(double multiply_adds, int64_t item) {
  return multiply_adds * static_cast<double>(item) / (sizeof(float) * kMultiplyAdds);
}

double step_seconds(const RnnWork& work, int64_t panels) {
  const double units = static_cast<double>(work.layout.units_before(panels)), rows = static_cast<double>(work.rows);
  const double weights = units * static_cast<double>(work.layout.units * work.layout.gates());
  return kStep + units * rows * kGateMath +
         std::max(product_seconds(weights * rows, work.item), read_seconds(weights * static_cast<double>(work.item)));
}

int sharing_threads(int budget) {
  if (budget < 2) return 1;
  const int threads = waiting_threads(budget);
  return threads > 1 && stalled_lately() ? 1 : threads;
}

Sharing share_out(const RnnWork& work, int layers, int threads) {
  const double alone = layer_seconds(work, 1);
  Sharing best{1, 1, layers * alone};
  if (threads < 2) return best;
  if (layers > 1) {
    const int at_once = std::min(layers, threads);
    const double seconds = kWakeSeconds + alone * static_cast<double>(ceil_div(layers, at_once));
    if (seconds < best.seconds) best = {at_once, 1, seconds};
  }
  const int most = static_cast<int>(std::min<int64_t>({threads / layers, work.layout.panels(), StepBarrier::kMost}));
  for (int members = 2; members <= most; ++members) {
    const double seconds = kWakeSeconds + layer_seconds(work, members);
    if (seconds < best.seconds) best = {members * layers, members, seconds};
  }
  return best;
}

}  // namespace rnnfast
