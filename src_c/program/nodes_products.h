// Nodes that multiply values with each other, row by row of the batch: Dot and attention.
#ifndef RNNFAST_PROGRAM_NODES_PRODUCTS_H
#define RNNFAST_PROGRAM_NODES_PRODUCTS_H

#include <vector>

#include "../engine/buffer.h"
#include "../engine/rnn.h"
#include "program.h"

namespace rnnfast {

// The sums over the last axis of both.
template <class T> class DotNode : public Node<T> {
 public:
  DotNode(std::string name, int one, int two, int out, bool over_time, const KernelTable& table)
      : Node<T>(std::move(name), {one, two}, out), over_time_(over_time), kernels_(table.of<T>()) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  double work(const Graph&, const Shapes&) const override;
  const char* not_causal() const override { return over_time_ ? "it needs all time steps at once" : nullptr; }

 private:
  bool over_time_;
  const Kernels<T>& kernels_;
};

// The mean of a value's steps, weighted by softmax(scores of the keys): rnnfast.layers.Attention.
template <class T> class AttentionNode : public Node<T> {
 public:
  // inputs: query, value, key. weights: where they are given out, or none.
  AttentionNode(std::string name, std::vector<int> inputs, int out, std::vector<int> weights, int64_t features,
                const AttentionScores<T>& scores, bool causal, const KernelTable& table);
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  double work(const Graph&, const Shapes&) const override;
  const char* not_causal() const override { return "it needs all time steps at once"; }

 private:
  void products(int64_t queries, int64_t steps, const T* query, const T* key, T* panels, T* scores) const;
  void bent_sums(int64_t queries, int64_t steps, const T* query, const T* key, T* sums, T* scores) const;
  void hide(int64_t queries, int64_t steps, const uint8_t* seen, T* scores) const;

  int64_t features_;
  bool bent_, causal_;
  T inner_;
  Buffer<T> outer_;  // packed (features, 1)
  const Kernels<T>& kernels_;
};

}  // namespace rnnfast

#endif
