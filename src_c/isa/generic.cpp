// The kernels for any machine: the compiler's baseline, no fused multiply-add.
#define RNNFAST_ISA_GENERIC
#include "../kernels/fill.h"
#include "tables.h"

namespace rnnfast {
const KernelTable& rnnfast_table_generic() { return RNNFAST_ISA::table("generic"); }
}  // namespace rnnfast
