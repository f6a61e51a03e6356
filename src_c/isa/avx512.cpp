// The kernels for x86-64 with AVX-512 F, DQ, BW and VL.
#if !defined(__AVX512F__) || !defined(__AVX512DQ__) || !defined(__AVX512BW__) || !defined(__AVX512VL__)
#error "compile with -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma (MSVC: /arch:AVX512)"
#endif

#define RNNFAST_ISA_AVX512
#include "../kernels/fill.h"
#include "tables.h"

namespace rnnfast {
const KernelTable& rnnfast_table_avx512() { return RNNFAST_ISA::table("avx512"); }
}  // namespace rnnfast
