#include <algorithm>

#include "columns.h"
#include "training.h"
#include "training_parts.h"

namespace rnnfast {
namespace {

// A (m, k) as stored: rows of A meet panels of B. A stored (k, m): sums over its rows.
template <class T> void product(const MatMul& p, const KernelTable& table) {
  const Kernels<T>& kernels = table.of<T>();
  // The weights are B, or the result of a sum over rows.
  const WeightType type = training_type<T>(table, p.precision, p.transpose_a ? p.m : p.k, p.n);
  const Products<T>& products = products_of<T>(table, type, p.k);
  const int64_t lanes = kernels.lanes, width = kSlots * lanes, panels = ceil_div(p.n, width);
  const double operations = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const int threads = worthwhile_threads(operations, p.threads);
  Buffer<T> full_b(linear_size(lanes, p.k, p.n), uninitialised);
  pack_linear(kernels, typed<T>(p.b), p.k, p.n, p.ldb, p.transpose_b, full_b.data());
  const Panels<T> b(products, panels, p.k, width, std::move(full_b), threads);
  Buffer<T> bias(p.bias ? panels * width : 0);
  if (p.bias) std::copy_n(typed<T>(p.bias), p.n, bias.data());
  T* c = typed<T>(p.c);
  if (!p.transpose_a) {
    for_row_parts(p.m, threads, [&](int64_t first, int64_t count) {
      Buffer<T> scratch(product_scratch(products, count, p.k), uninitialised);
      ProductArgs<T> part = linear_product(lanes, count, p.n, typed<T>(p.a) + first * p.lda, p.lda, plain_row(p.k), b,
                                           c + first * p.ldc, p.ldc);
      part.scratch = scratch.data();
      part.bias = bias.data();
      products.product(part);
    });
    return;
  }
  if (p.bias)
    for (int64_t i = 0; i < p.m; ++i) std::copy_n(bias.data(), p.n, c + i * p.ldc);
  const Columns<T> a(kernels, products, one_run(p.k), p.k, p.m, typed<T>(p.a), p.lda, threads);
  parallel_for(panels, threads, [&](int64_t panel) {
    Buffer<T> work(p.m * width, uninitialised);
    OuterArgs<T> part{};
    part.m = p.m;
    part.k = p.k;
    part.nv = static_cast<int>(std::min<int64_t>(kSlots, ceil_div(p.n - panel * width, lanes)));
    part.a = a.from(0);
    part.lda = p.lda;
    part.b = b.element(panel, 0);
    part.b_row = width;
    part.accumulate = p.bias != nullptr;
    part.c = linear_part(lanes, c, p.n, p.ldc, panel);
    part.work = work.data();
    products.outer(part);
  });
}

}  // namespace

void matmul(const MatMul& p, const KernelTable& table) {
  p.dtype == Dtype::float32 ? product<float>(p, table) : product<double>(p, table);
}

}  // namespace rnnfast
