#include "threads_place.h"

#include "threads.h"

#if defined(__linux__) && defined(_OPENMP)
#include <omp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#endif

namespace rnnfast {

#if defined(__linux__) && defined(_OPENMP)

// OpenMP keeps a team for every thread that opens regions.
struct Helpers {
  static constexpr int kMost = 64;
  pid_t threads[kMost] = {};  // by member; 0: not known
  int processor = -1;         // that they keep off: the caller's
  int generation = 0;         // of the process that they belong to
};

namespace {

thread_local Helpers helpers_of_thread;

pid_t own_id() {
  static thread_local const auto id = static_cast<pid_t>(syscall(SYS_gettid));
  return id;
}

// Wherever the caller may run (taskset), but there. False: nowhere else, or more processors than cpu_set_t counts.
bool places_beside(int processor, cpu_set_t& places) {
  if (processor < 0 || processor >= CPU_SETSIZE || sched_getaffinity(0, sizeof places, &places) != 0) return false;
  CPU_CLR(processor, &places);
  return CPU_COUNT(&places) > 0;
}

}  // namespace

CallersPlace::CallersPlace() : helpers_(nullptr) {
  if (omp_get_proc_bind() != omp_proc_bind_false) return;  // OMP_PROC_BIND: the user binds threads to processors
  helpers_ = &helpers_of_thread;
  if (helpers_->generation != fork_generation()) {
    *helpers_ = Helpers();
    helpers_->generation = fork_generation();
  }
  const int processor = sched_getcpu();
  if (processor == helpers_->processor) return;
  helpers_->processor = processor;
  cpu_set_t places;
  if (!places_beside(processor, places)) return;
  for (pid_t thread : helpers_->threads)  // one that has ended is no thread of this process any more
    if (thread != 0 && syscall(SYS_tgkill, getpid(), thread, 0) == 0) sched_setaffinity(thread, sizeof places, &places);
}

void CallersPlace::keep_off(int member) const {
  if (helpers_ == nullptr || member >= Helpers::kMost || helpers_->threads[member] == own_id()) return;
  helpers_->threads[member] = own_id();
  cpu_set_t places;  // of a new thread: the caller's
  if (places_beside(helpers_->processor, places)) sched_setaffinity(0, sizeof places, &places);
}

#else

CallersPlace::CallersPlace() : helpers_(nullptr) {}
void CallersPlace::keep_off(int) const {}

#endif

}  // namespace rnnfast
