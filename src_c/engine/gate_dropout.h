// The large products of a layer whose gates each multiply x, or the state before, with factors of their own
// (kernels/dropout.h): gate by gate, over a copy of the rows as that gate sees them.
#ifndef RNNFAST_ENGINE_GATE_DROPOUT_H
#define RNNFAST_ENGINE_GATE_DROPOUT_H

#include <cstdint>

#include "../kernels/table.h"
#include "buffer.h"
#include "packing.h"
#include "plan.h"
#include "threads.h"

namespace rnnfast {

template <class T> class GateDropout {
 public:
  // factors (gates, batch, width), sorted rows.
  GateDropout(const Kernels<T>& kernels, const SequencePlan& plan, const void* factors, int64_t width, int threads)
      : kernels_(kernels), plan_(plan), factors_(static_cast<const T*>(factors)), width_(width), threads_(threads) {}

  // to (total, width) = what gate g sees of x, packed, or of the states before each step, in a history.
  void of_input(int g, const T* x, T* to) const { scale(g, x, false, false, to); }
  void of_states(int g, const T* h, T* to) const { scale(g, h, true, false, to); }
  // to (+)= factors * from, packed: the way back to x.
  void add(int g, const T* from, T* to) const { scale(g, from, false, g > 0, to); }

 private:
  void scale(int g, const T* from, bool states, bool accumulate, T* to) const {
    const T* factors = factors_ + g * plan_.batch() * width_;
    const auto& segments = plan_.segments();
    parallel_for(static_cast<int64_t>(segments.size()), threads_, [&](int64_t i) {
      const Segment& s = segments[i];
      kernels_.scale(s.count * width_, from + (states ? s.prev : s.z) * width_, factors + s.row * width_, accumulate,
                     to + s.z * width_);
    });
  }

  const Kernels<T>& kernels_;
  const SequencePlan& plan_;
  const T* factors_;
  const int64_t width_;
  const int threads_;
};

}  // namespace rnnfast

#endif
