// C++ functions of one argument that Python calls at the cost of a built-in: the call of a bound method, with its
// arguments converted, would cost more than a small model's step.
#ifndef RNNFAST_ENGINE_FUNCTION_BINDING_H
#define RNNFAST_ENGINE_FUNCTION_BINDING_H

#include <pybind11/pybind11.h>

#include <exception>
#include <new>
#include <utility>

namespace rnnfast {

namespace py = pybind11;

// The built-in function x -> Function(target, x), which keeps the target. Errors become Python's as in pybind11.
template <class Target, py::object (*Function)(Target&, const py::handle&)>
py::object bound_function(Target target, const char* name, const char* doc) {
  static PyMethodDef definition = {
      name,
      [](PyObject* self, PyObject* x) -> PyObject* {
        try {
          return Function(*static_cast<Target*>(PyCapsule_GetPointer(self, nullptr)), x).release().ptr();
        } catch (py::error_already_set& error) {
          error.restore();
        } catch (const py::builtin_exception& error) {
          error.set_error();
        } catch (const std::bad_alloc&) {
          PyErr_NoMemory();
        } catch (const std::exception& error) {
          PyErr_SetString(PyExc_ValueError, error.what());
        }
        return nullptr;
      },
      METH_O, doc};
  const py::capsule self(new Target(std::move(target)), [](void* kept) { delete static_cast<Target*>(kept); });
  return py::reinterpret_steal<py::object>(PyCFunction_New(&definition, self.ptr()));
}

}  // namespace rnnfast

#endif
