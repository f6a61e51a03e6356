// Connectionist temporal classification (Graves et al. 2006): the loss of a label sequence that is not aligned with the
// time steps, its gradient, and the search for the likeliest sequences. All sums are of logarithms in double precision.
#ifndef RNNFAST_ENGINE_CTC_H
#define RNNFAST_ENGINE_CTC_H

#include "../rnnfast.h"

namespace rnnfast {

void ctc_loss(const CtcLoss&);
void ctc_beam_search(const CtcBeamSearch&);

}  // namespace rnnfast

#endif
