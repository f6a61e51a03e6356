// Building a program: shapes, masks, layouts.
#include "program.h"

#include <algorithm>

#include "checks.h"
#include "nodes.h"

namespace rnnfast {
namespace {

// What recurrent layers may hold of their products with a table: as much as stays in cache beside their weights.
constexpr int64_t kTableBytes = 1 << 20;

}  // namespace

template <class T> int Program<T>::add_value(Value value) {
  graph_.values.push_back(std::move(value));
  return static_cast<int>(graph_.values.size()) - 1;
}

template <class T>
const Value& Program<T>::value(int v, const char* what, const std::string& name) const {
  if (finished_) refuse(name, "the program is finished and cannot grow");
  if (v < 0 || v >= static_cast<int>(graph_.values.size()))
    refuse(name, std::string(what) + ": there is no value " + std::to_string(v));
  const Value& found = graph_.values[static_cast<size_t>(v)];
  if (found.tokens && std::string(what) != "tokens") refuse(name, "expected numbers, got the tokens of an Embedding");
  return found;
}

template <class T> int Program<T>::input(const std::vector<int64_t>& shape, const std::string& name) {
  if (finished_) refuse("input", "the program is finished and cannot grow");
  Value value;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0 || shape[axis] < -1) refuse("input", "sizes must be positive, or -1 for any");
    if (axis > 0 && shape[axis] > 0) {
      value.dims.push_back(shape[axis]);
      continue;
    }
    graph_.symbols.push_back(shape[axis]);
    value.dims.push_back(-static_cast<Dim>(graph_.symbols.size()));
  }
  const int v = add_value(std::move(value));
  graph_.inputs.push_back(v);
  graph_.input_labels.push_back("input '" + name + "'");
  return v;
}

// An embedding reads tokens: the one input of the program that it comes from, which nothing else reads as numbers.
template <class T> int Program<T>::token_input(int v, const std::string& name) {
  const bool known_as_tokens = graph_.values[static_cast<size_t>(v)].tokens;
  for (size_t i = nodes_.size(); i-- > 0;) {
    const Node<T>& node = *nodes_[i];
    if (node.output == v && dynamic_cast<const ReshapeNode<T>*>(&node) != nullptr) {
      graph_.values[static_cast<size_t>(v)].tokens = true;
      v = node.inputs[0];
    } else if (std::count(node.inputs.begin(), node.inputs.end(), v) > 0 && !known_as_tokens) {
      refuse(name, "another layer reads its tokens as numbers");
    }
  }
  graph_.values[static_cast<size_t>(v)].tokens = true;
  const auto found = std::find(graph_.inputs.begin(), graph_.inputs.end(), v);
  if (found == graph_.inputs.end()) refuse(name, "an Embedding must read an input of the model");
  return static_cast<int>(found - graph_.inputs.begin());
}

template <class T>
int Program<T>::embedding(int v, const T* table, int64_t vocabulary, int64_t dim, bool mask_zero,
                          const std::string& name) {
  Value out = value(v, "tokens", name);
  token_limits_.push_back({token_input(v, name), vocabulary, name});
  // Masks are over one time axis.
  out.mask = mask_zero && out.dims.size() == 1 ? graph_.masks++ : -1;
  out.tokens = false;
  out.dims.push_back(dim);
  const int mask = out.mask;
  return add_node<EmbeddingNode<T>>(name, v, add_value(std::move(out)), mask, table, vocabulary, dim);
}

template <class T> int Program<T>::masking(int v, double mask_value, const std::string& name) {
  Value out = value(v, "input", name);
  if (out.dims.empty()) refuse(name, "expected an input of 2 axes or more, got (batch)");
  out.mask = out.dims.size() == 2 ? graph_.masks++ : -1;
  const int mask = out.mask;
  return add_node<MaskingNode<T>>(name, v, add_value(std::move(out)), mask, mask_value);
}

template <class T> std::vector<int> Program<T>::rnn(int v, const RnnLayer& layer, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 2, name);
  if (graph_.known(out.dims[1]) != layer.spec.input_dim)
    refuse(name, "expected " + std::to_string(layer.spec.input_dim) + " features, got " + shape_text(out.dims));
  const int64_t state = state_size(layer.spec);
  need_int8_sums(weights_, std::max({layer.spec.input_dim, layer.spec.units, state}), name);
  if (layer.spec.activation.id >= ActivationId::count || layer.spec.recurrent_activation.id >= ActivationId::count)
    refuse(name, "activations of a recurrent layer must be element-wise");
  std::vector<int64_t> sizes = {state};  // of h, and c
  if (layer.spec.cell == CellKind::lstm) sizes.push_back(layer.spec.units);
  need_states(layer.initial_state, sizes, out, name);
  int slot = -1;  // inside time_distributed every step starts afresh; and so does what is told where to start
  if (out.outer.empty() && layer.initial_state.empty()) {
    slot = static_cast<int>(state_slots_.size());
    for (size_t i = 0; i < sizes.size(); ++i) state_slots_.push_back({name, static_cast<int>(i), sizes[i]});
  }
  const bool pass_over_mask = out.mask >= 0 && !layer.initial_state.empty() && !layer.heed_mask;
  std::vector<int> states;
  for (size_t i = 0; layer.return_state && i < sizes.size(); ++i) {
    Value last = out;
    last.dims = {sizes[i]};
    last.end_mask();
    states.push_back(add_value(std::move(last)));
  }
  if (layer.return_sequences) {
    out.dims[1] = state;
    out.flipped = layer.go_backwards;
  } else {
    out.dims = {state};
    out.mask = -1;
  }
  std::vector<int> inputs = {v}, outputs = {add_value(std::move(out))};
  inputs.insert(inputs.end(), layer.initial_state.begin(), layer.initial_state.end());
  add_node<RnnNode<T>>(name, std::move(inputs), outputs[0], states, slot, pass_over_mask, *table_, weights_, layer);
  outputs.insert(outputs.end(), states.begin(), states.end());
  return outputs;
}

// Initial states, where there are any, are rows of these sizes beside the rows of the input.
template <class T>
void Program<T>::need_states(const std::vector<int>& states, const std::vector<int64_t>& sizes, const Value& in,
                             const std::string& name) const {
  if (states.empty()) return;
  if (states.size() != sizes.size())
    refuse(name, "expected " + std::to_string(sizes.size()) + " initial states, got " + std::to_string(states.size()));
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Value& given = value(states[i], "initial state", name);
    if (given.dims.size() != 1 || graph_.known(given.dims[0]) != sizes[i] || given.outer != in.outer)
      refuse(name, "expected an initial state of shape " + shape_text({sizes[i]}) + ", got " + shape_text(given.dims));
  }
}

template <class T> int Program<T>::reverse(int v, const std::string& name) {
  Value out = value(v, "input", name);
  if (out.dims.size() < 2) refuse(name, "expected an input with a time axis, got " + shape_text(out.dims));
  out.flipped = !out.flipped;
  return add_node<ReverseNode<T>>(name, v, add_value(std::move(out)));
}

template <class T>
int Program<T>::dense(int v, int64_t inputs, int64_t outputs, const T* kernel, const T* bias,
                      const Activation& activation, const std::string& name) {
  Value out = value(v, "input", name);
  if (out.dims.empty() || graph_.known(out.dims.back()) != inputs)
    refuse(name, "expected " + std::to_string(inputs) + " features, got " + shape_text(out.dims));
  need_int8_sums(weights_, inputs, name);
  out.dims.back() = outputs;
  return add_node<DenseNode<T>>(name, v, add_value(std::move(out)), *table_, weights_, inputs, outputs,
                                kernel, bias, activation);
}

template <class T> int Program<T>::activation(int v, const Activation& activation, const std::string& name) {
  Value out = value(v, "input", name);
  return add_node<ActivationNode<T>>(name, v, add_value(std::move(out)), *table_, activation);
}

template <class T> int Program<T>::flatten(int v, const std::string& name) {
  Value out = value(v, "input", name);
  const bool drops_time = out.dims.size() > 1 && out.outer.empty();
  int64_t size = 1;
  for (Dim dim : out.dims) {
    if (graph_.known(dim) < 1) refuse(name, "all sizes must be known to flatten, got " + shape_text(out.dims));
    size *= graph_.known(dim);
  }
  if (out.dims.size() != 1) out.dims = {size};
  out.end_mask();
  return add_node<ReshapeNode<T>>(name, v, add_value(std::move(out)), "flatten", drops_time);
}

template <class T> int Program<T>::repeat(int v, int64_t n, const std::string& name) {
  Value out = value(v, "input", name);
  need_axes(out, 1, name);
  if (n < 1) refuse(name, "expected at least 1 repetition, got " + std::to_string(n));
  out.dims.insert(out.dims.begin(), n);
  return add_node<RepeatNode<T>>(name, v, add_value(std::move(out)), n);
}

template <class T> int Program<T>::time_distributed_begin(int v, const std::string& name) {
  Value out = value(v, "tokens", name);
  if (out.dims.size() < 2) refuse(name, "expected an input with a time axis, got " + shape_text(out.dims));
  out.outer.push_back({out.dims[0], out.mask});
  out.dims.erase(out.dims.begin());
  out.end_mask();
  return add_node<ReshapeNode<T>>(name, v, add_value(std::move(out)), "time_distributed", false);
}

template <class T> int Program<T>::time_distributed_end(int v, const std::string& name) {
  Value out = value(v, "tokens", name);
  if (out.outer.empty()) refuse(name, "time_distributed_end without time_distributed_begin");
  out.dims.insert(out.dims.begin(), out.outer.back().dim);
  out.mask = out.outer.back().mask;
  out.flipped = false;
  out.outer.pop_back();
  return add_node<ReshapeNode<T>>(name, v, add_value(std::move(out)), "time_distributed", false);
}

template <class T> void Program<T>::finish(const std::vector<int>& outputs) {
  if (graph_.inputs.empty() || outputs.empty()) refuse("program", "needs an input and an output");
  for (int v : outputs)
    if (!value(v, "output", "program").outer.empty()) refuse("program", "an output lies inside time_distributed");
  graph_.outputs = outputs;
  if (graph_.inputs.size() == 1) graph_.input_labels = {"input"};
  choose_layouts();
  give_small_tables();
  find_last_uses();
  find_groups();
  find_chains();
  finished_ = true;
}

// A value may be packed when whoever reads it only looks at real steps, in ascending order of time. (Without a masked
// step at run time any layout may be turned into any other, and nodes do so as they like.)
template <class T> void Program<T>::choose_layouts() {
  std::vector<Value>& values = graph_.values;
  std::vector<int> readers(values.size(), 0);
  for (Value& value : values) value.packed = value.dims.size() > 1;
  for (Value& value : values) value.by_index = value.packed;
  for (int v : graph_.outputs) values[static_cast<size_t>(v)].packed = values[static_cast<size_t>(v)].by_index = false;
  for (size_t i = nodes_.size(); i-- > 0;) {
    const Node<T>& node = *nodes_[i];
    Value& out = values[static_cast<size_t>(node.output)];
    if (readers[static_cast<size_t>(node.output)] == 0) out.packed = out.by_index = false;
    for (int v : node.inputs) {
      Value& in = values[static_cast<size_t>(v)];
      ++readers[static_cast<size_t>(v)];
      const bool turns = out.flipped != in.flipped && node.wish() == LayoutWish::follows;
      const bool ordered = !in.flipped || in.mask < 0 || turns;
      const bool wanted = node.wish() == LayoutWish::packed || (node.wish() == LayoutWish::follows && out.packed);
      in.packed = in.packed && wanted && ordered;
      in.by_index = in.by_index && node.recurrent() != nullptr;
    }
  }
}

// Where only recurrent layers read an embedding, their products with the rows of a small table are made once, here.
template <class T> void Program<T>::give_small_tables() {
  for (const auto& node : nodes_) {
    auto* embedding = dynamic_cast<EmbeddingNode<T>*>(node.get());
    if (embedding == nullptr || !graph_.values[static_cast<size_t>(embedding->output)].by_index) continue;
    std::vector<RnnNode<T>*> readers;
    int64_t bytes = 0;
    for (const auto& other : nodes_)
      if (!other->inputs.empty() && other->inputs[0] == embedding->output) {
        readers.push_back(static_cast<RnnNode<T>*>(other.get()));
        bytes += readers.back()->table_bytes(embedding->vocabulary());
      }
    if (bytes > kTableBytes) continue;
    for (RnnNode<T>* reader : readers) reader->take_table(embedding->table(), embedding->vocabulary());
    embedding->give_tokens_alone();
  }
}

// Memory of a value is free after the last node that reads it, or what refers to it.
template <class T> void Program<T>::find_last_uses() {
  std::vector<size_t> last(graph_.values.size(), 0);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    last[static_cast<size_t>(nodes_[i]->output)] = i;
    for (int v : nodes_[i]->more_outputs) last[static_cast<size_t>(v)] = i;
    for (int v : nodes_[i]->inputs) last[static_cast<size_t>(v)] = i;
  }
  for (int v : graph_.outputs) last[static_cast<size_t>(v)] = nodes_.size();
  for (size_t i = nodes_.size(); i-- > 0;)
    if (nodes_[i]->may_alias())
      for (int v : nodes_[i]->inputs)
        last[static_cast<size_t>(v)] =
            std::max(last[static_cast<size_t>(v)], last[static_cast<size_t>(nodes_[i]->output)]);
  last_uses_.resize(nodes_.size());
  for (size_t v = 0; v < last.size(); ++v)
    if (last[v] < nodes_.size()) last_uses_[last[v]].push_back(static_cast<int>(v));
}

template class Program<float>;
template class Program<double>;

}  // namespace rnnfast
