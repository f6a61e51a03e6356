// The left factor of a sum over rows, C = A^T B, as Products::outer reads it.
#ifndef RNNFAST_ENGINE_COLUMNS_H
#define RNNFAST_ENGINE_COLUMNS_H

#include <cstdint>
#include <vector>

#include "../kernels/table.h"
#include "buffer.h"

namespace rnnfast {

// The columns of a matrix A of m columns, of which the sum takes k rows: in full precision the matrix as it stands,
// which must live as long; in other formats prepared, once for all panels of B.
template <class T> class Columns {
 public:
  Columns() = default;
  // Rows of a lie `lda` apart. Of each run, ascending in z, rows [prev, prev + count) of a are rows z.. of the sum;
  // together they are rows [0, k).
  Columns(const Kernels<T>&, const Products<T>&, const std::vector<Segment>& runs, int64_t k, int64_t m, const T* a,
          int64_t lda, int threads);

  // OuterArgs::a for a sum that begins with row `row` of a; in formats but full with row 0 of the sum.
  const void* from(int64_t row) const { return a_ ? static_cast<const void*>(a_ + row * lda_) : prepared_.data(); }
  int64_t lda() const { return lda_; }

 private:
  const T* a_ = nullptr;
  int64_t lda_ = 0;
  Buffer<uint32_t> prepared_;
};

// All rows, one after the other.
inline std::vector<Segment> one_run(int64_t rows) { return {Segment{0, rows, 0, 0, 0}}; }

}  // namespace rnnfast

#endif
