// Inference of recurrent layers over one sub-batch, on one thread or shared out over several.
#ifndef RNNFAST_ENGINE_RNN_INFER_H
#define RNNFAST_ENGINE_RNN_INFER_H

#include <cstdint>
#include <vector>

#include "rnn.h"
#include "sharing.h"
#include "step_barrier.h"

namespace rnnfast {

// One layer, one direction, over one sub-batch. Elements are T.
template <class T> struct RnnInfer {
  const PackedRnn<T>* rnn;
  const SequencePlan* plan;
  const T* x;      // packed (total, input_dim); with `index`: (x_rows, input_dim), the rows that occur, each once
  T* h;            // (total + batch, state): the states after each step, packed, are written to the first `total` rows;
                   // the last `batch` rows are scratch. Or null where only the final state is wanted.
  T* h_state;      // (batch, state), sorted order. in: initial state; out: final state
  T* c_state;      // LSTM: (batch, units), likewise; else null
  T* workspace;    // rnn_infer_workspace() elements, 64-byte aligned
  const int32_t* index;  // (total): the row of x at each real step; or null
  int64_t x_rows;        // of x where there is an index and no `input`, else 0
  // With an index: the input's part of z of every row, known before (PackedRnn::project into z of input_rows rows), and
  // x is not read. Or null.
  const T* input;
  int64_t input_rows;
  T h_zoneout, c_zoneout;  // the share of each state that stays what it was in the step before
};
// threads: at most so many will share the layer.
template <class T>
int64_t rnn_infer_workspace(const PackedRnn<T>&, const SequencePlan&, int threads, int64_t x_rows = 0);

// Runs `count` layers of which none reads what another writes, on up to `threads` threads: where it pays, all at once
// and the units of each split. The bits of the result depend on none of this.
template <class T> void rnn_infer(const RnnInfer<T>* layers, int count, int threads);

// A layer's steps as one of `members` threads goes through them, taken up where they were left: also by another thread,
// where that one has to wait. Between rnn_infer_begin and rnn_infer_end.
template <class T> class RnnSteps {
 public:
  RnnSteps(const RnnInfer<T>&, int member, int members, StepBarrier* barrier);
  // Runs the segments that lie before `end`. False: the members have parted, and another one runs the rest.
  bool run(int64_t end);
  int64_t count() const { return static_cast<int64_t>(segments_->size()); }  // of the segments

 private:
  struct Meeting {
    StepBarrier* barrier;
    int member, members;
  };
  bool go_on_alone();

  RnnInfer<T> infer_;
  const std::vector<Segment>* segments_;
  RecurForwardArgs<T> args_;
  Meeting meeting_;
  int64_t next_ = 0;
};

// The part of one of `members` threads that run a layer together; they meet at `barrier` (null: it is alone). Between
// the calls of rnn_infer_begin and rnn_infer_end, which one thread makes before and after all.
template <class T> void rnn_infer_member(const RnnInfer<T>&, int member, int members, StepBarrier* barrier);
template <class T> void rnn_infer_begin(const RnnInfer<T>&);
template <class T> void rnn_infer_end(const RnnInfer<T>&);

}  // namespace rnnfast

#endif
