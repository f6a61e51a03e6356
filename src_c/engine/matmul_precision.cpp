#include "matmul_precision.h"

#include <atomic>

namespace rnnfast {
namespace {

std::atomic<MatmulPrecision> setting{MatmulPrecision::highest};

}  // namespace

void set_matmul_precision(MatmulPrecision precision) { setting.store(precision, std::memory_order_relaxed); }
MatmulPrecision get_matmul_precision() { return setting.load(std::memory_order_relaxed); }

}  // namespace rnnfast
