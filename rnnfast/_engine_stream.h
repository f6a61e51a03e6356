// A Stream as Python sees it.
#ifndef RNNFAST_ENGINE_STREAM_BINDING_H
#define RNNFAST_ENGINE_STREAM_BINDING_H

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "_engine_arrays.h"
#include "_engine_function.h"
#include "_engine_threads.h"
#include "program/stream.h"

namespace rnnfast {

// A step of less work than this (some 20 microseconds) keeps the GIL: handing it over may cost more than the step.
constexpr double kKeepGil = 2e6;

template <class T> struct StepTarget {
  std::shared_ptr<Stream<T>> stream;
  int threads;
};

template <class T> py::object stream_step(StepTarget<T>& target, const py::handle& x) {
  Stream<T>& stream = *target.stream;
  const bool tokens = stream.reads_tokens();
  const py::array input =
      tokens ? py::array(numeric<int64_t>(x, "x_t")) : py::array(numeric<T>(x, "x_t"));
  const std::vector<int64_t>&sizes = stream.input_shape(), &out = stream.output_shape();
  const auto axes = static_cast<py::ssize_t>(sizes.size());
  const bool batched = input.ndim() == axes + 1;
  if (!(batched ? input.shape(0) == stream.rows() : input.ndim() == axes && stream.rows() == 1) ||
      !std::equal(sizes.begin(), sizes.end(), input.shape() + (batched ? 1 : 0))) {
    std::string wanted = "(" + std::to_string(stream.rows());
    for (int64_t n : sizes) wanted += ", " + std::to_string(n);
    throw py::value_error("x_t: expected shape " + wanted + (sizes.empty() ? ",)" : ")") +
                          ", got " + shape_text(input));
  }
  py::ssize_t shape[kMostAxes] = {stream.rows()};
  std::copy(out.begin(), out.end(), shape + (batched ? 1 : 0));
  py::object y = new_array<T>(static_cast<int>(out.size()) + (batched ? 1 : 0), shape);
  const void* from = input.data();
  T* to = data_of<T>(y);
  // A waiting thread must not hold the GIL: the thread that steps may need it to come back.
  if (stream.work() < kKeepGil && stream.lock().try_lock()) {
    const std::lock_guard<ForkAwareMutex> hold(stream.lock(), std::adopt_lock);
    stream.step(from, to, 1);
  } else {
    const GilRelease release;
    const std::lock_guard<ForkAwareMutex> hold(stream.lock());
    const ActiveCall call(thread_budget(target.threads));
    stream.step(from, to, call.threads(), call.others_awake());
  }
  return y;
}

template <class T> py::object step_function(const std::shared_ptr<Stream<T>>& stream, int threads) {
  check_axes(stream->output_shape().size() + 1, "a step");
  return bound_function<StepTarget<T>, stream_step<T>>(
      {stream, threads}, "step", "step(x_t): advance every recurrent layer by one step and return the output.");
}

// States as Python has them: for each recurrent layer a list of its arrays.
template <class T> py::list stream_state(Stream<T>& stream) {
  py::list layers;
  std::vector<T*> arrays;
  for (const StateSlot& slot : stream.program().state_slots()) {
    if (slot.index == 0) layers.append(py::list());
    const py::ssize_t shape[2] = {stream.rows(), slot.units};
    const py::object array = new_array<T>(2, shape);
    arrays.push_back(data_of<T>(array));
    layers[layers.size() - 1].attr("append")(array);
  }
  const GilRelease release;
  const std::lock_guard<ForkAwareMutex> hold(stream.lock());
  for (size_t s = 0; s < arrays.size(); ++s)
    std::copy(stream.states()[s].begin(), stream.states()[s].end(), arrays[s]);
  return layers;
}

// The entries of a list of states. A string or a number has none.
inline py::list state_list(const py::handle& x, const char* what) {
  const bool text = PyUnicode_Check(x.ptr()) || PyBytes_Check(x.ptr());
  if (text || !PySequence_Check(x.ptr()) || (py::isinstance<py::array>(x) && py::len(x.attr("shape")) == 0))
    throw py::type_error(std::string("state: expected ") + what + ", got " + std::string(py::str(py::type::of(x))));
  return py::list(py::reinterpret_borrow<py::object>(x));
}

template <class T> void set_stream_state(Stream<T>& stream, const py::object& states) {
  const py::list layers = state_list(states, "a list with an entry for each recurrent layer");
  std::vector<py::object> given;
  for (const py::handle layer : layers)
    for (const py::handle array : state_list(layer, "a list of arrays for each recurrent layer"))
      given.push_back(py::reinterpret_borrow<py::object>(array));
  const std::vector<StateSlot>& slots = stream.program().state_slots();
  const auto count = std::count_if(slots.begin(), slots.end(), [](const StateSlot& slot) { return slot.index == 0; });
  if (given.size() != slots.size() || layers.size() != static_cast<size_t>(count))
    throw py::value_error("state: expected " + std::to_string(slots.size()) + " arrays in " + std::to_string(count) +
                          " layers, got " + std::to_string(given.size()) + " in " + std::to_string(layers.size()));
  std::vector<Array<T>> arrays;
  for (size_t s = 0; s < slots.size(); ++s)
    arrays.push_back(weights<T>(given[s], ("state of layer '" + slots[s].layer + "'").c_str(),
                                {stream.rows(), slots[s].units}));
  const GilRelease release;
  const std::lock_guard<ForkAwareMutex> hold(stream.lock());
  for (size_t s = 0; s < slots.size(); ++s)
    std::copy_n(arrays[s].data(), arrays[s].size(), stream.states()[s].data());
}

}  // namespace rnnfast

#endif
