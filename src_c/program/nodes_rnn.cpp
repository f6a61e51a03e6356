#include <algorithm>
#include <utility>

#include "nodes.h"

namespace rnnfast {

namespace {

// Rows in the plan's order of rows, and in the order of the batch.
template <class T> void sort_rows(const SequencePlan& plan, int64_t size, const T* rows, T* sorted) {
  for (int64_t r = 0; r < plan.batch(); ++r) std::copy_n(rows + plan.order()[r] * size, size, sorted + r * size);
}
template <class T> void unsort_rows(const SequencePlan& plan, int64_t size, const T* sorted, T* rows) {
  for (int64_t r = 0; r < plan.batch(); ++r) std::copy_n(sorted + r * size, size, rows + plan.order()[r] * size);
}

}  // namespace

// The state before the first step, in the plan's order of rows: the stream's, the given one, or zero. in_place: where
// it may be kept.
template <class T>
T* RnnNode<T>::start_state(Context<T>& context, const SequencePlan& plan, int state, T* in_place) const {
  const int64_t size = size_of(state);
  T* kept = carried(context) ? context.state(slot_ + state) : nullptr;
  if (kept != nullptr && plan.uniform()) return kept;
  T* start = in_place != nullptr ? in_place : context.temporary(plan.batch() * size);
  if (kept != nullptr) sort_rows(plan, size, kept, start);
  else if (this->inputs.size() > 1)
    sort_rows(plan, size, context.batch_major(this->inputs[static_cast<size_t>(1 + state)]), start);
  else std::fill_n(start, plan.batch() * size, T{0});
  return start;
}

// The last state, to the stream and to whoever reads it.
template <class T>
void RnnNode<T>::give_state(Context<T>& context, const SequencePlan& plan, int state, const T* sorted) const {
  T* kept = carried(context) ? context.state(slot_ + state) : nullptr;
  if (kept != nullptr && kept != sorted) unsort_rows(plan, size_of(state), sorted, kept);
  if (!this->more_outputs.empty())
    unsort_rows(plan, size_of(state), sorted, context.create(this->more_outputs[static_cast<size_t>(state)]));
}

// The final state is the output, or zero where the last step is masked.
template <class T>
void RnnNode<T>::emit_last(Context<T>& context, const SequencePlan& plan, const T* sorted) const {
  if (context.tensor(this->output).data == sorted) return;
  if (plan.uniform()) return context.refer(this->output, sorted);
  const int64_t size = size_of(0);
  T* y = context.create(this->output);
  unsort_rows(plan, size, sorted, y);
  for (int64_t r = 0; zero_output_ && r < plan.batch(); ++r)
    if (!plan.ends_real(r)) std::fill_n(y + plan.order()[r] * size, size, T{0});
}

// A stream's step with masked rows: those repeat their output, which is their state, or are zero.
template <class T> void RnnNode<T>::emit_step(Context<T>& context, const SequencePlan& plan) const {
  const int64_t size = size_of(0);
  T* y = context.create(this->output);
  std::copy_n(context.state(slot_), plan.batch() * size, y);
  for (int64_t r = 0; zero_output_ && r < plan.batch(); ++r)
    if (plan.count(r) == 0) std::fill_n(y + plan.order()[r] * size, size, T{0});
}

template <class T>
typename RnnNode<T>::Emits RnnNode<T>::emits(const Context<T>& context, const SequencePlan& plan) const {
  if (!return_sequences_) return Emits::last;
  if (plan.time() != 1) return Emits::history;
  return plan.uniform() ? Emits::last : carried(context) ? Emits::step : Emits::history;
}

template <class T> RnnInfer<T> RnnNode<T>::begin(Context<T>& context) const {
  const int in = this->inputs[0], out = this->output;
  const SequencePlan& plan = context.plan(in, go_backwards_, !pass_over_mask_);
  const Emits emits = this->emits(context, plan);

  RnnInfer<T> infer{};
  infer.rnn = &rnn_;
  infer.plan = &plan;
  if (const Tensor<T>& x = context.tensor(in); x.index != nullptr) {
    infer.x = x.data;
    infer.x_rows = x.distinct;
    infer.index = context.packed_index(in, plan);
    infer.input = table_.data();
    infer.input_rows = table_rows_;
  } else {
    infer.x = context.packed(in, plan);
  }
  T* in_place = emits == Emits::last && plan.uniform() && !carried(context) ? context.create(out) : nullptr;
  infer.h_state = start_state(context, plan, 0, in_place);
  if (rnn_.spec().cell == CellKind::lstm) infer.c_state = start_state(context, plan, 1, nullptr);
  infer.h_zoneout = h_zoneout_;
  infer.c_zoneout = c_zoneout_;
  infer.workspace = context.temporary(rnn_infer_workspace(rnn_, plan, context.threads(), infer.x_rows));
  if (emits != Emits::history) return infer;
  if (emits_packed(context, plan))
    infer.h = context.create_packed(out, plan, go_backwards_, plan.batch());
  else
    infer.h = context.temporary((plan.total() + plan.batch()) * size_of(0));
  return infer;
}

template <class T> void RnnNode<T>::end(Context<T>& context, const RnnInfer<T>& infer) const {
  const SequencePlan& plan = *infer.plan;
  const int64_t size = size_of(0);
  give_state(context, plan, 0, infer.h_state);
  if (infer.c_state != nullptr) give_state(context, plan, 1, infer.c_state);
  switch (emits(context, plan)) {
    case Emits::last: return emit_last(context, plan, infer.h_state);
    case Emits::step: return emit_step(context, plan);
    case Emits::history:
      if (!emits_packed(context, plan))
        plan_outputs(plan, sizeof(T), infer.h, size, zero_output_, context.create(this->output), plan.time() * size,
                     size, 0, plan.batch());
  }
}

template <class T> void RnnNode<T>::run_at_once(const RnnNode* const* nodes, size_t count, Context<T>& context) {
  std::vector<RnnInfer<T>> layers;
  for (size_t i = 0; i < count; ++i) layers.push_back(nodes[i]->begin(context));
  rnn_infer(layers.data(), static_cast<int>(count), context.threads());
  for (size_t i = 0; i < count; ++i) nodes[i]->end(context, layers[i]);
}

template <class T> class RnnNode<T>::Steps : public NodeSteps {
 public:
  Steps(const RnnNode& node, Context<T>& context)
      : node_(node), context_(context), infer_(node.begin(context)), steps_(infer_, 0, 1, nullptr) {
    rnn_infer_begin(infer_);
  }
  void run(int64_t, int64_t end) override { steps_.run(end); }
  void end() override {
    rnn_infer_end(infer_);
    node_.end(context_, infer_);
  }

 private:
  const RnnNode& node_;
  Context<T>& context_;
  RnnInfer<T> infer_;
  RnnSteps<T> steps_;
};

template <class T>
std::unique_ptr<NodeSteps> RnnNode<T>::begin_steps(Context<T>& context, const SequencePlan&) const {
  return std::make_unique<Steps>(*this, context);
}

template <class T> void RnnNode<T>::take_table(const T* table, int64_t rows) {
  const CellLayout& layout = rnn_.layout();
  table_rows_ = rows;
  table_ = Buffer<T>(layout.z_size(rows));
  Buffer<T> scratch(product_scratch(rnn_.input_products(), rows, rnn_.spec().input_dim), uninitialised);
  rnn_.project(rows, table, table_.data(), rows * layout.slot_row(), 0, layout.panels(), scratch.data());
}

template <class T> bool RnnNode<T>::may_run_beside(const RnnNode& other) const {
  const RnnSpec &one = rnn_.spec(), &two = other.rnn_.spec();
  return this->inputs[0] == other.inputs[0] && one.cell == two.cell && one.units == two.units &&
         one.reset_after == two.reset_after && one.projection == two.projection &&
         rnn_.layout().normalized == other.rnn_.layout().normalized;
}

template <class T> RnnWork RnnNode<T>::rnn_work(const Graph& graph, const Shapes& shapes, int64_t rows) const {
  const Value& in = graph.values[static_cast<size_t>(this->inputs[0])];
  const int64_t input_dim = table_rows_ > 0 ? 0 : rnn_.spec().input_dim;
  return {rnn_.layout(),      input_dim,             recurrent_weights(rnn_.spec()),
          rnn_.weight_size(), shapes.rows(in, rows), shapes.time(in)};
}

template <class T> double RnnNode<T>::work(const Graph& graph, const Shapes& shapes) const {
  const Value& in = graph.values[static_cast<size_t>(this->inputs[0])];
  return static_cast<double>(shapes.rows(in, 1) * shapes.time(in)) * step_operations(rnn_.spec());
}

template <class T> NodeInfo RnnNode<T>::info() const {
  static const char* names[] = {"simple_rnn", "lstm", "gru"};
  const RnnSpec& spec = rnn_.spec();
  std::string reason = has_default_gates(spec)
                           ? "the usual activations: inlined gate math on each tile of the product"
                           : "activations of its own: vector activations by a switch on each tile of the product";
  if (rnn_.layout().normalized) reason += "; rows of products are normalised before the gates";
  if (spec.projection > 0) reason += "; the second product is the projection to " + std::to_string(spec.projection);
  if (h_zoneout_ != 0 || c_zoneout_ != 0) reason += "; zoneout: the mean of a state and the one before";
  if (table_rows_ > 0) reason += "; products with the input of every token are held";
  return {this->name,
          std::string(names[static_cast<int>(spec.cell)]) + (rnn_.layout().normalized ? ", layer normalization" : "") +
              (go_backwards_ ? ", backwards" : ""),
          std::string(rnn_.layout().linear() ? "linear panels, " : "gate panels, ") +
              (rnn_.layout().split() || spec.projection > 0 ? "two products per step" : "one product per step"),
          std::move(reason),
          rnn_.bytes() + table_.size() * static_cast<int64_t>(sizeof(T))};
}

template class RnnNode<float>;
template class RnnNode<double>;

}  // namespace rnnfast
