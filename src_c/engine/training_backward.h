// The two halves of a recurrent layer's backward pass: the time loop, which needs step after step, and the large products
// with what it leaves.
#ifndef RNNFAST_ENGINE_TRAINING_BACKWARD_H
#define RNNFAST_ENGINE_TRAINING_BACKWARD_H

#include "cpu.h"
#include "training_parts.h"

namespace rnnfast {

// One call of rnn_backward, and how its arrays are laid out.
template <class T> struct BackwardCall {
  BackwardCall(const RnnBackward& backward, const KernelTable& kernel_table)
      : b(backward),
        f(b.forward),
        plan(*f.plan),
        table(kernel_table),
        kernels(table.of<T>()),
        formats(training_formats<T>(table, f)),
        layout(*f.spec, kernels.lanes),
        z_panel(plan.total() * layout.slot_row()),
        threads(worthwhile_threads(2 * layer_operations(f), f.threads)) {}

  T* z() const { return typed<T>(f.z); }
  const T* h() const { return typed<T>(f.h); }

  const RnnBackward& b;
  const RnnForward& f;
  const SequencePlan& plan;
  const KernelTable& table;
  const Kernels<T>& kernels;
  const RnnFormats formats;
  const CellLayout layout;
  const int64_t z_panel;
  const int threads;
};

// dz of every step into z; dh and dc of the initial state; the gradient of a projection.
template <class T> void backward_in_time(const BackwardCall<T>&);

// The gradients of the other weights and of x, from the dz of every step.
template <class T> void gradients(const BackwardCall<T>&);

}  // namespace rnnfast

#endif
