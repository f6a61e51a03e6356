// How threads that share one recurrence wait for each other after each step.
//
// A step may take less than a microsecond, so they spin; but a thread that spins for another that has no processor only
// keeps it from running. So whoever has waited a while yields (waiting.h), and who has waited for longer than patience
// tells the others at the next meeting that they part: one of them finishes alone. Other calls of the process then keep
// off sharing for a while.
#ifndef RNNFAST_ENGINE_STEP_BARRIER_H
#define RNNFAST_ENGINE_STEP_BARRIER_H

#include <atomic>
#include <cstdint>

namespace rnnfast {

// Nanoseconds beyond what a thread's work takes, for which the others wait without calling it a stall. A scheduler takes
// a processor away for a millisecond or more. What takes less (a thread that wakes; a hypervisor's interrupts, on many
// machines ten of them in a second) costs less than one thread does that goes on alone.
constexpr int64_t kPatience = 500'000;

class StepBarrier {
 public:
  static constexpr int kMost = 32;  // members

  // step: seconds that pass between two meetings, about; nobody parts for waiting as long.
  explicit StepBarrier(double step = 0) : step_(static_cast<int64_t>(step * 1e9)) {}
  StepBarrier(const StepBarrier&) = delete;
  StepBarrier& operator=(const StepBarrier&) = delete;

  // Waits until every one of `members` has come to this meeting. What they wrote before it can be read after it. False:
  // a member was kept waiting too long; all are told so at the same meeting, and at every later one.
  bool meet(int member, int members);

 private:
  // Written by its member alone, read by all.
  struct alignas(64) Line {
    std::atomic<int64_t> meetings{0};            // that the member has come to
    std::atomic<int64_t> last{INT64_MAX};        // the meeting at which it wants to part
  };
  Line lines_[kMost];
  const int64_t step_;  // nanoseconds
};

// Whether a step barrier of this process has lately kept somebody waiting: then threads had better not share a step.
bool stalled_lately();
// A member was kept waiting now. The first time counts for some milliseconds; each that follows soon, for twice as
// long.
void remember_stall();

}  // namespace rnnfast

#endif
