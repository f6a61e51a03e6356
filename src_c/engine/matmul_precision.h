// How exact the products of float32 numbers must be: the setting of the process, and the formats that training takes.
#ifndef RNNFAST_ENGINE_MATMUL_PRECISION_H
#define RNNFAST_ENGINE_MATMUL_PRECISION_H

#include <cstdint>

#include "../kernels/table.h"

namespace rnnfast {

// For all calls of the process that begin after it.
void set_matmul_precision(MatmulPrecision);
MatmulPrecision get_matmul_precision();

// Weights whose products are worth another format than full precision. Smaller ones take longer to prepare their
// factors than they save (measured with AVX-512's bf16 dot products on a Zen 5). By the weights' shape alone, so that
// the bits of a row do not depend on its batch.
constexpr bool worth_narrow(int64_t rows, int64_t columns) {
  constexpr int64_t kSide = 32, kWeights = 4096;
  return rows >= kSide && columns >= kSide && rows * columns >= kWeights;
}

// The format of the products of training with weights (rows, columns), and of their gradients: one in which the table
// can train, so with instructions that make it faster; else full precision. At `highest` always full precision: three
// parts would be as exact, and on AMX should be faster in large products (6 products of tiles, of 512 multiply-adds a
// cycle each, against 32 a cycle), but a model trained at the default would no longer have the same bits on every
// machine with fused multiply-add, nor those of its inference.
template <class T> WeightType training_type(const KernelTable&, MatmulPrecision, int64_t rows, int64_t columns);
template <> inline WeightType training_type<double>(const KernelTable&, MatmulPrecision, int64_t, int64_t) {
  return WeightType::full;
}
template <>
inline WeightType training_type<float>(const KernelTable& table, MatmulPrecision precision, int64_t rows,
                                       int64_t columns) {
  const auto trains = [&](WeightType type) {
    const Products<float>* products = table.products<float>(type);
    return products != nullptr && products->outer != nullptr;
  };
  if (precision == MatmulPrecision::highest || !worth_narrow(rows, columns)) return WeightType::full;
  if (precision == MatmulPrecision::medium && trains(WeightType::bf16)) return WeightType::bf16;
  if (trains(WeightType::bf16x2)) return WeightType::bf16x2;
  return WeightType::full;
}

}  // namespace rnnfast

#endif
