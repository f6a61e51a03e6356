#include "point_node.h"

namespace rnnfast {

template <class T> class PointNode<T>::Steps : public NodeSteps {
 public:
  Steps(const PointNode& node, Context<T>& context, const SequencePlan& plan) : node_(node), plan_(plan) {
    const Tensor<T>& x = context.tensor(node.inputs[0]);
    x_ = x.data;
    in_ = x.width;
    out_ = context.tensor(node.output).width;
    features_ = node.features(context);
    y_ = context.create_like(node.output, x);
    scratch_ = context.temporary(node.scratch(x.size() / features_));
  }
  void run(int64_t begin, int64_t end) override {
    const int64_t first = plan_.packed(begin, 0), last = plan_.packed(end, 0);
    node_.map((last - first) * in_ / features_, features_, x_ + first * in_, y_ + first * out_, scratch_);
  }

 private:
  const PointNode& node_;
  const SequencePlan& plan_;
  const T* x_;
  T *y_, *scratch_;
  int64_t in_, out_;  // of a step
  int64_t features_;
};

template <class T> int64_t PointNode<T>::features(const Context<T>& context) const {
  const std::vector<Dim>& dims = context.value(this->inputs[0]).dims;
  return dims.empty() ? 1 : context.shapes().size(dims.back());
}

template <class T> void PointNode<T>::run(Context<T>& context) const {
  const Tensor<T>& x = context.tensor(this->inputs[0]);
  T* y = context.create_like(this->output, x);
  const int64_t features = this->features(context), points = x.size() / features;
  map(points, features, x.data, y, context.temporary(scratch(points)));
}

template <class T>
std::unique_ptr<NodeSteps> PointNode<T>::begin_steps(Context<T>& context, const SequencePlan& plan) const {
  return std::make_unique<Steps>(*this, context, plan);
}

template <class T>
StageWork PointNode<T>::stage_work(const Graph& graph, const Shapes& shapes, int64_t rows) const {
  const Value &in = graph.values[static_cast<size_t>(this->inputs[0])],
              &out = graph.values[static_cast<size_t>(this->output)];
  const double multiply_adds = static_cast<double>(rows) * this->work(graph, shapes) / 2;
  const double weights = static_cast<double>(bytes()), steps = static_cast<double>(shapes.time(in));
  return {0, 0, product_seconds(multiply_adds, sizeof(T)) / steps, weights, shapes.rows(out, rows) * shapes.width(out)};
}

template class PointNode<float>;
template class PointNode<double>;

}  // namespace rnnfast
