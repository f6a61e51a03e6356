// What the bindings do about threads: Python's lock, and numbers of threads that Python gives.
#ifndef RNNFAST_ENGINE_THREADS_BINDING_H
#define RNNFAST_ENGINE_THREADS_BINDING_H

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "engine/cpu.h"
#include "engine/threads.h"

namespace rnnfast {

namespace py = pybind11;

// While it lives, other Python threads run. Where the interpreter ends before this thread has come back, the thread
// stays here, as Python 3.14 has it: older versions end the thread instead, and an unwinding stack ends the process.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

// Far more threads than processors help nobody, and where the system refuses one, OpenMP ends the process.
inline int most_threads() { return std::max(64, 4 * cpu_info().cores); }

// A number of threads, 0 for None. `what` names it in messages.
inline int checked_threads(const py::object& n, const std::string& what) {
  if (n.is_none()) return 0;
  const bool whole = PyIndex_Check(n.ptr()) && !PyBool_Check(n.ptr());
  const Py_ssize_t count = whole ? PyNumber_AsSsize_t(n.ptr(), nullptr) : 0;  // clips what is too large
  if (PyErr_Occurred()) throw py::error_already_set();
  if (count < 1 || count > most_threads())
    throw py::value_error(what + " must be None or an integer from 1 to " + std::to_string(most_threads()) + ", got " +
                          std::string(py::repr(n)));
  return static_cast<int>(count);
}

// The threads that a call may use now, for a wish of `threads`; 0 or less: as many as calls may use.
inline int thread_budget(int threads) { return threads > 0 ? std::min(threads, most_threads()) : get_num_threads(); }

}  // namespace rnnfast

#endif
