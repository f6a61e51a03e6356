// What a recurrent layer costs, and over how many threads it is worth sharing out: the one place that decides.
#ifndef RNNFAST_ENGINE_SHARING_H
#define RNNFAST_ENGINE_SHARING_H

#include <cstdint>
#include <string>
#include <vector>

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

// The work of a layer that can run some steps at a time: a recurrent one, or one that looks at a step at a time.
struct StageWork {
  double step = 0;           // seconds of each step, whatever comes before and after it, ...
  double step_bytes = 0;     // ... and the bytes of weights that it reads
  double product = 0;        // seconds per step of a product over a chunk of steps, ...
  double product_bytes = 0;  // ... and the bytes of weights that it reads once for all of them
  int64_t outputs = 0;       // numbers per step that it hands on
};
StageWork stage_work(const RnnWork&, int64_t state);  // state: numbers of a row that it hands on

// How stages of which each reads the one before are run over time on several threads (engine/pipeline).
struct Pipelining {
  int threads = 1;           // in all; 1: there is nothing to pipeline
  int64_t chunk = 0;         // steps
  std::vector<int> owners;   // the thread of each stage
  double chunk_seconds = 0;  // of all stages
  double seconds = 0;        // estimated, for all steps
};

// The fastest way to run the stages so.
Pipelining best_pipelining(const std::vector<StageWork>&, int64_t steps, int threads);
// That, in words. others: the seconds of doing without it.
std::string explain_pipelining(const Pipelining&, double others);

// Estimates, in seconds: one step of the recurrence over `panels` panels; products of so many multiply-adds.
double step_seconds(const RnnWork&, int64_t panels);
double product_seconds(double multiply_adds, int64_t weight_size);

}  // namespace rnnfast

#endif
