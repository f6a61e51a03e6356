// The kernels for arm64.
#if !defined(__aarch64__) && !defined(_M_ARM64)
#error "for arm64 only"
#endif

#define RNNFAST_ISA_NEON
#include "../kernels/fill.h"
#include "tables.h"

namespace rnnfast {
const KernelTable& rnnfast_table_neon() { return RNNFAST_ISA::table("neon"); }
}  // namespace rnnfast
