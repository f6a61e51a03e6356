#include "rnn.h"

#include <algorithm>

namespace rnnfast {

template <class T>
PackedRnn<T>::PackedRnn(const KernelTable& table, const RnnFormats& formats, const RnnSpec& spec,
                        const RnnWeights& canonical)
    : table_(&table),
      input_products_(&products_of<T>(table, formats.input, spec.input_dim)),
      products_(&products_of<T>(table, formats.state, state_size(spec))),
      spec_(spec),
      layout_(spec, table.of<T>().lanes) {
  const int64_t H = spec.units, S = state_size(spec), I = spec.input_dim, P = layout_.panels(), VL = layout_.lanes;
  const auto packed = [&](const Products<T>& products, const void* weights, int64_t k, const GateSet& gates) {
    const int64_t width = layout_.width(gates);
    Buffer<T> panels(P * k * width, uninitialised);
    pack_cell(kernels(), layout_, gates, typed<T>(weights), k, panels.data());
    return Panels<T>(products, P, k, width, std::move(panels));
  };
  w_ = packed(*input_products_, canonical.kernel, I, layout_.input_gates());
  u_ = packed(*products_, canonical.recurrent_kernel, S, layout_.recurrent_gates());
  if (layout_.split()) candidate_u_ = packed(*products_, canonical.recurrent_kernel, H, layout_.candidate_gates());
  if (canonical.bias) {
    bias_ = Buffer<T>(P * layout_.slot_row(), uninitialised);
    pack_bias(layout_, typed<T>(canonical.bias), bias_.data());
  }
  if (spec.cell == CellKind::gru && spec.reset_after) {
    candidate_bias_ = Buffer<T>(P * VL);
    if (canonical.bias) pack_candidate_bias(layout_, typed<T>(canonical.bias), candidate_bias_.data());
  }
  if (canonical.projection) {
    Buffer<T> panels(linear_size(VL, H, S), uninitialised);
    pack_linear(kernels(), typed<T>(canonical.projection), H, S, S, false, panels.data());
    projection_ = Panels<T>(*products_, projection_panels(), H, kSlots * VL, std::move(panels));
  }
  if (canonical.peephole) {
    peephole_ = Buffer<T>(3 * H, uninitialised);
    std::copy_n(typed<T>(canonical.peephole), 3 * H, peephole_.data());
  }
}

template <class T> int64_t PackedRnn<T>::bytes() const {
  return w_.bytes() + u_.bytes() + candidate_u_.bytes() + projection_.bytes() +
         (bias_.size() + candidate_bias_.size() + peephole_.size()) * static_cast<int64_t>(sizeof(T));
}

template <class T>
ProductArgs<T> PackedRnn<T>::projection(int64_t rows, const T* x, T* z, int64_t z_panel, int64_t begin,
                                        int64_t end) const {
  ProductArgs<T> p{};
  p.m = rows;
  p.n = layout_.units_before(end) - layout_.units_before(begin);
  p.gates = !layout_.linear();
  p.nv = layout_.vectors(layout_.input_gates());
  p.a = x;
  p.lda = spec_.input_dim;
  p.k = plain_row(spec_.input_dim);
  p.b = w_.view(begin);
  p.b_panel = w_.panel_size();
  p.bias = bias_.data() ? bias_.data() + begin * layout_.slot_row() : nullptr;
  p.c = z + begin * z_panel;
  p.c_row = layout_.slot_row();
  p.c_panel = z_panel;
  return p;
}

template <class T>
void PackedRnn<T>::project(int64_t rows, const T* x, T* z, int64_t z_panel, int64_t begin, int64_t end,
                           void* scratch) const {
  ProductArgs<T> p = projection(rows, x, z, z_panel, begin, end);
  p.scratch = scratch;
  input_products_->product(p);
}

template <class T> RecurForwardArgs<T> PackedRnn<T>::recurrence() const {
  RecurForwardArgs<T> p{};
  p.units = spec_.units;
  p.state = state_size(spec_);
  p.panel_end = layout_.panels();
  p.u = u_.view();
  p.candidate_u = candidate_u_.view();
  p.bias_h = candidate_bias_.data();
  p.peephole = peephole_.data();
  p.projection = projection_.view();
  p.projection_end = projection_panels();
  p.activation = spec_.activation;
  p.recurrent_activation = spec_.recurrent_activation;
  p.default_gates = has_default_gates(spec_);
  p.reset_after = spec_.reset_after;
  return p;
}

template <class T>
Panels<T> transposed_panels(const Kernels<T>& kernels, const Products<T>& products, const CellLayout& layout,
                            const GateSet& gates, const T* w, int64_t n, int threads) {
  Buffer<T> panels(transposed_size(layout, gates, n), uninitialised);
  pack_cell_transposed(kernels, layout, gates, w, n, panels.data());
  return Panels<T>(products, ceil_div(n, layout.slot_row()), layout.panels() * layout.block_length(gates.count),
                   layout.slot_row(), std::move(panels), threads);
}

template <class T>
ProductArgs<T> linear_product(int64_t lanes, int64_t m, int64_t n, const T* a, ptrdiff_t lda, const KBlocks& k,
                              const Panels<T>& b, T* c, ptrdiff_t ldc) {
  ProductArgs<T> p{};
  p.m = m;
  p.n = n;
  p.nv = kSlots;
  p.a = a;
  p.lda = lda;
  p.k = k;
  p.b = b.view();
  p.b_panel = b.panel_size();
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
  pack_linear(table.of<T>(), kernel, inputs, outputs, outputs, false, panels.data());
  kernel_ = Panels<T>(*products_, count, inputs, width, std::move(panels));
  if (bias) {
    bias_ = Buffer<T>(count * width);
    std::copy_n(bias, outputs, bias_.data());
  }
}

template <class T>
void PackedDense<T>::run(int64_t rows, const T* x, T* y, const Activation* activation, T* scratch) const {
  run_rows(rows, x, inputs_, plain_row(inputs_), y, outputs_, activation, scratch);
}

template <class T>
void PackedDense<T>::run_rows(int64_t rows, const T* x, ptrdiff_t lda, const KBlocks& k, T* y, ptrdiff_t ldy,
                              const Activation* activation, T* scratch) const {
  ProductArgs<T> p = linear_product(lanes_, rows, outputs_, x, lda, k, kernel_, y, ldy);
  p.scratch = scratch;
  p.bias = bias_.data();
  p.activation = activation && activation->id != ActivationId::linear ? activation : nullptr;
  products_->product(p);
}

#define RNNFAST_INSTANTIATE(T)                                                                                     \
  template class PackedRnn<T>;                                                                                     \
  template class PackedDense<T>;                                                                                   \
  template Panels<T> transposed_panels(const Kernels<T>&, const Products<T>&, const CellLayout&, const GateSet&,     \
                                       const T*, int64_t, int);                                                    \
  template ProductArgs<T> linear_product(int64_t, int64_t, int64_t, const T*, ptrdiff_t, const KBlocks&,           \
                                         const Panels<T>&, T*, ptrdiff_t);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
