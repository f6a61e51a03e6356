#include "trial.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "rnn.h"
#include "training.h"

namespace rnnfast {
namespace {

// More than one tile, and parts of others, in every direction; and weights that are worth a narrow format.
constexpr int64_t kRows = 67, kInputs = 70, kOutputs = 70;
// Between -1 and 1, in steps that every format but int8 holds exactly.
float number(int64_t i) { return static_cast<float>(i * 37 % 17 - 8) / 8; }
constexpr float kInt8Error = 0.5f;  // of sums of 70 products

}  // namespace

bool products_agree(const KernelTable& table) {
  std::vector<float> x(kRows * kInputs), columns(x.size()), w(kInputs * kOutputs), y(kRows * kOutputs);
  for (size_t i = 0; i < x.size(); ++i) x[i] = number(static_cast<int64_t>(i));
  for (size_t i = 0; i < w.size(); ++i) w[i] = number(static_cast<int64_t>(i) + 5);
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t k = 0; k < kInputs; ++k) columns[k * kRows + r] = x[r * kInputs + k];
  const auto right = [&](float allowed) {
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t j = 0; j < kOutputs; ++j) {
        float sum = 0;
        for (int64_t k = 0; k < kInputs; ++k) sum += x[r * kInputs + k] * w[k * kOutputs + j];
        if (!(std::fabs(y[r * kOutputs + j] - sum) <= allowed)) return false;
      }
    return true;
  };
  for (WeightType type : {WeightType::bf16, WeightType::int8, WeightType::bf16x2, WeightType::bf16x3}) {
    if (!table.products<float>(type)) continue;
    const PackedDense<float> dense(table, type, kInputs, kOutputs, w.data(), nullptr);
    Buffer<float> scratch(dense.workspace(kRows));
    dense.run(kRows, x.data(), y.data(), nullptr, scratch.data());
    if (!right(type == WeightType::int8 ? kInt8Error : 0.0f)) return false;
  }
  for (MatmulPrecision precision : {MatmulPrecision::high, MatmulPrecision::medium}) {
    std::fill(y.begin(), y.end(), 0.0f);
    matmul({Dtype::float32, true, false, kRows, kOutputs, kInputs, columns.data(), kRows, w.data(), kOutputs, nullptr,
            y.data(), kOutputs, 1, precision},
           table);
    if (!right(0)) return false;
  }
  return true;
}

}  // namespace rnnfast
