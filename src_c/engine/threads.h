// Threads behind one small interface: OpenMP where the build has it, else the calling thread alone.
#ifndef RNNFAST_ENGINE_THREADS_H
#define RNNFAST_ENGINE_THREADS_H

#include <atomic>
#include <cstdint>
#include <mutex>
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
  // The threads that would help need not be woken first: the last calls of this thread came shortly before.
  bool others_awake() const { return awake_; }

 private:
  int threads_;
  bool awake_ = false;
};

// How many forks lie between this process and the one that loaded the library.
int fork_generation();

// A mutex that a fork may leave held by a thread that the child does not have. Taking it there is an error
// (std::invalid_argument) and not a wait without end.
class ForkAwareMutex {
 public:
  void lock() {
    refuse_lost();
    mutex_.lock();
    taken();
  }
  bool try_lock() {
    refuse_lost();
    if (!mutex_.try_lock()) return false;
    taken();
    return true;
  }
  void unlock() {
    held_.store(false, std::memory_order_relaxed);
    mutex_.unlock();
  }

 private:
  void refuse_lost() const;
  void taken() {
    generation_.store(fork_generation(), std::memory_order_relaxed);
    held_.store(true, std::memory_order_relaxed);
  }
  std::mutex mutex_;
  std::atomic<bool> held_{false};
  std::atomic<int> generation_{0};
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

// How many of `threads` are worth waking for so many floating-point operations: each should have 20 microseconds of
// work.
int worthwhile_threads(double operations, int threads);

using PartFunction = void (*)(void* context, int64_t part);
// Calls function(context, p) for every p in [0, parts), each once, on up to `threads` threads, with denormals flushed.
// Which thread runs a part is not fixed. An exception that a part throws is thrown again here, after all have ended.
void run_parts(int64_t parts, int threads, PartFunction function, void* context);

using MemberFunction = void (*)(void* context, int member, int members);
// Calls function(context, member, members) once on each of `threads` threads, all at the same time and with denormals
// flushed, so that they may wait for each other. There may be fewer members than asked for. It must not throw.
void run_team(int threads, MemberFunction function, void* context);

// The threads that may wait for each other without keeping a processor from one that is waited for: no more than the
// processors that the process started with.
int waiting_threads(int threads);

// f(part) for every part in [0, parts); see run_parts.
template <class F> void parallel_for(int64_t parts, int threads, F&& f) {
  using Function = std::remove_reference_t<F>;
  auto call = [](void* context, int64_t part) { (*static_cast<Function*>(context))(part); };
  run_parts(parts, threads, call, const_cast<void*>(static_cast<const void*>(&f)));
}

// Rows of a product that one thread takes at a time.
constexpr int64_t kRowsPerPart = 240;

// f(first, count) over [0, rows) in such parts.
template <class F> void for_row_parts(int64_t rows, int threads, const F& f) {
  parallel_for((rows + kRowsPerPart - 1) / kRowsPerPart, threads, [&](int64_t part) {
    const int64_t first = part * kRowsPerPart;
    f(first, rows - first < kRowsPerPart ? rows - first : kRowsPerPart);
  });
}

// f(member, members) on each member of a team; see run_team.
template <class F> void with_team(int threads, F&& f) {
  using Function = std::remove_reference_t<F>;
  auto call = [](void* context, int member, int members) { (*static_cast<Function*>(context))(member, members); };
  run_team(threads, call, const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace rnnfast

#endif
