// What a forward pass with layer normalisation keeps for the way back, behind the pre-activations in RnnForward::z.
#ifndef RNNFAST_ENGINE_NORM_HISTORY_H
#define RNNFAST_ENGINE_NORM_HISTORY_H

#include "rnn.h"

namespace rnnfast {

template <class T> struct NormHistory {
  NormHistory(const CellLayout& layout, const RnnForward& f)
      : rows(f.index ? f.x_rows : f.plan->total()),
        recurrent(typed<T>(f.z) + layout.z_size(f.plan->total())),
        input(recurrent + f.plan->total() * layout.norm_row()),
        input_rstd(input + rows * layout.norm_row()),
        steps(reinterpret_cast<RowNorm<T>*>(input_rstd + rows)) {}
  static int64_t size(const CellLayout& layout, int64_t total, int64_t x_rows) {
    const int64_t rows = x_rows > 0 ? x_rows : total;
    const int64_t step = static_cast<int64_t>(sizeof(RowNorm<T>) / sizeof(T));
    return layout.normalized ? (total + rows) * layout.norm_row() + rows + total * step : 0;
  }

  int64_t rows;       // of the input's products: of every step, or of every row that occurs
  T* recurrent;       // (total, norm_row): recurrent products, normalised
  T* input;           // (rows, norm_row): the input's
  T* input_rstd;      // (rows)
  RowNorm<T>* steps;  // (total)
};

}  // namespace rnnfast

#endif
