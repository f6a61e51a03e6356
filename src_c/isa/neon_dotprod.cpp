// int8 products for arm64 with the dot product instructions (ARMv8.2).
#if !defined(__ARM_FEATURE_DOTPROD)
#error "compile with -march=armv8.2-a+dotprod"
#endif

#define RNNFAST_ISA_NEON
#define RNNFAST_ISA isa_neon_dotprod
#define RNNFAST_HAS_INT8_DOT
#include "../kernels/fill_products.h"
#include "tables.h"

namespace rnnfast {
Products<float> rnnfast_int8_neon_dotprod() { return RNNFAST_ISA::products<RNNFAST_ISA::Int8>("neon_dotprod"); }
}  // namespace rnnfast
