// How exact the products of float32 numbers must be: the setting of the process, and the formats that training takes.
#ifndef RNNFAST_ENGINE_MATMUL_PRECISION_H
#define RNNFAST_ENGINE_MATMUL_PRECISION_H

#include "../kernels/table.h"

namespace rnnfast {

// For all calls of the process that begin after it.
void set_matmul_precision(MatmulPrecision);
MatmulPrecision get_matmul_precision();

// The format of the products of training: one in which the table can train, so with instructions that make it faster;
// else full precision. At `highest` always full precision: three parts would be as exact, and on AMX should be faster in
// large products (6 products of tiles of 512 multiply-adds a cycle against 32 a cycle), but a model trained at the
// default would no longer have the same bits on every machine with fused multiply-add, nor those of its inference.
template <class T> WeightType training_type(const KernelTable&, MatmulPrecision);
template <> inline WeightType training_type<double>(const KernelTable&, MatmulPrecision) { return WeightType::full; }
template <> inline WeightType training_type<float>(const KernelTable& table, MatmulPrecision precision) {
  const auto trains = [&](WeightType type) {
    const Products<float>* products = table.products<float>(type);
    return products != nullptr && products->outer != nullptr;
  };
  if (precision == MatmulPrecision::medium && trains(WeightType::bf16)) return WeightType::bf16;
  if (precision != MatmulPrecision::highest && trains(WeightType::bf16x2)) return WeightType::bf16x2;
  return WeightType::full;
}

}  // namespace rnnfast

#endif
