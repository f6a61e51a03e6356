// What inference, or training as well, needs of one weight format, for the instruction set that the including stub has
// chosen.
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
           recur_forward<F, CellKind::gru, false>},
          nullptr, nullptr, {}, {}};
}

template <class F> void prepare_rows(int64_t rows, int64_t k, const typename F::Value* x, ptrdiff_t ldx, void* to) {
  F::write_rows(rows, plain_row(k), x, ldx, static_cast<typename F::RowElement*>(to));
}

template <class F, CellKind Kind> void fill_training(Products<typename F::Value>& p) {
  constexpr int cell = static_cast<int>(Kind);
  p.recur_training[cell] = recur_forward<F, Kind, true>;
  p.recur_backward[cell] = recur_backward<F, Kind>;
}

template <class F> Products<typename F::Value> training_products(const char* instructions) {
  Products<typename F::Value> p = products<F>(instructions);
  if constexpr (F::layout.numbers > 1) p.prepare = prepare_rows<F>;
  p.outer = outer<F>;
  fill_training<F, CellKind::simple_rnn>(p);
  fill_training<F, CellKind::lstm>(p);
  fill_training<F, CellKind::gru>(p);
  return p;
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
