#include <vector>

#include "columns.h"
#include "gate_dropout.h"
#include "training_backward.h"

namespace rnnfast {
namespace {

// Consecutive segments whose states before and after both lie in one piece of the history, at least one (of no rows).
std::vector<Segment> merged(std::vector<Segment> segments) {
  std::sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) { return a.z < b.z; });
  std::vector<Segment> result;
  for (const Segment& s : segments) {
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
        threads_(call.threads) {}

  void run() {
    if (f_.index) sum_by_index();
    of_weights();
    if (b_.dx) of_input();
  }

 private:
  T* z() const { return call_.z(); }
  const T* h() const { return call_.h(); }

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

  // The gradient of what a panel holds of a matrix (m, G*units): A^T dz, A (k, m), dz k rows of the panel, from the
  // first of the gates on.
  void panel_gradient(const Products<T>& products, const GateSet& gates, int64_t panel, int64_t m, int64_t k,
                      const void* a, const void* dz, bool accumulate, void* gradient) const {
    Buffer<T> work(m * layout_.width(gates), uninitialised);
    OuterArgs<T> p{};
    p.m = p.lda = m;
    p.k = k;
    p.nv = layout_.vectors(gates);
    // The candidate's recurrent part of a GRU lies in slot 3, past its input's.
    p.skip_slot = layout_.cell == CellKind::gru && layout_.reset_after && gates.first + gates.count == 3 &&
                  gradient == b_.drecurrent_kernel;
    p.a = a;
    p.b = dz;
    p.b_row = layout_.slot_row();
    p.accumulate = accumulate;
    p.c = cell_part(layout_, gates, typed<T>(gradient), panel);
    p.work = work.data();
    products.outer(p);
  }

  void of_weights() const {
    const int64_t I = f_.spec->input_dim, S = state_size(*f_.spec), P = layout_.panels();
    const int64_t total = plan_.total(), slot_row = layout_.slot_row();
    const InputDz input = input_dz();
    // The factors of both sums, once for all panels; dz too, where it is the same in both.
    const Products<T>& of_x = products_of<T>(call_.table, call_.formats.input, input.rows);
    const Products<T>& of_h = products_of<T>(call_.table, call_.formats.state, total);
    const Columns<T> x(kernels_, of_x, one_run(input.rows), input.rows, I, typed<T>(f_.x), I, threads_);
    const std::vector<Segment> runs = merged(plan_.segments());
    const Columns<T> states(kernels_, of_h, runs, total, S, h(), S, threads_);
    const Columns<T> reset = layout_.split() ? Columns<T>(kernels_, of_h, one_run(total), total, layout_.units,
                                                          typed<T>(f_.extra), layout_.units, threads_)
                                             : Columns<T>();
    const Panels<T> input_panels(of_x, P, input.rows, slot_row, input.data, threads_);
    const bool same = !f_.index && &of_x == &of_h;
    const Panels<T> other_panels = same ? Panels<T>() : Panels<T>(of_h, P, total, slot_row, z(), threads_);
    const Panels<T>& panels = same ? input_panels : other_panels;
    // The states before are not one matrix: as they stand, they are summed run by run.
    const std::vector<Segment> parts = f_.noise.h_factors         ? std::vector<Segment>()
                                       : of_h.layout.numbers == 1 ? runs
                                                                  : one_run(total);
    Buffer<T> sums(P * slot_row);

    const int jobs = b_.dbias ? 3 : 2;
    parallel_for(jobs * P, threads_, [&](int64_t job) {
      const int64_t panel = job / jobs;
      switch (job % jobs) {
        case 0:
          if (f_.noise.x_factors) break;
          panel_gradient(of_x, layout_.input_gates(), panel, I, input.rows, x.from(0), input_panels.element(panel, 0),
                         false, b_.dkernel);
          break;
        case 1:
          for (size_t i = 0; i < parts.size(); ++i)
            panel_gradient(of_h, layout_.recurrent_gates(), panel, S, parts[i].count, states.from(parts[i].prev),
                           panels.element(panel, parts[i].z * slot_row), i > 0, b_.drecurrent_kernel);
          if (layout_.split())
            panel_gradient(of_h, layout_.candidate_gates(), panel, S, total, reset.from(0),
                           panels.element(panel, layout_.candidate_gates().first * layout_.lanes), false,
                           b_.drecurrent_kernel);
          break;
        default:
          kernels_.z_sums(input.rows, input.data + panel * input.panel, sums.data() + panel * layout_.slot_row());
      }
    });
    if (f_.noise.x_factors) {
      const GateDropout<T> dropout(kernels_, plan_, f_.noise.x_factors, I, threads_);
      gate_gradients(layout_.gates(), I, b_.dkernel,
                     [&](int g, T* rows) { dropout.of_input(g, typed<T>(f_.x), rows); });
    }
    if (f_.noise.h_factors) {
      const GateDropout<T> dropout(kernels_, plan_, f_.noise.h_factors, S, threads_);
      gate_gradients(layout_.recurrent_gates().count, S, b_.drecurrent_kernel,
                     [&](int g, T* rows) { dropout.of_states(g, h(), rows); });
    }
    if (b_.dbias) unpack_bias_gradient(layout_, sums.data(), typed<T>(b_.dbias));
    if (b_.dpeephole)
      kernels_.peephole_gradient(layout_.units, plan_.segments().data(),
                                 static_cast<int64_t>(plan_.segments().size()), z(), z_panel_, typed<T>(f_.c),
                                 typed<T>(b_.dpeephole));
  }

  // The gradient of a matrix (width, G*units) whose gates see rows of their own, which `see` writes.
  template <class See> void gate_gradients(int gates, int64_t width, void* gradient, const See& see) const {
    Buffer<T> rows(plan_.total() * width, uninitialised);
    for (int g = 0; g < gates; ++g) {
      see(g, rows.data());
      parallel_for(layout_.panels(), threads_, [&](int64_t panel) {
        panel_gradient(kernels_.full, layout_.gate(g), panel, width, plan_.total(), rows.data(),
                       z() + panel * z_panel_ + g * layout_.lanes, false, gradient);
      });
    }
  }

  void of_input() const {
    const int64_t I = f_.spec->input_dim;
    if (!f_.noise.x_factors) {
      const InputDz input = input_dz();
      input_product(layout_.input_gates(), layout_.input_blocks(input.panel), input, typed<T>(b_.dx));
      return;
    }
    const GateDropout<T> dropout(kernels_, plan_, f_.noise.x_factors, I, threads_);
    Buffer<T> rows(plan_.total() * I, uninitialised);
    for (int g = 0; g < layout_.gates(); ++g) {
      input_product(layout_.gate(g), layout_.gate_blocks(z_panel_), input_dz(), rows.data());
      dropout.add(g, rows.data(), typed<T>(b_.dx));
    }
  }

  // dx (input.rows, input_dim) = dz W^T, of some gates.
  void input_product(const GateSet& gates, const KBlocks& k, const InputDz& input, T* dx) const {
    const int64_t I = f_.spec->input_dim;
    const T* first_slot = input.data + gates.first * layout_.lanes;
    const Products<T>& products = products_of<T>(call_.table, call_.formats.input, layout_.units);
    const Panels<T> wt =
        transposed_panels(kernels_, products, layout_, gates, typed<T>(f_.weights.kernel), I, threads_);
    for_row_parts(input.rows, threads_, [&](int64_t first, int64_t count) {
      Buffer<T> scratch(product_scratch(products, count, factors(k)), uninitialised);
      ProductArgs<T> part = linear_product(layout_.lanes, count, I, first_slot + first * layout_.slot_row(),
                                           layout_.slot_row(), k, wt, dx + first * I, I);
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
};

}  // namespace

template <class T> void gradients(const BackwardCall<T>& call) { Gradients<T>(call).run(); }

template void gradients(const BackwardCall<float>&);
template void gradients(const BackwardCall<double>&);

}  // namespace rnnfast
