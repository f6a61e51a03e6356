// Where the threads of a parallel region run: not on the processor of the thread that opened it, which is busy.
//
// Linux may wake a thread on the processor of the one that wakes it, and leave it there in the queue even where another
// processor is idle: on a machine of two, regions of half a millisecond were seen to run one thread after the other,
// region after region. So a caller tells its helpers to keep off the processor that it is on, and again when it has
// been moved.
#ifndef RNNFAST_ENGINE_THREADS_PLACE_H
#define RNNFAST_ENGINE_THREADS_PLACE_H

namespace rnnfast {

struct Helpers;

class CallersPlace {
 public:
  CallersPlace();                   // by the caller, before the region
  void keep_off(int member) const;  // by each of the others, in it; member: from 1 on

 private:
  Helpers* helpers_;  // of the caller; null: threads stay where they are
};

}  // namespace rnnfast

#endif
