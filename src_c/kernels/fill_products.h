// What inference needs of one weight format, for the instruction set that the including stub has chosen.
#ifndef RNNFAST_KERNELS_FILL_PRODUCTS_H
#define RNNFAST_KERNELS_FILL_PRODUCTS_H

#include "product.h"
#include "recur.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class F> Products<typename F::Value> products(const char* instructions) {
  return {instructions,
          F::layout,
          F::pack,
          product<F>,
          {recur_forward<F, CellKind::simple_rnn, false>, recur_forward<F, CellKind::lstm, false>,
           recur_forward<F, CellKind::gru, false>}};
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
