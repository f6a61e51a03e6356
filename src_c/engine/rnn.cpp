#include "rnn.h"

#include <algorithm>

namespace rnnfast {

namespace {

// Pre-activations of a chunk of steps stay in L2 between the projection and the recurrence.
constexpr int64_t kChunkBytes = 256 * 1024;

template <class T> const T* typed(const void* p) { return static_cast<const T*>(p); }

// Rows of a chunk: as many whole steps as fit, at least one.
template <class T> int64_t chunk_rows(const CellLayout& layout, const SequencePlan& plan) {
  const int64_t row_bytes = layout.z_size(1) * static_cast<int64_t>(sizeof(T));
  return std::min(plan.total(), std::max(plan.batch(), kChunkBytes / std::max<int64_t>(row_bytes, 1)));
}

// Elements in which the projection and the recurrence prepare their rows.
template <class T> int64_t scratch_size(const PackedRnn<T>& rnn, int64_t batch, int64_t rows) {
  return std::max(product_scratch(rnn.input_products(), rows, rnn.spec().input_dim),
                  prepared_size(batch, rnn.spec().units, rnn.products().layout));
}

}  // namespace

template <class T>
PackedRnn<T>::PackedRnn(const KernelTable& table, WeightType type, const RnnSpec& spec, const RnnWeights& canonical)
    : table_(&table),
      input_products_(&products_of<T>(table, type, spec.input_dim)),
      products_(&products_of<T>(table, type, spec.units)),
      spec_(spec),
      layout_(spec, table.of<T>().lanes) {
  const int64_t H = spec.units, I = spec.input_dim, P = layout_.panels(), VL = layout_.lanes;
  const auto packed = [&](const Products<T>& products, const void* weights, int64_t k, int64_t width,
                          const GateSet& gates) {
    Buffer<T> panels(P * k * width, uninitialised);
    if (layout_.linear()) pack_linear(VL, typed<T>(weights), k, H, H, false, panels.data());
    else pack_gates(layout_, gates, typed<T>(weights), k, panels.data());
    return Panels<T>(products, P, k, width, std::move(panels));
  };
  w_ = packed(*input_products_, canonical.kernel, I, layout_.input_width(), layout_.input_gates());
  u_ = packed(*products_, canonical.recurrent_kernel, H, layout_.recurrent_width(), layout_.recurrent_gates());
  if (layout_.split()) candidate_u_ = packed(*products_, canonical.recurrent_kernel, H, VL, layout_.candidate_gates());
  if (canonical.bias) {
    bias_ = Buffer<T>(P * layout_.slot_row(), uninitialised);
    pack_bias(layout_, typed<T>(canonical.bias), bias_.data());
  }
  if (spec.cell == CellKind::gru && spec.reset_after) {
    candidate_bias_ = Buffer<T>(P * VL);
    if (canonical.bias) pack_candidate_bias(layout_, typed<T>(canonical.bias), candidate_bias_.data());
  }
  if (canonical.peephole) {
    peephole_ = Buffer<T>(3 * H, uninitialised);
    std::copy_n(typed<T>(canonical.peephole), 3 * H, peephole_.data());
  }
}

template <class T> int64_t PackedRnn<T>::bytes() const {
  return w_.bytes() + u_.bytes() + candidate_u_.bytes() +
         (bias_.size() + candidate_bias_.size() + peephole_.size()) * static_cast<int64_t>(sizeof(T));
}

template <class T>
void PackedRnn<T>::project(int64_t rows, const T* x, T* z, int64_t z_panel, void* scratch) const {
  ProductArgs<T> p{};
  p.m = rows;
  p.n = spec_.units;
  p.gates = !layout_.linear();
  p.nv = layout_.linear() ? kSlots : layout_.input_gates().count;
  p.a = x;
  p.lda = spec_.input_dim;
  p.k = plain_row(spec_.input_dim);
  p.b = w_.view();
  p.b_panel = w_.panel_size();
  p.scratch = scratch;
  p.bias = bias_.data();
  p.c = z;
  p.c_row = layout_.slot_row();
  p.c_panel = z_panel;
  input_products_->product(p);
}

template <class T> RecurForwardArgs<T> PackedRnn<T>::recurrence() const {
  RecurForwardArgs<T> p{};
  p.units = spec_.units;
  p.u = u_.view();
  p.candidate_u = candidate_u_.view();
  p.bias_h = candidate_bias_.data();
  p.peephole = peephole_.data();
  p.activation = spec_.activation;
  p.recurrent_activation = spec_.recurrent_activation;
  p.default_gates = has_default_gates(spec_);
  p.reset_after = spec_.reset_after;
  return p;
}

template <class T> int64_t rnn_infer_workspace(const PackedRnn<T>& rnn, const SequencePlan& plan) {
  const int64_t ring = 2 * plan.batch() * rnn.spec().units;
  const int64_t extra = rnn.layout().split() ? plan.batch() * rnn.spec().units : 0;
  const int64_t rows = chunk_rows<T>(rnn.layout(), plan);
  return rnn.layout().z_size(rows) + scratch_size(rnn, plan.batch(), rows) + ring + extra;
}

template <class T> void rnn_infer(const RnnInfer<T>& infer) {
  const PackedRnn<T>& rnn = *infer.rnn;
  const SequencePlan& plan = *infer.plan;
  const CellLayout& layout = rnn.layout();
  const int64_t H = rnn.spec().units, B = plan.batch();
  const int64_t capacity = chunk_rows<T>(layout, plan);
  T* z = infer.workspace;
  T* scratch = z + layout.z_size(capacity);
  T* ring = scratch + scratch_size(rnn, B, capacity);

  const bool history = infer.h != nullptr;
  T* h = history ? infer.h : ring;
  std::copy_n(infer.h_state, B * H, history ? h + plan.total() * H : h);
  if (!history) std::copy_n(infer.h_state, B * H, h + B * H);
  const std::vector<Segment>& segments = history ? plan.segments() : plan.ring_segments();

  RecurForwardArgs<T> p = rnn.recurrence();
  p.row_end = B;
  p.z = z;
  p.h = h;
  p.c = infer.c_state;
  p.c_by_row = true;
  p.extra = ring + 2 * B * H;
  p.extra_by_row = true;
  p.scratch = scratch;
  const auto recur = rnn.products().recur_forward[static_cast<int>(rnn.spec().cell)];

  const int64_t count = static_cast<int64_t>(segments.size());
  for (int64_t first = 0, next = 0; first < count; first = next) {
    int64_t low = segments[first].z, high = low;
    for (; next < count; ++next) {
      const int64_t new_low = std::min(low, segments[next].z);
      const int64_t new_high = std::max(high, segments[next].z + segments[next].count);
      if (new_high - new_low > capacity) break;
      low = new_low;
      high = new_high;
    }
    p.z_panel = (high - low) * layout.slot_row();
    p.z_origin = low;
    rnn.project(high - low, infer.x + low * rnn.spec().input_dim, z, p.z_panel, scratch);
    p.segments = segments.data() + first;
    p.segment_count = next - first;
    recur(p);
  }

  for (int64_t r = 0; r < B; ++r)
    std::copy_n(h + (history ? plan.last(r) : plan.ring_last(r)) * H, H, infer.h_state + r * H);
}

template <class T>
ProductArgs<T> linear_product(int64_t lanes, int64_t m, int64_t n, const T* a, ptrdiff_t lda, const KBlocks& k,
                              const PanelWeights& b, T* c, ptrdiff_t ldc) {
  ProductArgs<T> p{};
  p.m = m;
  p.n = n;
  p.nv = kSlots;
  p.a = a;
  p.lda = lda;
  p.k = k;
  p.b = b;
  p.b_panel = k.blocks * (k.first + k.second) * kSlots * lanes;
  p.partial_store = true;
  p.c = c;
  p.c_row = ldc;
  p.c_panel = kSlots * lanes;
  return p;
}

template <class T>
PackedDense<T>::PackedDense(const KernelTable& table, WeightType type, int64_t inputs, int64_t outputs, const T* kernel,
                            const T* bias)
    : products_(&products_of<T>(table, type, inputs)), lanes_(table.of<T>().lanes), inputs_(inputs), outputs_(outputs) {
  const int64_t width = kSlots * lanes_, count = ceil_div(outputs, width);
  Buffer<T> panels(linear_size(lanes_, inputs, outputs), uninitialised);
  pack_linear(lanes_, kernel, inputs, outputs, outputs, false, panels.data());
  kernel_ = Panels<T>(*products_, count, inputs, width, std::move(panels));
  if (bias) {
    bias_ = Buffer<T>(count * width);
    std::copy_n(bias, outputs, bias_.data());
  }
}

template <class T>
void PackedDense<T>::run(int64_t rows, const T* x, T* y, const Activation* activation, T* scratch) const {
  ProductArgs<T> p =
      linear_product(lanes_, rows, outputs_, x, inputs_, plain_row(inputs_), kernel_.view(), y, outputs_);
  p.b_panel = kernel_.panel_size();
  p.scratch = scratch;
  p.bias = bias_.data();
  p.activation = activation && activation->id != ActivationId::linear ? activation : nullptr;
  products_->product(p);
}

#define RNNFAST_INSTANTIATE(T)                                                                                     \
  template class PackedRnn<T>;                                                                                     \
  template class PackedDense<T>;                                                                                   \
  template int64_t rnn_infer_workspace(const PackedRnn<T>&, const SequencePlan&);                                  \
  template void rnn_infer(const RnnInfer<T>&);                                                                     \
  template ProductArgs<T> linear_product(int64_t, int64_t, int64_t, const T*, ptrdiff_t, const KBlocks&,           \
                                         const PanelWeights&, T*, ptrdiff_t);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
