// The time loops: every step of a range of rows, forward and backward, for each cell.
#ifndef RNNFAST_KERNELS_RECUR_H
#define RNNFAST_KERNELS_RECUR_H

#include "gru.h"
#include "lstm.h"
#include "simple_rnn.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <CellKind> struct CellKernels;
template <> struct CellKernels<CellKind::simple_rnn> {
  template <class F, bool Training, class Gates> using Forward = SimpleRnnForward<F, Training, Gates>;
  template <class F, class Gates> using Backward = SimpleRnnBackward<F, Gates>;
};
template <> struct CellKernels<CellKind::lstm> {
  template <class F, bool Training, class Gates> using Forward = LstmForward<F, Training, Gates>;
  template <class F, class Gates> using Backward = LstmBackward<F, Gates>;
};
template <> struct CellKernels<CellKind::gru> {
  template <class F, bool Training, class Gates> using Forward = GruForward<F, Training, Gates>;
  template <class F, class Gates> using Backward = GruBackward<F, Gates>;
};

// What z begins with, from the rows by which the input's part is given.
template <class T> void take_input(const RecurForwardArgs<T>& p, const Cut& s) {
  constexpr int VL = Vec<T>::N;
  for (int64_t panel = p.panel_begin; panel < p.panel_end; ++panel) {
    const T* input = p.input + panel * p.input_panel;
    T* z = p.z + panel * p.z_panel + (s.z - p.z_origin) * kSlots * VL;
    for (int64_t r = 0; r < s.count; ++r, z += kSlots * VL) {
      const T* from = input + p.input_index[s.z + r] * static_cast<int64_t>(kSlots * VL);
      for (int j = 0; j < kSlots; ++j) Vec<T>::load(from + j * VL).store(z + j * VL);
    }
  }
}

template <class Cell, class Args> int64_t walk_forward(const Cell& cell, const Args& p) {
  for (int64_t i = 0; i < p.segment_count; ++i) {
    if (i > 0 && !meet(p)) return i;
    const Cut cut = cut_segment(p.segments[i], p.row_begin, p.row_end, i % 2 != 0);
    if (cut.count == 0) continue;
    if (p.input_index) take_input(p, cut);
    cell.step(cut);
  }
  return p.segment_count;
}

template <class Cell, class Args> void walk_backward(const Cell& cell, const Args& p) {
  for (int64_t i = p.segment_count; i-- > 0;) {
    const Cut cut = cut_segment(p.segments[i], p.row_begin, p.row_end, i % 2 != 0);
    if (cut.count > 0) cell.step(cut);
  }
}

template <class F, CellKind Kind, bool Training> int64_t recur_forward(const RecurForwardArgs<typename F::Value>& p) {
  using Cell = CellKernels<Kind>;
  [[maybe_unused]] const typename Tiles<F>::Session session(p.row_end - p.row_begin);
  if (p.default_gates)
    return walk_forward(typename Cell::template Forward<F, Training, DefaultGates>{p, DefaultGates(p)}, p);
  return walk_forward(typename Cell::template Forward<F, Training, AnyGates>{p, AnyGates(p)}, p);
}

template <class F, CellKind Kind> void recur_backward(const RecurBackwardArgs<typename F::Value>& p) {
  using Cell = CellKernels<Kind>;
  if (p.default_gates)
    walk_backward(typename Cell::template Backward<F, DefaultGates>{p, DefaultGates(p)}, p);
  else
    walk_backward(typename Cell::template Backward<F, AnyGates>{p, AnyGates(p)}, p);
}

// sums[slot] = z over the rows of one panel, in order: the gradient of the bias.
template <class T> void z_sums(int64_t rows, const T* z, T* sums) {
  constexpr int VL = Vec<T>::N;
  Vec<T> sum[kSlots];
  for (int j = 0; j < kSlots; ++j) sum[j] = Vec<T>::zero();
  for (int64_t r = 0; r < rows; ++r, z += kSlots * VL)
    for (int j = 0; j < kSlots; ++j) sum[j] = sum[j] + Vec<T>::load(z + j * VL);
  for (int j = 0; j < kSlots; ++j) sum[j].store(sums + j * VL);
}

// The same for the rows of each index apart: the gradient of what several steps began with.
template <class T> void z_sums_by_index(int64_t rows, const T* z, const int32_t* index, T* sums) {
  constexpr int VL = Vec<T>::N;
  for (int64_t r = 0; r < rows; ++r, z += kSlots * VL) {
    T* sum = sums + index[r] * static_cast<int64_t>(kSlots * VL);
    for (int j = 0; j < kSlots; ++j) (Vec<T>::load(sum + j * VL) + Vec<T>::load(z + j * VL)).store(sum + j * VL);
  }
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
