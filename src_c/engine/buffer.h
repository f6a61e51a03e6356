// 64-byte aligned memory: arrays that own it, and a workspace that hands out reusable blocks.
#ifndef RNNFAST_ENGINE_BUFFER_H
#define RNNFAST_ENGINE_BUFFER_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace rnnfast {

constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector

// Memory that somebody holds, 64-byte aligned.
struct Block {
  void* data = nullptr;
  std::size_t bytes = 0;
};

// A block of at least `bytes` bytes; large ones are aligned to, and asked for as, huge pages. A few large blocks are
// kept when they are released, since fresh pages cost as much as the work of a small layer. Throws std::bad_alloc.
Block aligned_allocate(std::size_t bytes);
void aligned_release(const Block& block) noexcept;
// Of the blocks that are kept.
std::size_t kept_bytes();

struct Uninitialised {};
constexpr Uninitialised uninitialised{};

// An array of n elements that owns its memory. Zero-filled unless asked otherwise.
template <class T> class Buffer {
  static_assert(std::is_trivially_copyable<T>::value, "Buffer holds plain data");

 public:
  Buffer() = default;
  Buffer(int64_t n, Uninitialised)
      : block_(n > 0 ? aligned_allocate(static_cast<std::size_t>(n) * sizeof(T)) : Block{}), size_(n > 0 ? n : 0) {}
  explicit Buffer(int64_t n) : Buffer(n, uninitialised) {
    if (size_ > 0) std::memset(block_.data, 0, static_cast<std::size_t>(size_) * sizeof(T));
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, {})), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { aligned_release(block_); }

  T* data() { return static_cast<T*>(block_.data); }
  const T* data() const { return static_cast<const T*>(block_.data); }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  Block block_;
  int64_t size_ = 0;
};

// Blocks of memory that one thread takes and gives back. A repeated pattern of requests allocates nothing after its
// first round; a request that no free block satisfies replaces the largest free one, so there are never more blocks
// than were in use at one time.
class Workspace {
 public:
  // The returned block stays in use until give(). Contents are undefined. n = 0 gives null.
  template <class T> T* take(int64_t n) {
    return static_cast<T*>(take_bytes(n > 0 ? static_cast<std::size_t>(n) * sizeof(T) : 0));
  }
  void give(const void* block) noexcept;  // null and foreign pointers are ignored
  void give_all() noexcept;
  std::size_t bytes() const { return bytes_; }
  void clear() noexcept;  // frees every block

 private:
  struct Place {
    Buffer<unsigned char> memory;
    bool used = false;
  };
  void* take_bytes(std::size_t bytes);

  std::vector<Place> places_;
  std::size_t bytes_ = 0;
};

}  // namespace rnnfast

#endif
