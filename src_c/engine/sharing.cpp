#include "sharing.h"

#include <algorithm>
#include <cstdio>

#include "cpu.h"
#include "step_barrier.h"
#include "threads.h"

namespace rnnfast {
namespace {

// Measured on one core of a Zen 5, which is fast: where steps take longer, sharing pays the sooner.
constexpr double kMultiplyAdds = 135e9;                                  // per second, float32
constexpr double kFromL1 = 450e9, kFromL2 = 210e9, kFromMemory = 120e9;  // bytes per second
constexpr double kActivation = 0.25e-9;                                  // per unit and row
constexpr double kStep = 40e-9;                                          // what a step costs besides
constexpr double kMeeting = 0.1e-6;  // per member: a meeting, and the states that the others have written

constexpr double kHandOver = 0.3e-6;  // from a thread to the next: to see that steps are done ...
constexpr double kOutput = 0.4e-9;    // ... and to read what they have made, per number
// How often in a second a thread is interrupted for so long that those that share its steps part (engine/step_barrier).
constexpr double kInterrupted = 10;

// A footprint that is read again and again counts for the cache that holds most of it.
double read_seconds(double bytes) {
  const CpuInfo& cpu = cpu_info();
  const bool in_l1 = bytes <= 1.3 * static_cast<double>(cpu.l1d), in_l2 = bytes <= 0.8 * static_cast<double>(cpu.l2);
  return bytes / (in_l1 ? kFromL1 : in_l2 ? kFromL2 : kFromMemory);
}

double layer_seconds(const RnnWork& work, int members) {
  const CellLayout& layout = work.layout;
  const int64_t panels = ceil_div(layout.panels(), members), units = layout.units_before(panels);
  const double inputs = static_cast<double>(work.input_dim * units * layout.gates());
  const double projection =
      std::max(product_seconds(inputs * static_cast<double>(work.rows * work.steps), work.weight_size),
               read_seconds(inputs * static_cast<double>(work.weight_size)));
  const double seconds = projection + static_cast<double>(work.steps) * step_seconds(work, panels);
  if (members == 1) return seconds;
  const double together = seconds + static_cast<double>((work.steps - 1) * members) * kMeeting;
  return together * (1 + std::min(1.0, together * kInterrupted) / 2);
}

// So many steps of a stage at a time. fits: the weights that its thread reads stay in L2 from chunk to chunk.
double chunk_seconds(const StageWork& stage, int64_t steps, bool fits) {
  const double count = static_cast<double>(steps), from = fits ? kFromL2 : kFromMemory;
  const double again = fits ? 0 : std::min(stage.step_bytes, static_cast<double>(cpu_info().l2)) / kFromMemory;
  return again + count * stage.step + std::max(count * stage.product, stage.product_bytes / from);
}

std::string microseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g us", seconds * 1e6);
  return text;
}

}  // namespace

double product_seconds(double multiply_adds, int64_t weight_size) {
  return multiply_adds * static_cast<double>(weight_size) / (sizeof(float) * kMultiplyAdds);
}

double step_seconds(const RnnWork& work, int64_t panels) {
  const double units = static_cast<double>(work.layout.units_before(panels)), rows = static_cast<double>(work.rows);
  const double weights = units * static_cast<double>(work.recurrent_weights);
  return kStep + units * rows * static_cast<double>(work.layout.gates() + 1) * kActivation +
         std::max(product_seconds(weights * rows, work.weight_size),
                  read_seconds(weights * static_cast<double>(work.weight_size)));
}

int sharing_threads(int budget) {
  if (budget < 2) return 1;
  const int threads = waiting_threads(budget);
  return threads > 1 && stalled_lately() ? 1 : threads;
}

Sharing best_sharing(const RnnWork& work, int layers, int threads) {
  const double alone = layer_seconds(work, 1);
  Sharing best{1, 1, layers * alone};
  if (threads < 2) return best;
  if (layers > 1) {
    const int at_once = std::min(layers, threads);
    const double seconds = kRegionSeconds + alone * static_cast<double>(ceil_div(layers, at_once));
    if (seconds < best.seconds) best = {at_once, 1, seconds};
  }
  const int most = static_cast<int>(std::min<int64_t>({threads / layers, work.layout.panels(), StepBarrier::kMost}));
  for (int members = 2; members <= most; ++members) {
    const double seconds = kRegionSeconds + layer_seconds(work, members);
    if (seconds < best.seconds) best = {members * layers, members, seconds};
  }
  return best;
}

StageWork stage_work(const RnnWork& work, int64_t state) {
  const double units = static_cast<double>(work.layout.units), size = static_cast<double>(work.weight_size);
  const double inputs = units * static_cast<double>(work.layout.gates() * work.input_dim);
  return {step_seconds(work, work.layout.panels()), units * static_cast<double>(work.recurrent_weights) * size,
          product_seconds(inputs * static_cast<double>(work.rows), work.weight_size), inputs * size,
          state * work.rows};
}

Pipelining best_pipelining(const std::vector<StageWork>& stages, int64_t steps, int threads) {
  Pipelining best;
  const int members = std::min(threads, static_cast<int>(stages.size()));
  if (members < 2) return best;
  double bytes = 0;
  for (const StageWork& stage : stages) bytes += stage.step_bytes + stage.product_bytes;
  const bool fits = bytes <= members * static_cast<double>(cpu_info().l2);
  for (int64_t chunk = 1; 2 * chunk <= steps; chunk *= 2) {
    double longest = 0, all = 0;
    int64_t outputs = 0;
    for (const StageWork& stage : stages) {
      longest = std::max(longest, chunk_seconds(stage, chunk, fits));
      all += chunk_seconds(stage, chunk, fits);
      outputs = std::max(outputs, stage.outputs);
    }
    const double hand_over = kHandOver + static_cast<double>(chunk * outputs) * kOutput;
    // The threads are at work on as many chunks as there are, and those that begin or end last on one each besides.
    const double chunks = static_cast<double>(ceil_div(steps, chunk));
    const double seconds = kRegionSeconds + chunks * (std::max(longest, all / members) + hand_over) +
                           (members - 1) * (all / members + hand_over);
    if (best.threads == 1 || seconds < best.seconds) best = {members, chunk, {}, all, seconds};
  }
  // Each stage belongs to the thread in whose share of the work its middle lies.
  double before = 0;
  for (size_t i = 0; best.threads > 1 && i < stages.size(); ++i) {
    const double own = chunk_seconds(stages[i], best.chunk, fits);
    best.owners.push_back(std::min(members - 1, static_cast<int>(members * (before + own / 2) / best.chunk_seconds)));
    before += own;
  }
  return best;
}

std::string explain_pipelining(const Pipelining& pipelining, double others) {
  return "layers pipelined over " + std::to_string(pipelining.threads) + " threads, " +
         std::to_string(pipelining.chunk) + " steps at a time: " + microseconds(pipelining.seconds) + ", not " +
         microseconds(others);
}

std::string explain_sharing(const RnnWork& work, int layers, int threads) {
  const Sharing best = best_sharing(work, layers, threads);
  const double step = step_seconds(work, work.layout.panels());
  if (best.threads == 1)
    return threads > 1 ? "one thread: a step takes " + microseconds(step) + ", too little to split" : "one thread";
  const std::string directions = layers > 1 ? "directions at once" : "";
  if (best.members == 1) return directions + ": " + microseconds(step) + " a step, too little to split";
  const double shared = step_seconds(work, ceil_div(work.layout.panels(), best.members));
  return directions + (layers > 1 ? ", " : "") + "units split over " + std::to_string(best.members) + " threads: " +
         microseconds(shared) + " a step, not " + microseconds(step) + ", and " +
         microseconds(best.members * kMeeting) + " to meet";
}

}  // namespace rnnfast
