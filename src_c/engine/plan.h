// Which steps of which rows are real, and in which order they run. See "Packed sequences" in docs/architecture.md.
#ifndef RNNFAST_ENGINE_PLAN_H
#define RNNFAST_ENGINE_PLAN_H

#include <cstdint>
#include <vector>

#include "../rnnfast.h"

namespace rnnfast {

class SequencePlan {
 public:
  // mask (batch, time): non-zero = real step; lengths (batch): the first `length` steps are real. At most one of them;
  // neither: every step is real. reverse: the steps of a row run from its last real one to its first.
  SequencePlan(int64_t batch, int64_t time, const uint8_t* mask, const int64_t* lengths, bool reverse);

  int64_t batch() const { return batch_; }
  int64_t time() const { return time_; }
  int64_t total() const { return total_; }   // real steps of all rows
  int64_t steps() const { return steps_; }   // real steps of the longest row
  bool reverse() const { return reverse_; }
  // Every step is real: packed order is (time, batch), rows stand in place.
  bool uniform() const { return uniform_; }

  // Sorted row -> batch row, rows of most real steps first.
  const int64_t* order() const { return order_.data(); }
  // Real steps of a sorted row.
  int64_t count(int64_t row) const { return uniform_ ? time_ : counts_[row]; }
  // Packed index of step j (ascending in time) of sorted row `row`, and back to its time.
  int64_t packed(int64_t step, int64_t row) const { return (uniform_ ? step * batch_ : offsets_[step]) + row; }
  int64_t active(int64_t step) const { return uniform_ ? batch_ : offsets_[step + 1] - offsets_[step]; }
  int64_t time_of(int64_t step, int64_t row) const { return uniform_ ? step : times_[packed(step, row)]; }

  // Whether the last step of a sorted row in processing order is real.
  bool ends_real(int64_t row) const {
    if (count(row) == 0) return false;
    return reverse_ ? time_of(0, row) == 0 : time_of(count(row) - 1, row) == time_ - 1;
  }

  // The recurrence over a full history of states: rows [0, total) packed, the initial states in [total, total + batch).
  const std::vector<Segment>& segments() const { return segments_; }
  // The same segments in packed order instead of that of the recurrence.
  std::vector<Segment> packed_segments() const;
  // Row of that history that holds a sorted row's final state.
  int64_t last(int64_t row) const;
  // The same recurrence over a ring of two states, (2, batch) rows; the initial states stand in both.
  const std::vector<Segment>& ring_segments() const { return ring_; }
  // Row of the ring that holds a sorted row's final state.
  int64_t ring_last(int64_t row) const;

  // Cuts the sorted rows into `parts` ranges of about equal work: range p is [result[p], result[p + 1]).
  std::vector<int64_t> balanced_rows(int64_t parts) const;

 private:
  void build_uniform();
  void build_ragged(const uint8_t* mask, const int64_t* lengths);
  void build_ring();

  int64_t batch_, time_, total_ = 0, steps_ = 0;
  bool reverse_, uniform_;
  std::vector<int64_t> order_, counts_, offsets_, times_;
  std::vector<Segment> segments_, ring_;
};

// Moving rows between the caller's (batch, time, feature) layout and packed order. Strides and `features` count
// elements of `item` bytes; features are contiguous. Every function works on a range, so that callers can share it out.

// packed[i, :] = x[b, t, :] for the real steps j in [step_begin, step_end).
void plan_gather(const SequencePlan&, int64_t item, const void* x, int64_t batch_stride, int64_t time_stride,
                 int64_t features, void* packed, int64_t step_begin, int64_t step_end);
// x[b, t, :] = packed[i, :], zero at masked steps, for the sorted rows [row_begin, row_end).
void plan_scatter(const SequencePlan&, int64_t item, const void* packed, int64_t features, void* x,
                  int64_t batch_stride, int64_t time_stride, int64_t row_begin, int64_t row_end);
// Keras' outputs: a masked step repeats the previous output in processing order (zero before the first), or is zero.
void plan_outputs(const SequencePlan&, int64_t item, const void* h, int64_t units, bool zero_output, void* y,
                  int64_t batch_stride, int64_t time_stride, int64_t row_begin, int64_t row_end);
// Its transpose: the gradient of a repeated output goes to the step it repeats.
template <class T>
void plan_outputs_backward(const SequencePlan&, const T* dy, int64_t batch_stride, int64_t time_stride, int64_t units,
                           bool zero_output, T* packed, int64_t row_begin, int64_t row_end);

}  // namespace rnnfast

#endif
