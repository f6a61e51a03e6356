// The function table of rnnfast.h: plans and training from their own files, element-wise work from the kernel table.
// Work is cut on grids that depend on sizes alone, so that results do not depend on the number of threads.
#include <algorithm>
#include <atomic>

#include "../rnnfast.h"
#include "buffer.h"
#include "cpu.h"
#include "ctc.h"
#include "distinct.h"
#include "matmul_precision.h"
#include "optimizer.h"
#include "parts.h"
#include "plan.h"
#include "rnn.h"
#include "training.h"

namespace rnnfast {
namespace {

int64_t item_size(Dtype dtype) { return dtype == Dtype::float32 ? sizeof(float) : sizeof(double); }

// Parts of so many rows of `features` elements.
int64_t row_grain(int64_t features) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, features)); }

SequencePlan* plan_create(int64_t batch, int64_t time, const uint8_t* mask, const int64_t* lengths, bool reverse) {
  return new SequencePlan(batch, time, mask, lengths, reverse);
}

void plan_last(const SequencePlan* plan, int64_t* rows) {
  for (int64_t r = 0; r < plan->batch(); ++r) rows[r] = plan->last(r);
}

void gather(const SequencePlan* plan, Dtype dtype, const void* x, int64_t batch_stride, int64_t time_stride,
            int64_t features, void* packed, int threads) {
  in_parts(plan->steps(), row_grain(plan->batch() * features), threads, [&](int64_t begin, int64_t end) {
    plan_gather(*plan, item_size(dtype), x, batch_stride, time_stride, features, packed, begin, end);
  });
}

void scatter(const SequencePlan* plan, Dtype dtype, const void* packed, int64_t features, void* x, int64_t batch_stride,
             int64_t time_stride, int threads) {
  in_parts(plan->batch(), row_grain(plan->time() * features), threads, [&](int64_t begin, int64_t end) {
    plan_scatter(*plan, item_size(dtype), packed, features, x, batch_stride, time_stride, begin, end);
  });
}

void outputs(const SequencePlan* plan, Dtype dtype, const void* h, int64_t units, bool zero_output, void* y,
             int64_t batch_stride, int64_t time_stride, int threads) {
  in_parts(plan->batch(), row_grain(plan->time() * units), threads, [&](int64_t begin, int64_t end) {
    plan_outputs(*plan, item_size(dtype), h, units, zero_output, y, batch_stride, time_stride, begin, end);
  });
}

void outputs_backward(const SequencePlan* plan, Dtype dtype, const void* dy, int64_t batch_stride, int64_t time_stride,
                      int64_t units, bool zero_output, void* packed, int threads) {
  with_kernels(dtype, [&](const auto&, auto zero) {
    using T = decltype(zero);
    in_parts(plan->batch(), row_grain(plan->time() * units), threads, [&](int64_t begin, int64_t end) {
      plan_outputs_backward(*plan, static_cast<const T*>(dy), batch_stride, time_stride, units, zero_output,
                            static_cast<T*>(packed), begin, end);
    });
  });
}

void activation_forward(Dtype dtype, Activation activation, int64_t rows, int64_t features, const void* x, void* y,
                        int threads) {
  with_kernels(dtype, [&](const auto& kernels, auto zero) {
    using T = decltype(zero);
    const auto* from = static_cast<const T*>(x);
    auto* to = static_cast<T*>(y);
    in_parts(rows, row_grain(features), threads, [&](int64_t begin, int64_t end) {
      activate_rows(kernels, activation, end - begin, features, from + begin * features, to + begin * features);
    });
  });
}

void activation_backward(Dtype dtype, Activation activation, int64_t rows, int64_t features, const void* x,
                         const void* y, const void* dy, void* dx, int threads) {
  with_kernels(dtype, [&](const auto& kernels, auto zero) {
    using T = decltype(zero);
    const auto *in = static_cast<const T*>(x), *out = static_cast<const T*>(y), *grad = static_cast<const T*>(dy);
    auto* to = static_cast<T*>(dx);
    in_parts(rows, row_grain(features), threads, [&](int64_t begin, int64_t end) {
      const int64_t at = begin * features, count = end - begin;
      if (is_elementwise(activation))
        kernels.activate_backward(activation, count * features, in + at, out + at, grad + at, to + at);
      else
        kernels.softmax_backward(activation.id == ActivationId::log_softmax, count, features, out + at, grad + at,
                                 to + at);
    });
  });
}

void column_sums(Dtype dtype, int64_t rows, int64_t cols, const void* x, void* sums) {
  with_kernels(dtype, [&](const auto& kernels, auto zero) {
    using T = decltype(zero);
    kernels.column_sums(rows, cols, static_cast<const T*>(x), static_cast<T*>(sums));
  });
}

void embedding_backward(Dtype dtype, int64_t count, int64_t dim, const int64_t* index, const void* dy, void* dtable) {
  with_kernels(dtype, [&](const auto&, auto zero) {
    using T = decltype(zero);
    const auto* grad = static_cast<const T*>(dy);
    for (int64_t i = 0; i < count; ++i, grad += dim) {
      T* row = static_cast<T*>(dtable) + index[i] * dim;
      for (int64_t j = 0; j < dim; ++j) row[j] += grad[j];
    }
  });
}

bool all_finite(Dtype dtype, int64_t size, const void* x) {
  std::atomic<bool> finite{true};
  with_kernels(dtype, [&](const auto& kernels, auto zero) {
    const auto* values = static_cast<const decltype(zero)*>(x);
    in_parts(size, kGrain, get_num_threads(), [&](int64_t begin, int64_t end) {
      if (!kernels.all_finite(end - begin, values + begin)) finite.store(false, std::memory_order_relaxed);
    });
  });
  return finite.load();
}

Api make_api() {
  Api api{};
  api.plan_create = plan_create;
  api.plan_free = [](SequencePlan* plan) { delete plan; };
  api.plan_total = [](const SequencePlan* plan) { return plan->total(); };
  api.plan_uniform = [](const SequencePlan* plan) { return plan->uniform(); };
  api.plan_order = [](const SequencePlan* plan) { return plan->order(); };
  api.plan_last = plan_last;
  api.plan_gather = gather;
  api.plan_scatter = scatter;
  api.plan_outputs = outputs;
  api.plan_outputs_backward = outputs_backward;
  api.rnn_z_size = [](Dtype dtype, const RnnSpec* spec, int64_t total, int64_t x_rows) {
    return rnn_z_size(dtype, *spec, total, x_rows);
  };
  api.rnn_forward = [](const RnnForward* forward) { rnn_forward(*forward); };
  api.rnn_backward = [](const RnnBackward* backward) { rnn_backward(*backward); };
  api.matmul = [](const MatMul* product) { matmul(*product); };
  api.activation_forward = activation_forward;
  api.activation_backward = activation_backward;
  api.column_sums = column_sums;
  api.embedding_backward = embedding_backward;
  api.distinct_tokens = distinct_tokens;
  api.all_finite = all_finite;
  api.optimizer_update = [](const OptimizerUpdate* update) { optimizer_update(*update); };
  api.ctc_loss = [](const CtcLoss* call) { ctc_loss(*call); };
  api.ctc_beam_search = [](const CtcBeamSearch* call) { ctc_beam_search(*call); };
  api.allocate = [](int64_t* bytes) {
    const Block block = aligned_allocate(static_cast<std::size_t>(*bytes));
    *bytes = static_cast<int64_t>(block.bytes);
    return block.data;
  };
  api.release = [](void* memory, int64_t bytes) { aligned_release({memory, static_cast<std::size_t>(bytes)}); };
  api.share_out = [](int64_t parts, double operations, int threads, PartFunction part, void* context) {
    run_parts(parts, worthwhile_threads(operations, threads), part, context);
  };
  api.get_num_threads = get_num_threads;
  api.get_matmul_precision = get_matmul_precision;
  return api;
}

}  // namespace

const Api& api() {
  static const Api table = make_api();
  return table;
}

}  // namespace rnnfast
