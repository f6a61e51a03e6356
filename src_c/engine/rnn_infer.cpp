#include "rnn_infer.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "threads.h"

namespace rnnfast {
namespace {

// Pre-activations of a chunk of steps stay in L2 between the projection and the recurrence. But each chunk reads the
// input's weights again, which may come from further away: for such the chunk is a part of their size.
constexpr int64_t kChunkBytes = 256 * 1024, kPartOfWeights = 4;

// Rows of a chunk: as many whole steps as fit, at least one.
template <class T> int64_t chunk_rows(const PackedRnn<T>& rnn, const SequencePlan& plan) {
  const CellLayout& layout = rnn.layout();
  const int64_t row_bytes = layout.z_size(1) * static_cast<int64_t>(sizeof(T));
  const int64_t weight_bytes = rnn.spec().input_dim * layout.units * layout.gates() * rnn.weight_size();
  const int64_t bytes = std::max(kChunkBytes, weight_bytes / kPartOfWeights);
  return std::min(plan.total(), std::max(plan.batch(), bytes / std::max<int64_t>(row_bytes, 1)));
}

// Consecutive segments [first, last), none from `end` on, whose rows of z, [low, high), are at most `capacity`.
struct Chunk {
  int64_t first, last, low, high;
};
Chunk next_chunk(const std::vector<Segment>& segments, int64_t first, int64_t end, int64_t capacity) {
  Chunk chunk{first, first, segments[first].z, segments[first].z};
  for (; chunk.last < end; ++chunk.last) {
    const Segment& s = segments[chunk.last];
    const int64_t low = std::min(chunk.low, s.z), high = std::max(chunk.high, s.z + s.count);
    if (high - low > capacity) break;
    chunk.low = low;
    chunk.high = high;
  }
  return chunk;
}

// Elements in which one thread prepares the rows of its products.
template <class T> int64_t scratch_size(const PackedRnn<T>& rnn, const SequencePlan& plan, int64_t x_rows) {
  const int64_t rows = std::max(chunk_rows(rnn, plan), x_rows);
  return std::max(product_scratch(rnn.input_products(), rows, rnn.spec().input_dim),
                  prepared_size(plan.batch(), std::max(rnn.spec().units, state_size(rnn.spec())),
                                rnn.products().layout));
}

// Work space: z of a chunk, the input's part of z for every row of an x with an index, a ring of two states, r * h of a
// GRU with reset_after=false or what a projection reads, the recurrent products that are to be normalised, and the
// scratch of each member.
template <class T> T* input_of(const RnnInfer<T>& infer) {
  return infer.workspace + infer.rnn->layout().z_size(chunk_rows(*infer.rnn, *infer.plan));
}
template <class T> T* ring_of(const RnnInfer<T>& infer) {
  return input_of(infer) + infer.rnn->layout().z_size(infer.x_rows);
}

template <class T> T* extra_of(const RnnInfer<T>& infer) {
  return ring_of(infer) + 2 * infer.plan->batch() * state_size(infer.rnn->spec());
}

template <class T> int64_t states_size(const PackedRnn<T>& rnn, const SequencePlan& plan) {
  const bool extra = rnn.layout().split() || rnn.spec().projection > 0;
  return prepared_scales(plan.batch() * (2 * state_size(rnn.spec()) + (extra ? rnn.spec().units : 0)));
}
template <class T> int64_t norm_size(const PackedRnn<T>& rnn, const SequencePlan& plan) {
  return rnn.layout().normalized ? prepared_scales(plan.batch() * rnn.layout().norm_row()) : 0;
}

}  // namespace

template <class T>
int64_t rnn_infer_workspace(const PackedRnn<T>& rnn, const SequencePlan& plan, int threads, int64_t x_rows) {
  return rnn.layout().z_size(chunk_rows(rnn, plan)) + rnn.layout().z_size(x_rows) +
         states_size(rnn, plan) + norm_size(rnn, plan) + threads * scratch_size(rnn, plan, x_rows);
}

template <class T> void rnn_infer_begin(const RnnInfer<T>& infer) {
  const int64_t S = state_size(infer.rnn->spec()), size = infer.plan->batch() * S;
  if (infer.h) {
    std::copy_n(infer.h_state, size, infer.h + infer.plan->total() * S);
    return;
  }
  T* ring = ring_of(infer);
  std::copy_n(infer.h_state, size, ring);
  std::copy_n(infer.h_state, size, ring + size);
}

template <class T> void rnn_infer_end(const RnnInfer<T>& infer) {
  const SequencePlan& plan = *infer.plan;
  const int64_t S = state_size(infer.rnn->spec());
  const T* h = infer.h ? infer.h : ring_of(infer);
  for (int64_t r = 0; r < plan.batch(); ++r)
    std::copy_n(h + (infer.h ? plan.last(r) : plan.ring_last(r)) * S, S, infer.h_state + r * S);
}

template <class T>
RnnSteps<T>::RnnSteps(const RnnInfer<T>& infer, int member, int members, StepBarrier* barrier)
    : infer_(infer),
      segments_(infer.h ? &infer.plan->segments() : &infer.plan->ring_segments()),
      args_(infer.rnn->recurrence()),
      meeting_{barrier, member, members} {
  const PackedRnn<T>& rnn = *infer.rnn;
  const SequencePlan& plan = *infer.plan;
  const CellLayout& layout = rnn.layout();
  T* ring = ring_of(infer);
  args_.panel_begin = layout.panels() * member / members;
  args_.panel_end = layout.panels() * (member + 1) / members;
  args_.projection_begin = rnn.projection_panels() * member / members;
  args_.projection_end = rnn.projection_panels() * (member + 1) / members;
  if (barrier)
    args_.meet = [](void* context) {
      const auto* meeting = static_cast<const Meeting*>(context);
      return meeting->barrier->meet(meeting->member, meeting->members);
    };
  args_.row_end = plan.batch();
  args_.z = infer.workspace;
  args_.h = infer.h ? infer.h : ring;
  args_.c = infer.c_state;
  args_.c_by_row = true;
  args_.h_zoneout = {nullptr, infer.h_zoneout};
  args_.c_zoneout = {nullptr, infer.c_zoneout};
  args_.extra = extra_of(infer);
  args_.extra_by_row = true;
  args_.norm.rows = ring + states_size(rnn, plan);
  args_.scratch = args_.norm.rows + norm_size(rnn, plan) + member * scratch_size(rnn, plan, infer.x_rows);
  if (infer.index) {
    args_.input = infer.input ? infer.input : input_of(infer);
    args_.input_panel = (infer.input ? infer.input_rows : infer.x_rows) * layout.slot_row();
    args_.input_index = infer.index;
  }
}

// The first member goes on alone where they part.
template <class T> bool RnnSteps<T>::go_on_alone() {
  args_.panel_begin = 0;
  args_.panel_end = infer_.rnn->layout().panels();
  args_.projection_begin = 0;
  args_.projection_end = infer_.rnn->projection_panels();
  args_.meet = nullptr;
  return meeting_.member == 0;
}

template <class T> bool RnnSteps<T>::run(int64_t end) {
  const PackedRnn<T>& rnn = *infer_.rnn;
  const CellLayout& layout = rnn.layout();
  const auto recur = rnn.products().recur_forward[static_cast<int>(rnn.spec().cell)];
  const int64_t capacity = chunk_rows(rnn, *infer_.plan);
  RecurForwardArgs<T>& p = args_;
  p.meet_context = &meeting_;
  if (next_ == 0 && next_ < end && infer_.index && !infer_.input)
    rnn.project(infer_.x_rows, infer_.x, input_of(infer_), p.input_panel, p.panel_begin, p.panel_end, p.scratch);
  while (next_ < end) {
    const Chunk chunk = next_chunk(*segments_, next_, end, capacity);
    if (next_ > 0 && p.meet && !p.meet(p.meet_context) && !go_on_alone()) return false;
    p.z_panel = (chunk.high - chunk.low) * layout.slot_row();
    p.z_origin = chunk.low;
    if (!infer_.index)
      rnn.project(chunk.high - chunk.low, infer_.x + chunk.low * rnn.spec().input_dim, p.z, p.z_panel, p.panel_begin,
                  p.panel_end, p.scratch);
    while (next_ < chunk.last) {
      p.segments = segments_->data() + next_;
      p.segment_count = chunk.last - next_;
      next_ += recur(p);
      if (next_ < chunk.last && !go_on_alone()) return false;
    }
  }
  return true;
}

template <class T> void rnn_infer_member(const RnnInfer<T>& infer, int member, int members, StepBarrier* barrier) {
  RnnSteps<T> steps(infer, member, members, barrier);
  steps.run(steps.count());
}

template <class T> void rnn_infer(const RnnInfer<T>* layers, int count, int threads) {
  for (int i = 0; i < count; ++i) rnn_infer_begin(layers[i]);
  // The layers of one call are alike (both directions of one): the first speaks for all.
  const PackedRnn<T>& rnn = *layers[0].rnn;
  const RnnWork work{rnn.layout(),      rnn.spec().input_dim,    recurrent_weights(rnn.spec()),
                     rnn.weight_size(), layers[0].plan->batch(), layers[0].plan->steps()};
  const Sharing sharing = best_sharing(work, count, threads);
  if (sharing.members <= 1) {
    parallel_for(count, sharing.threads, [&](int64_t i) { rnn_infer_member<T>(layers[i], 0, 1, nullptr); });
  } else {
    std::vector<std::unique_ptr<StepBarrier>> barriers;
    for (int i = 0; i < count; ++i)
      barriers.push_back(std::make_unique<StepBarrier>(sharing.seconds / static_cast<double>(work.steps)));
    with_team(sharing.threads, [&](int thread, int came) {  // fewer may have come than were asked for
      const int members = std::max(1, came / count);
      for (int i = thread / members; i < count; i += std::max(1, came / members))
        rnn_infer_member<T>(layers[i], thread % members, members, members > 1 ? barriers[i].get() : nullptr);
    });
  }
  for (int i = 0; i < count; ++i) rnn_infer_end(layers[i]);
}

#define RNNFAST_INSTANTIATE(T)                                                                        \
  template class RnnSteps<T>;                                                                         \
  template int64_t rnn_infer_workspace(const PackedRnn<T>&, const SequencePlan&, int, int64_t);       \
  template void rnn_infer_begin(const RnnInfer<T>&);                                                  \
  template void rnn_infer_end(const RnnInfer<T>&);                                                    \
  template void rnn_infer_member(const RnnInfer<T>&, int member, int members, StepBarrier* barrier);  \
  template void rnn_infer(const RnnInfer<T>*, int count, int threads);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
