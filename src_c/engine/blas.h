// Products by a BLAS that the caller has found (this library links none): the entry for CPUs whose only kernels here
// are the generic ones. BLAS runs on one thread; the threads are ours, over a grid that depends on the shapes alone, so
// that the result does not depend on their number.
#ifndef RNNFAST_ENGINE_BLAS_H
#define RNNFAST_ENGINE_BLAS_H

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>

#include "../rnnfast.h"

namespace rnnfast {

template <class T>
using Gemm = void (*)(char* transpose_a, char* transpose_b, int* m, int* n, int* k, T* alpha, T* a, int* lda, T* b,
                      int* ldb, T* beta, T* c, int* ldc);

struct Blas {
  Gemm<float> sgemm;
  Gemm<double> dgemm;
  int (*get_threads)();      // or null where the library has no such call
  void (*set_threads)(int);
  template <class T> Gemm<T> gemm() const;
};
template <> inline Gemm<float> Blas::gemm<float>() const { return sgemm; }
template <> inline Gemm<double> Blas::gemm<double>() const { return dgemm; }

// Sets BLAS to one thread while any product runs. The last one to finish restores what the first one found.
class OneBlasThread {
 public:
  explicit OneBlasThread(const Blas& blas) : blas_(blas) {
    if (!blas_.set_threads) return;
    const std::lock_guard<std::mutex> lock(shared().mutex);
    if (shared().products++ > 0) return;
    shared().found = blas_.get_threads();
    if (shared().found != 1) blas_.set_threads(1);
  }
  ~OneBlasThread() {
    if (!blas_.set_threads) return;
    const std::lock_guard<std::mutex> lock(shared().mutex);
    if (--shared().products == 0 && shared().found != 1) blas_.set_threads(shared().found);
  }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  struct Shared {
    std::mutex mutex;
    int products = 0, found = 1;
  };
  static Shared& shared() {
    static Shared instance;
    return instance;
  }
  const Blas& blas_;
};

constexpr int64_t kBlasRows = 192, kBlasColumns = 512;  // one cell of the grid

// BLAS counts in int: larger matrices are not for it.
inline bool blas_can(const MatMul& p) {
  return std::max({p.k, p.lda, p.ldb, p.ldc}) <= std::numeric_limits<int>::max();
}

// Row-major C = A B is column-major C' = B' A', so A and B trade places.
template <class T> void blas_cell(const Blas& blas, const MatMul& p, int64_t row, int64_t column) {
  const int64_t rows = std::min(kBlasRows, p.m - row), columns = std::min(kBlasColumns, p.n - column);
  T* c = static_cast<T*>(p.c) + row * p.ldc + column;
  for (int64_t i = 0; i < rows; ++i)
    if (p.bias) std::copy_n(static_cast<const T*>(p.bias) + column, columns, c + i * p.ldc);
    else std::fill_n(c + i * p.ldc, columns, T{0});
  if (p.k == 0) return;
  const T* a = static_cast<const T*>(p.a) + (p.transpose_a ? row : row * p.lda);
  const T* b = static_cast<const T*>(p.b) + (p.transpose_b ? column * p.ldb : column);
  char transpose_a = p.transpose_a ? 'T' : 'N', transpose_b = p.transpose_b ? 'T' : 'N';
  int m = static_cast<int>(rows), n = static_cast<int>(columns), k = static_cast<int>(p.k);
  int lda = static_cast<int>(p.lda), ldb = static_cast<int>(p.ldb), ldc = static_cast<int>(p.ldc);
  T one{1};
  blas.gemm<T>()(&transpose_b, &transpose_a, &n, &m, &k, &one, const_cast<T*>(b), &ldb, const_cast<T*>(a), &lda, &one,
                 c, &ldc);
}

template <class T> void blas_grid(const Api& core, const Blas& blas, const MatMul& p) {
  struct Grid {
    const Blas& blas;
    const MatMul& product;
    int64_t across;
  };
  const int64_t down = (p.m + kBlasRows - 1) / kBlasRows, across = (p.n + kBlasColumns - 1) / kBlasColumns;
  const double operations = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const OneBlasThread guard(blas);
  Grid grid{blas, p, across};
  const auto cell = [](void* context, int64_t at) {
    const Grid& g = *static_cast<Grid*>(context);
    blas_cell<T>(g.blas, g.product, at / g.across * kBlasRows, at % g.across * kBlasColumns);
  };
  core.share_out(down * across, operations, p.threads, cell, &grid);
}

// As Api::matmul, on the core's threads; blas_can(p) must hold.
inline void blas_matmul(const Api& core, const Blas& blas, const MatMul& p) {
  if (p.dtype == Dtype::float32) blas_grid<float>(core, blas, p);
  else blas_grid<double>(core, blas, p);
}

}  // namespace rnnfast

#endif
