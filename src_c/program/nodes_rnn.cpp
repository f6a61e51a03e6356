#include <algorithm>

#include "nodes.h"

namespace rnnfast {

// The state before the first step, in the plan's order of rows: the stream's, or zero. in_place: where it may be kept.
template <class T>
T* RnnNode<T>::start_state(Context<T>& context, const SequencePlan& plan, int slot, T* in_place) const {
  const int64_t units = rnn_.spec().units;
  T* kept = slot < 0 ? nullptr : context.state(slot);
  if (kept != nullptr && plan.uniform()) return kept;
  T* state = in_place != nullptr ? in_place : context.temporary(plan.batch() * units);
  if (kept == nullptr) std::fill_n(state, plan.batch() * units, T{0});
  else
    for (int64_t r = 0; r < plan.batch(); ++r) std::copy_n(kept + plan.order()[r] * units, units, state + r * units);
  return state;
}

template <class T>
void RnnNode<T>::keep_state(Context<T>& context, const SequencePlan& plan, int slot, const T* sorted) const {
  const int64_t units = rnn_.spec().units;
  T* kept = slot < 0 ? nullptr : context.state(slot);
  if (kept == nullptr || kept == sorted) return;
  for (int64_t r = 0; r < plan.batch(); ++r) std::copy_n(sorted + r * units, units, kept + plan.order()[r] * units);
}

// The final state is the output.
template <class T>
void RnnNode<T>::emit_last(Context<T>& context, const SequencePlan& plan, const T* sorted) const {
  if (context.tensor(this->output).data == sorted) return;
  if (plan.uniform()) return context.refer(this->output, sorted);
  const int64_t units = rnn_.spec().units;
  T* y = context.create(this->output);
  for (int64_t r = 0; r < plan.batch(); ++r) std::copy_n(sorted + r * units, units, y + plan.order()[r] * units);
}

// A stream's step with masked rows: those repeat their output, which is their state, or are zero.
template <class T> void RnnNode<T>::emit_step(Context<T>& context, const SequencePlan& plan) const {
  const int64_t units = rnn_.spec().units;
  T* y = context.create(this->output);
  std::copy_n(context.state(slot_), plan.batch() * units, y);
  for (int64_t r = 0; zero_output_ && r < plan.batch(); ++r)
    if (plan.count(r) == 0) std::fill_n(y + plan.order()[r] * units, units, T{0});
}

template <class T> void RnnNode<T>::run(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const SequencePlan& plan = context.plan(in, go_backwards_);
  const int64_t units = rnn_.spec().units, batch = plan.batch();
  const bool carried = slot_ >= 0 && context.state(slot_) != nullptr;
  const bool one_step = return_sequences_ && plan.time() == 1 && (plan.uniform() || carried);
  const bool only_last = !return_sequences_ || (one_step && plan.uniform());

  RnnInfer<T> infer{};
  infer.rnn = &rnn_;
  infer.plan = &plan;
  infer.x = context.packed(in, plan);
  T* in_place = only_last && plan.uniform() && !carried ? context.create(out) : nullptr;
  infer.h_state = start_state(context, plan, slot_, in_place);
  const int cell_slot = slot_ < 0 ? -1 : slot_ + 1;
  if (rnn_.spec().cell == CellKind::lstm) infer.c_state = start_state(context, plan, cell_slot, nullptr);
  infer.workspace = context.temporary(rnn_infer_workspace(rnn_, plan));

  const bool history = return_sequences_ && !one_step;
  const bool stays_packed = plan.uniform() || context.value(out).packed;
  if (history && stays_packed) infer.h = context.create_packed(out, plan, go_backwards_, batch);
  else if (history) infer.h = context.temporary((plan.total() + batch) * units);

  rnn_infer(infer);

  if (carried) {
    keep_state(context, plan, slot_, infer.h_state);
    if (infer.c_state != nullptr) keep_state(context, plan, cell_slot, infer.c_state);
  }
  if (only_last) emit_last(context, plan, infer.h_state);
  else if (one_step) emit_step(context, plan);
  else if (!stays_packed)
    plan_outputs(plan, sizeof(T), infer.h, units, zero_output_, context.create(out), plan.time() * units, units, 0,
                 batch);
}

template <class T> double RnnNode<T>::work(const Graph& graph, const Shapes& shapes) const {
  const Value& in = graph.values[static_cast<size_t>(this->inputs[0])];
  return static_cast<double>(shapes.rows(in, 1) * shapes.time(in)) * step_operations(rnn_.spec());
}

template <class T> NodeInfo RnnNode<T>::info() const {
  static const char* names[] = {"simple_rnn", "lstm", "gru"};
  const RnnSpec& spec = rnn_.spec();
  NodeInfo info;
  info.name = this->name;
  info.op = std::string(names[static_cast<int>(spec.cell)]) + (go_backwards_ ? ", backwards" : "");
  info.kernel = std::string(rnn_.layout().linear() ? "linear panels, " : "gate panels, ") +
                (rnn_.layout().split() ? "two products per step" : "one product per step");
  info.reason = has_default_gates(spec) ? "the usual activations: inlined gate math on each tile of the product"
                      : "activations of its own: vector activations by a switch on each tile of the product";
  info.weight_bytes = rnn_.bytes();
  return info;
}

template class RnnNode<float>;
template class RnnNode<double>;

}  // namespace rnnfast
