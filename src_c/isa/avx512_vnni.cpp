// int8 products for x86-64 with AVX-512 and its VNNI instructions.
#if !defined(__AVX512VNNI__) && !defined(_MSC_VER)
#error "compile with the flags of avx512.cpp and -mavx512vnni"
#endif

#define RNNFAST_ISA_AVX512
#define RNNFAST_ISA isa_avx512_vnni
#define RNNFAST_HAS_INT8_DOT
#include "../kernels/fill_products.h"
#include "tables.h"

namespace rnnfast {
Products<float> rnnfast_int8_avx512_vnni() { return RNNFAST_ISA::products<RNNFAST_ISA::Int8>("avx512_vnni"); }
}  // namespace rnnfast
