// How a gradient passes from a step to the one before it: the product every cell's backward step ends with.
#ifndef RNNFAST_KERNELS_STATE_GRADIENT_H
#define RNNFAST_KERNELS_STATE_GRADIENT_H

#include "gates.h"
#include "product.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// dh' (rows of the cut, by sorted row) = dz U^T, or += where the cell has a direct path.
template <class T>
void previous_state_gradient(const RecurBackwardArgs<T>& p, const Cut& s, const KBlocks& k, const T* dz, const T* ut,
                             T* dh, bool accumulate) {
  constexpr int VL = Vec<T>::N;
  ProductArgs<T> product_args{};
  product_args.m = s.count;
  product_args.n = p.units;
  product_args.nv = kSlots;
  product_args.a = dz;
  product_args.lda = kSlots * VL;
  product_args.k = k;
  product_args.b = {ut, nullptr, nullptr};
  product_args.b_panel = k.blocks * (k.first + k.second) * kSlots * VL;
  product_args.accumulate = accumulate;
  product_args.partial_store = true;
  product_args.backwards = s.backwards;
  product_args.c = dh + s.row * p.units;
  product_args.c_row = p.units;
  product_args.c_panel = kSlots * VL;
  product<Full<T>>(product_args);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
