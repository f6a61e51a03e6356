// What one block of rows needs while it runs through a program: tensors, masks, plans and reusable memory.
#ifndef RNNFAST_PROGRAM_CONTEXT_H
#define RNNFAST_PROGRAM_CONTEXT_H

#include <cstdint>
#include <memory>
#include <vector>

#include "../engine/buffer.h"
#include "../engine/plan.h"
#include "value.h"

namespace rnnfast {

template <class T> struct Tensor {
  const T* data = nullptr;
  const int64_t* tokens = nullptr;
  int64_t rows = 0, time = 1, width = 1;
  const SequencePlan* plan = nullptr;  // packed in its order; null = batch-major (rows, time, width)
  bool flipped = false;                // packed only: what belongs to time t lies at time - 1 - t
  void* block = nullptr;               // memory of the workspace that goes when the tensor goes

  bool shared = false;                 // another tensor refers to its memory

  // Where not null, data are `distinct` rows, and what stands at (row, time) is the one that index (rows, time) names.
  const int32_t* index = nullptr;
  int64_t distinct = 0;

  int64_t points() const { return plan != nullptr ? plan->total() : rows * time; }
  int64_t size() const { return points() * width; }
};

template <class T> class Context {
 public:
  explicit Context(const Graph& graph)
      : graph_(&graph),
        tensors_(graph.values.size()),
        masks_(static_cast<size_t>(graph.masks)),
        outputs_(graph.outputs.size()) {}

  // Starts on rows [row, row + rows) of a call. inputs and outputs: one pointer each, to the call's first row. states:
  // one per slot, to this block's first row; null where nothing is carried over. `shapes` must outlive the run.
  // threads: that a node may use for itself.
  void begin(int64_t row, int64_t rows, const Shapes& shapes, const void* const* inputs, T* const* outputs,
             T* const* states, int threads);
  // Writes the outputs that no node has written in place.
  void end();
  // After a node: gives back its temporaries, and the tensors of these values.
  void release(const std::vector<int>& values);
  // Drops what has been kept for reuse when it is more than a context should hold on to.
  void trim();

  const Value& value(int v) const { return graph_->values[static_cast<size_t>(v)]; }
  const Tensor<T>& tensor(int v) const { return tensors_[static_cast<size_t>(v)]; }
  const Shapes& shapes() const { return *shapes_; }
  int threads() const { return threads_; }
  int64_t rows() const { return rows_; }
  // The mask of a value, (rows, time), or null.
  const uint8_t* mask(int v) const {
    return value(v).mask < 0 ? nullptr : masks_[static_cast<size_t>(value(v).mask)];
  }

  // The order of the real steps of a value with a time axis, and which way they run. heed_mask: else all are real.
  const SequencePlan& plan(int v, bool reverse, bool heed_mask = true);
  // A value's data in packed or batch-major layout; it is rearranged if need be.
  const T* packed(int v, const SequencePlan&);
  const T* batch_major(int v);
  // The index of a value that has one, packed, until the end of the node.
  const int32_t* packed_index(int v, const SequencePlan&);

  // Memory for a value about to be written: batch-major, packed with room for more rows behind, or as `like` stands.
  T* create(int v);
  T* create_packed(int v, const SequencePlan&, bool flipped, int64_t extra_rows = 0);
  T* create_like(int v, const Tensor<T>& like);
  // Or as distinct rows, which are to be written, and an index, which is copied.
  T* create_by_index(int v, int64_t distinct, const int32_t* index);
  void flip(int v);  // packed data, turned round in time
  // The value is other memory, in batch-major layout, or stands where another value stands.
  void refer(int v, const T* data);
  void refer(int v, int other);
  uint8_t* create_mask(int mask, int64_t size);
  // Memory until the end of the node.
  template <class E = T> E* temporary(int64_t n) {
    E* data = workspace_.template take<E>(n);
    temporaries_.push_back(data);
    return data;
  }
  // A carried state, or null.
  T* state(int slot) const { return states_ == nullptr ? nullptr : states_[slot]; }

 private:
  struct CachedPlan {
    int64_t rows, time;
    int mask;
    std::unique_ptr<SequencePlan> plan;
  };
  const SequencePlan& uniform_plan(int64_t rows, int64_t time, bool reverse);
  void replace(Tensor<T>&, T* block, const SequencePlan*);
  void unpack(const Tensor<T>&, T* to) const;
  Tensor<T>& at(int v) { return tensors_[static_cast<size_t>(v)]; }

  const Graph* graph_;
  Workspace workspace_;
  std::vector<Tensor<T>> tensors_;
  std::vector<const uint8_t*> masks_;
  std::vector<CachedPlan> uniform_plans_, masked_plans_;
  std::vector<void*> temporaries_;
  const Shapes* shapes_ = nullptr;
  int threads_ = 1;
  int64_t rows_ = 0;
  std::vector<T*> outputs_;
  T* const* states_ = nullptr;
};

}  // namespace rnnfast

#endif
