// Measures one core: the peak rate of fused multiply-adds in float32, and the read bandwidth by footprint.
// Prints JSON: {"gflops": peak, "gbytes": [[bytes, GB/s], ...]}. Build with -O3 -march=native -ffp-contract=fast.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vec __attribute__((vector_size(kBytes)));
constexpr int kLanes = kBytes / sizeof(float);
constexpr int kChains = kBytes == 64 ? 24 : 12;  // enough to hide the latency, few enough for the registers
constexpr int kTries = 7;

volatile float sink;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The best of several tries of a task that returns its amount of work.
template <class Task> double best_rate(Task task) {
  double best = 0;
  for (int i = 0; i < kTries; ++i) {
    const double start = seconds();
    const double amount = task();
    best = std::max(best, amount / (seconds() - start));
  }
  return best;
}

double fma_peak() {
  return best_rate([] {
    constexpr long kRounds = 1000000;
    Vec chains[kChains];
#pragma GCC unroll 24
    for (int c = 0; c < kChains; ++c) chains[c] = Vec{} + (sink + c);  // all different, or they would be merged
    const Vec factor = Vec{} + 0.999f, term = Vec{} + 0.001f;
    for (long r = 0; r < kRounds; ++r) {
      asm volatile("" : "+m"(sink));  // keeps the loop a loop
#pragma GCC unroll 24
      for (int c = 0; c < kChains; ++c) chains[c] = chains[c] * factor + term;
    }
#pragma GCC unroll 24
    for (int c = 1; c < kChains; ++c) chains[0] += chains[c];
    sink = chains[0][0];
    return 2.0 * kLanes * kChains * kRounds;
  });
}

double read_bandwidth(const Vec* data, size_t bytes) {
  return best_rate([=] {
    constexpr int kStreams = 8;
    const size_t vectors = bytes / sizeof(Vec);
    const size_t passes = std::max<size_t>(1, (size_t{192} << 20) / bytes);
    Vec sums[kStreams] = {};
    for (size_t p = 0; p < passes; ++p) {
      asm volatile("" : "+m"(sink) : : "memory");  // the data may have changed: read it again
      for (size_t i = 0; i + kStreams <= vectors; i += kStreams)
#pragma GCC unroll 8
        for (int s = 0; s < kStreams; ++s) sums[s] += data[i + s];
    }
    for (int s = 1; s < kStreams; ++s) sums[0] += sums[s];
    sink = sums[0][0];
    return double(passes) * bytes;
  });
}

}  // namespace

int main() {
  constexpr size_t kib = 1024;
  const std::vector<size_t> footprints = {16,   32,   64,   128,  256,  512,   768,   1024,
                                          1536, 2048, 3072, 4096, 8192, 16384, 32768, 65536};
  void* memory = std::aligned_alloc(4096, footprints.back() * kib);
  if (!memory) return 1;
  std::memset(memory, 0, footprints.back() * kib);
  std::printf("{\"gflops\": %.2f, \"gbytes\": [", fma_peak() / 1e9);
  const char* separator = "";
  for (size_t footprint : footprints) {
    const size_t bytes = footprint * kib;
    std::printf("%s[%zu, %.2f]", separator, bytes, read_bandwidth(static_cast<Vec*>(memory), bytes) / 1e9);
    separator = ", ";
  }
  std::printf("]}\n");
  std::free(memory);
  return 0;
}
