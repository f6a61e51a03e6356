// Nodes of a program that several threads run at once: both directions of a layer, and chains of layers, each of which
// reads the one before and is run by some steps at a time (engine/pipeline).
#include <algorithm>

#include "nodes.h"
#include "../engine/pipeline.h"
#include "../engine/threads.h"

namespace rnnfast {
namespace {

// Chains are pipelined where that is estimated to take less than so much of the time without.
constexpr double kClearly = 0.95;

}  // namespace

template <class T> bool Node<T>::reads(const Node& other) const {
  return std::any_of(inputs.begin(), inputs.end(), [&other](int v) {
    const std::vector<int>& more = other.more_outputs;
    return v == other.output || std::count(more.begin(), more.end(), v) > 0;
  });
}

// Both directions of a Bidirectional: recurrent layers, one after the other, that read one value, and not each other.
template <class T> void Program<T>::find_groups() {
  groups_.assign(nodes_.size(), 1);
  for (size_t i = nodes_.size(); i-- > 1;) {
    const RnnNode<T>*one = nodes_[i - 1]->recurrent(), *two = nodes_[i]->recurrent();
    bool apart = one != nullptr && two != nullptr && one->may_run_beside(*two);
    for (size_t n = i; apart && n < i + groups_[i]; ++n) apart = !nodes_[n]->reads(*one);
    if (apart) groups_[i - 1] = groups_[i] + 1;
  }
}

// A recurrent layer and what follows, as long as each node reads what the one before writes, up to the last recurrent
// one. Only the first may read more, the states that it starts from; last states are given when all of them are done,
// and no other node of the chain reads them.
template <class T> void Program<T>::find_chains() {
  chains_.assign(nodes_.size(), 0);
  for (size_t i = nodes_.size(); i-- > 0;) {
    const Node<T>& node = *nodes_[i];
    if (!node.has_steps() || groups_[i] > 1) continue;
    const bool joins = i + 1 < nodes_.size() && chains_[i + 1] > 0 &&
                       nodes_[i + 1]->inputs == std::vector<int>{node.output} &&
                       graph_.values[static_cast<size_t>(node.output)].packed;
    if (joins) chains_[i] = chains_[i + 1] + 1;
    else if (node.recurrent() != nullptr) chains_[i] = 1;
  }
}

template <class T>
typename Program<T>::Together Program<T>::together(size_t node, int64_t rows, const Shapes& shapes, int threads) const {
  const auto seconds = [&](size_t n) {
    if (const RnnNode<T>* rnn = nodes_[n]->recurrent())
      return best_sharing(rnn->rnn_work(graph_, shapes, rows), static_cast<int>(groups_[n]), threads).seconds;
    return product_seconds(static_cast<double>(rows) * nodes_[n]->work(graph_, shapes) / 2, sizeof(T));
  };
  Together alone{groups_[node], seconds(node), {}, 0};
  if (threads < 2 || chains_[node] < 2 || nodes_[node]->recurrent() == nullptr) return alone;

  const size_t end = node + chains_[node];
  Together chain{chains_[node], 0, {}, alone.seconds};
  std::vector<StageWork> stages;
  for (size_t n = node; n < end; ++n) stages.push_back(nodes_[n]->stage_work(graph_, shapes, rows));
  for (size_t n = node + 1; n < end; ++n) chain.others += seconds(n);
  const int64_t steps = shapes.time(graph_.values[static_cast<size_t>(nodes_[node]->inputs[0])]);
  chain.pipelining = best_pipelining(stages, steps, threads);
  chain.seconds = chain.pipelining.seconds;
  return chain.pipelining.threads > 1 && chain.seconds < kClearly * chain.others ? chain : alone;
}

template <class T> void Program<T>::run_together(size_t node, const Together& together, Context<T>& context) const {
  const size_t end = node + together.count;
  if (together.pipelining.threads < 2) {
    std::vector<const RnnNode<T>*> group;
    for (size_t n = node; n < end; ++n) group.push_back(nodes_[n]->recurrent());
    return RnnNode<T>::run_at_once(group.data(), group.size(), context);
  }
  const SequencePlan& plan = context.plan(nodes_[node]->inputs[0], false);
  std::vector<std::unique_ptr<NodeSteps>> stages;
  for (size_t n = node; n < end; ++n) stages.push_back(nodes_[n]->begin_steps(context, plan));
  const Pipelining& p = together.pipelining;
  Pipeline pipeline(plan.steps(), p.chunk, p.owners, p.chunk_seconds);
  with_team(p.threads, [&](int member, int members) {
    pipeline.work(member, members, [&](int stage, int64_t first, int64_t last) {
      stages[static_cast<size_t>(stage)]->run(first, last);
    });
  });
  for (const auto& stage : stages) stage->end();
}

#define RNNFAST_INSTANTIATE(T)                                                                             \
  template bool Node<T>::reads(const Node<T>&) const;                                                      \
  template void Program<T>::find_groups();                                                                 \
  template void Program<T>::find_chains();                                                                 \
  template typename Program<T>::Together Program<T>::together(size_t, int64_t, const Shapes&, int) const;  \
  template void Program<T>::run_together(size_t, const Together&, Context<T>&) const;
RNNFAST_INSTANTIATE(float)
RNNFAST_INSTANTIATE(double)

}  // namespace rnnfast
