// Calls of a program: arrays in, arrays out.
#ifndef RNNFAST_ENGINE_RUN_BINDING_H
#define RNNFAST_ENGINE_RUN_BINDING_H

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "_engine_arrays.h"
#include "_engine_function.h"
#include "_engine_threads.h"
#include "program/program.h"

namespace rnnfast {

// What a caller gave for an input, as the program reads it.
template <class T> py::array input_array(const Program<T>& program, size_t input, const py::handle& given) {
  const Graph& graph = program.graph();
  const bool tokens = graph.values[static_cast<size_t>(graph.inputs[input])].tokens;
  const std::string& label = graph.input_labels[input];
  const char* what = label.c_str();
  py::array x = tokens ? py::array(numeric<int64_t>(given, what)) : py::array(numeric<T>(given, what));
  if (x.ndim() < 1) throw py::value_error(label + " has no batch axis: got a single number");
  return x;
}

inline std::vector<int64_t> row_shape(const py::array& x) { return {x.shape() + 1, x.shape() + x.ndim()}; }

template <class T>
py::object output_array(const Program<T>& program, size_t output, py::ssize_t rows, const Shapes& bound) {
  const Graph& graph = program.graph();
  const std::vector<Dim>& dims = graph.values[static_cast<size_t>(graph.outputs[output])].dims;
  check_axes(dims.size() + 1, "a call");
  py::ssize_t shape[kMostAxes] = {rows};
  for (size_t i = 0; i < dims.size(); ++i) shape[i + 1] = bound.size(dims[i]);
  return new_array<T>(static_cast<int>(dims.size()) + 1, shape);
}

template <class T>
void run_arrays(const Program<T>& program, py::ssize_t rows, const Shapes& bound, const void* const* in, T* const* out,
                int threads) {
  const int budget = thread_budget(threads);
  const GilRelease release;
  program.check_tokens(rows, bound, in);
  program.run(rows, bound, in, out, budget);
}

inline void need_finished(const Graph& graph) {
  if (graph.outputs.empty()) throw py::value_error("the program is not finished");
}

template <class T> py::list run_program(const Program<T>& program, const py::list& inputs, int threads) {
  const Graph& graph = program.graph();
  need_finished(graph);
  if (inputs.size() != graph.inputs.size())
    throw py::value_error("expected " + std::to_string(graph.inputs.size()) + " inputs, got " +
                          std::to_string(inputs.size()));
  std::vector<py::array> kept;
  std::vector<const void*> in;
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < inputs.size(); ++i) {
    kept.push_back(input_array(program, i, inputs[i]));
    in.push_back(kept.back().data());
    shapes.push_back(row_shape(kept.back()));
  }
  const py::ssize_t rows = kept[0].shape(0);
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i].shape(0) != rows)
      throw py::value_error("inputs have different batch sizes: " + graph.input_labels[0] + " has " +
                            std::to_string(rows) + " rows, " + graph.input_labels[i] + " has " +
                            std::to_string(kept[i].shape(0)));
  const Shapes bound = program.bind(shapes);
  py::list results;
  std::vector<T*> out;
  for (size_t o = 0; o < graph.outputs.size(); ++o) {
    results.append(output_array(program, o, rows, bound));
    out.push_back(data_of<T>(results[o]));
  }
  run_arrays(program, rows, bound, in.data(), out.data(), threads);
  return results;
}

template <class T> struct RunTarget {
  std::shared_ptr<const Program<T>> program;
  int threads;
};

template <class T> py::object run_one(RunTarget<T>& target, const py::handle& given) {
  const Program<T>& program = *target.program;
  const py::array x = input_array(program, 0, given);
  const py::ssize_t rows = x.shape(0);
  const Shapes bound = program.bind({row_shape(x)});
  py::object y = output_array(program, 0, rows, bound);
  const void* in = x.data();
  T* out = data_of<T>(y);
  run_arrays(program, rows, bound, &in, &out, target.threads);
  return y;
}

// `run` for a program of one input and one output: array in, array out.
template <class T> py::object run_function(const std::shared_ptr<Program<T>>& program, int threads) {
  const Graph& graph = program->graph();
  need_finished(graph);
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1)
    throw py::value_error("run_function: expected a program of one input and one output, got " +
                          std::to_string(graph.inputs.size()) + " and " + std::to_string(graph.outputs.size()));
  return bound_function<RunTarget<T>, run_one<T>>({program, threads}, "run", "run(x): the output for a batch.");
}

}  // namespace rnnfast

#endif
