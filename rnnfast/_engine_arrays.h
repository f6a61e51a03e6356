// NumPy arrays in and out of rnnfast._engine.
#ifndef RNNFAST_ENGINE_ARRAYS_H
#define RNNFAST_ENGINE_ARRAYS_H

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rnnfast {

namespace py = pybind11;

template <class T> using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

inline std::string shape_text(const py::handle& array) { return py::str(array.attr("shape")); }

// A masked array, be it in a list, has more to say than its numbers.
inline void refuse_masked(const py::handle& x, const char* what) {
  if (PyList_Check(x.ptr()) || PyTuple_Check(x.ptr())) {
    for (const py::handle item : py::reinterpret_borrow<py::sequence>(x)) refuse_masked(item, what);
    return;
  }
  const bool plain = Py_TYPE(x.ptr()) == py::detail::npy_api::get().PyArray_Type_ || !py::isinstance<py::array>(x);
  if (!plain && py::isinstance(x, py::module_::import("numpy.ma").attr("MaskedArray")))
    throw py::type_error(std::string(what) + " is a masked array; give it with .filled(value)");
}

template <class T> bool is_aligned(const void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % alignof(T) == 0;
}

// A contiguous array of T itself, known at a glance: by NumPy's one object for T's dtype.
template <class T> bool is_plain(const py::handle& x) {
  auto& numpy = py::detail::npy_api::get();
  static PyObject* const type = numpy.PyArray_DescrFromType_(py::dtype::num_of<T>());
  if (Py_TYPE(x.ptr()) != numpy.PyArray_Type_) return false;
  const auto* array = py::detail::array_proxy(x.ptr());
  return array->descr == type && (array->flags & py::array::c_style) != 0 && is_aligned<T>(array->data);
}

// Any numeric array or nested sequence as a contiguous array of T; the caller's own memory where it fits.
template <class T> Array<T> numeric(const py::handle& x, const char* what) {
  if (is_plain<T>(x)) return py::reinterpret_borrow<Array<T>>(x);
  refuse_masked(x, what);
  if (py::array_t<T, py::array::c_style>::check_(x)) {
    auto array = py::reinterpret_borrow<Array<T>>(x);
    if (is_aligned<T>(array.data())) return array;
    return py::reinterpret_steal<Array<T>>(array.attr("copy")().release());
  }
  const py::array any = py::module_::import("numpy").attr("asarray")(x);
  const char kind = any.dtype().kind();
  if (kind != 'f' && kind != 'i' && kind != 'u' && kind != 'b')
    throw py::type_error(std::string(what) + " must be numeric, got dtype " + std::string(py::str(any.dtype())));
  return Array<T>(any);
}

// An array of this shape; -1 is any size but none.
template <class T> Array<T> weights(const py::handle& x, const char* what, const std::vector<py::ssize_t>& shape) {
  Array<T> array = numeric<T>(x, what);
  bool fits = array.ndim() == static_cast<py::ssize_t>(shape.size());
  std::string wanted;
  for (size_t i = 0; i < shape.size(); ++i) {
    const py::ssize_t size = fits ? array.shape(static_cast<py::ssize_t>(i)) : 0;
    fits = fits && (shape[i] < 0 ? size > 0 : size == shape[i]);
    wanted += (i ? ", " : "") + (shape[i] < 0 ? std::string("any") : std::to_string(shape[i]));
  }
  if (!fits)
    throw py::value_error(std::string(what) + ": expected shape (" + wanted + "), got " + shape_text(array));
  return array;
}

// An optional weight, kept alive by `keep`.
template <class T>
const T* optional_weights(const py::object& x, const char* what, const std::vector<py::ssize_t>& shape,
                          Array<T>& keep) {
  if (x.is_none()) return nullptr;
  keep = weights<T>(x, what, shape);
  return keep.data();
}

constexpr size_t kMostAxes = 64;  // of a NumPy array

inline void check_axes(size_t axes, const char* what) {
  if (axes > kMostAxes)
    throw py::value_error("the output of " + std::string(what) + " has " + std::to_string(axes) +
                          " axes, a NumPy array has at most " + std::to_string(kMostAxes));
}

// An uninitialized array; NumPy's own call, for the cost of the small ones matters.
template <class T> py::object new_array(int ndim, const py::ssize_t* shape) {
  auto& numpy = py::detail::npy_api::get();
  PyObject* type = numpy.PyArray_DescrFromType_(py::dtype::num_of<T>());
  PyObject* array = numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, type, ndim, const_cast<py::ssize_t*>(shape),
                                                nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

template <class T> T* data_of(const py::handle& array) {
  return static_cast<T*>(static_cast<void*>(py::detail::array_proxy(array.ptr())->data));
}

}  // namespace rnnfast

#endif
