// Fills the kernel table of the instruction set that the including stub has chosen.
#ifndef RNNFAST_KERNELS_FILL_H
#define RNNFAST_KERNELS_FILL_H

#include "elementwise.h"
#include "pack.h"
#include "product.h"
#include "recur.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T, CellKind Kind> void fill_cell(Kernels<T>& k) {
  constexpr int cell = static_cast<int>(Kind);
  k.recur_forward[cell][0] = recur_forward<T, Kind, false>;
  k.recur_forward[cell][1] = recur_forward<T, Kind, true>;
  k.recur_backward[cell] = recur_backward<T, Kind>;
}

template <class T> Kernels<T> kernels() {
  Kernels<T> k{};
  k.lanes = Vec<T>::N;
  k.product = product<T>;
  k.outer = outer<T>;
  k.pack = pack<T>;
  k.transpose = transpose<T>;
  fill_cell<T, CellKind::simple_rnn>(k);
  fill_cell<T, CellKind::lstm>(k);
  fill_cell<T, CellKind::gru>(k);
  k.z_sums = z_sums<T>;
  k.peephole_gradient = peephole_gradient<T>;
  k.activate = activate_array<T>;
  k.activate_backward = activate_backward<T>;
  k.softmax = softmax<T>;
  k.softmax_backward = softmax_backward<T>;
  k.column_sums = column_sums<T>;
  k.all_finite = all_finite<T>;
  k.adam = adam<T>;
  k.rmsprop = rmsprop<T>;
  k.sgd = sgd<T>;
  return k;
}

inline const KernelTable& table(const char* isa) {
  static const KernelTable filled = {isa, kernels<float>(), kernels<double>()};
  return filled;
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
