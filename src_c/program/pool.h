// Objects that calls lease and give back, without a lock: a fork or a slow thread never leaves it held.
#ifndef RNNFAST_PROGRAM_POOL_H
#define RNNFAST_PROGRAM_POOL_H

#include <atomic>
#include <memory>

namespace rnnfast {

template <class Object> class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (auto& slot : slots_) delete slot.load();
  }

  // An idle object, or what make() gives.
  template <class Make> std::unique_ptr<Object> take(Make&& make) {
    for (auto& slot : slots_) {
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (Object* idle = slot.exchange(nullptr, std::memory_order_acquire)) return std::unique_ptr<Object>(idle);
    }
    return make();
  }

  // Kept for the next call, or destroyed when enough are idle.
  void give(std::unique_ptr<Object> object) noexcept {
    for (auto& slot : slots_) {
      Object* empty = nullptr;
      if (slot.load(std::memory_order_relaxed) == nullptr &&
          slot.compare_exchange_strong(empty, object.get(), std::memory_order_release)) {
        object.release();
        return;
      }
    }
  }

 private:
  static constexpr int kIdle = 64;
  std::atomic<Object*> slots_[kIdle] = {};
};

}  // namespace rnnfast

#endif
