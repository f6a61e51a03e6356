// Inference programs: a graph of layers, built once, run in one call without allocating anything but small plans.
//
// A program is a list of nodes in single-assignment form. Every value has a shape (of one row of the batch), an
// optional mask over its time axis, and at run time stands in one of two layouts: batch-major (rows, time, features),
// or in the packed order of a SequencePlan, in which recurrent layers and what lies between them need no repacking. A
// call cuts its batch into blocks of rows; each block runs the whole program on one thread, in a context of its own.
// Few rows may be one block instead, whose recurrent layers are shared out over threads.
#ifndef RNNFAST_PROGRAM_PROGRAM_H
#define RNNFAST_PROGRAM_PROGRAM_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "context.h"
#include "pool.h"
#include "value.h"
#include "windows.h"
#include "../engine/rnn.h"
#include "../engine/sharing.h"

namespace rnnfast {

// What a node tells about itself.
struct NodeInfo {
  std::string name, op, kernel, reason;
  int64_t weight_bytes = 0;
  std::string layout{};   // of its output; this and the next are filled in by Program::describe
  std::string sharing{};  // how a recurrent layer uses threads on one row
};

template <class T> class RnnNode;
// rnnfast.layers.Attention: query key^T inner; or tanh(inner (query + key)) outer, with as many numbers in `outer` as
// there are features.
template <class T> struct AttentionScores {
  T inner;
  std::vector<T> outer;
};
enum class PoolMode { max, average };
// layer: gamma (x - mean) / sqrt(variance + epsilon) + beta; rms: gamma x / sqrt(variance + epsilon);
// unit: x / max(norm, epsilon).
enum class NormalizeMode { layer, rms, unit };

// A node under way over the steps of a plan. What it has made of a step is there for the next node to read, before it
// has come to the later ones.
class NodeSteps {
 public:
  virtual ~NodeSteps() = default;
  virtual void run(int64_t begin, int64_t end) = 0;  // range after range; the threads of two may differ
  virtual void end() {}
};

template <class T> class Node {
 public:
  Node(std::string name, std::vector<int> inputs, int output, std::vector<int> more_outputs = {})
      : name(std::move(name)), inputs(std::move(inputs)), output(output), more_outputs(std::move(more_outputs)) {}
  virtual ~Node() = default;

  virtual void run(Context<T>&) const = 0;
  virtual NodeInfo info() const = 0;
  // Floating-point operations for one row.
  virtual double work(const Graph&, const Shapes&) const { return 0; }
  virtual LayoutWish wish() const { return LayoutWish::batch_major; }
  // The output may be the input's memory.
  virtual bool may_alias() const { return false; }
  // The node itself if it is a recurrent layer, or null.
  virtual const RnnNode<T>* recurrent() const { return nullptr; }
  // Whether it may run by some steps at a time in the order of time, where its input is packed: then begin_steps does
  // so over the steps of a plan, and stage_work says what it takes.
  virtual bool has_steps() const { return false; }
  virtual std::unique_ptr<NodeSteps> begin_steps(Context<T>&, const SequencePlan&) const { return nullptr; }
  virtual StageWork stage_work(const Graph&, const Shapes&, int64_t) const { return {}; }
  // Why the node cannot run step by step, or null.
  virtual const char* not_causal() const { return nullptr; }
  bool reads(const Node& other) const;

  const std::string name;
  const std::vector<int> inputs;
  const int output;
  const std::vector<int> more_outputs;  // the last states of a recurrent layer that gives them
};

// One recurrent state that a stream carries: (rows, units).
struct StateSlot {
  std::string layer;
  int index;  // 0: h, 1: c
  int64_t units;
};

// Weights and what goes with them, for Program::rnn. Canonical weights as in rnnfast.h; copied.
struct RnnLayer {
  RnnSpec spec;
  RnnWeights weights;
  bool go_backwards, return_sequences, zero_output_for_mask;
  double h_zoneout, c_zoneout;     // rates; inference takes the expectation
  std::vector<int> initial_state;  // values (units) of h and c; or none: the states start from zero
  bool return_state;
  bool heed_mask;  // also with an initial state
};

// Building: one method per node, each takes and gives indices of values. Shapes leave the batch axis out; -1 = any
// size. std::invalid_argument: the value cannot be that node's input. `finish` ends building; running is const and
// thread-safe.
template <class T> class Program {
 public:
  // weights: the format of the weights of recurrent and dense layers, one for which the table has products.
  explicit Program(const KernelTable& table, WeightType weights = WeightType::full)
      : table_(&table), weights_(weights) {}

  int input(const std::vector<int64_t>& shape, const std::string& name = "");
  int embedding(int v, const T* table, int64_t vocabulary, int64_t dim, bool mask_zero, const std::string& name);
  int masking(int v, double mask_value, const std::string& name);
  // The output, and with return_state the last states. With an initial state the mask is passed on and, without
  // heed_mask, not heeded: no layer gets masks beside values other than its input.
  std::vector<int> rnn(int v, const RnnLayer&, const std::string& name);
  // heed_masks: masked steps are passed over where the mode asks for it.
  int merge(const std::vector<int>& values, MergeMode, bool heed_masks, const std::string& name);
  int concat(const std::vector<int>& values, int64_t axis, const std::string& name);  // axis 0 follows the batch
  int reverse(int v, const std::string& name);  // in time; a mask stays as it is
  int dense(int v, int64_t inputs, int64_t outputs, const T* kernel, const T* bias, const Activation&,
            const std::string& name);
  int activation(int v, const Activation&, const std::string& name);
  int flatten(int v, const std::string& name);
  int repeat(int v, int64_t n, const std::string& name);
  // kernel (windows.size, features / groups, filters), bias (filters) or null.
  int conv1d(int v, const Windows& windows, int64_t features, int64_t filters, int64_t groups, const T* kernel,
             const T* bias, const Activation&, const std::string& name);
  int pool(int v, PoolMode, const Windows&, const std::string& name);
  int global_pool(int v, PoolMode, bool keepdims, const std::string& name);
  // Over the last axis, (features) each or null: (x - shift) * scale + offset.
  int scale(int v, int64_t features, const T* shift, const T* scale, const T* offset, const std::string& name);
  // x where it is above the threshold, but no more than `most`; below, (x - threshold) * slope, or zero where there are
  // no slopes. slopes: one for every place along the last axes, of known sizes.
  int rectify(int v, double threshold, double most, std::vector<T> slopes, const std::string& name);
  // gamma, beta: as many as the last axis has, or empty.
  int normalize(int v, NormalizeMode, double epsilon, std::vector<T> gamma, std::vector<T> beta,
                const std::string& name);
  // shape: one -1 at most, which is whatever is left. One axis of the value may be of unknown size.
  int reshape(int v, const std::vector<int64_t>& shape, const std::string& name);
  int permute(int v, const std::vector<int64_t>& order, const std::string& name);
  // The sums over the last axis of both; rows of one alone give one number.
  int dot(int one, int two, const std::string& name);
  // The output, and with return_weights the weights. Masks of query and value are heeded.
  std::vector<int> attention(int query, int value, int key, const AttentionScores<T>&, bool causal, bool return_weights,
                             const std::string& name);
  int pad_steps(int v, int64_t before, int64_t after, const std::string& name);  // negative: steps are dropped
  int repeat_steps(int v, int64_t times, const std::string& name);
  // Between the two, the first axis counts as part of the batch.
  int time_distributed_begin(int v, const std::string& name);
  int time_distributed_end(int v, const std::string& name);
  void finish(const std::vector<int>& outputs);

  const KernelTable& table() const { return *table_; }
  // What products are made with.
  const char* instructions() const { return table_->products<T>(weights_)->instructions; }
  const Graph& graph() const { return graph_; }
  const std::vector<StateSlot>& state_slots() const { return state_slots_; }
  size_t node_count() const { return nodes_.size(); }
  std::vector<NodeInfo> describe(int threads) const;
  // Why the program cannot run step by step, or empty.
  std::string not_causal() const;
  double work(const Shapes&) const;

  // Sizes of the unknown axes for inputs of these shapes (without the batch axis).
  // std::invalid_argument: a shape that the input cannot take.
  Shapes bind(const std::vector<std::vector<int64_t>>& shapes) const;
  // std::invalid_argument: a token outside an embedding's table. Call it before run.
  void check_tokens(int64_t rows, const Shapes&, const void* const* inputs) const;
  // inputs: one pointer each, T or (token inputs) int64_t, contiguous. outputs: contiguous, written.
  void run(int64_t rows, const Shapes&, const void* const* inputs, T* const* outputs, int threads) const;
  // One block of rows, for a context that has begun.
  void run_nodes(Context<T>&) const;

  // std::invalid_argument: a value would have more elements than can be counted or held.
  void check_sizes(int64_t rows, const Shapes&) const;

  // How a call uses its threads: over how many blocks of rows, or, where these are too few, inside the layers.
  struct Division {
    int64_t blocks;
    int threads;        // that take blocks
    int layer_threads;  // of a block, for a layer to share out
  };
  // awake: other threads need not be woken first.
  Division divide(int64_t rows, const Shapes&, int threads, bool awake) const;

 private:
  int add_value(Value);
  const Value& value(int v, const char* what, const std::string& name) const;
  template <class N, class... Args> int add_node(Args&&... args) {
    nodes_.push_back(std::make_unique<N>(std::forward<Args>(args)...));
    return nodes_.back()->output;
  }
  Dim derived_size(Dim from, int64_t times, int64_t plus, int64_t by, const std::string& name, bool exact = false);
  void need_features(const Value&, int64_t features, const std::string& name) const;
  void need_states(const std::vector<int>& states, const std::vector<int64_t>& sizes, const Value& in,
                   const std::string& name) const;
  int broadcast(const std::vector<int>& values, MergeMode, const std::string& name);
  int meet_masks(const std::vector<int>& values, Value& out, bool along);
  int token_input(int v, const std::string& name);
  void choose_layouts();
  void give_small_tables();
  void find_last_uses();
  void find_groups();
  void find_chains();
  // How the nodes from one on that can be run at once are: `count` of them, in so many seconds.
  struct Together {
    size_t count;
    double seconds;
    Pipelining pipelining;  // one thread: not so
    double others;          // the seconds of doing without it
  };
  Together together(size_t node, int64_t rows, const Shapes&, int threads) const;
  void run_together(size_t node, const Together&, Context<T>&) const;
  double seconds(int64_t rows, const Shapes&, int threads) const;

  const KernelTable* table_;
  WeightType weights_;
  Graph graph_;
  std::vector<std::unique_ptr<Node<T>>> nodes_;
  std::vector<std::vector<int>> last_uses_;  // values that end after each node
  std::vector<size_t> groups_;               // how many nodes from each on may run at once, itself included
  std::vector<size_t> chains_;               // how many from each on form a chain, itself included
  std::vector<StateSlot> state_slots_;
  struct TokenLimit {
    int input;
    int64_t vocabulary;
    std::string name;
  };
  std::vector<TokenLimit> token_limits_;
  bool finished_ = false;
  mutable Pool<Context<T>> contexts_;
};

}  // namespace rnnfast

#endif
