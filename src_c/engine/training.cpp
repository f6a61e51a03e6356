#include "training.h"

#include <algorithm>
#include <vector>

#include "cpu.h"
#include "gate_dropout.h"
#include "rnn.h"
#include "threads.h"

namespace rnnfast {

namespace {

template <class T> T* typed(void* p) { return static_cast<T*>(p); }
template <class T> const T* typed(const void* p) { return static_cast<const T*>(p); }

// Floating-point operations of one pass over a layer's products.
double layer_operations(const RnnForward& f) { return static_cast<double>(f.plan->total()) * step_operations(*f.spec); }

template <class T> Zoneout<T> h_zoneout(const RnnNoise& noise) {
  return {noise.h_kept, static_cast<T>(noise.h_zoneout)};
}
template <class T> Zoneout<T> c_zoneout(const RnnNoise& noise) {
  return {noise.c_kept, static_cast<T>(noise.c_zoneout)};
}

template <class T> void product(const MatMul&);

// f(row_begin, row_end) over the plan's sorted rows, one part per thread.
template <class F> void for_batch_parts(const SequencePlan& plan, int threads, const F& f) {
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(threads, plan.batch()));
  const std::vector<int64_t> bounds = plan.balanced_rows(parts);
  parallel_for(parts, threads, [&](int64_t part) {
    if (bounds[part] < bounds[part + 1]) f(bounds[part], bounds[part + 1]);
  });
}

// Consecutive segments whose states before and after both lie in one piece of the history, at least one (of no rows).
std::vector<Segment> merged(const SequencePlan& plan) {
  std::vector<Segment> result;
  for (const Segment& s : plan.packed_segments()) {
    if (!result.empty() && result.back().z + result.back().count == s.z &&
        result.back().prev + result.back().count == s.prev)
      result.back().count += s.count;
    else
      result.push_back(s);
  }
  if (result.empty()) result.push_back({});
  return result;
}

template <class T> class Backward {
 public:
  explicit Backward(const RnnBackward& b)
      : b_(b), f_(b.forward), plan_(*f_.plan), table_(active_table()), kernels_(table_.of<T>()),
        layout_(*f_.spec, kernels_.lanes), z_panel_(plan_.total() * layout_.slot_row()),
        threads_(worthwhile_threads(2 * layer_operations(f_), f_.threads)) {}

  void run() {
    time_loop();
    if (f_.index) sum_by_index();
    weight_gradients();
    if (b_.dx) input_gradient();
  }

 private:
  T* z() const { return typed<T>(f_.z); }
  const T* h() const { return typed<T>(f_.h); }

  // dz for the rows of x: that of every step, or for each row the sum over the steps that it stands at.
  struct InputDz {
    const T* data;
    int64_t rows, panel;
  };
  InputDz input_dz() const {
    if (f_.index) return {sums_.data(), f_.x_rows, f_.x_rows * layout_.slot_row()};
    return {z(), plan_.total(), z_panel_};
  }
  void sum_by_index() {
    const int64_t panel_size = f_.x_rows * layout_.slot_row();
    sums_ = Buffer<T>(layout_.panels() * panel_size);
    parallel_for(layout_.panels(), threads_, [&](int64_t panel) {
      kernels_.z_sums_by_index(plan_.total(), z() + panel * z_panel_, f_.index, sums_.data() + panel * panel_size);
    });
  }

  // dz of every step into z; dh and dc of the initial state.
  void time_loop() const {
    const int64_t H = layout_.units, S = state_size(*f_.spec);
    const T* u = typed<T>(f_.weights.recurrent_kernel);
    const GateSet gates = layout_.recurrent_gates(), candidate = layout_.candidate_gates();
    Buffer<T> ut(transposed_size(layout_, gates, S), uninitialised);
    pack_cell_transposed(kernels_, layout_, gates, u, S, ut.data());
    Buffer<T> candidate_ut(layout_.split() ? transposed_size(layout_, candidate, H) : 0, uninitialised);
    if (layout_.split()) pack_cell_transposed(kernels_, layout_, candidate, u, H, candidate_ut.data());
    const T* projection = typed<T>(f_.weights.projection);
    Buffer<T> projection_t(projection ? linear_size(layout_.lanes, S, H) : 0, uninitialised);
    if (projection) pack_linear(kernels_, projection, S, H, S, true, projection_t.data());
    Buffer<T> d_projected(projection ? plan_.total() * S : 0, uninitialised);
    Buffer<T> scratch(layout_.split() || projection ? plan_.batch() * H : 0, uninitialised);

    const bool dropout = f_.noise.h_factors != nullptr;
    const int64_t gate_size = transposed_size(layout_, layout_.gate(0), S);
    Buffer<T> gate_ut(dropout ? layout_.gates() * gate_size : 0, uninitialised);
    for (int g = 0; dropout && g < layout_.gates(); ++g)
      pack_cell_transposed(kernels_, layout_, layout_.gate(g), u, S, gate_ut.data() + g * gate_size);
    Buffer<T> dropped(dropout ? plan_.batch() * S : 0, uninitialised);

    RecurBackwardArgs<T> p{};
    p.units = H;
    p.state = S;
    p.projection_t = projection_t.data();
    p.d_projected = d_projected.data();
    p.ut = ut.data();
    p.k = layout_.recurrent_blocks(z_panel_);
    p.candidate_ut = candidate_ut.data();
    p.candidate_k = layout_.gate_blocks(z_panel_);
    p.h_factors = typed<T>(f_.noise.h_factors);
    p.h_factors_gate = plan_.batch() * S;
    p.gate_ut = gate_ut.data();
    p.gate_ut_size = gate_size;
    p.gate_k = layout_.gate_blocks(z_panel_);
    p.h_zoneout = h_zoneout<T>(f_.noise);
    p.c_zoneout = c_zoneout<T>(f_.noise);
    p.peephole = typed<T>(f_.weights.peephole);
    p.activation = f_.spec->activation;
    p.recurrent_activation = f_.spec->recurrent_activation;
    p.segments = plan_.segments().data();
    p.segment_count = static_cast<int64_t>(plan_.segments().size());
    p.z = z();
    p.z_panel = z_panel_;
    p.h = h();
    p.c = typed<T>(f_.c);
    p.dy = typed<T>(b_.dy);
    p.dh = typed<T>(b_.dh);
    p.dc = typed<T>(b_.dc);
    p.default_gates = has_default_gates(*f_.spec);
    p.reset_after = f_.spec->reset_after;
    for_batch_parts(plan_, threads_, [&](int64_t begin, int64_t end) {
      RecurBackwardArgs<T> part = p;
      part.row_begin = begin;
      part.row_end = end;
      part.scratch = scratch.data() ? scratch.data() + begin * H : nullptr;
      part.dropped = dropout ? dropped.data() + begin * S : nullptr;
      kernels_.recur_backward[static_cast<int>(f_.spec->cell)](part);
    });
    if (b_.dprojection)
      product<T>({f_.dtype, true, false, H, S, plan_.total(), f_.extra, H, d_projected.data(), S, nullptr,
                  b_.dprojection, S, threads_});
  }

  // The gradient of what a panel holds of a matrix (rows, G*units): A^T dz, A (k, rows), dz k rows of the panel.
  void panel_gradient(const GateSet& gates, int64_t panel, int64_t rows, int64_t k, const T* a, const T* dz,
                      bool accumulate, void* gradient) const {
    Buffer<T> work(rows * layout_.width(gates), uninitialised);
    OuterArgs<T> p{};
    p.m = p.lda = rows;
    p.k = k;
    p.nv = layout_.vectors(gates);
    // The candidate's recurrent part of a GRU lies in slot 3, past its input's.
    p.skip_slot = layout_.cell == CellKind::gru && layout_.reset_after && gates.first + gates.count == 3 &&
                  gradient == b_.drecurrent_kernel;
    p.a = a;
    p.b = dz + gates.first * layout_.lanes;
    p.b_row = layout_.slot_row();
    p.accumulate = accumulate;
    p.c = cell_part(layout_, gates, typed<T>(gradient), panel);
    p.work = work.data();
    kernels_.outer(p);
  }

  void weight_gradients() const {
    const int64_t I = f_.spec->input_dim, S = state_size(*f_.spec), P = layout_.panels();
    const std::vector<Segment> runs = merged(plan_);
    const InputDz input = input_dz();
    Buffer<T> sums(P * layout_.slot_row());

    const int jobs = b_.dbias ? 3 : 2;
    parallel_for(jobs * P, threads_, [&](int64_t job) {
      const int64_t panel = job / jobs;
      switch (job % jobs) {
        case 0:
          if (f_.noise.x_factors) break;
          panel_gradient(layout_.input_gates(), panel, I, input.rows, typed<T>(f_.x), input.data + panel * input.panel,
                         false, b_.dkernel);
          break;
        case 1:
          for (size_t i = 0; !f_.noise.h_factors && i < runs.size(); ++i)
            panel_gradient(layout_.recurrent_gates(), panel, S, runs[i].count, h() + runs[i].prev * S,
                           z() + panel * z_panel_ + runs[i].z * layout_.slot_row(), i > 0, b_.drecurrent_kernel);
          if (layout_.split())
            panel_gradient(layout_.candidate_gates(), panel, S, plan_.total(), typed<T>(f_.extra),
                           z() + panel * z_panel_, false, b_.drecurrent_kernel);
          break;
        default:
          kernels_.z_sums(input.rows, input.data + panel * input.panel, sums.data() + panel * layout_.slot_row());
      }
    });
    if (f_.noise.x_factors)
      input_dropout().weight_gradient(layout_.gates(), typed<T>(f_.x), z(), typed<T>(b_.dkernel));
    if (f_.noise.h_factors)
      GateDropout<T>(GateDropout<T>::Of::states, kernels_, layout_, plan_, f_.noise.h_factors, S, threads_)
          .weight_gradient(layout_.recurrent_gates().count, h(), z(), typed<T>(b_.drecurrent_kernel));
    if (b_.dbias) unpack_bias_gradient(layout_, sums.data(), typed<T>(b_.dbias));
    if (b_.dpeephole)
      kernels_.peephole_gradient(layout_.units, plan_.segments().data(),
                                 static_cast<int64_t>(plan_.segments().size()), z(), z_panel_, typed<T>(f_.c),
                                 typed<T>(b_.dpeephole));
  }

  GateDropout<T> input_dropout() const {
    return {GateDropout<T>::Of::input, kernels_, layout_, plan_, f_.noise.x_factors, f_.spec->input_dim, threads_};
  }

  void input_gradient() const {
    if (f_.noise.x_factors) input_dropout().input_gradient(typed<T>(f_.weights.kernel), z(), typed<T>(b_.dx));
    else input_product();
  }

  // dx (rows of x, input_dim) = dz W^T
  void input_product() const {
    const int64_t I = f_.spec->input_dim;
    const GateSet gates = layout_.input_gates();
    const InputDz input = input_dz();
    const KBlocks k = layout_.input_blocks(input.panel);
    Buffer<T> wt(transposed_size(layout_, gates, I), uninitialised);
    pack_cell_transposed(kernels_, layout_, gates, typed<T>(f_.weights.kernel), I, wt.data());
    for_row_parts(input.rows, threads_, [&](int64_t first, int64_t count) {
      kernels_.full.product(linear_product<T>(layout_.lanes, count, I, input.data + first * layout_.slot_row(),
                                              layout_.slot_row(), k, {wt.data(), nullptr, nullptr},
                                              typed<T>(b_.dx) + first * I, I));
    });
  }

  const RnnBackward& b_;
  const RnnForward& f_;
  const SequencePlan& plan_;
  const KernelTable& table_;
  const Kernels<T>& kernels_;
  const CellLayout layout_;
  const int64_t z_panel_;
  const int threads_;
  Buffer<T> sums_;  // dz by row of x: as z, with x_rows rows
};

template <class T> void forward(const RnnForward& f) {
  const PackedRnn<T> rnn(active_table(), WeightType::full, *f.spec, f.weights);
  const SequencePlan& plan = *f.plan;
  const CellLayout& layout = rnn.layout();
  const int64_t z_panel = plan.total() * layout.slot_row();
  const int threads = worthwhile_threads(layer_operations(f), f.threads);
  T* z = typed<T>(f.z);
  // The input's part: of every step, into z; or of every row that occurs, from which the time loop takes it.
  const int64_t rows = f.index ? f.x_rows : plan.total(), input_panel = rows * layout.slot_row();
  Buffer<T> by_row(f.index ? layout.z_size(rows) : 0, uninitialised);
  T* input = f.index ? by_row.data() : z;
  if (f.noise.x_factors)
    GateDropout<T>(GateDropout<T>::Of::input, rnn.kernels(), layout, plan, f.noise.x_factors, f.spec->input_dim, threads)
        .project(rnn, typed<T>(f.weights.kernel), typed<T>(f.x), z);
  else
    for_row_parts(rows, threads, [&](int64_t first, int64_t count) {
      rnn.project(count, typed<T>(f.x) + first * f.spec->input_dim, input + first * layout.slot_row(), input_panel, 0,
                  layout.panels(), nullptr);
    });
  const int64_t S = state_size(*f.spec);
  const bool dropout = f.noise.h_factors != nullptr;
  Buffer<T> dropped(dropout ? plan.batch() * S : 0, uninitialised);
  const int64_t gate_size = layout.panels() * S * layout.width(layout.gate(0));
  Buffer<T> gate_u(dropout ? layout.gates() * gate_size : 0, uninitialised);
  for (int g = 0; dropout && g < layout.gates(); ++g)
    pack_cell(rnn.kernels(), layout, layout.gate(g), typed<T>(f.weights.recurrent_kernel), S,
              gate_u.data() + g * gate_size);
  RecurForwardArgs<T> p = rnn.recurrence();
  p.input = input;
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
  for_batch_parts(plan, threads, [&](int64_t begin, int64_t end) {
    RecurForwardArgs<T> part = p;
    part.row_begin = begin;
    part.row_end = end;
    part.scratch = dropout ? dropped.data() + begin * S : nullptr;
    rnn.kernels().recur_training[static_cast<int>(f.spec->cell)](part);
  });
}

// A (m, k) as stored: rows of A meet panels of B. A stored (k, m): sums over its rows.
template <class T> void product(const MatMul& p) {
  const Kernels<T>& kernels = active_table().of<T>();
  const int64_t lanes = kernels.lanes, width = kSlots * lanes, panels = ceil_div(p.n, width);
  const double operations = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const int threads = worthwhile_threads(operations, p.threads);
  Buffer<T> b(linear_size(lanes, p.k, p.n), uninitialised);
  pack_linear(kernels, typed<T>(p.b), p.k, p.n, p.ldb, p.transpose_b, b.data());
  Buffer<T> bias(p.bias ? panels * width : 0);
  if (p.bias) std::copy_n(typed<T>(p.bias), p.n, bias.data());
  T* c = typed<T>(p.c);
  if (!p.transpose_a) {
    for_row_parts(p.m, threads, [&](int64_t first, int64_t count) {
      ProductArgs<T> part = linear_product<T>(lanes, count, p.n, typed<T>(p.a) + first * p.lda, p.lda, plain_row(p.k),
                                              {b.data(), nullptr, nullptr}, c + first * p.ldc, p.ldc);
      part.bias = bias.data();
      kernels.full.product(part);
    });
    return;
  }
  if (p.bias)
    for (int64_t i = 0; i < p.m; ++i) std::copy_n(bias.data(), p.n, c + i * p.ldc);
  parallel_for(panels, threads, [&](int64_t panel) {
    Buffer<T> work(p.m * width, uninitialised);
    OuterArgs<T> part{};
    part.m = p.m;
    part.k = p.k;
    part.nv = static_cast<int>(std::min<int64_t>(kSlots, ceil_div(p.n - panel * width, lanes)));
    part.a = typed<T>(p.a);
    part.lda = p.lda;
    part.b = b.data() + panel * p.k * width;
    part.b_row = width;
    part.accumulate = p.bias != nullptr;
    part.c = linear_part(lanes, c, p.n, p.ldc, panel);
    part.work = work.data();
    kernels.outer(part);
  });
}

}  // namespace

int64_t rnn_z_size(Dtype dtype, const RnnSpec& spec, int64_t total) {
  const KernelTable& table = active_table();
  const int lanes = dtype == Dtype::float32 ? table.f32.lanes : table.f64.lanes;
  return CellLayout(spec, lanes).z_size(total);
}

void rnn_forward(const RnnForward& f) { f.dtype == Dtype::float32 ? forward<float>(f) : forward<double>(f); }

void rnn_backward(const RnnBackward& b) {
  if (b.forward.dtype == Dtype::float32) Backward<float>(b).run();
  else Backward<double>(b).run();
}

void matmul(const MatMul& p) { p.dtype == Dtype::float32 ? product<float>(p) : product<double>(p); }

}  // namespace rnnfast
