// Products for x86-64 with AVX-512 and AMX's tiles for bf16 and int8.
#if !defined(__AMX_TILE__) || !defined(__AMX_BF16__) || !defined(__AMX_INT8__)
#error "compile with the flags of avx512.cpp and -mamx-tile -mamx-bf16 -mamx-int8"
#endif

#define RNNFAST_ISA_AVX512
#define RNNFAST_ISA isa_amx
#include "../kernels/fill_amx.h"
#include "tables.h"

namespace rnnfast {
AmxProducts rnnfast_products_amx() { return RNNFAST_ISA::amx_products(); }
}  // namespace rnnfast
