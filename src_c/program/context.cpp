#include "context.h"

#include <algorithm>
#include <cstring>

namespace rnnfast {
namespace {

constexpr size_t kUniformPlans = 8;
constexpr std::size_t kIdleBytes = std::size_t{64} << 20;

// Packed order is batch-major order.
bool in_place(const SequencePlan& plan) { return plan.uniform() && (plan.batch() == 1 || plan.time() == 1); }

}  // namespace

template <class T>
void Context<T>::begin(int64_t row, int64_t rows, const Shapes& shapes, const void* const* inputs, T* const* outputs,
                       T* const* states, int threads) {
  shapes_ = &shapes;
  threads_ = threads;
  rows_ = rows;
  states_ = states;
  workspace_.give_all();
  temporaries_.clear();
  masked_plans_.clear();
  if (uniform_plans_.size() > kUniformPlans) uniform_plans_.clear();
  for (size_t v = 0; v < tensors_.size(); ++v) {
    const Value& value = graph_->values[v];
    tensors_[v] = Tensor<T>();
    tensors_[v].rows = shapes.rows(value, rows);
    tensors_[v].time = shapes.time(value);
    tensors_[v].width = shapes.width(value);
  }
  const auto offset = [&](int v) { return row * tensor(v).time * tensor(v).width; };
  for (size_t i = 0; i < graph_->inputs.size(); ++i) {
    const int v = graph_->inputs[i];
    if (value(v).tokens) at(v).tokens = static_cast<const int64_t*>(inputs[i]) + offset(v);
    else at(v).data = static_cast<const T*>(inputs[i]) + offset(v);
  }
  for (size_t o = 0; o < outputs_.size(); ++o) outputs_[o] = outputs[o] + offset(graph_->outputs[o]);
}

template <class T> void Context<T>::end() {
  for (size_t o = 0; o < outputs_.size(); ++o) {
    const Tensor<T>& result = tensor(graph_->outputs[o]);
    if (result.data != outputs_[o]) unpack(result, outputs_[o]);
  }
}

template <class T> void Context<T>::release(const std::vector<int>& values) {
  for (void* block : temporaries_) workspace_.give(block);
  temporaries_.clear();
  for (int v : values) workspace_.give(at(v).block);
}

template <class T> void Context<T>::trim() {
  if (workspace_.bytes() > kIdleBytes) workspace_.clear();
}

template <class T> const SequencePlan& Context<T>::uniform_plan(int64_t rows, int64_t time, bool reverse) {
  for (const CachedPlan& cached : uniform_plans_)
    if (cached.rows == rows && cached.time == time && cached.plan->reverse() == reverse) return *cached.plan;
  uniform_plans_.push_back({rows, time, -1, std::make_unique<SequencePlan>(rows, time, nullptr, nullptr, reverse)});
  return *uniform_plans_.back().plan;
}

template <class T> const SequencePlan& Context<T>::plan(int v, bool reverse, bool heed_mask) {
  const Tensor<T>& t = tensor(v);
  const int mask = heed_mask ? value(v).mask : -1;
  if (mask < 0) return uniform_plan(t.rows, t.time, reverse);
  for (const CachedPlan& cached : masked_plans_)
    if (cached.mask == mask && cached.plan->reverse() == reverse) return *cached.plan;
  const uint8_t* bytes = masks_[static_cast<size_t>(mask)];
  if (std::memchr(bytes, 0, static_cast<size_t>(t.rows * t.time)) == nullptr)
    return uniform_plan(t.rows, t.time, reverse);
  masked_plans_.push_back(
      {t.rows, t.time, mask, std::make_unique<SequencePlan>(t.rows, t.time, bytes, nullptr, reverse)});
  return *masked_plans_.back().plan;
}

template <class T> void Context<T>::unpack(const Tensor<T>& t, T* to) const {
  if (t.plan == nullptr || (in_place(*t.plan) && !(t.flipped && t.time > 1))) {
    std::copy_n(t.data, t.rows * t.time * t.width, to);
    return;
  }
  const int64_t last = (t.time - 1) * t.width;
  plan_scatter(*t.plan, sizeof(T), t.data, t.width, t.flipped ? to + last : to, t.time * t.width,
               t.flipped ? -t.width : t.width, 0, t.rows);
}

template <class T> void Context<T>::replace(Tensor<T>& t, T* block, const SequencePlan* plan) {
  if (!t.shared) workspace_.give(t.block);  // else it stays until the end
  t.data = block;
  t.block = block;
  t.plan = plan;
  t.flipped = false;
  t.shared = false;
}

template <class T> const T* Context<T>::packed(int v, const SequencePlan& plan) {
  Tensor<T>& t = at(v);
  if (t.plan != nullptr && (!t.flipped || t.time == 1)) return t.data;
  if (t.plan == nullptr && in_place(plan)) return t.data;
  T* to = workspace_.take<T>(plan.total() * t.width);
  // A flipped tensor has no masked step (Program::choose_layouts): it is (time, rows, width), last time first.
  const T* from = t.plan == nullptr ? t.data : t.data + (t.time - 1) * t.rows * t.width;
  plan_gather(plan, sizeof(T), from, t.plan == nullptr ? t.time * t.width : t.width,
              t.plan == nullptr ? t.width : -t.rows * t.width, t.width, to, 0, plan.steps());
  if (!plan.uniform() && !value(v).packed) {  // others want the masked steps, too
    temporaries_.push_back(to);
    return to;
  }
  replace(t, to, &plan);
  return to;
}

template <class T> const T* Context<T>::batch_major(int v) {
  Tensor<T>& t = at(v);
  if (t.plan == nullptr) return t.data;
  T* to = workspace_.take<T>(t.rows * t.time * t.width);
  unpack(t, to);
  replace(t, to, nullptr);
  return to;
}

template <class T> const int32_t* Context<T>::packed_index(int v, const SequencePlan& plan) {
  const Tensor<T>& t = tensor(v);
  int32_t* to = temporary<int32_t>(plan.total());
  plan_gather(plan, sizeof(int32_t), t.index, t.time, 1, 1, to, 0, plan.steps());
  return to;
}

template <class T> T* Context<T>::create(int v) {
  Tensor<T>& t = at(v);
  T* data = nullptr;
  for (size_t o = 0; o < outputs_.size() && data == nullptr; ++o)
    if (graph_->outputs[o] == v) data = outputs_[o];
  if (data == nullptr) t.block = data = workspace_.take<T>(t.rows * t.time * t.width);
  t.data = data;
  return data;
}

template <class T>
T* Context<T>::create_packed(int v, const SequencePlan& plan, bool flipped, int64_t extra_rows) {
  Tensor<T>& t = at(v);
  T* data = workspace_.take<T>((plan.total() + extra_rows) * t.width);
  t.data = data;
  t.block = data;
  t.flipped = flipped;
  t.plan = in_place(plan) && !flipped ? nullptr : &plan;
  return data;
}

template <class T> T* Context<T>::create_like(int v, const Tensor<T>& like) {
  return like.plan == nullptr ? create(v) : create_packed(v, *like.plan, like.flipped);
}

template <class T> T* Context<T>::create_by_index(int v, int64_t distinct, const int32_t* index) {
  Tensor<T>& t = at(v);
  const int64_t points = t.rows * t.time;
  T* rows = workspace_.take<T>(distinct * t.width + points);  // an index is no larger than a T
  int32_t* places = reinterpret_cast<int32_t*>(rows + distinct * t.width);
  std::copy_n(index, points, places);
  t.data = rows;
  t.block = rows;
  t.distinct = distinct;
  t.index = places;
  return rows;
}

template <class T> void Context<T>::refer(int v, const T* data) { at(v).data = data; }

template <class T> void Context<T>::refer(int v, int other_value) {
  Tensor<T>&t = at(v), &other = at(other_value);
  other.shared = true;
  t.data = other.data;
  t.tokens = other.tokens;
  t.plan = other.plan;
  t.flipped = other.flipped;
}

template <class T> void Context<T>::flip(int v) {
  Tensor<T>& t = at(v);
  t.flipped = !t.flipped;
  if (!t.flipped && in_place(*t.plan)) t.plan = nullptr;
}

template <class T> uint8_t* Context<T>::create_mask(int mask, int64_t size) {
  uint8_t* bytes = workspace_.take<uint8_t>(size);
  masks_[static_cast<size_t>(mask)] = bytes;
  return bytes;
}

template class Context<float>;
template class Context<double>;

}  // namespace rnnfast
