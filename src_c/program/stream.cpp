#include "stream.h"

#include <algorithm>
#include <stdexcept>

#include "../engine/threads.h"

namespace rnnfast {
namespace {

// Blocks do not depend on the threads of a call, so that each keeps its context: small enough to go round.
constexpr int64_t kStreamRows = 32;

// What lies behind the batch and the time axis.
std::vector<int64_t> step_shape(const Value& value, const Shapes& shapes) {
  std::vector<int64_t> shape;
  for (size_t i = value.tokens || value.dims.size() > 1 ? 1 : 0; i < value.dims.size(); ++i)
    shape.push_back(shapes.size(value.dims[i]));
  return shape;
}

}  // namespace

template <class T>
Stream<T>::Stream(std::shared_ptr<const Program<T>> program, int64_t rows)
    : program_(std::move(program)), rows_(rows) {
  const Graph& graph = program_->graph();
  if (rows < 1) throw std::invalid_argument("batch_size must be at least 1, got " + std::to_string(rows));
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1)
    throw std::invalid_argument("a stream needs a model of one input and one output");
  if (const std::string reason = program_->not_causal(); !reason.empty()) throw std::invalid_argument(reason);
  const Value& input = graph.values[static_cast<size_t>(graph.inputs[0])];
  const Value& output = graph.values[static_cast<size_t>(graph.outputs[0])];
  shapes_.symbols = graph.symbols;
  shapes_.symbols[symbol_of(input.dims[0])] = 1;
  for (int64_t size : shapes_.symbols)
    if (size < 1) throw std::invalid_argument("a stream needs known sizes on all axes but time");
  program_->check_sizes(rows, shapes_);
  input_shape_ = step_shape(input, shapes_);
  output_shape_ = step_shape(output, shapes_);
  work_ = program_->work(shapes_) * static_cast<double>(rows);
  for (const StateSlot& slot : program_->state_slots()) states_.emplace_back(rows * slot.units);
  for (int64_t begin = 0; begin < rows; begin += kStreamRows) {
    const int64_t end = std::min(rows, begin + kStreamRows);
    blocks_.push_back(std::unique_ptr<Block>(new Block{begin, end, Context<T>(graph), {}}));
    for (size_t s = 0; s < states_.size(); ++s)
      blocks_.back()->states.push_back(states_[s].data() + begin * program_->state_slots()[s].units);
  }
}

template <class T> bool Stream<T>::reads_tokens() const {
  const Graph& graph = program_->graph();
  return graph.values[static_cast<size_t>(graph.inputs[0])].tokens;
}

template <class T> void Stream<T>::step(const void* x, T* y, int threads, bool awake) {
  program_->check_tokens(rows_, shapes_, &x);
  const bool one_block = blocks_.size() == 1 && threads > 1;
  const int layer_threads = one_block ? program_->divide(rows_, shapes_, threads, awake).layer_threads : 1;
  const auto run = [&](int64_t i) {
    Block& block = *blocks_[static_cast<size_t>(i)];
    block.context.begin(block.begin, block.end - block.begin, shapes_, &x, &y, block.states.data(), layer_threads);
    program_->run_nodes(block.context);
  };
  parallel_for(static_cast<int64_t>(blocks_.size()), threads, run);
}

template <class T> void Stream<T>::reset() {
  for (Buffer<T>& state : states_) std::fill(state.begin(), state.end(), T{0});
}

template class Stream<float>;
template class Stream<double>;

}  // namespace rnnfast
