// An rnnfast.activations.Activation as the core sees it.
#ifndef RNNFAST_ENGINE_ACTIVATION_H
#define RNNFAST_ENGINE_ACTIVATION_H

#include <pybind11/pybind11.h>

#include <string>

#include "rnnfast.h"

namespace rnnfast {

namespace py = pybind11;

inline Activation activation_of(const py::object& described) {
  if (described.is_none()) return Activation{ActivationId::linear, 0, 0};
  for (const char* part : {"id", "alpha", "beta"})
    if (!py::hasattr(described, part) || !PyNumber_Check(described.attr(part).ptr()))
      throw py::type_error("activation: expected an rnnfast.activations.Activation, got " +
                           std::string(py::repr(described)));
  const double number = described.attr("id").cast<double>();
  const int id = number >= 0 && number <= static_cast<int>(ActivationId::log_softmax) ? static_cast<int>(number) : -1;
  const bool known = (id >= 0 && id < static_cast<int>(ActivationId::count)) ||
                     id == static_cast<int>(ActivationId::softmax) || id == static_cast<int>(ActivationId::log_softmax);
  if (!known) throw py::value_error("unknown activation " + std::string(py::repr(described)));
  return {static_cast<ActivationId>(id), described.attr("alpha").cast<double>(), described.attr("beta").cast<double>()};
}

}  // namespace rnnfast

#endif
