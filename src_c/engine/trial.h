// A trial of kernels that run on few machines, before a process relies on them.
#ifndef RNNFAST_ENGINE_TRIAL_H
#define RNNFAST_ENGINE_TRIAL_H

#include "../kernels/table.h"

namespace rnnfast {

// Products of every narrow format that the table has, and sums over rows where it trains in one, agree with plain loops
// on a small matrix.
bool products_agree(const KernelTable&);

}  // namespace rnnfast

#endif
