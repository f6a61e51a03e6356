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
  void map(int64_t size, const T* x, T* y, T* scratch) const override;
  NodeInfo info() const override;

 private:
  std::vector<T> shift_, scale_, offset_;
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
  void map(int64_t size, const T* x, T* y, T* scratch) const override;
  NodeInfo info() const override;

 private:
  NormalizeMode mode_;
  T epsilon_;
  std::vector<T> gamma_, beta_;
};

}  // namespace rnnfast

#endif
