// Running a program: blocks of rows, each on one thread; or one block of few rows, whose layers share threads out.
#include <algorithm>
#include <stdexcept>

#include "nodes.h"
#include "../engine/threads.h"

namespace rnnfast {
namespace {

// Enough rows for full register tiles and for weights to be read once for many, few enough to stay in cache.
constexpr int64_t kBlockRows = 64;
// From so many rows per thread on, threads are never better used inside the layers. Below, more threads than processors
// would only read the weights more often.
constexpr int64_t kFewRows = 16;
// What describe() takes for a time axis of unknown length.
constexpr int64_t kUsualSteps = 100;

}  // namespace

template <class T> Shapes Program<T>::bind(const std::vector<std::vector<int64_t>>& shapes) const {
  if (shapes.size() != graph_.inputs.size())
    throw std::invalid_argument("expected " + std::to_string(graph_.inputs.size()) + " inputs, got " +
                                std::to_string(shapes.size()));
  Shapes bound{std::vector<int64_t>(graph_.symbols.size(), 0)};
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::vector<Dim>& dims = graph_.values[static_cast<size_t>(graph_.inputs[i])].dims;
    bool fits = shapes[i].size() == dims.size();
    for (size_t axis = 0; fits && axis < dims.size(); ++axis) {
      const int64_t wanted = graph_.known(dims[axis]);
      fits = wanted < 0 || wanted == shapes[i][axis];
      if (shapes[i][axis] < 1)
        throw std::invalid_argument(graph_.input_labels[i] + " has no elements along axis " +
                                    std::to_string(axis + 1) + ": got shape " + shape_text(shapes[i]));
      if (dims[axis] < 0) bound.symbols[symbol_of(dims[axis])] = shapes[i][axis];
    }
    if (fits) continue;
    std::vector<int64_t> wanted;
    for (Dim dim : dims) wanted.push_back(graph_.known(dim));
    throw std::invalid_argument("expected " + graph_.input_labels[i] + " of shape " + shape_text(wanted) + ", got " +
                                shape_text(shapes[i]));
  }
  if (const DerivedSize* bad = bound.derive(graph_))
    throw std::invalid_argument("layer '" + bad->layer + "': an axis of " + std::to_string(bound.size(bad->from)) +
                                (bad->fits(bound.size(bad->from)) ? " is too short" : " cannot be divided evenly"));
  return bound;
}

template <class T>
void Program<T>::check_tokens(int64_t rows, const Shapes& shapes, const void* const* inputs) const {
  for (const TokenLimit& limit : token_limits_) {
    const auto i = static_cast<size_t>(limit.input);
    const Value& value = graph_.values[static_cast<size_t>(graph_.inputs[i])];
    const auto* tokens = static_cast<const int64_t*>(inputs[i]);
    const int64_t count = rows * shapes.time(value) * shapes.width(value);
    const auto* bad = std::find_if(tokens, tokens + count, [&](int64_t t) { return t < 0 || t >= limit.vocabulary; });
    if (bad == tokens + count) continue;
    std::string place;
    int64_t rest = bad - tokens;
    for (size_t axis = value.dims.size(); axis-- > 0;) {
      const int64_t size = shapes.size(value.dims[axis]);
      place = ", " + std::to_string(rest % size) + place;
      rest /= size;
    }
    throw std::invalid_argument("layer '" + limit.name + "': token " + std::to_string(*bad) + " at (" +
                                std::to_string(rest) + place + ") is out of range: expected 0 <= token < " +
                                std::to_string(limit.vocabulary));
  }
}

template <class T> void Program<T>::check_sizes(int64_t rows, const Shapes& shapes) const {
  constexpr double most = 1e12;  // elements of one value: far more than memory, far fewer than int64_t
  for (const Value& value : graph_.values) {
    double elements = static_cast<double>(rows);
    for (const Outer& outer : value.outer) elements *= static_cast<double>(shapes.size(outer.dim));
    for (Dim dim : value.dims) elements *= static_cast<double>(shapes.size(dim));
    if (elements <= most) continue;
    std::vector<int64_t> sizes;
    for (Dim dim : value.dims) sizes.push_back(shapes.size(dim));
    throw std::invalid_argument("a value of shape " + shape_text(sizes) + " is too large for " + std::to_string(rows) +
                                " rows");
  }
}

template <class T> double Program<T>::work(const Shapes& shapes) const {
  double total = 0;
  for (const auto& node : nodes_) total += node->work(graph_, shapes);
  return total;
}

// Estimated time of a block of rows whose layers may use so many threads.
template <class T> double Program<T>::seconds(int64_t rows, const Shapes& shapes, int threads) const {
  double total = 0;
  for (size_t i = 0, count = 0; i < nodes_.size(); i += count) {
    const Together part = together(i, rows, shapes, threads);
    total += part.seconds;
    count = part.count;
  }
  return total;
}

template <class T>
typename Program<T>::Division Program<T>::divide(int64_t rows, const Shapes& shapes, int budget, bool awake) const {
  const bool few = rows < kFewRows * budget;
  const int threads =
      worthwhile_threads(static_cast<double>(rows) * work(shapes), few ? waiting_threads(budget) : budget);
  // As many blocks as keep all threads busy to the end, where there are rows enough.
  const int64_t full = ceil_div(rows, kBlockRows), blocks = std::min(rows, ceil_div(full, threads) * threads);
  const Division by_rows{std::max<int64_t>(1, blocks), threads, 1};
  const int layer_threads = sharing_threads(budget);
  if (layer_threads < 2 || !few) return by_rows;

  const double alone = seconds(rows, shapes, 1), waking = awake ? 0 : kWakeSeconds;
  const double in_layers = waking + seconds(rows, shapes, layer_threads);
  const double in_rows =
      by_rows.blocks > 1 ? waking + kRegionSeconds + seconds(ceil_div(rows, by_rows.blocks), shapes, 1) : alone;
  if (alone <= std::min(in_rows, in_layers)) return {1, 1, 1};
  return in_layers < in_rows ? Division{1, 1, layer_threads} : by_rows;
}

template <class T> void Program<T>::run_nodes(Context<T>& context) const {
  for (size_t i = 0, next = 0; i < nodes_.size(); i = next) {
    next = i + 1;
    if (context.threads() > 1) {
      const Together part = together(i, context.rows(), context.shapes(), context.threads());
      next = i + part.count;
      if (part.count > 1) run_together(i, part, context);
    }
    if (next == i + 1) nodes_[i]->run(context);
    for (size_t n = i; n < next; ++n) context.release(last_uses_[n]);
  }
  context.end();
}

template <class T>
void Program<T>::run(int64_t rows, const Shapes& shapes, const void* const* inputs, T* const* outputs,
                     int threads) const {
  if (!finished_) throw std::invalid_argument("the program is not finished");
  if (rows == 0) return;
  check_sizes(rows, shapes);
  const ActiveCall call(threads);
  const Division parts = divide(rows, shapes, call.threads(), call.others_awake());
  parallel_for(parts.blocks, parts.threads, [&](int64_t block) {
    const int64_t begin = rows * block / parts.blocks, end = rows * (block + 1) / parts.blocks;
    std::unique_ptr<Context<T>> context = contexts_.take([this] { return std::make_unique<Context<T>>(graph_); });
    context->begin(begin, end - begin, shapes, inputs, outputs, nullptr, parts.layer_threads);
    run_nodes(*context);
    context->trim();
    contexts_.give(std::move(context));
  });
}

template <class T> std::vector<NodeInfo> Program<T>::describe(int threads) const {
  if (!finished_) throw std::invalid_argument("the program is not finished");
  Shapes usual{graph_.symbols};
  for (int64_t& size : usual.symbols) size = size > 0 ? size : kUsualSteps;
  usual.derive(graph_);
  for (int64_t& size : usual.symbols) size = std::max<int64_t>(1, size);
  const int waiting = std::max(1, waiting_threads(threads));
  std::vector<NodeInfo> infos;
  for (size_t i = 0, next = 0; i < nodes_.size(); i = next) {
    const Together part = together(i, 1, usual, waiting);
    next = i + part.count;
    for (size_t n = i; n < next; ++n) {
      infos.push_back(nodes_[n]->info());
      const Value& out = graph_.values[static_cast<size_t>(nodes_[n]->output)];
      infos.back().layout = out.dims.size() < 2 ? "rows" : out.packed ? "packed" : "batch-major";
      if (part.pipelining.threads > 1)
        infos.back().sharing = explain_pipelining(part.pipelining, part.others);
      else if (const RnnNode<T>* rnn = nodes_[n]->recurrent())
        infos.back().sharing = explain_sharing(rnn->rnn_work(graph_, usual, 1), static_cast<int>(part.count), waiting);
    }
  }
  return infos;
}

template <class T> std::string Program<T>::not_causal() const {
  for (const auto& node : nodes_)
    if (node->not_causal() != nullptr)
      return "layer '" + node->name + "' cannot run step by step: " + node->not_causal();
  for (int v : graph_.inputs) {
    const Value& value = graph_.values[static_cast<size_t>(v)];
    if (value.dims.size() < (value.tokens ? 1u : 2u)) return "the model's input has no time axis";
  }
  return "";
}

#define RNNFAST_INSTANTIATE(T)                                                                         \
  template Shapes Program<T>::bind(const std::vector<std::vector<int64_t>>&) const;                    \
  template void Program<T>::check_tokens(int64_t, const Shapes&, const void* const*) const;            \
  template void Program<T>::check_sizes(int64_t, const Shapes&) const;                                 \
  template double Program<T>::work(const Shapes&) const;                                               \
  template double Program<T>::seconds(int64_t, const Shapes&, int) const;                              \
  template typename Program<T>::Division Program<T>::divide(int64_t, const Shapes&, int, bool) const;  \
  template void Program<T>::run_nodes(Context<T>&) const;                                              \
  template void Program<T>::run(int64_t, const Shapes&, const void* const*, T* const*, int) const;     \
  template std::vector<NodeInfo> Program<T>::describe(int) const;                                      \
  template std::string Program<T>::not_causal() const;
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
