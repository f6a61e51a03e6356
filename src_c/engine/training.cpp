#include "training.h"

#include "cpu.h"
#include "gate_dropout.h"
#include "norm_history.h"
#include "training_backward.h"
#include "training_parts.h"

namespace rnnfast {

namespace {

// N(x W), from which the time loop makes its z.
template <class T> void project_normalized(const RnnForward& f, const PackedRnn<T>& rnn, int threads) {
  const CellLayout& layout = rnn.layout();
  const NormHistory<T> history(layout, f);
  for_row_parts(history.rows, threads, [&](int64_t first, int64_t count) {
    T* rows = history.input + first * layout.norm_row();
    ProductArgs<T> p = rnn.projection(count, typed<T>(f.x) + first * f.spec->input_dim, rows, layout.norm_panel(), 0,
                                      layout.panels());
    p.c_row = layout.norm_row();
    rnn.input_products().product(p);
    NormRows<T> n = rnn.normalization(count, rows, layout.norm_row(), layout.norm_panel());
    n.rstd = history.input_rstd + first;
    rnn.kernels().normalize(n);
  });
}

template <class T> void forward(const RnnForward& f, const KernelTable& table) {
  const PackedRnn<T> rnn(table, training_formats<T>(table, f), *f.spec, f.weights);
  const SequencePlan& plan = *f.plan;
  const CellLayout& layout = rnn.layout();
  const int64_t z_panel = plan.total() * layout.slot_row();
  const int threads = worthwhile_threads(layer_operations(f), f.threads);
  T* z = typed<T>(f.z);
  // The input's part: of every step, into z; or of every row that occurs, from which the time loop takes it.
  const int64_t rows = f.index ? f.x_rows : plan.total(), input_panel = rows * layout.slot_row();
  Buffer<T> by_row(f.index && !layout.normalized ? layout.z_size(rows) : 0, uninitialised);
  T* input = f.index ? by_row.data() : z;
  if (layout.normalized) project_normalized(f, rnn, threads);
  else if (f.noise.x_factors)
    GateDropout<T>(GateDropout<T>::Of::input, rnn.kernels(), layout, plan, f.noise.x_factors, f.spec->input_dim,
                   threads)
        .project(rnn, typed<T>(f.weights.kernel), typed<T>(f.x), z);
  else
    for_row_parts(rows, threads, [&](int64_t first, int64_t count) {
      Buffer<T> scratch(product_scratch(rnn.input_products(), count, f.spec->input_dim), uninitialised);
      rnn.project(count, typed<T>(f.x) + first * f.spec->input_dim, input + first * layout.slot_row(), input_panel, 0,
                  layout.panels(), scratch.data());
    });
  const int64_t S = state_size(*f.spec);
  const bool dropout = f.noise.h_factors != nullptr;
  const int64_t gate_size = layout.panels() * S * layout.width(layout.gate(0));
  Buffer<T> gate_u(dropout ? layout.gates() * gate_size : 0, uninitialised);
  for (int g = 0; dropout && g < layout.gates(); ++g)
    pack_cell(rnn.kernels(), layout, layout.gate(g), typed<T>(f.weights.recurrent_kernel), S,
              gate_u.data() + g * gate_size);
  RecurForwardArgs<T> p = rnn.recurrence();
  p.input = by_row.data();
  p.input_panel = input_panel;
  p.input_index = f.index;
  p.h_factors = typed<T>(f.noise.h_factors);
  p.h_factors_gate = plan.batch() * S;
  p.gate_u = gate_u.data();
  p.gate_u_size = gate_size;
  p.h_zoneout = h_zoneout<T>(f.noise);
  p.c_zoneout = c_zoneout<T>(f.noise);
  p.segments = plan.segments().data();
  p.segment_count = static_cast<int64_t>(plan.segments().size());
  p.z = z;
  p.z_panel = z_panel;
  p.h = typed<T>(f.h);
  p.c = typed<T>(f.c);
  p.extra = typed<T>(f.extra);
  if (layout.normalized) {
    const NormHistory<T> history(layout, f);
    p.norm.input = history.input;
    p.norm.rows = history.recurrent;
    p.norm.kept = history.steps;
  }
  for_batch_parts(plan, threads, 1, [&](int64_t begin, int64_t end) {
    RecurForwardArgs<T> part = p;
    part.row_begin = begin;
    part.row_end = end;
    const int64_t longest = std::max(S, layout.units), part_rows = end - begin;
    const int64_t words = dropout ? part_rows * S : prepared_size(part_rows, longest, rnn.products().layout);
    Buffer<T> scratch(words, uninitialised);
    part.scratch = scratch.data();
    rnn.products().recur_training[static_cast<int>(f.spec->cell)](part);
  });
}

template <class T> void backward(const RnnBackward& b, const KernelTable& table) {
  const BackwardCall<T> call(b, table);
  backward_in_time(call);
  gradients(call);
}

}  // namespace

template <class T> int64_t z_and_history(const RnnSpec& spec, int64_t total, int64_t x_rows) {
  const CellLayout layout(spec, active_table().of<T>().lanes);
  return layout.z_size(total) + NormHistory<T>::size(layout, total, x_rows);
}

int64_t rnn_z_size(Dtype dtype, const RnnSpec& spec, int64_t total, int64_t x_rows) {
  return dtype == Dtype::float32 ? z_and_history<float>(spec, total, x_rows)
                                 : z_and_history<double>(spec, total, x_rows);
}

void rnn_forward(const RnnForward& f, const KernelTable& table) {
  f.dtype == Dtype::float32 ? forward<float>(f, table) : forward<double>(f, table);
}

void rnn_backward(const RnnBackward& b, const KernelTable& table) {
  b.forward.dtype == Dtype::float32 ? backward<float>(b, table) : backward<double>(b, table);
}

}  // namespace rnnfast
