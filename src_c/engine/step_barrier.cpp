#include "step_barrier.h"

#include <algorithm>

#include "waiting.h"

namespace rnnfast {
namespace {

constexpr int64_t kShortMemory = 10'000'000, kLongMemory = 1'000'000'000;  // nanoseconds

std::atomic<int64_t> memory_ends{0}, memory_length{0};

// Waits until `value` has reached `wanted`; gives how long it took, in nanoseconds, 0 if not long.
int64_t wait_for(const std::atomic<int64_t>& value, int64_t wanted) {
  Waiting waiting;
  while (value.load(std::memory_order_acquire) < wanted) waiting.turn();
  return waiting.waited();
}

}  // namespace

bool StepBarrier::meet(int member, int members) {
  Line& own = lines_[member];
  const int64_t meeting = own.meetings.load(std::memory_order_relaxed) + 1;
  own.meetings.store(meeting, std::memory_order_release);
  int64_t waited = 0;
  for (int other = 0; other < members; ++other)
    if (other != member) waited = std::max(waited, wait_for(lines_[other].meetings, meeting));
  // A member that wants to part has said so before it came to the meeting it named: all see it there.
  bool together = true;
  for (int any = 0; any < members; ++any)
    together = together && lines_[any].last.load(std::memory_order_relaxed) > meeting;
  if (together && waited > step_ + kPatience) {
    remember_stall();
    if (own.last.load(std::memory_order_relaxed) == INT64_MAX)
      own.last.store(meeting + 1, std::memory_order_relaxed);
  }
  return together;
}

bool stalled_lately() {
  const int64_t ends = memory_ends.load(std::memory_order_relaxed);
  return ends != 0 && nanoseconds_now() < ends;
}

void remember_stall() {
  const int64_t time = nanoseconds_now(), ends = memory_ends.load(std::memory_order_relaxed);
  const int64_t length = memory_length.load(std::memory_order_relaxed);
  if (time < ends) return;  // several members, or calls, of one stall
  const int64_t next = time - ends < length ? std::min(2 * length, kLongMemory) : kShortMemory;
  memory_length.store(next, std::memory_order_relaxed);
  memory_ends.store(time + next, std::memory_order_relaxed);
}

}  // namespace rnnfast
