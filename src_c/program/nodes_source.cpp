// Nodes that make masks.
#include <algorithm>

#include "nodes.h"
#include "../engine/distinct.h"

namespace rnnfast {

template <class T>
EmbeddingNode<T>::EmbeddingNode(std::string name, int in, int out, int mask, const T* table, int64_t vocabulary,
                                int64_t dim)
    : Node<T>(std::move(name), {in}, out), mask_(mask), dim_(dim), table_(vocabulary * dim, uninitialised) {
  std::copy_n(table, vocabulary * dim, table_.data());
}

template <class T> void EmbeddingNode<T>::run(Context<T>& context) const {
  const int out = this->output;
  const Tensor<T>& in = context.tensor(this->inputs[0]);
  const int64_t* tokens = in.tokens;
  const int64_t count = in.rows * in.time * in.width;
  if (mask_ >= 0) {
    uint8_t* mask = context.create_mask(mask_, count);
    for (int64_t i = 0; i < count; ++i) mask[i] = tokens[i] != 0;
  }
  if (context.value(out).by_index && run_by_index(context, tokens, count)) return;
  if (!context.value(out).packed) {
    T* y = context.create(out);
    for (int64_t i = 0; i < count; ++i) std::copy_n(table_.data() + tokens[i] * dim_, dim_, y + i * dim_);
    return;
  }
  const SequencePlan& plan = context.plan(out, false);
  const int64_t time = context.tensor(out).time;
  T* y = context.create_packed(out, plan, false);
  for (int64_t j = 0; j < plan.steps(); ++j)
    for (int64_t r = 0; r < plan.active(j); ++r) {
      const int64_t token = tokens[plan.order()[r] * time + plan.time_of(j, r)];
      std::copy_n(table_.data() + token * dim_, dim_, y + plan.packed(j, r) * dim_);
    }
}

// The tokens alone; or each row once, if so few of them are different.
template <class T>
bool EmbeddingNode<T>::run_by_index(Context<T>& context, const int64_t* tokens, int64_t count) const {
  int32_t* index = context.template temporary<int32_t>(count);
  if (tokens_alone_) {
    for (int64_t i = 0; i < count; ++i) index[i] = static_cast<int32_t>(tokens[i]);
    context.create_by_index(this->output, 0, index);
    return true;
  }
  int64_t* different = context.template temporary<int64_t>(most_distinct(count));
  const int64_t found = distinct_tokens(count, tokens, different, index);
  if (found < 0) return false;
  T* y = context.create_by_index(this->output, found, index);
  for (int64_t i = 0; i < found; ++i) std::copy_n(table_.data() + different[i] * dim_, dim_, y + i * dim_);
  return true;
}

template <class T> NodeInfo EmbeddingNode<T>::info() const {
  return {this->name,
          "embedding",
          "rows by token",
          tokens_alone_ ? "the next layer holds what it makes of every token"
                        : "copies in the order that the next layer reads; to a recurrent layer each different row "
                          "once, where few differ",
          table_.size() * static_cast<int64_t>(sizeof(T))};
}

template <class T> void MaskingNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const T* x = context.batch_major(in);
  const int64_t features = context.shapes().size(context.value(in).dims.back());
  const int64_t steps = context.tensor(in).size() / features;
  // Consumers that skip masked steps never see what stands there.
  const bool mask_only = mask_ >= 0 && context.value(out).packed;
  uint8_t* mask = mask_ >= 0 ? context.create_mask(mask_, steps) : nullptr;
  T* y = nullptr;
  if (mask_only) context.refer(out, in);
  else y = context.create(out);
  for (int64_t i = 0; i < steps; ++i, x += features) {
    const bool real = std::any_of(x, x + features, [this](T v) { return v != mask_value_; });
    if (mask != nullptr) mask[i] = real;
    if (mask_only) continue;
    if (real) std::copy_n(x, features, y + i * features);
    else std::fill_n(y + i * features, features, T{0});
  }
}

template <class T> NodeInfo MaskingNode<T>::info() const {
  return {this->name, "masking", "mask of steps", "masked steps are left out of what follows"};
}

template class EmbeddingNode<float>;
template class EmbeddingNode<double>;
template class MaskingNode<float>;
template class MaskingNode<double>;

}  // namespace rnnfast
