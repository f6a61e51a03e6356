// The kernels for x86-64 with AVX2 and FMA.
#if !defined(__AVX2__) || (!defined(__FMA__) && !defined(_MSC_VER))
#error "compile with -mavx2 -mfma (MSVC: /arch:AVX2)"
#endif

#define RNNFAST_ISA_AVX2
#include "../kernels/fill.h"
#include "tables.h"

namespace rnnfast {
const KernelTable& rnnfast_table_avx2() { return RNNFAST_ISA::table("avx2"); }
}  // namespace rnnfast
