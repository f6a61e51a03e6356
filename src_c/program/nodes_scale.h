// Nodes that scale the features of each step: by constants, or by what they find in the step.
#ifndef RNNFAST_PROGRAM_NODES_SCALE_H
#define RNNFAST_PROGRAM_NODES_SCALE_H

#include <vector>

#include "point_node.h"

namespace rnnfast {

// (x - shift) * scale + offset over the last axis: batch normalization in inference, normalization, rescaling.
template <class T> class ScaleNode : public PointNode<T> {
 public:
  // shift, scale, offset: (features) each.
  ScaleNode(std::string name, int in, int out, std::vector<T> shift, std::vector<T> scale, std::vector<T> offset)
      : PointNode<T>(std::move(name), in, out),
        shift_(std::move(shift)),
        scale_(std::move(scale)),
        offset_(std::move(offset)) {}
  void map(int64_t points, int64_t features, const T* x, T* y, T* scratch) const override;
  NodeInfo info() const override;

 private:
  std::vector<T> shift_, scale_, offset_;
};

// Program::rectify: PReLU, and ReLU with all of its arguments.
template <class T> class RectifyNode : public Node<T> {
 public:
  // any_order: the slopes are those of one step, so that steps may come in any layout.
  RectifyNode(std::string name, int in, int out, double threshold, double most, std::vector<T> slopes, bool any_order)
      : Node<T>(std::move(name), {in}, out),
        threshold_(static_cast<T>(threshold)),
        most_(static_cast<T>(most)),
        slopes_(std::move(slopes)),
        any_order_(any_order) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  LayoutWish wish() const override { return any_order_ ? LayoutWish::follows : LayoutWish::batch_major; }

 private:
  T threshold_, most_;
  std::vector<T> slopes_;
  bool any_order_;
};

// Each step by what it holds, as NormalizeMode says.
template <class T> class NormalizeNode : public PointNode<T> {
 public:
  // gamma, beta: (features) each.
  NormalizeNode(std::string name, int in, int out, NormalizeMode mode, double epsilon, std::vector<T> gamma,
                std::vector<T> beta)
      : PointNode<T>(std::move(name), in, out),
        mode_(mode),
        epsilon_(static_cast<T>(epsilon)),
        gamma_(std::move(gamma)),
        beta_(std::move(beta)) {}
  void map(int64_t points, int64_t features, const T* x, T* y, T* scratch) const override;
  NodeInfo info() const override;

 private:
  NormalizeMode mode_;
  T epsilon_;
  std::vector<T> gamma_, beta_;
};

}  // namespace rnnfast

#endif
