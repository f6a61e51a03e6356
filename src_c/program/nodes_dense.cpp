#include "nodes.h"

namespace rnnfast {
template <class T> void DenseNode<T>::map(int64_t points, int64_t, const T* x, T* y, T* scratch) const {
  const bool fused = is_elementwise(activation_);
  dense_.run(points, x, y, fused ? &activation_ : nullptr, scratch);
  if (!fused) activate_rows(kernels_, activation_, points, outputs_, y, y);
}

template <class T> double DenseNode<T>::work(const Graph& graph, const Shapes& shapes) const {
  const Value& in = graph.values[static_cast<size_t>(this->inputs[0])];
  return 2.0 * static_cast<double>(shapes.rows(in, 1) * shapes.time(in) * shapes.width(in)) *
         static_cast<double>(outputs_);
}

template <class T> NodeInfo DenseNode<T>::info() const {
  return {this->name,
          "dense",
          "linear panels",
          is_elementwise(activation_) ? "bias and activation on each tile of the product"
                                      : "softmax looks at whole rows: it follows the product",
          dense_.bytes()};
}

template <class T>
void ActivationNode<T>::map(int64_t points, int64_t features, const T* x, T* y, T*) const {
  activate_rows(kernels_, activation_, points, features, x, y);
}

template <class T> NodeInfo ActivationNode<T>::info() const {
  return {this->name,
          "activation",
          is_elementwise(activation_) ? "vector activation" : "softmax over rows",
          "stands by itself in the model"};
}

template class DenseNode<float>;
template class DenseNode<double>;
template class ActivationNode<float>;
template class ActivationNode<double>;

}  // namespace rnnfast
