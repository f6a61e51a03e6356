#include <vector>

#include "columns.h"
#include "gate_dropout.h"
#include "training_backward.h"

namespace rnnfast {
namespace {

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

template <class T> class Gradients {
 public:
  explicit Gradients(const BackwardCall<T>& call)
      : call_(call),
        b_(call.b),
        f_(call.f),
        plan_(call.plan),
        kernels_(call.kernels),
        layout_(call.layout),
        z_panel_(call.z_panel),
        threads_(call.threads),
        bias_sums_(layout_.panels() * layout_.slot_row()),
        start_{call.z(), plan_.total(), z_panel_, layout_.slot_row()},
        input_(start_),
        recurrent_(start_) {}

  void run() {
    if (f_.index) sum_by_index();
    if (layout_.normalized) through_norm();
    of_weights();
    if (b_.dx) of_input();
  }

 private:
  T* z() const { return call_.z(); }
  const T* h() const { return call_.h(); }

  // Rows of gradients by panel: of z, or of products.
  struct Dz {
    const T* data;
    int64_t rows, panel, row;
    const T* at(int64_t p, int64_t r = 0) const { return data + p * panel + r * row; }
  };

  // dz for each row of x is the sum over the steps that it stands at.
  void sum_by_index() {
    start_ = {nullptr, f_.x_rows, f_.x_rows * layout_.slot_row(), layout_.slot_row()};
    sums_ = Buffer<T>(layout_.panels() * start_.panel);
    start_.data = sums_.data();
    parallel_for(layout_.panels(), threads_, [&](int64_t panel) {
      kernels_.z_sums_by_index(plan_.total(), z() + panel * z_panel_, f_.index, sums_.data() + panel * start_.panel);
    });
    input_ = start_;
  }

  // From what steps begin with to the input's products, and to the bias, while dz is at hand; the time loop has done
  // the same for the recurrent products. Parts of a fixed size have sums of their own.
  void through_norm() {
    const NormHistory<T> history(layout_, f_);
    const int64_t width = layout_.norm_row(), P = layout_.panels(), parts = ceil_div(history.rows, kRowsPerPart);
    const Buffer<T> gamma = pack_norm(kernels_, layout_, typed<T>(f_.weights.norm.kernel_gamma));
    Buffer<T> d_gamma(parts * width), d_bias(parts * P * layout_.slot_row()), sums(width, uninitialised);
    for_row_parts(history.rows, threads_, [&](int64_t first, int64_t count) {
      NormRows<T> n{};
      n.gates = layout_.gates();
      n.units = layout_.units;
      n.count = count;
      n.gamma = gamma.data();
      n.x = history.input + first * width;
      n.x_row = width;
      n.x_panel = layout_.norm_panel();
      n.rstd = history.input_rstd + first;
      n.dz = start_.at(0, first);
      n.dz_panel = start_.panel;
      n.d_gamma = d_gamma.data() + first / kRowsPerPart * width;
      kernels_.normalize_backward(n);
      for (int64_t panel = 0; panel < P; ++panel)
        kernels_.z_sums(count, start_.at(panel, first),
                        d_bias.data() + (first / kRowsPerPart * P + panel) * layout_.slot_row());
    });
    kernels_.column_sums(parts, bias_sums_.size(), d_bias.data(), bias_sums_.data());
    kernels_.column_sums(parts, width, d_gamma.data(), sums.data());
    unpack_norm(layout_, sums.data(), typed<T>(b_.dnorm.kernel_gamma));
    input_ = {history.input, history.rows, layout_.norm_panel(), width};
    recurrent_ = {history.recurrent, plan_.total(), layout_.norm_panel(), width};
  }

  // The gradient of what a panel holds of a matrix (m, G*units): A^T dz, A (k, m), dz k rows of the panel, from the
  // first of the gates on, `dz_row` elements apart.
  void panel_gradient(const Products<T>& products, const GateSet& gates, int64_t panel, int64_t m, int64_t k,
                      const void* a, const void* dz, int64_t dz_row, bool accumulate,
                      void* gradient) const {
    Buffer<T> work(m * layout_.width(gates), uninitialised);
    OuterArgs<T> p{};
    p.m = p.lda = m;
    p.k = k;
    p.nv = layout_.vectors(gates);
    // The candidate's recurrent part of a GRU lies in slot 3 of z, past its input's.
    p.skip_slot = layout_.cell == CellKind::gru && layout_.reset_after && gates.first + gates.count == 3 &&
                  gradient == b_.drecurrent_kernel && !layout_.normalized;
    p.a = a;
    p.b = dz;
    p.b_row = dz_row;
    p.accumulate = accumulate;
    p.c = cell_part(layout_, gates, typed<T>(gradient), panel);
    p.work = work.data();
    products.outer(p);
  }

  void of_weights() {
    const int64_t I = f_.spec->input_dim, S = state_size(*f_.spec), P = layout_.panels();
    const int64_t total = plan_.total(), slot_row = layout_.slot_row();
    // The factors of both sums, once for all panels; dz too, where it is the same in both.
    const Products<T>& of_x = products_of<T>(call_.table, call_.formats.input, input_.rows);
    const Products<T>& of_h = products_of<T>(call_.table, call_.formats.state, total);
    const Columns<T> x(kernels_, of_x, one_run(input_.rows), input_.rows, I, typed<T>(f_.x), I, threads_);
    const std::vector<Segment> runs = merged(plan_);
    const Columns<T> states(kernels_, of_h, runs, total, S, h(), S, threads_);
    const Columns<T> reset = layout_.split() ? Columns<T>(kernels_, of_h, one_run(total), total, layout_.units,
                                                          typed<T>(f_.extra), layout_.units, threads_)
                                             : Columns<T>();
    const Panels<T> input_panels(of_x, P, input_.rows, slot_row, input_.data, threads_);
    const bool same = !f_.index && &of_x == &of_h;
    const Panels<T> other_panels = same ? Panels<T>() : Panels<T>(of_h, P, total, slot_row, z(), threads_);
    const Panels<T>& panels = same ? input_panels : other_panels;
    // The states before are not one matrix: as they stand, they are summed run by run.
    const std::vector<Segment> parts = f_.noise.h_factors         ? std::vector<Segment>()
                                       : of_h.layout.numbers == 1 ? runs
                                                                  : one_run(total);
    // dz where it stands, or in another format.
    const auto dz_of = [&](const Products<T>& products, const Panels<T>& prepared, const Dz& dz, int64_t panel,
                           int64_t row, const GateSet& gates) -> const void* {
      const int64_t first = gates.first * layout_.lanes;
      if (products.layout.numbers == 1) return dz.at(panel, row) + first;
      return prepared.element(panel, row * slot_row + first);
    };

    const int jobs = b_.dbias && !layout_.normalized ? 3 : 2;
    parallel_for(jobs * P, threads_, [&](int64_t job) {
      const int64_t panel = job / jobs;
      switch (job % jobs) {
        case 0:
          if (f_.noise.x_factors) break;
          panel_gradient(of_x, layout_.input_gates(), panel, I, input_.rows, x.from(0),
                         dz_of(of_x, input_panels, input_, panel, 0, layout_.input_gates()), input_.row, false,
                         b_.dkernel);
          break;
        case 1:
          for (size_t i = 0; i < parts.size(); ++i)
            panel_gradient(of_h, layout_.recurrent_gates(), panel, S, parts[i].count, states.from(parts[i].prev),
                           dz_of(of_h, panels, recurrent_, panel, parts[i].z, layout_.recurrent_gates()),
                           recurrent_.row, i > 0, b_.drecurrent_kernel);
          if (layout_.split())
            panel_gradient(of_h, layout_.candidate_gates(), panel, S, total, reset.from(0),
                           dz_of(of_h, panels, recurrent_, panel, 0, layout_.candidate_gates()), recurrent_.row, false,
                           b_.drecurrent_kernel);
          break;
        default:
          kernels_.z_sums(start_.rows, start_.at(panel), bias_sums_.data() + panel * layout_.slot_row());
      }
    });
    if (f_.noise.x_factors)
      input_dropout().weight_gradient(layout_.gates(), typed<T>(f_.x), z(), typed<T>(b_.dkernel));
    if (f_.noise.h_factors)
      GateDropout<T>(GateDropout<T>::Of::states, kernels_, layout_, plan_, f_.noise.h_factors, S, threads_)
          .weight_gradient(layout_.recurrent_gates().count, h(), z(), typed<T>(b_.drecurrent_kernel));
    if (b_.dbias) unpack_bias_gradient(layout_, bias_sums_.data(), typed<T>(b_.dbias));
    if (b_.dpeephole)
      kernels_.peephole_gradient(layout_.units, plan_.segments().data(),
                                 static_cast<int64_t>(plan_.segments().size()), z(), z_panel_, typed<T>(f_.c),
                                 typed<T>(b_.dpeephole));
  }

  GateDropout<T> input_dropout() const {
    return {GateDropout<T>::Of::input, kernels_, layout_, plan_, f_.noise.x_factors, f_.spec->input_dim, threads_};
  }

  void of_input() const {
    if (f_.noise.x_factors) input_dropout().input_gradient(typed<T>(f_.weights.kernel), z(), typed<T>(b_.dx));
    else input_product();
  }

  // dx (rows of x, input_dim) = dz W^T
  void input_product() const {
    const int64_t I = f_.spec->input_dim;
    const KBlocks k = layout_.input_blocks(input_.panel);
    const Products<T>& products = products_of<T>(call_.table, call_.formats.input, layout_.units);
    const Panels<T> wt = transposed_panels(kernels_, products, layout_, layout_.input_gates(),
                                           typed<T>(f_.weights.kernel), I, threads_);
    for_row_parts(input_.rows, threads_, [&](int64_t first, int64_t count) {
      Buffer<T> scratch(product_scratch(products, count, factors(k)), uninitialised);
      ProductArgs<T> part = linear_product(layout_.lanes, count, I, input_.at(0, first), input_.row, k, wt,
                                           typed<T>(b_.dx) + first * I, I);
      part.scratch = scratch.data();
      products.product(part);
    });
  }

  const BackwardCall<T>& call_;
  const RnnBackward& b_;
  const RnnForward& f_;
  const SequencePlan& plan_;
  const Kernels<T>& kernels_;
  const CellLayout& layout_;
  const int64_t z_panel_;
  const int threads_;
  Buffer<T> sums_;  // dz by row of x: as z, with x_rows rows
  Buffer<T> bias_sums_;  // [panel][4 * VL]
  Dz start_, input_, recurrent_;  // of what steps begin with, of x W, of h' U
};

}  // namespace

template <class T> void gradients(const BackwardCall<T>& call) { Gradients<T>(call).run(); }

template void gradients(const BackwardCall<float>&);
template void gradients(const BackwardCall<double>&);

}  // namespace rnnfast
