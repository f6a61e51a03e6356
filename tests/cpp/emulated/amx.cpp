// src_c/isa/amx.cpp over emulated tiles.
#define RNNFAST_AMX_EMULATED
#define RNNFAST_ISA_AVX512
#define RNNFAST_ISA isa_amx_emulated
#include "../../../src_c/kernels/fill_amx.h"

namespace rnnfast {
AmxProducts rnnfast_products_amx_emulated() { return RNNFAST_ISA::amx_products(); }
}  // namespace rnnfast
