// Measures one core: the peak rates of multiply-adds, in float32 and in what this CPU has for bfloat16 and int8, and
// the read bandwidth by footprint. Prints JSON: {"peaks": {"float32": GFLOP/s, ...}, "gbytes": [[bytes, GB/s], ...]}.
// Build with -O3 -march=native -ffp-contract=fast.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>
#if defined(__AVX512BF16__) || defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vec __attribute__((vector_size(kBytes)));
// __m512i may alias anything, and so would not stay in registers.
typedef int IntVec __attribute__((vector_size(kBytes)));
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

// The indices of the chains are constants from the start, or the compiler would leave the chains in memory.
template <class Acc, class Step, size_t... C>
double chained(double lane_work, Step step, std::index_sequence<C...>) {
  return best_rate([=] {
    constexpr long kRounds = 1000000;
    using Lane = std::decay_t<decltype(Acc{}[0])>;
    Acc chains[] = {Acc{} + Lane(sink + C)...};  // all different, or they would be merged
    for (long r = 0; r < kRounds; ++r) {
      asm volatile("" : "+m"(sink));  // keeps the loop a loop
      ((chains[C] = step(chains[C])), ...);
    }
    Acc sum{};
    ((sum += chains[C]), ...);
    sink = float(sum[0]);
    return lane_work * (sizeof(Acc) / 4) * kChains * kRounds;
  });
}

// The peak rate of `step`, which does `lane_work` operations (a multiplication or an addition is one) in every lane of
// 32 bits of an Acc.
template <class Acc, class Step> double peak(double lane_work, Step step) {
  return chained<Acc>(lane_work, step, std::make_index_sequence<kChains>());
}

double fma_peak() {
  const Vec factor = Vec{} + 0.999f, term = Vec{} + 0.001f;
  return peak<Vec>(2, [=](Vec acc) { return acc * factor + term; });
}

// Two products of bfloat16 in every lane; zero where the CPU has none.
double bf16_peak() {
#ifdef __AVX512BF16__
  const __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f));
  return peak<Vec>(4, [=](Vec acc) { return Vec(_mm512_dpbf16_ps(__m512(acc), factor, factor)); });
#else
  return 0;
#endif
}

// Four products of int8 in every lane; zero where the CPU has none.
double int8_peak() {
#if defined(__AVX512VNNI__)
  const __m512i factor = _mm512_set1_epi8(3);
  return peak<IntVec>(8, [=](IntVec acc) { return IntVec(_mm512_dpbusd_epi32(__m512i(acc), factor, factor)); });
#elif defined(__AVXVNNI__)
  const __m256i factor = _mm256_set1_epi8(3);
  return peak<IntVec>(8, [=](IntVec acc) { return IntVec(_mm256_dpbusd_avx_epi32(__m256i(acc), factor, factor)); });
#else
  return 0;
#endif
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
  std::printf("{\"peaks\": {\"float32\": %.2f", fma_peak() / 1e9);
  if (const double peak = bf16_peak()) std::printf(", \"bfloat16\": %.2f", peak / 1e9);
  if (const double peak = int8_peak()) std::printf(", \"int8\": %.2f", peak / 1e9);
  std::printf("}, \"gbytes\": [");
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
