// What a recurrent layer costs, and over how many threads it is worth sharing out: the one place that decides.
#ifndef RNNFAST_ENGINE_SHARING_H
#define RNNFAST_ENGINE_SHARING_H

#include <cstdint>
#include <string>

#include "packing.h"

namespace rnnfast {

// The work of one layer in one direction.
struct RnnWork {
  CellLayout layout;
  int64_t input_dim;
  int64_t recurrent_weights;  // of one unit
  int64_t weight_size;        // bytes of one weight
  int64_t rows, steps;
};

// A parallel region whose threads are awake, and what it takes more when they sleep: their caches are cold, too.
constexpr double kRegionSeconds = 1e-6, kWakeSeconds = 100e-6;

// Threads of `budget` that may share a layer now: none beyond the processors, and one while threads that share a step
// have lately had to wait for a processor.
int sharing_threads(int budget);

// How layers that run at once use threads.
struct Sharing {
  int threads;     // in all
  int members;     // per layer; each computes some of its panels, and they wait for each other after every step
  double seconds;  // estimated, until the last layer is done
};

// The fastest way to run `layers` such layers, none of which waits for another, on up to `threads` threads.
Sharing best_sharing(const RnnWork&, int layers, int threads);

// What best_sharing decides, and why, in words.
std::string explain_sharing(const RnnWork&, int layers, int threads);

// Estimates, in seconds: one step of the recurrence over `panels` panels; products of so many multiply-adds.
double step_seconds(const RnnWork&, int64_t panels);
double product_seconds(double multiply_adds, int64_t weight_size);

}  // namespace rnnfast

#endif
