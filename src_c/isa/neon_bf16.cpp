// bf16 products for arm64 with the bf16 instructions (ARMv8.6).
#if !defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#error "compile with -march=armv8.2-a+bf16"
#endif

#define RNNFAST_ISA_NEON
#define RNNFAST_ISA isa_neon_bf16
#define RNNFAST_HAS_BF16_DOT
#include "../kernels/fill_products.h"
#include "tables.h"

namespace rnnfast {
Products<float> rnnfast_bf16_neon_bf16() { return RNNFAST_ISA::products<RNNFAST_ISA::Bf16>("neon_bf16"); }
}  // namespace rnnfast
