// Prefix beam search (Hannun et al. 2014): the likeliest label sequences, each with the sum over all those of its
// alignments that the beam has kept.
#include <unordered_map>

#include "ctc.h"
#include "ctc_numbers.h"
#include "threads.h"

namespace rnnfast {
namespace {

// All prefixes that have ever been kept, as a tree: one node per label sequence.
class Prefixes {
 public:
  explicit Prefixes(int64_t classes) : classes_(classes), parents_{-1}, labels_{-1} {}
  int64_t parent(int64_t node) const { return parents_[static_cast<std::size_t>(node)]; }
  int64_t label(int64_t node) const { return labels_[static_cast<std::size_t>(node)]; }
  int64_t count() const { return static_cast<int64_t>(parents_.size()); }

  int64_t child(int64_t node, int64_t label) {
    const auto found = children_.try_emplace(node * classes_ + label, count());
    if (found.second) {
      parents_.push_back(node);
      labels_.push_back(label);
    }
    return found.first->second;
  }

 private:
  int64_t classes_;
  std::vector<int64_t> parents_, labels_;
  std::unordered_map<int64_t, int64_t> children_;
};

struct Entry {
  int64_t node;
  double blank, label;  // logarithms: alignments so far that end with a blank, and with the last label
  double total() const { return log_add(blank, label); }
};

struct Candidate {
  double total;
  int64_t from;      // index of the entry
  int64_t extended;  // by this label; -1: it stays as it is
};

template <class T> class Search {
 public:
  Search(const CtcBeamSearch& call, int64_t row)
      : call_(call),
        logits_(static_cast<const T*>(call.logits) + row * call.time * call.classes),
        prefixes_(call.classes) {
    beam_.push_back({0, 0.0, kLogZero});
    for (int64_t t = 0; t < call.lengths[row]; ++t) step(logits_ + t * call.classes);
  }

  // The best first: (top, time) labels, -1 after the end, and their logarithms.
  void write(int64_t rank, int32_t* labels, double* score) const {
    std::fill(labels, labels + call_.time, -1);
    *score = kLogZero;
    if (rank >= static_cast<int64_t>(beam_.size())) return;
    const Entry& entry = beam_[static_cast<std::size_t>(rank)];
    *score = entry.total();
    std::vector<int64_t> reversed;
    for (int64_t node = entry.node; node > 0; node = prefixes_.parent(node)) reversed.push_back(prefixes_.label(node));
    std::copy(reversed.rbegin(), reversed.rend(), labels);
  }

 private:
  void step(const T* logits) {
    const double norm = log_sum_exp(logits, call_.classes);
    const auto log_p = [&](int64_t k) { return static_cast<double>(logits[k]) - norm; };
    place_.assign(static_cast<std::size_t>(prefixes_.count()), -1);
    for (std::size_t i = 0; i < beam_.size(); ++i)
      place_[static_cast<std::size_t>(beam_[i].node)] = static_cast<int64_t>(i);
    // A label extends a prefix from all its alignments; if it is the prefix's last, from those that end with a blank.
    const auto extension = [&](const Entry& e, int64_t k) {
      return (k == prefixes_.label(e.node) ? e.blank : e.total()) + log_p(k);
    };
    stay_.clear();
    taken_.assign(beam_.size() * static_cast<std::size_t>(call_.classes), 0);
    for (const Entry& e : beam_) {
      Entry kept{e.node, e.total() + log_p(call_.blank), kLogZero};
      if (e.node > 0) {
        const int64_t last = prefixes_.label(e.node), from = place_[static_cast<std::size_t>(prefixes_.parent(e.node))];
        kept.label = e.label + log_p(last);
        if (from >= 0) {  // its parent is in the beam as well, and becomes it by one more label: both are one prefix
          kept.label = log_add(kept.label, extension(beam_[static_cast<std::size_t>(from)], last));
          taken_[static_cast<std::size_t>(from * call_.classes + last)] = 1;
        }
      }
      stay_.push_back(kept);
    }
    candidates_.clear();
    for (std::size_t i = 0; i < beam_.size(); ++i) {
      const auto from = static_cast<int64_t>(i);
      candidates_.push_back({stay_[i].total(), from, -1});
      for (int64_t k = 0; k < call_.classes; ++k)
        if (k != call_.blank && !taken_[i * static_cast<std::size_t>(call_.classes) + static_cast<std::size_t>(k)])
          candidates_.push_back({extension(beam_[i], k), from, k});
    }
    const auto width = std::min(candidates_.size(), static_cast<std::size_t>(call_.beam_width));
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(width), candidates_.end(),
                      [](const Candidate& a, const Candidate& b) {  // equal ones in an order of their own
                        if (a.total != b.total) return a.total > b.total;
                        return a.from != b.from ? a.from < b.from : a.extended < b.extended;
                      });
    next_.clear();
    for (std::size_t i = 0; i < width; ++i) {
      const Candidate& c = candidates_[i];
      const auto from = static_cast<std::size_t>(c.from);
      if (c.extended < 0) next_.push_back(stay_[from]);
      else next_.push_back({prefixes_.child(beam_[from].node, c.extended), kLogZero, c.total});
    }
    std::swap(beam_, next_);
  }

  const CtcBeamSearch& call_;
  const T* logits_;
  Prefixes prefixes_;
  std::vector<Entry> beam_, next_, stay_;
  std::vector<Candidate> candidates_;
  std::vector<int64_t> place_;   // of each node in the beam, or -1
  std::vector<uint8_t> taken_;   // (entry, label): it leads to a prefix that is in the beam already
};

template <class T> void run(const CtcBeamSearch& call) {
  const double steps = static_cast<double>(call.batch * call.time);
  const double operations = 20 * steps * static_cast<double>(call.beam_width * call.classes);
  parallel_for(call.batch, worthwhile_threads(operations, call.threads), [&](int64_t row) {
    const Search<T> search(call, row);
    for (int64_t rank = 0; rank < call.top_paths; ++rank)
      search.write(rank, call.paths + (rank * call.batch + row) * call.time, call.scores + row * call.top_paths + rank);
  });
}

}  // namespace

void ctc_beam_search(const CtcBeamSearch& call) {
  call.dtype == Dtype::float32 ? run<float>(call) : run<double>(call);
}

}  // namespace rnnfast
