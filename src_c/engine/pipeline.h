// Stages over one sequence, each of which reads at a step what the stage before has made there: on several threads one
// works on earlier steps while the one before goes ahead.
//
// A stage tells how far it has come, and the next one takes what is there, so threads wait once for some steps and not
// at every step. Nobody waits for a thread that has not come: whoever finds nothing to do among its own stages goes on
// with any stage that lies still.
#ifndef RNNFAST_ENGINE_PIPELINE_H
#define RNNFAST_ENGINE_PIPELINE_H

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace rnnfast {

class Pipeline {
 public:
  // Steps [0, steps) of each stage, at most `chunk` at a time. owners: the member that is to run each stage. seconds:
  // what a chunk of all stages takes, about; nobody takes waiting for as long for a stall.
  Pipeline(int64_t steps, int64_t chunk, std::vector<int> owners, double seconds);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // The part of one of the `members` threads that run it together: run(stage, begin, end) for ranges of steps.
  // Whichever thread runs a range, what the stage did before and what the stage before did up to `end` can be read.
  // Returns when all is done.
  template <class Run> void work(int member, int members, const Run& run) {
    Member self = enter(member);
    while (const Range* range = next(self)) run(range->stage, range->begin, range->end);
    leave(self, members);
  }

 private:
  struct Range {
    int stage = -1;  // none
    int64_t begin = 0, end = 0;
  };
  struct Member {
    int index;
    Range range;
    int64_t start;  // nanoseconds; of the first member
  };
  struct alignas(64) Stage {
    std::atomic<int64_t> done{0};  // steps
    std::atomic<bool> taken{false};
  };

  Member enter(int member);
  void leave(const Member&, int members);
  // What the member has run is done; gives what it runs next, or null at the end.
  const Range* next(Member&);
  bool take(int stage, int held, Range&);
  bool take_any(bool own, int held, Member&);
  int64_t ready(int stage) const {
    return stage == 0 ? steps_ : stages_[stage - 1].done.load(std::memory_order_acquire);
  }
  bool finished() const { return ready(static_cast<int>(owners_.size())) == steps_; }

  const int64_t steps_, chunk_;
  const std::vector<int> owners_;
  const int64_t patience_;  // nanoseconds
  const std::unique_ptr<Stage[]> stages_;
  std::atomic<int> came_{0};
};

}  // namespace rnnfast

#endif
