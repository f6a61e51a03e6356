// Canonical matrices into panels, as they stand and transposed.
#ifndef RNNFAST_KERNELS_PACK_H
#define RNNFAST_KERNELS_PACK_H

#include "../simd/slice.h"
#include "table.h"
#include "tile.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// What exists of vector v of a panel's part, as a slice of part.data + row * part.row + v * part.vector.
template <class T, class E> RNNFAST_INLINE Slice<T> vector_of(const PanelPart<E>& part, int v) {
  return Slice<T>(part.vector ? 0 : v * Vec<T>::N, part.size);
}

// to [row][nv][VL] = the part, padded with zeros.
template <class T> void pack(int64_t rows, int nv, const PanelPart<const T>& part, T* to) {
  constexpr int VL = Vec<T>::N;
  for (int v = 0; v < nv; ++v) {
    const Slice<T> slice = vector_of<T>(part, v);
    const T* from = part.data + v * part.vector;
    for (int64_t i = 0; i < rows; ++i) slice.load(from + i * part.row).store(to + (i * nv + v) * VL);
  }
}

// Rows to columns. Each round interleaves the two halves of the rows, which moves one bit of an element's row number
// into its column number.
template <class T> RNNFAST_INLINE void transpose_block(Vec<T> (&rows)[Vec<T>::N]) {
  constexpr int N = Vec<T>::N;
  RNNFAST_UNROLL
  for (int round = 1; round < N; round *= 2) {
    Vec<T> mixed[N];
    RNNFAST_UNROLL
    for (int i = 0; i < N / 2; ++i) interleave(rows[i], rows[i + N / 2], mixed[2 * i], mixed[2 * i + 1]);
    RNNFAST_UNROLL
    for (int i = 0; i < N; ++i) rows[i] = mixed[i];
  }
}

// to[c * to_row + r] = from[r * from_row + c] for rows x cols; r runs on with zeros to a whole vector.
template <class T>
void transpose(int64_t rows, int64_t cols, const T* from, ptrdiff_t from_row, T* to, ptrdiff_t to_row) {
  constexpr int VL = Vec<T>::N;
  for (int64_t c = 0; c < cols; c += VL) {
    const Slice<T> columns(c, cols);
    for (int64_t r = 0; r < rows; r += VL) {
      Vec<T> block[VL];
      RNNFAST_UNROLL
      for (int i = 0; i < VL; ++i) block[i] = r + i < rows ? columns.load(from + (r + i) * from_row) : Vec<T>::zero();
      transpose_block(block);
      for (int i = 0; i < columns.valid; ++i) block[i].store(to + (c + i) * to_row + r);
    }
  }
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
