#include "plan.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace rnnfast {

namespace {

bool is_real(int64_t time, const uint8_t* mask, const int64_t* lengths, int64_t b, int64_t t) {
  return mask ? mask[b * time + t] != 0 : lengths ? t < lengths[b] : true;
}

bool all_real(int64_t batch, int64_t time, const uint8_t* mask, const int64_t* lengths) {
  if (mask) return std::all_of(mask, mask + batch * time, [](uint8_t m) { return m != 0; });
  return !lengths || std::all_of(lengths, lengths + batch, [time](int64_t n) { return n >= time; });
}

char* at(void* base, int64_t item, int64_t element) { return static_cast<char*>(base) + item * element; }
const char* at(const void* base, int64_t item, int64_t element) {
  return static_cast<const char*>(base) + item * element;
}

}  // namespace

SequencePlan::SequencePlan(int64_t batch, int64_t time, const uint8_t* mask, const int64_t* lengths, bool reverse)
    : batch_(batch), time_(time), reverse_(reverse), uniform_(all_real(batch, time, mask, lengths)), order_(batch) {
  std::iota(order_.begin(), order_.end(), int64_t{0});
  if (uniform_) build_uniform();
  else build_ragged(mask, lengths);
  build_ring();
}

void SequencePlan::build_uniform() {
  steps_ = time_;
  total_ = batch_ * time_;
  segments_.reserve(time_);
  for (int64_t s = 0; s < time_; ++s) {
    const int64_t t = reverse_ ? time_ - 1 - s : s;
    const int64_t before = s == 0 ? total_ : (reverse_ ? t + 1 : t - 1) * batch_;
    segments_.push_back({0, batch_, before, t * batch_, t * batch_});
  }
}

void SequencePlan::build_ragged(const uint8_t* mask, const int64_t* lengths) {
  std::vector<int64_t> real(batch_, 0);
  for (int64_t b = 0; b < batch_; ++b)
    for (int64_t t = 0; t < time_; ++t) real[b] += is_real(time_, mask, lengths, b, t);
  std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) { return real[a] > real[b]; });

  counts_.resize(batch_);
  for (int64_t r = 0; r < batch_; ++r) counts_[r] = real[order_[r]];
  steps_ = batch_ ? counts_[0] : 0;

  offsets_.assign(steps_ + 1, 0);
  for (int64_t j = 0, rows = batch_; j < steps_; ++j) {
    while (counts_[rows - 1] <= j) --rows;
    offsets_[j + 1] = offsets_[j] + rows;
  }
  total_ = offsets_[steps_];

  times_.resize(total_);
  for (int64_t r = 0; r < batch_; ++r)
    for (int64_t t = 0, j = 0; t < time_; ++t)
      if (is_real(time_, mask, lengths, order_[r], t)) times_[offsets_[j++] + r] = t;

  for (int64_t s = 0; s < steps_; ++s) {
    const int64_t j = reverse_ ? steps_ - 1 - s : s;
    const int64_t z = offsets_[j], rows = active(j);
    if (!reverse_) {
      segments_.push_back({0, rows, j == 0 ? total_ : offsets_[j - 1], z, z});
      continue;
    }
    // Backwards in time a row joins at its last real step, from its initial state.
    const int64_t running = s == 0 ? 0 : active(j + 1);
    if (running > 0) segments_.push_back({0, running, offsets_[j + 1], z, z});
    if (rows > running) segments_.push_back({running, rows - running, total_ + running, z + running, z + running});
  }
}

std::vector<Segment> SequencePlan::packed_segments() const {
  std::vector<Segment> sorted = segments_;
  std::sort(sorted.begin(), sorted.end(), [](const Segment& a, const Segment& b) { return a.z < b.z; });
  return sorted;
}

int64_t SequencePlan::last(int64_t row) const {
  const int64_t n = count(row);
  if (n == 0) return total_ + row;
  return packed(reverse_ ? 0 : n - 1, row);
}

void SequencePlan::build_ring() {
  ring_.reserve(steps_);
  for (int64_t s = 0; s < steps_; ++s) {
    const int64_t j = reverse_ ? steps_ - 1 - s : s;
    ring_.push_back({0, active(j), (s & 1) * batch_, ((s + 1) & 1) * batch_, packed(j, 0)});
  }
}

int64_t SequencePlan::ring_last(int64_t row) const {
  return ((reverse_ ? steps_ : count(row)) & 1) * batch_ + row;
}

std::vector<int64_t> SequencePlan::balanced_rows(int64_t parts) const {
  std::vector<int64_t> bounds(parts + 1, batch_);
  bounds[0] = 0;
  int64_t row = 0, done = 0;
  for (int64_t p = 1; p < parts; ++p) {
    while (row < batch_ && done * parts < total_ * p) done += count(row++);
    bounds[p] = row;
  }
  return bounds;
}

void plan_gather(const SequencePlan& plan, int64_t item, const void* x, int64_t batch_stride, int64_t time_stride,
                 int64_t features, void* packed, int64_t step_begin, int64_t step_end) {
  for (int64_t j = step_begin; j < step_end; ++j)
    for (int64_t r = 0; r < plan.active(j); ++r)
      std::memcpy(at(packed, item, plan.packed(j, r) * features),
                  at(x, item, plan.order()[r] * batch_stride + plan.time_of(j, r) * time_stride), item * features);
}

void plan_scatter(const SequencePlan& plan, int64_t item, const void* packed, int64_t features, void* x,
                  int64_t batch_stride, int64_t time_stride, int64_t row_begin, int64_t row_end) {
  for (int64_t r = row_begin; r < row_end; ++r) {
    void* row = at(x, item, plan.order()[r] * batch_stride);
    for (int64_t t = 0, j = 0; t < plan.time(); ++t) {
      void* to = at(row, item, t * time_stride);
      if (j < plan.count(r) && plan.time_of(j, r) == t)
        std::memcpy(to, at(packed, item, plan.packed(j++, r) * features), item * features);
      else
        std::memset(to, 0, item * features);
    }
  }
}

void plan_outputs(const SequencePlan& plan, int64_t item, const void* h, int64_t units, bool zero_output, void* y,
                  int64_t batch_stride, int64_t time_stride, int64_t row_begin, int64_t row_end) {
  for (int64_t r = row_begin; r < row_end; ++r) {
    void* row = at(y, item, plan.order()[r] * batch_stride);
    const int64_t n = plan.count(r);
    const char* previous = nullptr;
    for (int64_t p = 0, s = 0; p < plan.time(); ++p) {
      const int64_t t = plan.reverse() ? plan.time() - 1 - p : p;
      const int64_t j = plan.reverse() ? n - 1 - s : s;
      const bool real = s < n && plan.time_of(j, r) == t;
      if (real) {
        previous = at(h, item, plan.packed(j, r) * units);
        ++s;
      }
      void* to = at(row, item, p * time_stride);
      if (real || (previous && !zero_output)) std::memcpy(to, previous, item * units);
      else std::memset(to, 0, item * units);
    }
  }
}

template <class T>
void plan_outputs_backward(const SequencePlan& plan, const T* dy, int64_t batch_stride, int64_t time_stride,
                           int64_t units, bool zero_output, T* packed, int64_t row_begin, int64_t row_end) {
  for (int64_t r = row_begin; r < row_end; ++r) {
    const T* row = dy + plan.order()[r] * batch_stride;
    const int64_t n = plan.count(r);
    T* into = nullptr;
    for (int64_t p = 0, s = 0; p < plan.time(); ++p) {
      const int64_t t = plan.reverse() ? plan.time() - 1 - p : p;
      const int64_t j = plan.reverse() ? n - 1 - s : s;
      const T* from = row + p * time_stride;
      if (s < n && plan.time_of(j, r) == t) {
        into = packed + plan.packed(j, r) * units;
        std::memcpy(into, from, sizeof(T) * units);
        ++s;
      } else if (into && !zero_output) {
        for (int64_t u = 0; u < units; ++u) into[u] += from[u];
      }
    }
  }
}

template void plan_outputs_backward(const SequencePlan&, const float*, int64_t, int64_t, int64_t, bool, float*,
                                    int64_t, int64_t);
template void plan_outputs_backward(const SequencePlan&, const double*, int64_t, int64_t, int64_t, bool, double*,
                                    int64_t, int64_t);

}  // namespace rnnfast
