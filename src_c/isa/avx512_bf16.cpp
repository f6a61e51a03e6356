// bf16 products for x86-64 with AVX-512 and its BF16 instructions.
#if !defined(__AVX512BF16__) && !defined(_MSC_VER)
#error "compile with the flags of avx512.cpp and -mavx512bf16"
#endif

#define RNNFAST_ISA_AVX512
#define RNNFAST_ISA isa_avx512_bf16
#define RNNFAST_HAS_BF16_DOT
#include "../kernels/fill_products.h"
#include "tables.h"

namespace rnnfast {
Products<float> rnnfast_bf16_avx512_bf16() { return RNNFAST_ISA::training_products<RNNFAST_ISA::Bf16>("avx512_bf16"); }
}  // namespace rnnfast
