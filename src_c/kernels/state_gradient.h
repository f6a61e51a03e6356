// The small products of a step beside the recurrent one, and how a gradient passes from a step to the one before it:
// the product every cell's backward step ends with.
#ifndef RNNFAST_KERNELS_STATE_GRADIENT_H
#define RNNFAST_KERNELS_STATE_GRADIENT_H

#include "gates.h"
#include "product.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// c (rows, n) = a B, or += it. a: rows of `lda` elements, k as given; b: linear panels over n columns; scratch: as
// ProductArgs has it.
template <class F, class T = typename F::Value>
void step_product(const Cut& s, int64_t n, const typename F::Value* a, ptrdiff_t lda, const KBlocks& k,
                  const PanelWeights& b, void* scratch, bool accumulate, typename F::Value* c) {
  constexpr int VL = Vec<T>::N;
  ProductArgs<T> product_args{};
  product_args.m = s.count;
  product_args.n = n;
  product_args.nv = kSlots;
  product_args.a = a;
  product_args.lda = lda;
  product_args.k = k;
  product_args.b = b;
  product_args.b_panel = prepared_row(factors(k), F::layout) * kSlots * VL;
  product_args.scratch = scratch;
  product_args.accumulate = accumulate;
  product_args.partial_store = true;
  product_args.backwards = s.backwards;
  product_args.c = c;
  product_args.c_row = n;
  product_args.c_panel = kSlots * VL;
  product<F>(product_args);
}

// dh' (rows of the cut, by sorted row) = dz U^T, or += where the cell has a direct path.
template <class F, class T = typename F::Value>
void previous_state_gradient(const RecurBackwardArgs<typename F::Value>& p, const Cut& s, const KBlocks& k,
                             const typename F::Value* dz, const PanelWeights& ut, typename F::Value* dh,
                             bool accumulate) {
  step_product<F>(s, p.state, dz, kSlots * Vec<T>::N, k, ut, p.prepared, accumulate, dh + s.row * p.state);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
