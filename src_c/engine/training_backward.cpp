#include "training_backward.h"

#include <algorithm>

#include "training.h"

namespace rnnfast {
namespace {

// What layer normalisation adds to the time loop's arguments. Groups of rows, which threads do not part, add up
// gradients of their own, so that the sums do not depend on threads; the size of a group is a matter of the batch
// alone.
template <class T> class LoopNorm {
 public:
  LoopNorm(const BackwardCall<T>& call, RecurBackwardArgs<T>& p)
      : call_(call),
        group_(wanted() ? std::max<int64_t>(1, std::min<int64_t>(call.plan.batch() / 8, 16)) : 1),
        groups_(ceil_div(call.plan.batch(), group_)),
        gamma_rows_(wanted() ? groups_ * call.layout.norm_row() : 0),
        cell_rows_(wanted() ? groups_ * 2 * call.layout.units : 0),
        cell_space_(wanted() ? call.plan.batch() * call.layout.units : 0, uninitialised) {
    if (!wanted()) return;
    const CellLayout& layout = call.layout;
    const RnnNorm<const void*>& weights = call.f.weights.norm;
    const NormHistory<T> history(layout, call.f);
    gamma_ = pack_norm(call.kernels, layout, typed<T>(weights.recurrent_gamma));
    p.norm.gamma = gamma_.data();
    p.norm.cell_gamma = typed<T>(weights.cell_gamma);
    p.norm.cell_beta = typed<T>(weights.cell_beta);
    p.norm.rows = history.recurrent;
    p.norm.row = layout.norm_row();
    p.norm.panel = layout.norm_panel();
    p.norm.kept = history.steps;
    p.norm.group = group_;
    p.norm.d_gamma = gamma_rows_.data();
    p.norm.d_cell = cell_rows_.data();
    p.norm.cell_rows = cell_space_.data();
    p.k = layout.norm_blocks(layout.recurrent_gates());
    p.candidate_k = layout.norm_blocks(layout.candidate_gates());
  }

  // The gradients of the weights, from those of the rows.
  void finish() const {
    if (!wanted()) return;
    const int64_t H = call_.layout.units, width = call_.layout.norm_row();
    const RnnNorm<void*>& d = call_.b.dnorm;
    Buffer<T> sums(std::max(width, 2 * H), uninitialised);
    call_.kernels.column_sums(groups_, width, gamma_rows_.data(), sums.data());
    unpack_norm(call_.layout, sums.data(), typed<T>(d.recurrent_gamma));
    if (!d.cell_gamma) return;
    call_.kernels.column_sums(groups_, 2 * H, cell_rows_.data(), sums.data());
    std::copy_n(sums.data(), H, typed<T>(d.cell_gamma));
    std::copy_n(sums.data() + H, H, typed<T>(d.cell_beta));
  }

  // Rows that one thread must take together.
  int64_t group() const { return group_; }

 private:
  bool wanted() const { return call_.layout.normalized; }

  const BackwardCall<T>& call_;
  const int64_t group_, groups_;
  Buffer<T> gamma_, gamma_rows_, cell_rows_, cell_space_;
};

}  // namespace

template <class T> void backward_in_time(const BackwardCall<T>& call) {
  const RnnForward& f = call.f;
  const SequencePlan& plan = call.plan;
  const CellLayout& layout = call.layout;
  const Kernels<T>& kernels = call.kernels;
  const int64_t H = layout.units, S = state_size(*f.spec);
  const T* u = typed<T>(f.weights.recurrent_kernel);
  const GateSet gates = layout.recurrent_gates(), candidate = layout.candidate_gates();
  const Products<T>& products = products_of<T>(call.table, call.formats.state, H);
  const Panels<T> ut = transposed_panels(kernels, products, layout, gates, u, S, call.threads);
  const Panels<T> candidate_ut =
      layout.split() ? transposed_panels(kernels, products, layout, candidate, u, H, call.threads) : Panels<T>();
  const T* projection = typed<T>(f.weights.projection);
  Buffer<T> projection_t(projection ? linear_size(layout.lanes, S, H) : 0, uninitialised);
  if (projection) pack_linear(kernels, projection, S, H, S, true, projection_t.data());
  Buffer<T> d_projected(projection ? plan.total() * S : 0, uninitialised);
  Buffer<T> scratch(layout.split() || projection ? plan.batch() * H : 0, uninitialised);

  const bool dropout = f.noise.h_factors != nullptr;
  const int64_t gate_size = transposed_size(layout, layout.gate(0), S);
  Buffer<T> gate_ut(dropout ? layout.gates() * gate_size : 0, uninitialised);
  for (int g = 0; dropout && g < layout.gates(); ++g)
    pack_cell_transposed(kernels, layout, layout.gate(g), u, S, gate_ut.data() + g * gate_size);
  Buffer<T> dropped(dropout ? plan.batch() * S : 0, uninitialised);

  RecurBackwardArgs<T> p{};
  p.units = H;
  p.state = S;
  p.projection_t = projection_t.data();
  p.d_projected = d_projected.data();
  p.ut = ut.view();
  p.k = layout.recurrent_blocks(call.z_panel);
  p.candidate_ut = candidate_ut.view();
  p.candidate_k = layout.gate_blocks(call.z_panel);
  p.h_factors = typed<T>(f.noise.h_factors);
  p.h_factors_gate = plan.batch() * S;
  p.gate_ut = gate_ut.data();
  p.gate_ut_size = gate_size;
  p.gate_k = layout.gate_blocks(call.z_panel);
  LoopNorm<T> norm(call, p);
  p.h_zoneout = h_zoneout<T>(f.noise);
  p.c_zoneout = c_zoneout<T>(f.noise);
  p.peephole = typed<T>(f.weights.peephole);
  p.activation = f.spec->activation;
  p.recurrent_activation = f.spec->recurrent_activation;
  p.segments = plan.segments().data();
  p.segment_count = static_cast<int64_t>(plan.segments().size());
  p.z = call.z();
  p.z_panel = call.z_panel;
  p.h = call.h();
  p.c = typed<T>(f.c);
  p.dy = typed<T>(call.b.dy);
  p.dh = typed<T>(call.b.dh);
  p.dc = typed<T>(call.b.dc);
  p.default_gates = has_default_gates(*f.spec);
  p.reset_after = f.spec->reset_after;
  for_batch_parts(plan, call.threads, norm.group(), [&](int64_t begin, int64_t end) {
    RecurBackwardArgs<T> part = p;
    part.row_begin = begin;
    part.row_end = end;
    Buffer<T> prepared(product_scratch(products, end - begin, factors(p.k)), uninitialised);
    part.prepared = prepared.data();
    part.norm.cell_rows = p.norm.cell_rows + begin * H;
    part.scratch = scratch.data() ? scratch.data() + begin * H : nullptr;
    part.dropped = dropout ? dropped.data() + begin * S : nullptr;
    products.recur_backward[static_cast<int>(f.spec->cell)](part);
  });
  norm.finish();
  if (call.b.dprojection)
    matmul({f.dtype, true, false, H, S, plan.total(), f.extra, H, d_projected.data(), S, nullptr, call.b.dprojection, S,
            call.threads, f.precision},
           call.table);
}

template void backward_in_time(const BackwardCall<float>&);
template void backward_in_time(const BackwardCall<double>&);

}  // namespace rnnfast
