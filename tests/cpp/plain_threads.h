// Checks under plain threads and not OpenMP's, so that ThreadSanitizer sees every one of them.
#ifndef RNNFAST_TESTS_PLAIN_THREADS_H
#define RNNFAST_TESTS_PLAIN_THREADS_H

#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <thread>
#include <vector>

inline int failures = 0;

inline void expect(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::printf("failed: %s\n", what);
}

// body(member) on so many threads at once.
inline void run_members(int members, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int member = 1; member < members; ++member) threads.emplace_back(body, member);
  body(0);
  for (std::thread& thread : threads) thread.join();
}

// Weights and inputs, one array after the other from one generator.
class RandomValues {
 public:
  std::vector<float> operator()(int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& v : values) v = normal_(generator_);
    return values;
  }

 private:
  std::mt19937 generator_{3};
  std::normal_distribution<float> normal_{0, 0.3F};
};

#endif
