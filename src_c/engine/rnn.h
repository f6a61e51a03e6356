// Recurrent and dense layers over the kernel table: packed weights and their products.
#ifndef RNNFAST_ENGINE_RNN_H
#define RNNFAST_ENGINE_RNN_H

#include <cstdint>

#include "../kernels/table.h"
#include "../rnnfast.h"
#include "buffer.h"
#include "packing.h"
#include "panels.h"
#include "plan.h"

namespace rnnfast {

// An array of a call, whose dtype stands beside it.
template <class T> T* typed(void* p) { return static_cast<T*>(p); }
template <class T> const T* typed(const void* p) { return static_cast<const T*>(p); }

// tanh for the state and sigmoid for the gates: what the kernels inline.
inline bool has_default_gates(const RnnSpec& spec) {
  return spec.activation.id == ActivationId::tanh &&
         (spec.cell == CellKind::simple_rnn || spec.recurrent_activation.id == ActivationId::sigmoid);
}

// Weights of a unit's part of the recurrence: of its gates, and of what a projection makes of it.
inline int64_t recurrent_weights(const RnnSpec& spec) {
  return gate_count(spec.cell) * state_size(spec) + spec.projection;
}

// Floating-point operations of a layer's products for one row and step.
inline double step_operations(const RnnSpec& spec) {
  return 2.0 * static_cast<double>(spec.units * (gate_count(spec.cell) * spec.input_dim + recurrent_weights(spec)));
}

// The activation of `rows` rows of `features`; y may be x.
inline bool is_elementwise(const Activation& activation) { return activation.id < ActivationId::count; }
template <class T>
void activate_rows(const Kernels<T>& kernels, const Activation& activation, int64_t rows, int64_t features, const T* x,
                   T* y) {
  if (is_elementwise(activation)) kernels.activate(activation, rows * features, x, y);
  else kernels.softmax(activation.id == ActivationId::log_softmax, rows, features, x, y);
}

// Products in the format of a weight type that sum k factors. Splits are for sums of some length: a short one takes its
// place in a block of 32, is slower in parts than in full precision, and is rounded more often.
constexpr int64_t kSplitFactors = 16;
template <class T> const Products<T>& products_of(const KernelTable& table, WeightType type, int64_t k) {
  const bool split = type == WeightType::bf16x2 || type == WeightType::bf16x3;
  return *table.products<T>(split && k < kSplitFactors ? WeightType::full : type);
}

// The formats of a recurrent layer's products with its input, and with its state.
struct RnnFormats {
  WeightType input, state;
  RnnFormats(WeightType both) : input(both), state(both) {}
  RnnFormats(WeightType of_input, WeightType of_state) : input(of_input), state(of_state) {}
};

// A layer's weights in the panel layout of one kernel table and in the formats given (double: full only).
// Immutable after construction; safe to share.
template <class T> class PackedRnn {
 public:
  PackedRnn(const KernelTable& table, const RnnFormats& formats, const RnnSpec& spec, const RnnWeights& canonical);

  const Kernels<T>& kernels() const { return table_->of<T>(); }
  const Products<T>& input_products() const { return *input_products_; }
  const Products<T>& products() const { return *products_; }  // of the recurrence
  const RnnSpec& spec() const { return spec_; }
  const CellLayout& layout() const { return layout_; }
  int64_t bytes() const;
  // Bytes of one weight.
  int64_t weight_size() const {
    const ElementLayout& e = products_->layout;
    return e.numbers == 1 ? static_cast<int64_t>(sizeof(T)) : 4 * e.parts / e.numbers;
  }

  // z[panel][row] = b + x W for `rows` rows of x (rows, input_dim), for the panels [begin, end). scratch: as
  // ProductArgs has it.
  void project(int64_t rows, const T* x, T* z, int64_t z_panel, int64_t begin, int64_t end, void* scratch) const;
  // That product, for a caller who changes it.
  ProductArgs<T> projection(int64_t rows, const T* x, T* z, int64_t z_panel, int64_t begin, int64_t end) const;
  // The weights' part of a recurrence's arguments; the caller adds segments, rows, states and scratch.
  RecurForwardArgs<T> recurrence() const;
  // The panels over the state that a projection has, or none.
  int64_t projection_panels() const { return ceil_div(spec_.projection, kSlots * layout_.lanes); }

 private:
  const KernelTable* table_;
  const Products<T>*input_products_, *products_;
  RnnSpec spec_;
  CellLayout layout_;
  Panels<T> w_, u_, candidate_u_, projection_;
  Buffer<T> bias_, candidate_bias_, peephole_;
};

// Elements of the scratch of a product of so many rows and factors.
template <class T> int64_t product_scratch(const Products<T>& products, int64_t rows, int64_t k) {
  return prepared_size(rows < kRowBlock ? rows : kRowBlock, k, products.layout);
}

// A dense layer's weights in linear panels; bias and activation are applied in the tile. Immutable; safe to share.
template <class T> class PackedDense {
 public:
  // kernel (inputs, outputs), bias (outputs) or null.
  PackedDense(const KernelTable& table, WeightType type, int64_t inputs, int64_t outputs, const T* kernel,
              const T* bias);
  // y (rows, outputs) = act(x (rows, inputs) W + b), on the calling thread. activation: element-wise; null = linear.
  // scratch: workspace(rows) elements.
  void run(int64_t rows, const T* x, T* y, const Activation* activation, T* scratch) const;
  // The same for rows that lie `lda` apart, with their factors where `k` places them, and results `ldy` apart.
  void run_rows(int64_t rows, const T* x, ptrdiff_t lda, const KBlocks& k, T* y, ptrdiff_t ldy,
                const Activation* activation, T* scratch) const;
  int64_t workspace(int64_t rows) const { return product_scratch(*products_, rows, inputs_); }
  int64_t bytes() const { return kernel_.bytes() + bias_.size() * static_cast<int64_t>(sizeof(T)); }

 private:
  const Products<T>* products_;
  int lanes_;
  int64_t inputs_, outputs_;
  Panels<T> kernel_;
  Buffer<T> bias_;
};

// The transpose of w (n, G*units) in linear panels, its k as pack_cell_transposed has them.
template <class T>
Panels<T> transposed_panels(const Kernels<T>&, const Products<T>&, const CellLayout&, const GateSet&, const T* w,
                            int64_t n, int threads);

// C (m, n) = A * packed linear panels of B, C row-major with leading dimension ldc.
template <class T>
ProductArgs<T> linear_product(int64_t lanes, int64_t m, int64_t n, const T* a, ptrdiff_t lda, const KBlocks& k,
                              const Panels<T>& b, T* c, ptrdiff_t ldc);

}  // namespace rnnfast

#endif
