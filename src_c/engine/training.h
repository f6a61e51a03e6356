// A recurrent layer's forward pass that keeps what backward needs, its backward pass, and plain products, with threads.
// Work is cut so that every output is reduced by one thread in one fixed order: results do not depend on `threads`.
#ifndef RNNFAST_ENGINE_TRAINING_H
#define RNNFAST_ENGINE_TRAINING_H

#include <cstdint>

#include "../rnnfast.h"
#include "cpu.h"

namespace rnnfast {

// Elements of RnnForward::z for `total` real steps.
int64_t rnn_z_size(Dtype, const RnnSpec&, int64_t total);
// On the kernels of the process, unless others are given; forward and backward on the same.
void rnn_forward(const RnnForward&, const KernelTable& = active_table());
void rnn_backward(const RnnBackward&, const KernelTable& = active_table());

void matmul(const MatMul&, const KernelTable& = active_table());

}  // namespace rnnfast

#endif
