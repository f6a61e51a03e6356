// One kernel table per instruction set, each defined in the stub of its name. Calling one runs code compiled for that
// instruction set: only after the machine has been found to have it.
#ifndef RNNFAST_ISA_TABLES_H
#define RNNFAST_ISA_TABLES_H

#include "../kernels/table.h"

namespace rnnfast {

const KernelTable& rnnfast_table_generic();
const KernelTable& rnnfast_table_avx2();
const KernelTable& rnnfast_table_avx512();
const KernelTable& rnnfast_table_neon();

// Products of one weight format with instructions that an instruction set may have on top: format, then instructions.
Products<float> rnnfast_bf16_avx512_bf16();
Products<float> rnnfast_int8_avx512_vnni();
Products<float> rnnfast_int8_avx2_vnni();
Products<float> rnnfast_int8_neon_dotprod();
Products<float> rnnfast_bf16_neon_bf16();
AmxProducts rnnfast_products_amx();

}  // namespace rnnfast

#endif
