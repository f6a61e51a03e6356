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

// At least `bytes` bytes, 64-byte aligned; large blocks are aligned to, and asked for as, huge pages. A few large
// blocks are kept when they are released, since fresh pages cost as much as the work of a small layer. Throws
// std::bad_alloc.
void* aligned_allocate(std::size_t bytes);
void aligned_release(void* pointer, std::size_t bytes) noexcept;  // bytes as asked for

struct Uninitialised {};
constexpr Uninitialised uninitialised{};

// An array of n elements that owns its memory. Zero-filled unless asked otherwise.
template <class T> class Buffer {
  static_assert(std::is_trivially_copyable<T>::value, "Buffer holds plain data");

 public:
  Buffer() = default;
  Buffer(int64_t n, Uninitialised)
      : data_(n > 0 ? static_cast<T*>(aligned_allocate(static_cast<std::size_t>(n) * sizeof(T))) : nullptr),
        size_(n > 0 ? n : 0) {}
  explicit Buffer(int64_t n) : Buffer(n, uninitialised) {
    if (size_ > 0) std::memset(static_cast<void*>(data_), 0, static_cast<std::size_t>(size_) * sizeof(T));
  }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { aligned_release(data_, static_cast<std::size_t>(size_) * sizeof(T)); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_[i]; }
  const T& operator[](int64_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
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
  struct Block {
    Buffer<unsigned char> memory;
    bool used = false;
  };
  void* take_bytes(std::size_t bytes);

  std::vector<Block> blocks_;
  std::size_t bytes_ = 0;
};

}  // namespace rnnfast

#endif
