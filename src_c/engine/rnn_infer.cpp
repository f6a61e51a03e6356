#include "rnn_infer.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "threads.h"

namespace rnnfast {
namespace {

// Pre-activations of a chunk of steps stay in L2 between the projection and the recurrence.
constexpr int64_t kChunkBytes = 256 * 1024;

// Rows of a chunk: as many whole steps as fit, at least one.
template <class T> int64_t chunk_rows(const CellLayout& layout, const SequencePlan& plan) {
  const int64_t row_bytes = layout.z_size(1) * static_cast<int64_t>(sizeof(T));
  return std::min(plan.total(), std::max(plan.batch(), kChunkBytes / std::max<int64_t>(row_bytes, 1)));
}

// Consecutive segments [first, last) whose rows of z, [low, high), are at most `capacity`.
struct Chunk {
  int64_t first, last, low, high;
};
Chunk next_chunk(const std::vector<Segment>& segments, int64_t first, int64_t capacity) {
  Chunk chunk{first, first, segments[first].z, segments[first].z};
  for (; chunk.last < static_cast<int64_t>(segments.size()); ++chunk.last) {
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
  const int64_t rows = std::max(chunk_rows<T>(rnn.layout(), plan), x_rows);
  return std::max(product_scratch(rnn.input_products(), rows, rnn.spec().input_dim),
                  prepared_size(plan.batch(), std::max(rnn.spec().units, state_size(rnn.spec())),
                                rnn.products().layout));
}

// Work space: z of a chunk, the input's part of z for every row of an x with an index, a ring of two states, r * h of a
// GRU with reset_after=false or what a projection reads, the recurrent products that are to be normalised, and the
// scratch of each member.
template <class T> T* input_of(const RnnInfer<T>& infer) {
  return infer.workspace + infer.rnn->layout().z_size(chunk_rows<T>(infer.rnn->layout(), *infer.plan));
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

struct Meeting {
  StepBarrier* barrier;
  int member, members;
};
bool meet_at(void* context) {
  const auto* meeting = static_cast<const Meeting*>(context);
  return meeting->barrier->meet(meeting->member, meeting->members);
}

}  // namespace

template <class T>
int64_t rnn_infer_workspace(const PackedRnn<T>& rnn, const SequencePlan& plan, int threads, int64_t x_rows) {
  return rnn.layout().z_size(chunk_rows<T>(rnn.layout(), plan)) + rnn.layout().z_size(x_rows) +
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

template <class T> void rnn_infer_member(const RnnInfer<T>& infer, int member, int members, StepBarrier* barrier) {
  const PackedRnn<T>& rnn = *infer.rnn;
  const SequencePlan& plan = *infer.plan;
  const CellLayout& layout = rnn.layout();
  const std::vector<Segment>& segments = infer.h ? plan.segments() : plan.ring_segments();
  T* ring = ring_of(infer);
  Meeting meeting{barrier, member, members};

  RecurForwardArgs<T> p = rnn.recurrence();
  p.panel_begin = layout.panels() * member / members;
  p.panel_end = layout.panels() * (member + 1) / members;
  p.projection_begin = rnn.projection_panels() * member / members;
  p.projection_end = rnn.projection_panels() * (member + 1) / members;
  p.meet = barrier ? meet_at : nullptr;
  p.meet_context = &meeting;
  p.row_end = plan.batch();
  p.z = infer.workspace;
  p.h = infer.h ? infer.h : ring;
  p.c = infer.c_state;
  p.c_by_row = true;
  p.h_zoneout = {nullptr, infer.h_zoneout};
  p.c_zoneout = {nullptr, infer.c_zoneout};
  p.extra = extra_of(infer);
  p.extra_by_row = true;
  p.norm.rows = ring + states_size(rnn, plan);
  p.scratch = p.norm.rows + norm_size(rnn, plan) + member * scratch_size(rnn, plan, infer.x_rows);
  const auto recur = rnn.products().recur_forward[static_cast<int>(rnn.spec().cell)];
  if (infer.index) {
    p.input = infer.input ? infer.input : input_of(infer);
    p.input_panel = (infer.input ? infer.input_rows : infer.x_rows) * layout.slot_row();
    p.input_index = infer.index;
    if (!infer.input)
      rnn.project(infer.x_rows, infer.x, input_of(infer), p.input_panel, p.panel_begin, p.panel_end, p.scratch);
  }

  // The first member goes on alone where they part.
  const auto alone = [&] {
    p.panel_begin = 0;
    p.panel_end = layout.panels();
    p.projection_begin = 0;
    p.projection_end = rnn.projection_panels();
    p.meet = nullptr;
    return member == 0;
  };
  const int64_t count = static_cast<int64_t>(segments.size()), capacity = chunk_rows<T>(layout, plan);
  for (int64_t first = 0; first < count;) {
    const Chunk chunk = next_chunk(segments, first, capacity);
    if (first > 0 && p.meet && !p.meet(p.meet_context) && !alone()) return;
    p.z_panel = (chunk.high - chunk.low) * layout.slot_row();
    p.z_origin = chunk.low;
    if (!infer.index)
      rnn.project(chunk.high - chunk.low, infer.x + chunk.low * rnn.spec().input_dim, p.z, p.z_panel, p.panel_begin,
                  p.panel_end, p.scratch);
    while (first < chunk.last) {
      p.segments = segments.data() + first;
      p.segment_count = chunk.last - first;
      first += recur(p);
      if (first < chunk.last && !alone()) return;
    }
  }
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
  template int64_t rnn_infer_workspace(const PackedRnn<T>&, const SequencePlan&, int, int64_t);       \
  template void rnn_infer_begin(const RnnInfer<T>&);                                                  \
  template void rnn_infer_end(const RnnInfer<T>&);                                                    \
  template void rnn_infer_member(const RnnInfer<T>&, int member, int members, StepBarrier* barrier);  \
  template void rnn_infer(const RnnInfer<T>*, int count, int threads);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
