#include "pipeline.h"

#include <algorithm>

#include "step_barrier.h"
#include "waiting.h"

namespace rnnfast {
Pipeline::Pipeline(int64_t steps, int64_t chunk, std::vector<int> owners, double seconds)
    : steps_(steps),
      chunk_(std::max<int64_t>(1, chunk)),
      owners_(std::move(owners)),
      patience_(kPatience + static_cast<int64_t>(seconds * 2e9)),
      stages_(new Stage[owners_.size()]) {}

Pipeline::Member Pipeline::enter(int member) {
  came_.fetch_add(1, std::memory_order_relaxed);
  return {member, {}, member == 0 ? nanoseconds_now() : 0};
}

// All is done, but the call waits for every thread to have come.
void Pipeline::leave(const Member& self, int members) {
  if (self.index > 0 || came_.load(std::memory_order_relaxed) >= members) return;
  Waiting waiting;
  while (came_.load(std::memory_order_relaxed) < members) waiting.turn();
  if (nanoseconds_now() - self.start > kPatience) remember_stall();
}

// A stage that has steps to run, if nobody else runs it. held: the stage that the member has already.
bool Pipeline::take(int stage, int held, Range& range) {
  Stage& it = stages_[stage];
  if (it.done.load(std::memory_order_relaxed) >= ready(stage)) return false;
  if (stage != held && it.taken.exchange(true, std::memory_order_acquire)) return false;
  const int64_t begin = it.done.load(std::memory_order_relaxed);
  range = {stage, begin, std::min(ready(stage), begin + chunk_)};
  if (begin < range.end) return true;
  if (stage != held) it.taken.store(false, std::memory_order_release);  // another thread was faster
  return false;
}

// Of its own stages a member runs the last it can, so that others can go on; of those of others the first.
bool Pipeline::take_any(bool own, int held, Member& self) {
  const int count = static_cast<int>(owners_.size());
  for (int i = 0; i < count; ++i) {
    const int stage = own ? count - 1 - i : i;
    if ((!own || owners_[static_cast<size_t>(stage)] == self.index) && take(stage, held, self.range)) return true;
  }
  return false;
}

const Pipeline::Range* Pipeline::next(Member& self) {
  int held = self.range.stage;
  if (held >= 0) stages_[held].done.store(self.range.end, std::memory_order_release);
  const auto release = [&] {
    if (held >= 0 && held != self.range.stage) stages_[held].taken.store(false, std::memory_order_release);
  };
  Waiting waiting;
  while (true) {
    // Who helps out stays with that stage while it can: its weights are here now.
    const bool helps = held >= 0 && owners_[static_cast<size_t>(held)] != self.index;
    if (take_any(true, held, self) || (helps && take(held, held, self.range)) ||
        (!waiting.brief() && take_any(false, held, self))) {
      release();
      if (waiting.waited() > patience_) remember_stall();
      return &self.range;
    }
    self.range.stage = -1;
    release();
    held = -1;
    if (finished()) return nullptr;
    waiting.turn();
  }
}

}  // namespace rnnfast
