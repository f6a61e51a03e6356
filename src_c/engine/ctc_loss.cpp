// The loss: forward and backward sums over the labels with a blank before, between and after them (the "states").
#include "ctc.h"
#include "ctc_numbers.h"
#include "threads.h"

namespace rnnfast {
namespace {

// One sequence: its states, and logarithms of the probabilities of their classes at every step.
template <class T> class Alignment {
 public:
  Alignment(const CtcLoss& call, int64_t row)
      : call_(call),
        steps_(real_steps(call.mask ? call.mask + row * call.time : nullptr, call.time)),
        logits_(static_cast<const T*>(call.logits) + row * call.time * call.classes),
        classes_(static_cast<std::size_t>(2 * call.label_lengths[row] + 1), call.blank) {
    for (std::size_t i = 0; 2 * i + 1 < classes_.size(); ++i)
      classes_[2 * i + 1] = call.labels[row * call.max_labels + static_cast<int64_t>(i)];
    for (int64_t t : steps_) norms_.push_back(log_sum_exp(logits_ + t * call.classes, call.classes));
  }

  // Minus the logarithm of the labels' probability, and, if asked for, its gradient by the logits.
  double loss(T* gradient) const {
    const std::size_t states = classes_.size(), count = steps_.size();
    if (gradient) std::fill(gradient, gradient + call_.time * call_.classes, T(0));
    if (count == 0) return states == 1 ? 0 : -kLogZero;
    std::vector<double> alpha(count * states, kLogZero);
    for (std::size_t s = 0; s < std::min<std::size_t>(2, states); ++s) alpha[s] = log_probability(0, s);
    for (std::size_t i = 1; i < count; ++i) {
      const double* before = &alpha[(i - 1) * states];
      double* now = &alpha[i * states];
      for (std::size_t s = 0; s < states; ++s) {
        double sum = before[s];
        if (s >= 1) sum = log_add(sum, before[s - 1]);
        if (may_skip(s)) sum = log_add(sum, before[s - 2]);
        now[s] = sum + log_probability(i, s);
      }
    }
    const double* last = &alpha[(count - 1) * states];
    const double total = states > 1 ? log_add(last[states - 1], last[states - 2]) : last[0];
    if (gradient && total > kLogZero) backward(alpha, total, gradient);
    return -total;
  }

 private:
  double log_probability(std::size_t i, std::size_t s) const {
    return static_cast<double>(logits_[steps_[i] * call_.classes + classes_[s]]) - norms_[i];
  }

  // Whether state s may follow state s - 2: a blank must lie between two labels that are the same.
  bool may_skip(std::size_t s) const { return s >= 2 && s % 2 == 1 && classes_[s] != classes_[s - 2]; }

  // dloss/dlogit = softmax - the probability, given the labels, of being in a state of the class at that step.
  void backward(const std::vector<double>& alpha, double total, T* gradient) const {
    const std::size_t states = classes_.size(), count = steps_.size();
    std::vector<double> beta(states, kLogZero), after(states);  // of what comes after the step
    std::vector<double> expected(static_cast<std::size_t>(call_.classes));
    for (std::size_t s = states - std::min<std::size_t>(2, states); s < states; ++s) beta[s] = 0;
    for (std::size_t i = count; i-- > 0;) {
      std::fill(expected.begin(), expected.end(), 0.0);
      for (std::size_t s = 0; s < states; ++s)
        expected[static_cast<std::size_t>(classes_[s])] += std::exp(alpha[i * states + s] + beta[s] - total);
      const T* logits = logits_ + steps_[i] * call_.classes;
      T* target = gradient + steps_[i] * call_.classes;
      for (int64_t k = 0; k < call_.classes; ++k)
        target[k] = static_cast<T>(std::exp(logits[k] - norms_[i]) - expected[static_cast<std::size_t>(k)]);
      for (std::size_t s = 0; s < states; ++s) after[s] = beta[s] + log_probability(i, s);
      for (std::size_t s = 0; s < states; ++s) {
        beta[s] = after[s];
        if (s + 1 < states) beta[s] = log_add(beta[s], after[s + 1]);
        if (s + 2 < states && may_skip(s + 2)) beta[s] = log_add(beta[s], after[s + 2]);
      }
    }
  }

  const CtcLoss& call_;
  std::vector<int64_t> steps_;
  const T* logits_;
  std::vector<int64_t> classes_;  // of the states
  std::vector<double> norms_;     // by step: what makes logits logarithms of probabilities
};

template <class T> void run(const CtcLoss& call) {
  const double states = 2.0 * static_cast<double>(call.max_labels) + 1;
  const double steps = static_cast<double>(call.batch * call.time);
  const double operations = steps * (100 * states + 20 * static_cast<double>(call.classes));
  parallel_for(call.batch, worthwhile_threads(operations, call.threads), [&](int64_t row) {
    T* gradient = call.gradient ? static_cast<T*>(call.gradient) + row * call.time * call.classes : nullptr;
    call.losses[row] = Alignment<T>(call, row).loss(gradient);
  });
}

}  // namespace

void ctc_loss(const CtcLoss& call) { call.dtype == Dtype::float32 ? run<float>(call) : run<double>(call); }

}  // namespace rnnfast
