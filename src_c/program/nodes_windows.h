// Nodes that look at windows of time, or at all of it.
#ifndef RNNFAST_PROGRAM_NODES_WINDOWS_H
#define RNNFAST_PROGRAM_NODES_WINDOWS_H

#include <memory>
#include <vector>

#include "../engine/rnn.h"
#include "program.h"
#include "windows.h"

namespace rnnfast {

// act(window W + b): the rows of the product are the windows where they lie in the (padded) sequence, so that nothing
// is copied.
template <class T> class Conv1dNode : public Node<T> {
 public:
  // kernel (size, features / groups, filters), bias (filters) or null.
  Conv1dNode(std::string name, int in, int out, bool steps_apart, const KernelTable& table, WeightType weights,
             const Windows& windows, int64_t features, int64_t filters, int64_t groups, const T* kernel, const T* bias,
             const Activation& activation);
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  double work(const Graph&, const Shapes&) const override;
  const char* not_causal() const override {
    return steps_apart_ && !windows_.single_steps() ? "a window holds more than the newest time step" : nullptr;
  }

 private:
  const T* padded(const T* x, int64_t time, int64_t count, T* room) const;

  bool steps_apart_;  // the axis of the windows is the one that a stream runs along
  Windows windows_;
  int64_t features_, filters_, groups_;
  Activation activation_;
  const Kernels<T>& kernels_;
  std::vector<std::unique_ptr<PackedDense<T>>> products_;  // of each group
};

template <class T> class PoolNode : public Node<T> {
 public:
  PoolNode(std::string name, int in, int out, bool steps_apart, PoolMode mode, const Windows& windows)
      : Node<T>(std::move(name), {in}, out), steps_apart_(steps_apart), mode_(mode), windows_(windows) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override {
    return steps_apart_ && !windows_.single_steps() ? "a window holds more than the newest time step" : nullptr;
  }

 private:
  bool steps_apart_;
  PoolMode mode_;
  Windows windows_;
};

// Over all steps; the average over the real ones where there is a mask.
template <class T> class GlobalPoolNode : public Node<T> {
 public:
  GlobalPoolNode(std::string name, int in, int out, bool steps_apart, PoolMode mode)
      : Node<T>(std::move(name), {in}, out), steps_apart_(steps_apart), mode_(mode) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override { return steps_apart_ ? "it needs all time steps at once" : nullptr; }

 private:
  bool steps_apart_;
  PoolMode mode_;
};

}  // namespace rnnfast

#endif
