// The small products of a step beside the recurrent one, and how a gradient passes from a step to the one before it: the
// product every cell's backward step ends with.
#ifndef RNNFAST_KERNELS_STATE_GRADIENT_H
#define RNNFAST_KERNELS_STATE_GRADIENT_H

#include "gates.h"
#include "product.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// c (rows, n) = a B, or += it. a: rows of `lda` elements, k as given; b: linear panels over n columns.
template <class T>
void step_product(const Cut& s, int64_t n, const T* a, ptrdiff_t lda, const KBlocks& k, const T* b, bool accumulate,
                  T* c) {
  constexpr int VL = Vec<T>::N;
  ProductArgs<T> product_args{};
  product_args.m = s.count;
  product_args.n = n;
  product_args.nv = kSlots;
  product_args.a = a;
  product_args.lda = lda;
  product_args.k = k;
  product_args.b = {b, nullptr, nullptr};
  product_args.b_panel = k.blocks * (k.first + k.second) * kSlots * VL;
  product_args.accumulate = accumulate;
  product_args.partial_store = true;
  product_args.backwards = s.backwards;
  product_args.c = c;
  product_args.c_row = n;
  product_args.c_panel = kSlots * VL;
  product<Full<T>>(product_args);
}

// dh' (rows of the cut, by sorted row) = dz U^T, or += where the cell has a direct path.
template <class T>
void previous_state_gradient(const RecurBackwardArgs<T>& p, const Cut& s, const KBlocks& k, const T* dz, const T* ut,
                             T* dh, bool accumulate) {
  step_product(s, p.state, dz, kSlots * Vec<T>::N, k, ut, accumulate, dh + s.row * p.state);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
