// Threads behind one small interface: OpenMP where the build has it, else the calling thread alone.
#ifndef RNNFAST_ENGINE_THREADS_H
#define RNNFAST_ENGINE_THREADS_H

#include <cstdint>
#include <type_traits>

namespace rnnfast {

// Processors that this process may use: its affinity and its cgroup's limit (rounded up), at least 1.
int processor_limit();

// The number of threads a call uses, for all calls of the process; 0 goes back to the default: as many as OpenMP would
// use (OMP_NUM_THREADS, threadpoolctl), but no more than processor_limit().
void set_num_threads(int n);
int get_num_threads();

// A call in flight. Calls that run at the same time share the budget out among themselves.
class ActiveCall {
 public:
  explicit ActiveCall(int budget);  // threads this call may use when alone
  ~ActiveCall();
  ActiveCall(const ActiveCall&) = delete;
  ActiveCall& operator=(const ActiveCall&) = delete;
  int threads() const { return threads_; }

 private:
  int threads_;
};

// Denormals are flushed to zero while it lives, on the thread that made it.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t saved_;
};

// How many of `threads` are worth waking for so many floating-point operations: each should have 20 microseconds of work.
int worthwhile_threads(double operations, int threads);

using PartFunction = void (*)(void* context, int64_t part);
// Calls function(context, p) for every p in [0, parts), each once, on up to `threads` threads, with denormals flushed.
// Which thread runs a part is not fixed. An exception that a part throws is thrown again here, after all have ended.
void run_parts(int64_t parts, int threads, PartFunction function, void* context);

// f(part) for every part in [0, parts); see run_parts.
template <class F> void parallel_for(int64_t parts, int threads, F&& f) {
  using Function = std::remove_reference_t<F>;
  auto call = [](void* context, int64_t part) { (*static_cast<Function*>(context))(part); };
  run_parts(parts, threads, call, const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace rnnfast

#endif
