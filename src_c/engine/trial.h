// A trial of kernels that run on few machines, before a process relies on them.
#ifndef RNNFAST_ENGINE_TRIAL_H
#define RNNFAST_ENGINE_TRIAL_H

#include "../kernels/table.h"

namespace rnnfast {

// Products of every narrow format that the table has, on a small matrix, agree with plain loops.
bool products_agree(const KernelTable&);

}  // namespace rnnfast

#endif
