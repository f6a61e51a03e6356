#include "optimizer.h"

#include "buffer.h"
#include "parts.h"

namespace rnnfast {

namespace {

template <class T> void* from(void* array, int64_t begin) { return array ? static_cast<T*>(array) + begin : nullptr; }

// The elements from `begin` on, whose gradient stands apart.
template <class T> OptimizerUpdate part_of(const OptimizerUpdate& whole, int64_t begin, const T* grad) {
  OptimizerUpdate part = whole;
  part.param = from<T>(whole.param, begin);
  part.before = from<T>(whole.before, begin);
  part.grad = grad;
  for (void*& slot : part.slots) slot = from<T>(slot, begin);
  return part;
}

// Rules write every element, also those whose gradient is zero; so each part's gradient is laid out in full, in cache,
// and the gradient of the whole table never exists.
template <class T, class Kernel> void update_rows(const OptimizerUpdate& update, const Kernel& kernel) {
  const int64_t width = update.grad_width;
  Buffer<int32_t> place(update.size / width);  // of a row's gradient, counted from 1; 0: it has none
  for (int64_t i = 0; i < update.grad_rows; ++i) place[update.grad_index[i]] = static_cast<int32_t>(i + 1);
  in_parts(update.size, kGrain, get_num_threads(), [&](int64_t begin, int64_t end) {
    Buffer<T> grad(end - begin);
    for (int64_t row = begin / width; row * width < end; ++row) {
      if (place[row] == 0) continue;
      const int64_t start = row * width, first = std::max(begin, start), last = std::min(end, start + width);
      const T* values = static_cast<const T*>(update.grad) + (place[row] - 1) * width;
      std::copy(values + (first - start), values + (last - start), grad.data() + (first - begin));
    }
    kernel(part_of(update, begin, grad.data()), 0, end - begin);
  });
}

}  // namespace

void optimizer_update(const OptimizerUpdate& update) {
  with_kernels(update.dtype, [&](const auto& kernels, auto zero) {
    const auto kernel = kernels.optimizer[static_cast<int>(update.rule)];
    if (update.grad_index) {
      update_rows<decltype(zero)>(update, kernel);
      return;
    }
    in_parts(update.size, kGrain, get_num_threads(),
             [&](int64_t begin, int64_t end) { kernel(update, begin, end); });
  });
}

}  // namespace rnnfast
