// How the passes of training cut their work, on grids that depend on sizes alone or by whole rows, and what they read
// of a call's arguments.
#ifndef RNNFAST_ENGINE_TRAINING_PARTS_H
#define RNNFAST_ENGINE_TRAINING_PARTS_H

#include <algorithm>
#include <cstdint>
#include <vector>

#include "matmul_precision.h"
#include "rnn.h"
#include "threads.h"

namespace rnnfast {

template <class T> Zoneout<T> h_zoneout(const RnnNoise& noise) {
  return {noise.h_kept, static_cast<T>(noise.h_zoneout)};
}
template <class T> Zoneout<T> c_zoneout(const RnnNoise& noise) {
  return {noise.c_kept, static_cast<T>(noise.c_zoneout)};
}

// Floating-point operations of one pass over a layer's products.
inline double layer_operations(const RnnForward& f) {
  return static_cast<double>(f.plan->total()) * step_operations(*f.spec);
}

// The formats of a layer's products. Gates that drop out on their own have products of their own, in full precision, as
// are those that are normalised, whose gradients lie otherwise than panels of another format would.
template <class T> RnnFormats training_formats(const KernelTable& table, const RnnForward& f) {
  const auto type = [&](const void* factors, int64_t rows) {
    const int64_t columns = gate_count(f.spec->cell) * f.spec->units;
    return factors || f.spec->norm_epsilon > 0 ? WeightType::full : training_type<T>(table, f.precision, rows, columns);
  };
  return {type(f.noise.x_factors, f.spec->input_dim), type(f.noise.h_factors, state_size(*f.spec))};
}

// f(row_begin, row_end) over the plan's sorted rows, one part per thread, cut between groups of so many rows.
template <class F> void for_batch_parts(const SequencePlan& plan, int threads, int64_t group, const F& f) {
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(threads, plan.batch()));
  std::vector<int64_t> bounds = plan.balanced_rows(parts);
  for (int64_t part = 1; part < parts; ++part) bounds[part] -= bounds[part] % group;
  parallel_for(parts, threads, [&](int64_t part) {
    if (bounds[part] < bounds[part + 1]) f(bounds[part], bounds[part + 1]);
  });
}

}  // namespace rnnfast

#endif
