// A recurrent layer's forward pass that keeps what backward needs, its backward pass, and plain products, with threads.
// Work is cut so that every output is reduced by one thread in one fixed order: results do not depend on `threads`.
#ifndef RNNFAST_ENGINE_TRAINING_H
#define RNNFAST_ENGINE_TRAINING_H

#include <cstdint>

#include "../rnnfast.h"

namespace rnnfast {

// As Api has them.
int64_t rnn_z_size(Dtype, const RnnSpec&, int64_t total, int64_t x_rows = 0);
void rnn_forward(const RnnForward&);
void rnn_backward(const RnnBackward&);

void matmul(const MatMul&);

}  // namespace rnnfast

#endif
