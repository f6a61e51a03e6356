// One vector of a row of elements, of which the last holds fewer lanes.
#ifndef RNNFAST_SIMD_SLICE_H
#define RNNFAST_SIMD_SLICE_H

#include "vec.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// Elements [first, first + N) of a row that ends at `end`; those past the end load as zero and are not stored.
template <class T> struct Slice {
  int64_t first;
  int valid;
  Slice(int64_t first_, int64_t end)
      : first(first_),
        valid(end - first >= Vec<T>::N ? Vec<T>::N : end > first ? static_cast<int>(end - first) : 0) {}
  RNNFAST_INLINE Vec<T> load(const T* row) const {
    return valid == Vec<T>::N ? Vec<T>::load(row + first) : Vec<T>::load_partial(row + first, valid);
  }
  RNNFAST_INLINE void store(T* row, Vec<T> v) const {
    if (valid == Vec<T>::N) v.store(row + first);
    else v.store_partial(row + first, valid);
  }
};

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
