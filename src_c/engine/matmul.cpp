#include <algorithm>

#include "cpu.h"
#include "training.h"
#include "training_parts.h"

namespace rnnfast {
namespace {

// A (m, k) as stored: rows of A meet panels of B. A stored (k, m): sums over its rows.
template <class T> void product(const MatMul& p) {
  const Kernels<T>& kernels = active_table().of<T>();
  const int64_t lanes = kernels.lanes, width = kSlots * lanes, panels = ceil_div(p.n, width);
  const double operations = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const int threads = worthwhile_threads(operations, p.threads);
  Buffer<T> b(linear_size(lanes, p.k, p.n), uninitialised);
  pack_linear(kernels, typed<T>(p.b), p.k, p.n, p.ldb, p.transpose_b, b.data());
  Buffer<T> bias(p.bias ? panels * width : 0);
  if (p.bias) std::copy_n(typed<T>(p.bias), p.n, bias.data());
  T* c = typed<T>(p.c);
  if (!p.transpose_a) {
    for_row_parts(p.m, threads, [&](int64_t first, int64_t count) {
      ProductArgs<T> part = linear_product<T>(lanes, count, p.n, typed<T>(p.a) + first * p.lda, p.lda, plain_row(p.k),
                                              {b.data(), nullptr, nullptr}, c + first * p.ldc, p.ldc);
      part.bias = bias.data();
      kernels.full.product(part);
    });
    return;
  }
  if (p.bias)
    for (int64_t i = 0; i < p.m; ++i) std::copy_n(bias.data(), p.n, c + i * p.ldc);
  parallel_for(panels, threads, [&](int64_t panel) {
    Buffer<T> work(p.m * width, uninitialised);
    OuterArgs<T> part{};
    part.m = p.m;
    part.k = p.k;
    part.nv = static_cast<int>(std::min<int64_t>(kSlots, ceil_div(p.n - panel * width, lanes)));
    part.a = typed<T>(p.a);
    part.lda = p.lda;
    part.b = b.data() + panel * p.k * width;
    part.b_row = width;
    part.accumulate = p.bias != nullptr;
    part.c = linear_part(lanes, c, p.n, p.ldc, panel);
    part.work = work.data();
    kernels.full.outer(part);
  });
}
}  // namespace

void matmul(const MatMul& p) { p.dtype == Dtype::float32 ? product<float>(p) : product<double>(p); }

}  // namespace rnnfast
