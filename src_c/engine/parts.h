// Work over the elements of arrays, in parts that threads share.
#ifndef RNNFAST_ENGINE_PARTS_H
#define RNNFAST_ENGINE_PARTS_H

#include <algorithm>
#include <cstdint>

#include "packing.h"
#include "cpu.h"
#include "threads.h"

namespace rnnfast {

constexpr int64_t kGrain = 16384;  // elements of one part: small enough to share out, large enough to hide its cost

// f(begin, end) over [0, count) in parts of `grain`.
template <class F> void in_parts(int64_t count, int64_t grain, int threads, const F& f) {
  parallel_for(ceil_div(count, grain), threads,
               [&](int64_t part) { f(part * grain, std::min(count, (part + 1) * grain)); });
}

// f(kernels, T()) for the dtype's kernels.
template <class F> void with_kernels(Dtype dtype, const F& f) {
  if (dtype == Dtype::float32) f(active_table().f32, float());
  else f(active_table().f64, double());
}

}  // namespace rnnfast

#endif
