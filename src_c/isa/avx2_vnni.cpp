// int8 products for x86-64 with AVX2 and the VNNI instructions in its encoding.
#if !defined(__AVXVNNI__) && !defined(_MSC_VER)
#error "compile with the flags of avx2.cpp and -mavxvnni"
#endif

#define RNNFAST_ISA_AVX2
#define RNNFAST_ISA isa_avx2_vnni
#define RNNFAST_HAS_INT8_DOT
#include "../kernels/fill_products.h"
#include "tables.h"

namespace rnnfast {
Products<float> rnnfast_int8_avx2_vnni() { return RNNFAST_ISA::products<RNNFAST_ISA::Int8>("avx_vnni"); }
}  // namespace rnnfast
