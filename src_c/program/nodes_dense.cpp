#include "nodes.h"

namespace rnnfast {
template <class T> void DenseNode<T>::run(Context<T>& context) const {
  const Tensor<T>& x = context.tensor(this->inputs[0]);
  const int64_t rows = x.size() / inputs_;
  T* y = context.create_like(this->output, x);
  const bool fused = is_elementwise(activation_);
  dense_.run(rows, x.data, y, fused ? &activation_ : nullptr, context.temporary(dense_.workspace(rows)));
  if (!fused) activate_rows(kernels_, activation_, rows, outputs_, y, y);
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

template <class T> void ActivationNode<T>::run(Context<T>& context) const {
  const Tensor<T>& x = context.tensor(this->inputs[0]);
  T* y = context.create_like(this->output, x);
  const std::vector<Dim>& dims = context.value(this->output).dims;
  const int64_t features = dims.empty() ? 1 : context.shapes().size(dims.back());
  activate_rows(kernels_, activation_, x.size() / features, features, x.data, y);
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
