// Logarithms of probabilities: what the loss and the search of CTC share.
#ifndef RNNFAST_ENGINE_CTC_NUMBERS_H
#define RNNFAST_ENGINE_CTC_NUMBERS_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace rnnfast {

constexpr double kLogZero = -std::numeric_limits<double>::infinity();

// log(e^a + e^b)
inline double log_add(double a, double b) {
  const double high = std::max(a, b);
  return high == kLogZero ? kLogZero : high + std::log1p(std::exp(std::min(a, b) - high));
}

// The logarithm of the sum of e^x, x of `classes` logits.
template <class T> double log_sum_exp(const T* x, int64_t classes) {
  const double high = *std::max_element(x, x + classes);
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += std::exp(x[k] - high);
  return high + std::log(sum);
}

// The numbers of the steps of one sequence that count. mask: (time), or null for all.
inline std::vector<int64_t> real_steps(const uint8_t* mask, int64_t time) {
  std::vector<int64_t> steps;
  steps.reserve(static_cast<std::size_t>(time));
  for (int64_t t = 0; t < time; ++t)
    if (!mask || mask[t]) steps.push_back(t);
  return steps;
}

}  // namespace rnnfast

#endif
