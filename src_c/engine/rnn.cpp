#include "rnn.h"

#include <algorithm>

namespace rnnfast {

namespace {

template <class T> const T* typed(const void* p) { return static_cast<const T*>(p); }

}  // namespace

template <class T>
PackedRnn<T>::PackedRnn(const KernelTable& table, const RnnSpec& spec, const RnnWeights& canonical)
    : table_(&table), spec_(spec), layout_(spec, table.of<T>().lanes) {
  const int64_t H = spec.units, I = spec.input_dim, P = layout_.panels(), VL = layout_.lanes;
  const T* w = typed<T>(canonical.kernel);
  const T* u = typed<T>(canonical.recurrent_kernel);
  w_ = Buffer<T>(P * I * layout_.input_width(), uninitialised);
  u_ = Buffer<T>(P * H * (layout_.recurrent_width() + (layout_.split() ? VL : 0)), uninitialised);
  if (layout_.linear()) {
    pack_linear(VL, w, I, H, H, false, w_.data());
    pack_linear(VL, u, H, H, H, false, u_.data());
  } else {
    pack_gates(layout_, layout_.input_gates(), w, I, w_.data());
    pack_gates(layout_, layout_.recurrent_gates(), u, H, u_.data());
    if (layout_.split())
      pack_gates(layout_, layout_.candidate_gates(), u, H, u_.data() + P * H * layout_.recurrent_width());
  }
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
  return (w_.size() + u_.size() + bias_.size() + candidate_bias_.size() + peephole_.size()) *
         static_cast<int64_t>(sizeof(T));
}

template <class T>
void PackedRnn<T>::project(int64_t rows, const T* x, T* z, int64_t z_panel, int64_t begin, int64_t end) const {
  ProductArgs<T> p{};
  p.m = rows;
  p.n = layout_.units_before(end) - layout_.units_before(begin);
  p.gates = !layout_.linear();
  p.nv = layout_.linear() ? kSlots : layout_.input_gates().count;
  p.a = x;
  p.lda = spec_.input_dim;
  p.k = plain_row(spec_.input_dim);
  p.b_panel = spec_.input_dim * layout_.input_width();
  p.b = w_.data() + begin * p.b_panel;
  p.bias = bias_.data() ? bias_.data() + begin * layout_.slot_row() : nullptr;
  p.c = z + begin * z_panel;
  p.c_row = layout_.slot_row();
  p.c_panel = z_panel;
  kernels().product(p);
}

template <class T> RecurForwardArgs<T> PackedRnn<T>::recurrence() const {
  RecurForwardArgs<T> p{};
  p.units = spec_.units;
  p.panel_end = layout_.panels();
  p.u = u_.data();
  p.bias_h = candidate_bias_.data();
  p.peephole = peephole_.data();
  p.activation = spec_.activation;
  p.recurrent_activation = spec_.recurrent_activation;
  p.default_gates = has_default_gates(spec_);
  p.reset_after = spec_.reset_after;
  return p;
}

template <class T>
ProductArgs<T> linear_product(int64_t lanes, int64_t m, int64_t n, const T* a, ptrdiff_t lda, const KBlocks& k,
                              const T* b, T* c, ptrdiff_t ldc) {
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
PackedDense<T>::PackedDense(const KernelTable& table, int64_t inputs, int64_t outputs, const T* kernel, const T* bias)
    : table_(&table), inputs_(inputs), outputs_(outputs),
      kernel_(linear_size(table.of<T>().lanes, inputs, outputs), uninitialised) {
  const int64_t lanes = table.of<T>().lanes;
  pack_linear(lanes, kernel, inputs, outputs, outputs, false, kernel_.data());
  if (bias) {
    bias_ = Buffer<T>(ceil_div(outputs, kSlots * lanes) * kSlots * lanes);
    std::copy_n(bias, outputs, bias_.data());
  }
}

template <class T> void PackedDense<T>::run(int64_t rows, const T* x, T* y, const Activation* activation) const {
  ProductArgs<T> p = linear_product(table_->of<T>().lanes, rows, outputs_, x, inputs_, plain_row(inputs_),
                                    kernel_.data(), y, outputs_);
  p.bias = bias_.data();
  p.activation = activation && activation->id != ActivationId::linear ? activation : nullptr;
  table_->of<T>().product(p);
}

#define RNNFAST_INSTANTIATE(T)                                                                                     \
  template class PackedRnn<T>;                                                                                     \
  template class PackedDense<T>;                                                                                   \
  template ProductArgs<T> linear_product(int64_t, int64_t, int64_t, const T*, ptrdiff_t, const KBlocks&, const T*, \
                                         T*, ptrdiff_t);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
