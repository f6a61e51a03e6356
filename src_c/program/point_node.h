// What looks at one point of its input for each point of its output: over the last axis alone.
#ifndef RNNFAST_PROGRAM_POINT_NODE_H
#define RNNFAST_PROGRAM_POINT_NODE_H

#include "program.h"

namespace rnnfast {

// The layout is the input's, and some steps may run before others are there.
template <class T> class PointNode : public Node<T> {
 public:
  PointNode(std::string name, int in, int out) : Node<T>(std::move(name), {in}, out) {}
  void run(Context<T>&) const override;
  LayoutWish wish() const override { return LayoutWish::follows; }
  bool has_steps() const override { return true; }
  std::unique_ptr<NodeSteps> begin_steps(Context<T>&, const SequencePlan&) const override;
  StageWork stage_work(const Graph&, const Shapes&, int64_t rows) const override;

 protected:
  // So many points of x, each of so many features, to y. scratch: scratch(points) elements.
  virtual void map(int64_t points, int64_t features, const T* x, T* y, T* scratch) const = 0;
  virtual int64_t scratch(int64_t) const { return 0; }
  virtual int64_t bytes() const { return 0; }  // of weights

 private:
  class Steps;
  int64_t features(const Context<T>&) const;  // of the input
};

}  // namespace rnnfast

#endif
