#include "nodes_products.h"

#include <algorithm>

namespace rnnfast {
namespace {

// c (m, n) = a (m, k) b, of b in linear panels.
template <class T>
void packed_product(const Kernels<T>& kernels, int64_t m, int64_t n, int64_t k, const T* a, const T* panels, T* c) {
  const int64_t width = kSlots * kernels.lanes;
  const Panels<T> b(kernels.full, ceil_div(n, width), k, width, panels);
  kernels.full.product(linear_product<T>(kernels.lanes, m, n, a, k, plain_row(k), b, c, n));
}

// c (m, n) = a (m, k) b, of b (k, n) or its transpose (n, k). panels: room for b packed.
template <class T>
void row_product(const Kernels<T>& kernels, int64_t m, int64_t n, int64_t k, const T* a, const T* b, bool transposed,
                 T* panels, T* c) {
  pack_linear(kernels, b, k, n, transposed ? k : n, transposed, panels);
  packed_product(kernels, m, n, k, a, panels, c);
}

// What a masked score loses: Keras' number, after which the softmax leaves nothing of it, unless a row has no other.
constexpr double kHidden = 1e9;

}  // namespace

template <class T> void DotNode<T>::run(Context<T>& context) const {
  const int one = this->inputs[0], two = this->inputs[1];
  const T *a = context.batch_major(one), *b = context.batch_major(two);
  const Tensor<T>&x = context.tensor(one), &y = context.tensor(two);
  const int64_t k = context.shapes().size(context.value(one).dims.back());
  const int64_t m = x.time * x.width / k, n = y.time * y.width / k;
  T* panels = context.temporary(linear_size(kernels_.lanes, k, n));
  T* c = context.create(this->output);
  for (int64_t row = 0; row < x.rows; ++row)
    row_product(kernels_, m, n, k, a + row * m * k, b + row * n * k, true, panels, c + row * m * n);
}

template <class T> double DotNode<T>::work(const Graph& graph, const Shapes& shapes) const {
  const Value &one = graph.values[static_cast<size_t>(this->inputs[0])],
              &two = graph.values[static_cast<size_t>(this->inputs[1])];
  const double both = static_cast<double>(shapes.time(one) * shapes.width(one)) *
                      static_cast<double>(shapes.time(two) * shapes.width(two));
  return 2 * static_cast<double>(shapes.rows(one, 1)) * both / static_cast<double>(shapes.size(one.dims.back()));
}

template <class T> NodeInfo DotNode<T>::info() const {
  return {this->name, "dot", "a product for each row", "weights are packed once, values in every call"};
}

template <class T>
AttentionNode<T>::AttentionNode(std::string name, std::vector<int> inputs, int out, std::vector<int> weights,
                                int64_t features, const AttentionScores<T>& scores, bool causal,
                                const KernelTable& table)
    : Node<T>(std::move(name), std::move(inputs), out, std::move(weights)),
      features_(features),
      bent_(!scores.outer.empty()),
      causal_(causal),
      inner_(scores.inner),
      kernels_(table.of<T>()) {
  if (!bent_) return;
  outer_ = Buffer<T>(linear_size(kernels_.lanes, features, 1), uninitialised);
  pack_linear(kernels_, scores.outer.data(), features, 1, 1, false, outer_.data());
}

// scores (queries, steps) = inner * query key^T
template <class T>
void AttentionNode<T>::products(int64_t queries, int64_t steps, const T* query, const T* key, T* panels,
                                T* scores) const {
  row_product(kernels_, queries, steps, features_, query, key, true, panels, scores);
  for (int64_t i = 0; i < queries * steps; ++i) scores[i] *= inner_;
}

// scores = tanh(inner * (query + key)) outer
template <class T>
void AttentionNode<T>::bent_sums(int64_t queries, int64_t steps, const T* query, const T* key, T* sums,
                                 T* scores) const {
  for (int64_t q = 0; q < queries; ++q, query += features_, scores += steps) {
    for (int64_t s = 0; s < steps; ++s)
      for (int64_t i = 0; i < features_; ++i) sums[s * features_ + i] = inner_ * (query[i] + key[s * features_ + i]);
    kernels_.activate({ActivationId::tanh, 0, 0}, steps * features_, sums, sums);
    packed_product(kernels_, steps, int64_t{1}, features_, sums, outer_.data(), scores);
  }
}

template <class T>
void AttentionNode<T>::hide(int64_t queries, int64_t steps, const uint8_t* seen, T* scores) const {
  for (int64_t q = 0; q < queries; ++q, scores += steps)
    for (int64_t s = 0; s < steps; ++s)
      if ((seen != nullptr && !seen[s]) || (causal_ && s > q)) scores[s] -= static_cast<T>(kHidden);
}

template <class T> void AttentionNode<T>::run(Context<T>& context) const {
  const int query = this->inputs[0], value = this->inputs[1];
  const T *q = context.batch_major(query), *v = context.batch_major(value), *k = context.batch_major(this->inputs[2]);
  const uint8_t *asked = context.mask(query), *seen = context.mask(value);
  const int64_t rows = context.tensor(query).rows, queries = context.tensor(query).time;
  const int64_t steps = context.tensor(value).time, width = context.tensor(value).width, lanes = kernels_.lanes;
  const int64_t key_room = bent_ ? steps * features_ : linear_size(lanes, features_, steps);
  T* room = context.temporary(std::max(key_room, linear_size(lanes, steps, width)));
  T* y = context.create(this->output);
  const bool kept = !this->more_outputs.empty();
  T* weights = kept ? context.create(this->more_outputs[0]) : context.temporary(queries * steps);
  for (int64_t row = 0; row < rows; ++row) {
    const T *row_q = q + row * queries * features_, *row_k = k + row * steps * features_;
    if (bent_) bent_sums(queries, steps, row_q, row_k, room, weights);
    else products(queries, steps, row_q, row_k, room, weights);
    hide(queries, steps, seen ? seen + row * steps : nullptr, weights);
    kernels_.softmax(false, queries, steps, weights, weights);
    T* row_y = y + row * queries * width;
    row_product(kernels_, queries, width, steps, weights, v + row * steps * width, false, room, row_y);
    for (int64_t i = 0; asked != nullptr && i < queries; ++i)
      if (!asked[row * queries + i]) std::fill_n(row_y + i * width, width, T{0});
    if (kept) weights += queries * steps;
  }
}

template <class T> double AttentionNode<T>::work(const Graph& graph, const Shapes& shapes) const {
  const Value &query = graph.values[static_cast<size_t>(this->inputs[0])],
              &value = graph.values[static_cast<size_t>(this->inputs[1])];
  return 2 * static_cast<double>(shapes.rows(query, shapes.time(query)) * shapes.time(value)) *
         static_cast<double>(features_ + shapes.width(value));
}

template <class T> NodeInfo AttentionNode<T>::info() const {
  return {this->name,
          "attention",
          bent_ ? "tanh of all pairs, and a product for each row" : "two products for each row",
          "weights are packed once, values in every call",
          outer_.size() * static_cast<int64_t>(sizeof(T))};
}

template class DotNode<float>;
template class DotNode<double>;
template class AttentionNode<float>;
template class AttentionNode<double>;

}  // namespace rnnfast
