#include "columns.h"

#include <algorithm>

#include "packing.h"
#include "threads.h"

namespace rnnfast {

template <class T>
Columns<T>::Columns(const Kernels<T>& kernels, const Products<T>& products, const std::vector<Segment>& runs, int64_t k,
                    int64_t m, const T* a, int64_t lda, int threads)
    : lda_(lda) {
  const ElementLayout& layout = products.layout;
  if (layout.numbers == 1) {
    a_ = a;
    return;
  }
  const int64_t words = prepared_row(k, layout) * layout.words, group = whole(kernels.lanes, layout.rows);
  const int64_t row = whole(k, kernels.lanes) + kernels.lanes;  // transposed: every run ends with a whole vector
  prepared_ = Buffer<uint32_t>(whole(m, layout.rows) * words, uninitialised);
  parallel_for(ceil_div(m, group), threads, [&](int64_t part) {
    const int64_t first = part * group, count = std::min(group, m - first);
    Buffer<T> rows(count * row, uninitialised);
    for (const Segment& run : runs)
      kernels.transpose(run.count, count, a + run.prev * lda + first, lda, rows.data() + run.z, row);
    products.prepare(count, k, rows.data(), row, prepared_.data() + first * words);
  });
}

template class Columns<float>;
template class Columns<double>;

}  // namespace rnnfast
