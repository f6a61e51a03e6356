// Fills the kernel table of the instruction set that the including stub has chosen.
#ifndef RNNFAST_KERNELS_FILL_H
#define RNNFAST_KERNELS_FILL_H

#include "elementwise.h"
#include "fill_products.h"
#include "optimizers.h"
#include "pack.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> Kernels<T> kernels(const char* isa) {
  Kernels<T> k{};
  k.lanes = Vec<T>::N;
  k.full = training_products<Full<T>>(isa);
  k.pack = pack<T>;
  k.transpose = transpose<T>;
  k.z_sums = z_sums<T>;
  k.scale = scale<T>;
  k.z_sums_by_index = z_sums_by_index<T>;
  k.peephole_gradient = peephole_gradient<T>;
  k.activate = activate_array<T>;
  k.activate_backward = activate_backward<T>;
  k.softmax = softmax<T>;
  k.softmax_backward = softmax_backward<T>;
  k.column_sums = column_sums<T>;
  k.all_finite = all_finite<T>;
  fill_optimizers(k);
  return k;
}

inline const KernelTable& table(const char* isa) {
  static const KernelTable filled = {isa, kernels<float>(isa), kernels<double>(isa),
                                     products<Bf16>(isa), products<Int8>(isa),
                                     {}, {}};
  return filled;
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
