#include "training.h"

#include "cpu.h"
#include "gate_dropout.h"
#include "training_backward.h"
#include "training_parts.h"

namespace rnnfast {

namespace {

// z = b + x W, where every gate drops out of x on its own.
template <class T>
void project_by_gate(const RnnForward& f, const PackedRnn<T>& rnn, T* z, int64_t z_panel, int threads) {
  const CellLayout& layout = rnn.layout();
  const int64_t I = f.spec->input_dim, total = f.plan->total();
  const GateDropout<T> dropout(rnn.kernels(), *f.plan, f.noise.x_factors, I, threads);
  const int64_t width = layout.width(layout.gate(0));
  Buffer<T> rows(total * I, uninitialised), w(layout.panels() * I * width, uninitialised);
  for (int g = 0; g < layout.gates(); ++g) {
    dropout.of_input(g, typed<T>(f.x), rows.data());
    pack_cell(rnn.kernels(), layout, layout.gate(g), typed<T>(f.weights.kernel), I, w.data());
    for_row_parts(total, threads, [&](int64_t first, int64_t count) {
      ProductArgs<T> p = rnn.projection(count, rows.data() + first * I, z + first * layout.slot_row(), z_panel, 0,
                                        layout.panels());
      p.nv = layout.vectors(layout.gate(g));
      p.b = {w.data(), nullptr, nullptr};
      p.b_panel = I * width;
      if (p.bias) p.bias += g * layout.lanes;
      p.c += g * layout.lanes;
      rnn.kernels().full.product(p);
    });
  }
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
  Buffer<T> by_row(f.index ? layout.z_size(rows) : 0, uninitialised);
  T* input = f.index ? by_row.data() : z;
  if (f.noise.x_factors) project_by_gate(f, rnn, z, z_panel, threads);
  else
    for_row_parts(rows, threads, [&](int64_t first, int64_t count) {
      Buffer<T> scratch(product_scratch(rnn.input_products(), count, f.spec->input_dim), uninitialised);
      rnn.project(count, typed<T>(f.x) + first * f.spec->input_dim, input + first * layout.slot_row(), input_panel, 0,
                  layout.panels(), scratch.data());
    });
  const int64_t S = state_size(*f.spec);
  RecurForwardArgs<T> p = rnn.recurrence();
  p.input = input;
  p.input_panel = input_panel;
  p.input_index = f.index;
  p.h_factors = typed<T>(f.noise.h_factors);
  p.h_factors_gate = plan.batch() * S;
  p.h_zoneout = h_zoneout<T>(f.noise);
  p.c_zoneout = c_zoneout<T>(f.noise);
  p.segments = plan.segments().data();
  p.segment_count = static_cast<int64_t>(plan.segments().size());
  p.z = z;
  p.z_panel = z_panel;
  p.h = typed<T>(f.h);
  p.c = typed<T>(f.c);
  p.extra = typed<T>(f.extra);
  for_batch_parts(plan, threads, [&](int64_t begin, int64_t end) {
    RecurForwardArgs<T> part = p;
    part.row_begin = begin;
    part.row_end = end;
    const int64_t longest = std::max(S, layout.units), part_rows = end - begin;
    Buffer<T> scratch(f.noise.h_factors ? part_rows * S : prepared_size(part_rows, longest, rnn.products().layout),
                      uninitialised);
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

int64_t rnn_z_size(Dtype dtype, const RnnSpec& spec, int64_t total) {
  const KernelTable& table = active_table();
  const int lanes = dtype == Dtype::float32 ? table.f32.lanes : table.f64.lanes;
  return CellLayout(spec, lanes).z_size(total);
}

void rnn_forward(const RnnForward& f, const KernelTable& table) {
  f.dtype == Dtype::float32 ? forward<float>(f, table) : forward<double>(f, table);
}

void rnn_backward(const RnnBackward& b, const KernelTable& table) {
  b.forward.dtype == Dtype::float32 ? backward<float>(b, table) : backward<double>(b, table);
}

}  // namespace rnnfast
