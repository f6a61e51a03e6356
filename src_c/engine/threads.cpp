#include "threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <stdexcept>

#include "threads_place.h"

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define RNNFAST_FORK 1
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

// Part of OpenMP 5.0, and of the run-time libraries of compilers that do not declare all of 5.0 yet.
#if defined(_OPENMP) && (_OPENMP >= 201811 || (defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9))
#define RNNFAST_OMP_PAUSE 1
#endif
#if defined(_OPENMP) && defined(__clang__) && !defined(_WIN32)
extern "C" __attribute__((weak)) void kmp_set_blocktime(int milliseconds);
#endif

namespace rnnfast {
namespace {

std::atomic<int> explicit_threads{0};
std::atomic<int> calls_in_flight{0};
std::atomic<bool> serial_only{false};
std::atomic<int> forks{0};

// OpenMP's threads spin for some 40 microseconds after a region and then sleep (_openmp.py). Waking them for a short
// call would cost more than they save; but where calls follow each other as quickly, waking them once is enough.
using Clock = std::chrono::steady_clock;
constexpr std::chrono::microseconds kAwake{30};
constexpr int kFirstTry = 2, kLastTry = 1024;
struct Pace {
  Clock::time_point last_call{}, last_region{};
  int quick_calls = 0;       // that followed each other without waking anybody
  int needed = kFirstTry;    // such calls until threads are woken; twice as many each time that was in vain
};
thread_local Pace pace;

int openmp_threads() {
#if defined(_OPENMP)
  return omp_get_max_threads();
#else
  return 1;
#endif
}

struct Start {
  int limit, openmp;
};

#if defined(RNNFAST_FORK)
void before_fork() {
#if defined(RNNFAST_OMP_PAUSE)
  // Ends the team of the thread that forks: its threads do not exist in the child, where the next region would wait
  // for them for ever. Both processes start a new team when they need one.
  if (!omp_in_parallel()) omp_pause_resource_all(omp_pause_soft);
#endif
}

void after_fork_in_child() {
  forks.fetch_add(1);
  calls_in_flight.store(0);  // calls of other threads do not run on here
#if defined(_OPENMP) && !defined(RNNFAST_OMP_PAUSE)
  serial_only.store(true);
#endif
}
#endif

const Start& start() {
  static const Start values = [] {
#if defined(RNNFAST_FORK)
    pthread_atfork(before_fork, nullptr, after_fork_in_child);
#endif
#if defined(_OPENMP) && defined(__clang__) && !defined(_WIN32)
    if (kmp_set_blocktime != nullptr) kmp_set_blocktime(5);  // its default spins for 200 ms after a region
#endif
    return Start{processor_limit(), openmp_threads()};
  }();
  return values;
}

void run_serial(int64_t parts, PartFunction function, void* context) {
  FlushDenormals flush;
  for (int64_t part = 0; part < parts; ++part) function(context, part);
}

}  // namespace

void set_num_threads(int n) { explicit_threads.store(std::max(0, n)); }

int get_num_threads() {
#if defined(_OPENMP)
  if (serial_only.load(std::memory_order_relaxed)) return 1;
  const int asked = explicit_threads.load(std::memory_order_relaxed);
  // OpenMP's value belongs to the calling thread and may change at any time (threadpoolctl): a change is a wish.
  const int now = openmp_threads();
  const int threads = asked > 0 ? asked : std::min(now, start().limit);
  return std::max(1, now != start().openmp ? std::min(threads, now) : threads);
#else
  return 1;
#endif
}

int fork_generation() {
  start();
  return forks.load(std::memory_order_relaxed);
}

void ForkAwareMutex::refuse_lost() const {
  if (held_.load(std::memory_order_relaxed) && generation_.load(std::memory_order_relaxed) != fork_generation())
    throw std::invalid_argument("another thread was using this when the process forked, and is not there to finish; "
                                "make a new one in the child");
}

ActiveCall::ActiveCall(int budget) {
  const int calls = calls_in_flight.fetch_add(1, std::memory_order_relaxed) + 1;
  threads_ = std::max(1, budget / std::max(1, calls));
  if (threads_ == 1) return;
  const Clock::time_point now = Clock::now();
  awake_ = now - pace.last_region < kAwake;
  if (awake_) {
    pace.needed = kFirstTry;
    return;
  }
  pace.quick_calls = now - pace.last_call < kAwake ? pace.quick_calls + 1 : 0;
  if (pace.quick_calls < pace.needed) return;
  awake_ = true;
  pace.quick_calls = 0;
  pace.needed = std::min(2 * pace.needed, kLastTry);
}

ActiveCall::~ActiveCall() {
  calls_in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (threads_ > 1) pace.last_call = Clock::now();
}

#if defined(__x86_64__) || defined(_M_X64)
FlushDenormals::FlushDenormals() : saved_(_mm_getcsr()) {
  constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
  _mm_setcsr(static_cast<unsigned>(saved_) | flush_to_zero | denormals_are_zero);
}
FlushDenormals::~FlushDenormals() { _mm_setcsr(static_cast<unsigned>(saved_)); }
#elif defined(__aarch64__) && !defined(_MSC_VER)
FlushDenormals::FlushDenormals() {
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
  __asm__ volatile("msr fpcr, %0" ::"r"(saved_ | (uint64_t{1} << 24)));
}
FlushDenormals::~FlushDenormals() { __asm__ volatile("msr fpcr, %0" ::"r"(saved_)); }
#else
FlushDenormals::FlushDenormals() : saved_(0) {}
FlushDenormals::~FlushDenormals() { (void)saved_; }
#endif

int worthwhile_threads(double operations, int threads) {
  constexpr double operations_per_thread = 2e6;
  const double worth = operations / operations_per_thread;
  return worth < threads ? std::max(1, static_cast<int>(worth)) : threads;
}

int waiting_threads(int threads) { return std::min(threads, start().limit); }

void run_team(int threads, MemberFunction function, void* context) {
#if defined(_OPENMP)
  start();
  if (threads > 1 && !omp_in_parallel() && !serial_only.load(std::memory_order_relaxed)) {
    const CallersPlace place;
#pragma omp parallel num_threads(threads)
    {
      FlushDenormals flush;
      const int member = omp_get_thread_num();
      if (member > 0) place.keep_off(member);
      function(context, member, omp_get_num_threads());
    }
    pace.last_region = Clock::now();
    return;
  }
#else
  (void)threads;
#endif
  FlushDenormals flush;
  function(context, 0, 1);
}

void run_parts(int64_t parts, int threads, PartFunction function, void* context) {
  if (parts <= 0) return;
#if defined(_OPENMP)
  start();
  const auto team = static_cast<int>(std::min<int64_t>(threads, parts));
  if (team > 1 && !omp_in_parallel() && !serial_only.load(std::memory_order_relaxed)) {
    std::exception_ptr failure;
    std::mutex failure_lock;
    std::atomic<int64_t> next{0};
    const CallersPlace place;
#pragma omp parallel num_threads(team)
    {
      FlushDenormals flush;
      if (const int member = omp_get_thread_num(); member > 0) place.keep_off(member);
      // A shared counter and not OpenMP's loop: a thread that wakes late leaves its share to the others.
      for (int64_t part = next.fetch_add(1); part < parts; part = next.fetch_add(1)) {
        try {
          function(context, part);
        } catch (...) {
          std::lock_guard<std::mutex> hold(failure_lock);
          if (!failure) failure = std::current_exception();
        }
      }
    }
    pace.last_region = Clock::now();
    if (failure) std::rethrow_exception(failure);
    return;
  }
#else
  (void)threads;
#endif
  run_serial(parts, function, context);
}

}  // namespace rnnfast
