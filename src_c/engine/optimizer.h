// One update of a variable, on the threads that a call may use now.
#ifndef RNNFAST_ENGINE_OPTIMIZER_H
#define RNNFAST_ENGINE_OPTIMIZER_H

#include "../rnnfast.h"

namespace rnnfast {

void optimizer_update(const OptimizerUpdate& update);

}  // namespace rnnfast

#endif
