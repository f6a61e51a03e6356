// The methods of programs that add convolution, pooling, normalization, and steps and axes moved about.
#ifndef RNNFAST_ENGINE_STAGES_H
#define RNNFAST_ENGINE_STAGES_H

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "_engine_activation.h"
#include "_engine_arrays.h"
#include "program/program.h"

namespace rnnfast {

// rnnfast.layers.windows.Windows: size, stride, dilation, padding.
using WindowsTuple = std::tuple<int64_t, int64_t, int64_t, std::string>;

inline Windows windows_of(const WindowsTuple& described) {
  const auto& [size, stride, dilation, padding] = described;
  constexpr int64_t most = int64_t{1} << 31;  // so that no product of two of them overflows
  for (int64_t n : {size, stride, dilation})
    if (n < 1 || n > most)
      throw py::value_error("windows: expected sizes from 1 to " + std::to_string(most) + ", got " + std::to_string(n));
  if (dilation * (size - 1) >= most)
    throw py::value_error("windows: a window of " + std::to_string(size) + " steps, " + std::to_string(dilation) +
                          " apart, is too long");
  if (padding == "valid") return {size, stride, dilation, Padding::valid};
  if (padding == "same") return {size, stride, dilation, Padding::same};
  if (padding == "causal") return {size, stride, dilation, Padding::causal};
  throw py::value_error("padding must be 'valid', 'same' or 'causal', got '" + padding + "'");
}

inline PoolMode pool_mode_of(const std::string& name) {
  if (name == "max") return PoolMode::max;
  if (name == "average") return PoolMode::average;
  throw py::value_error("mode must be 'max' or 'average', got '" + name + "'");
}

inline NormalizeMode normalize_mode_of(const std::string& name) {
  if (name == "layer") return NormalizeMode::layer;
  if (name == "rms") return NormalizeMode::rms;
  if (name == "unit") return NormalizeMode::unit;
  throw py::value_error("mode must be 'layer', 'rms' or 'unit', got '" + name + "'");
}

inline int64_t steps_of(int64_t n, const char* what) {
  constexpr int64_t most = int64_t{1} << 40;
  if (n < -most || n > most) throw py::value_error(std::string(what) + ": too many steps, got " + std::to_string(n));
  return n;
}

template <class T> void bind_stages(py::class_<Program<T>, std::shared_ptr<Program<T>>>& program) {
  using P = Program<T>;
  const py::object none = py::none();
  program
      .def(
          "conv1d",
          [](P& p, int v, const py::object& kernel, const py::object& bias, const WindowsTuple& windows, int64_t groups,
             const py::object& activation, const std::string& name) {
            const Windows described = windows_of(windows);
            const Array<T> w = weights<T>(kernel, "kernel", {described.size, -1, -1});
            Array<T> keep;
            const T* b = optional_weights<T>(bias, "bias", {w.shape(2)}, keep);
            if (groups < 1 || groups > w.shape(2))
              throw py::value_error("groups: expected 1 to " + std::to_string(w.shape(2)) + ", got " +
                                    std::to_string(groups));
            return p.conv1d(v, described, w.shape(1) * groups, w.shape(2), groups, w.data(), b,
                            activation_of(activation), name);
          },
          py::arg("v"), py::arg("kernel"), py::arg("bias"), py::arg("windows"), py::arg("groups") = 1,
          py::arg("activation") = none, py::arg("name") = "conv1d")
      .def(
          "pool",
          [](P& p, int v, const std::string& mode, const WindowsTuple& windows, const std::string& name) {
            return p.pool(v, pool_mode_of(mode), windows_of(windows), name);
          },
          py::arg("v"), py::arg("mode"), py::arg("windows"), py::arg("name") = "pool")
      .def(
          "global_pool",
          [](P& p, int v, const std::string& mode, bool keepdims, const std::string& name) {
            return p.global_pool(v, pool_mode_of(mode), keepdims, name);
          },
          py::arg("v"), py::arg("mode"), py::arg("keepdims") = false, py::arg("name") = "global_pool")
      .def(
          "scale",
          [](P& p, int v, const py::object& shift, const py::object& scale, const py::object& offset,
             const std::string& name) {
            const Array<T> factors = weights<T>(scale, "scale", {-1});
            Array<T> keep_shift, keep_offset;
            return p.scale(v, factors.shape(0),
                           optional_weights<T>(shift, "shift", {factors.shape(0)}, keep_shift), factors.data(),
                           optional_weights<T>(offset, "offset", {factors.shape(0)}, keep_offset), name);
          },
          py::arg("v"), py::arg("shift"), py::arg("scale"), py::arg("offset"), py::arg("name") = "scale")
      .def(
          "normalize",
          [](P& p, int v, const std::string& mode, double epsilon, const py::object& gamma, const py::object& beta,
             const std::string& name) {
            const auto values = [](const py::object& weight, const char* what) {
              if (weight.is_none()) return std::vector<T>();
              const Array<T> array = weights<T>(weight, what, {-1});
              return std::vector<T>(array.data(), array.data() + array.size());
            };
            return p.normalize(v, normalize_mode_of(mode), epsilon, values(gamma, "gamma"), values(beta, "beta"), name);
          },
          py::arg("v"), py::arg("mode"), py::arg("epsilon"), py::arg("gamma") = none, py::arg("beta") = none,
          py::arg("name") = "normalize")
      .def(
          "rectify",
          [](P& p, int v, double threshold, double most, const py::object& slopes, const std::string& name) {
            if (slopes.is_none()) return p.rectify(v, threshold, most, {}, name);
            const Array<T> array = weights<T>(slopes, "slopes", {-1});
            return p.rectify(v, threshold, most, {array.data(), array.data() + array.size()}, name);
          },
          py::arg("v"), py::arg("threshold"), py::arg("most"), py::arg("slopes"), py::arg("name") = "rectify")
      .def("dot", &P::dot, py::arg("one"), py::arg("two"), py::arg("name") = "dot")
      .def(
          "attention",
          [](P& p, int query, int value, int key, double inner, const py::object& outer, bool causal,
             bool return_weights, const std::string& name) -> py::object {
            AttentionScores<T> scores{static_cast<T>(inner), {}};
            if (!outer.is_none()) {
              const Array<T> array = weights<T>(outer, "outer", {-1});
              scores.outer.assign(array.data(), array.data() + array.size());
            }
            const std::vector<int> outputs = p.attention(query, value, key, scores, causal, return_weights, name);
            return return_weights ? py::cast(outputs) : py::cast(outputs[0]);
          },
          py::arg("query"), py::arg("value"), py::arg("key"), py::arg("inner"), py::arg("outer") = none,
          py::arg("causal") = false, py::arg("return_weights") = false, py::arg("name") = "attention")
      .def("reshape", &P::reshape, py::arg("v"), py::arg("shape"), py::arg("name") = "reshape")
      .def("permute", &P::permute, py::arg("v"), py::arg("order"), py::arg("name") = "permute")
      .def(
          "pad_steps",
          [](P& p, int v, int64_t before, int64_t after, const std::string& name) {
            return p.pad_steps(v, steps_of(before, "before"), steps_of(after, "after"), name);
          },
          py::arg("v"), py::arg("before"), py::arg("after"), py::arg("name") = "pad_steps")
      .def(
          "repeat_steps",
          [](P& p, int v, int64_t times, const std::string& name) {
            return p.repeat_steps(v, steps_of(times, "times"), name);
          },
          py::arg("v"), py::arg("times"), py::arg("name") = "repeat_steps");
}

}  // namespace rnnfast

#endif
