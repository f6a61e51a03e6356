// Building a program: products of values with each other.
#include "checks.h"
#include "nodes_products.h"

namespace rnnfast {

template <class T> int Program<T>::dot(int one, int two, const std::string& name) {
  Value out = value(one, "first input", name);
  const Value& other = value(two, "second input", name);
  if (out.dims.empty() || other.dims.empty() || out.outer != other.outer ||
      !graph_.same(out.dims.back(), other.dims.back()))
    refuse(name, "cannot multiply " + shape_text(out.dims) + " and " + shape_text(other.dims) + " along the last axes");
  const bool over_time = out.outer.empty() && (out.dims.size() > 1 || other.dims.size() > 1);
  out.dims.pop_back();
  out.dims.insert(out.dims.end(), other.dims.begin(), other.dims.end() - 1);
  if (out.dims.empty()) out.dims = {1};
  out.end_mask();
  return add_node<DotNode<T>>(name, one, two, add_value(std::move(out)), over_time, *table_);
}

template <class T>
std::vector<int> Program<T>::attention(int query, int v, int key, const AttentionScores<T>& scores, bool causal,
                                       bool return_weights, const std::string& name) {
  Value out = value(query, "query", name);
  const Value &values = value(v, "value", name), &keys = value(key, "key", name);
  for (const Value* in : {static_cast<const Value*>(&out), &values, &keys}) need_axes(*in, 2, name);
  const int64_t features = graph_.known(out.dims[1]);
  if (features < 1 || graph_.known(keys.dims[1]) != features || out.outer != values.outer || out.outer != keys.outer ||
      !graph_.same(values.dims[0], keys.dims[0]))
    refuse(name, "a query " + shape_text(out.dims) + ", a value " + shape_text(values.dims) + " and a key " +
                     shape_text(keys.dims) + " do not fit, or are not known to");
  if (!scores.outer.empty() && static_cast<int64_t>(scores.outer.size()) != features)
    refuse(name, "expected " + std::to_string(features) + " weights of the scores, got " +
                     std::to_string(scores.outer.size()));
  std::vector<int> weights;
  if (return_weights) {
    Value given = out;
    given.dims[1] = values.dims[0];
    given.end_mask();
    weights.push_back(add_value(std::move(given)));
  }
  out.dims[1] = graph_.values[static_cast<size_t>(v)].dims[1];
  out.flipped = false;
  std::vector<int> outputs = {add_value(std::move(out))};
  add_node<AttentionNode<T>>(name, std::vector<int>{query, v, key}, outputs[0], weights, features, scores, causal,
                             *table_);
  outputs.insert(outputs.end(), weights.begin(), weights.end());
  return outputs;
}

#define RNNFAST_INSTANTIATE(T)                                                                                      \
  template int Program<T>::dot(int, int, const std::string&);                                                       \
  template std::vector<int> Program<T>::attention(int, int, int, const AttentionScores<T>&, bool, bool,             \
                                                  const std::string&);
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
