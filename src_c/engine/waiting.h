// How a thread waits for another that is about to be done: it spins, and after a while lets others have its processor.
#ifndef RNNFAST_ENGINE_WAITING_H
#define RNNFAST_ENGINE_WAITING_H

#include <chrono>
#include <cstdint>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <emmintrin.h>
#endif

namespace rnnfast {

inline int64_t nanoseconds_now() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

// One wait: a turn between each two looks at what is waited for.
class Waiting {
 public:
  void turn() {
    if (++turns_ % kUnclocked != 0) return yields_ ? std::this_thread::yield() : pause();
    const int64_t now = nanoseconds_now();
    if (start_ == 0) start_ = now;
    yields_ = now - start_ >= kSpin;
  }
  // Of the first turns: what is waited for may come in less time than a look at the clock takes.
  bool brief() const { return turns_ < kUnclocked; }
  // Nanoseconds up to now, 0 if it was brief.
  int64_t waited() const { return start_ == 0 ? 0 : nanoseconds_now() - start_; }

 private:
  static constexpr uint32_t kUnclocked = 64;  // turns between looks at the clock
  static constexpr int64_t kSpin = 40'000;    // nanoseconds

  static void pause() {
#if defined(__x86_64__) || defined(_M_X64)
    _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
    __asm__ volatile("yield");
#endif
  }

  uint32_t turns_ = 0;
  int64_t start_ = 0;
  bool yields_ = false;
};

}  // namespace rnnfast

#endif
