// The nodes of inference programs. Each is made by the Program method of its name, which has checked what it is given.
#ifndef RNNFAST_PROGRAM_NODES_H
#define RNNFAST_PROGRAM_NODES_H

#include "../engine/buffer.h"
#include "../engine/rnn_infer.h"
#include "point_node.h"

namespace rnnfast {

// Rows of a table by token; where asked for, also the mask "token is not 0".
template <class T> class EmbeddingNode : public Node<T> {
 public:
  EmbeddingNode(std::string name, int in, int out, int mask, const T* table, int64_t vocabulary, int64_t dim);
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  int64_t vocabulary() const { return table_.size() / dim_; }
  const T* table() const { return table_.data(); }
  // Every reader has taken the table, and needs no more than the tokens.
  void give_tokens_alone() { tokens_alone_ = true; }

 private:
  bool run_by_index(Context<T>&, const int64_t* tokens, int64_t count) const;

  int mask_;
  bool tokens_alone_ = false;
  int64_t dim_;
  Buffer<T> table_;
};

// Steps whose features all equal a value become zero; where there is a time axis, the mask of the others.
template <class T> class MaskingNode : public Node<T> {
 public:
  MaskingNode(std::string name, int in, int out, int mask, double mask_value)
      : Node<T>(std::move(name), {in}, out), mask_(mask), mask_value_(static_cast<T>(mask_value)) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  bool may_alias() const override { return true; }

 private:
  int mask_;
  T mask_value_;
};

// SimpleRNN, LSTM or GRU in one direction.
template <class T> class RnnNode : public Node<T> {
 public:
  // inputs: x, and the initial states where they are given. states: the values of the last ones, where they are wanted.
  // slot: index of the first state that a stream carries for it, or -1. pass_over_mask: x has a mask, all steps run.
  RnnNode(std::string name, std::vector<int> inputs, int out, std::vector<int> states, int slot, bool pass_over_mask,
          const KernelTable& table, WeightType weights, const RnnLayer& layer)
      : Node<T>(std::move(name), std::move(inputs), out, std::move(states)),
        slot_(slot),
        go_backwards_(layer.go_backwards),
        return_sequences_(layer.return_sequences),
        zero_output_(layer.zero_output_for_mask),
        pass_over_mask_(pass_over_mask),
        h_zoneout_(static_cast<T>(layer.h_zoneout)),
        c_zoneout_(static_cast<T>(layer.c_zoneout)),
        rnn_(table, weights, layer.spec, layer.weights) {}
  void run(Context<T>& context) const override {
    const RnnNode* self = this;
    run_at_once(&self, 1, context);
  }
  // Several that may_run_beside each other.
  static void run_at_once(const RnnNode* const* nodes, size_t count, Context<T>&);
  // Both read one value, and are alike in size.
  bool may_run_beside(const RnnNode& other) const;
  // Takes the products of all rows of a table that its input is looked up in, of so many bytes.
  void take_table(const T* table, int64_t rows);
  int64_t table_bytes(int64_t rows) const { return rnn_.layout().z_size(rows) * static_cast<int64_t>(sizeof(T)); }
  // As engine/sharing counts it.
  RnnWork rnn_work(const Graph&, const Shapes&, int64_t rows) const;

  NodeInfo info() const override;
  const RnnNode* recurrent() const override { return this; }
  double work(const Graph&, const Shapes&) const override;
  LayoutWish wish() const override { return pass_over_mask_ ? LayoutWish::batch_major : LayoutWish::packed; }
  // Where a mask is passed on and not heeded, it runs more steps than the layers that follow.
  bool has_steps() const override { return !go_backwards_ && !pass_over_mask_; }
  std::unique_ptr<NodeSteps> begin_steps(Context<T>&, const SequencePlan&) const override;
  StageWork stage_work(const Graph& graph, const Shapes& shapes, int64_t rows) const override {
    return rnnfast::stage_work(rnn_work(graph, shapes, rows), size_of(0));
  }
  const char* not_causal() const override {
    if (this->inputs.size() > 1) return "it starts from states that it is given";
    return go_backwards_ ? "it reads its input backwards in time" : nullptr;
  }

 private:
  // Where the outputs come from: the final state, a stream's masked step, or the states of all steps.
  enum class Emits { last, step, history };
  class Steps;
  Emits emits(const Context<T>&, const SequencePlan&) const;
  bool carried(const Context<T>& context) const { return slot_ >= 0 && context.state(slot_) != nullptr; }
  // Whether the history of states is the output, and need not be unpacked.
  bool emits_packed(const Context<T>& context, const SequencePlan& plan) const {
    return !pass_over_mask_ && (plan.uniform() || context.value(this->output).packed);
  }
  RnnInfer<T> begin(Context<T>&) const;
  void end(Context<T>&, const RnnInfer<T>&) const;
  // state: 0: h, 1: c
  int64_t size_of(int state) const { return state == 0 ? state_size(rnn_.spec()) : rnn_.spec().units; }
  T* start_state(Context<T>&, const SequencePlan&, int state, T* in_place) const;
  void give_state(Context<T>&, const SequencePlan&, int state, const T* sorted) const;
  void emit_last(Context<T>&, const SequencePlan&, const T* sorted) const;
  void emit_step(Context<T>&, const SequencePlan&) const;

  int slot_;
  bool go_backwards_, return_sequences_, zero_output_, pass_over_mask_;
  T h_zoneout_, c_zoneout_;
  PackedRnn<T> rnn_;
  Buffer<T> table_;  // the input's part of z of every token
  int64_t table_rows_ = 0;
};

// Values of one shape side by side, or combined element by element.
template <class T> class MergeNode : public Node<T> {
 public:
  MergeNode(std::string name, const std::vector<int>& values, int out, MergeMode mode)
      : Node<T>(std::move(name), values, out), mode_(mode) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  LayoutWish wish() const override { return LayoutWish::follows; }

 private:
  MergeMode mode_;
};

template <class T> class ReverseNode : public Node<T> {
 public:
  ReverseNode(std::string name, int in, int out) : Node<T>(std::move(name), {in}, out) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  LayoutWish wish() const override { return LayoutWish::follows; }
  bool may_alias() const override { return true; }
  const char* not_causal() const override { return "it turns its input round in time"; }
};

// act(x W + b) over the last axis.
template <class T> class DenseNode : public PointNode<T> {
 public:
  DenseNode(std::string name, int in, int out, const KernelTable& table, WeightType weights, int64_t inputs,
            int64_t outputs, const T* kernel, const T* bias, const Activation& activation)
      : PointNode<T>(std::move(name), in, out),
        outputs_(outputs),
        activation_(activation),
        kernels_(table.of<T>()),
        dense_(table, weights, inputs, outputs, kernel, bias) {}
  void map(int64_t points, int64_t features, const T* x, T* y, T* scratch) const override;
  int64_t scratch(int64_t points) const override { return dense_.workspace(points); }
  int64_t bytes() const override { return dense_.bytes(); }
  NodeInfo info() const override;
  double work(const Graph&, const Shapes&) const override;

 private:
  int64_t outputs_;
  Activation activation_;
  const Kernels<T>& kernels_;
  PackedDense<T> dense_;
};

template <class T> class ActivationNode : public PointNode<T> {
 public:
  ActivationNode(std::string name, int in, int out, const KernelTable& table, const Activation& activation)
      : PointNode<T>(std::move(name), in, out), activation_(activation), kernels_(table.of<T>()) {}
  void map(int64_t points, int64_t features, const T* x, T* y, T* scratch) const override;
  NodeInfo info() const override;

 private:
  Activation activation_;
  const Kernels<T>& kernels_;
};

// The same memory under another shape: flatten, and both ends of time_distributed.
template <class T> class ReshapeNode : public Node<T> {
 public:
  ReshapeNode(std::string name, int in, int out, const char* op, bool drops_time)
      : Node<T>(std::move(name), {in}, out), op_(op), drops_time_(drops_time) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  bool may_alias() const override { return true; }
  const char* not_causal() const override { return drops_time_ ? "it needs all time steps at once" : nullptr; }

 private:
  const char* op_;
  bool drops_time_;
};

// The axes of each row in another order.
template <class T> class PermuteNode : public Node<T> {
 public:
  PermuteNode(std::string name, int in, int out, std::vector<int64_t> order, bool moves_time)
      : Node<T>(std::move(name), {in}, out), order_(std::move(order)), moves_time_(moves_time) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override { return moves_time_ ? "it needs all time steps at once" : nullptr; }

 private:
  std::vector<int64_t> order_;
  bool moves_time_;
};

// Step t of the output is step t / times - before of the input, or zero where there is none.
template <class T> class StepsNode : public Node<T> {
 public:
  StepsNode(std::string name, int in, int out, bool steps_apart, int64_t before, int64_t times)
      : Node<T>(std::move(name), {in}, out), steps_apart_(steps_apart), before_(before), times_(times) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override { return steps_apart_ ? "it adds, drops or repeats time steps" : nullptr; }

 private:
  bool steps_apart_;
  int64_t before_, times_;
};

template <class T> class RepeatNode : public Node<T> {
 public:
  RepeatNode(std::string name, int in, int out, int64_t n) : Node<T>(std::move(name), {in}, out), n_(n) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override { return "it makes a time axis of its own"; }

 private:
  int64_t n_;
};

}  // namespace rnnfast

#endif
