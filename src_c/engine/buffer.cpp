#include "buffer.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace rnnfast {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Blocks that are kept: malloc serves smaller ones without the system, and larger ones are worth giving back.
constexpr std::size_t kSmallestKept = std::size_t{32} << 10, kLargestKept = std::size_t{128} << 20;
constexpr std::size_t kKeptBytes = std::size_t{256} << 20;

std::size_t round_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

// Sizes come in steps of an eighth, so that a block serves requests of about its size.
std::size_t block_size(std::size_t bytes) {
  if (bytes < kSmallestKept) return round_up(bytes == 0 ? 1 : bytes, kAlignment);
  std::size_t step = kAlignment;
  while (step * 16 <= bytes) step *= 2;
  return round_up(bytes, step);
}

void* system_allocate(std::size_t size) {
  const std::size_t alignment = size >= 2 * kHugePage ? kHugePage : kAlignment;
#if defined(_WIN32)
  void* pointer = _aligned_malloc(size, alignment);
  if (pointer == nullptr) throw std::bad_alloc();
#else
  void* pointer = nullptr;
  if (posix_memalign(&pointer, alignment, size) != 0) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // A hint: where it is refused, ordinary pages serve.
  if (alignment == kHugePage) (void)madvise(pointer, size / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
#endif
  return pointer;
}

void system_release(void* pointer) noexcept {
#if defined(_WIN32)
  _aligned_free(pointer);
#else
  std::free(pointer);
#endif
}

// Released blocks that wait for a request of their size, the oldest first. Where there is no room for one more, the
// oldest go, so that sizes that nobody asks for any more do not stay for ever. A lock that is taken (by a thread that a
// fork left behind, perhaps) is not waited for: the system serves then.
class KeptBlocks {
 public:
  void* take(std::size_t size) {
    const std::unique_lock<std::mutex> hold(lock_, std::try_to_lock);
    if (!hold.owns_lock()) return nullptr;
    for (std::size_t i = count_; i-- > 0;)
      if (blocks_[i].size == size) return remove(i);
    return nullptr;
  }
  bool keep(void* pointer, std::size_t size) {
    const std::unique_lock<std::mutex> hold(lock_, std::try_to_lock);
    if (!hold.owns_lock()) return false;
    while (count_ == kMost || bytes_ + size > kKeptBytes) system_release(remove(0));
    blocks_[count_++] = {pointer, size};
    bytes_ += size;
    return true;
  }

 private:
  static constexpr std::size_t kMost = 64;
  static_assert(kLargestKept <= kKeptBytes, "a block that is worth keeping has room");
  struct Block {
    void* pointer;
    std::size_t size;
  };
  void* remove(std::size_t i) {
    const Block removed = blocks_[i];
    std::copy(blocks_ + i + 1, blocks_ + count_--, blocks_ + i);
    bytes_ -= removed.size;
    return removed.pointer;
  }
  std::mutex lock_;
  Block blocks_[kMost];
  std::size_t count_ = 0, bytes_ = 0;
};

// Never destroyed: buffers may be released while the process ends.
KeptBlocks& kept_blocks() {
  static KeptBlocks& blocks = *new KeptBlocks;
  return blocks;
}

bool worth_keeping(std::size_t size) { return size >= kSmallestKept && size <= kLargestKept; }

}  // namespace

void* aligned_allocate(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  if (size < bytes) throw std::bad_alloc();
  void* kept = worth_keeping(size) ? kept_blocks().take(size) : nullptr;
  return kept ? kept : system_allocate(size);
}

void aligned_release(void* pointer, std::size_t bytes) noexcept {
  if (pointer == nullptr) return;
  const std::size_t size = block_size(bytes);
  if (!worth_keeping(size) || !kept_blocks().keep(pointer, size)) system_release(pointer);
}

void* Workspace::take_bytes(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  Block* best = nullptr;     // the smallest free block that is large enough
  Block* largest = nullptr;  // the largest free block
  for (Block& block : blocks_) {
    if (block.used) continue;
    const auto size = static_cast<std::size_t>(block.memory.size());
    if (size >= bytes && (best == nullptr || block.memory.size() < best->memory.size())) best = &block;
    if (largest == nullptr || block.memory.size() > largest->memory.size()) largest = &block;
  }
  if (best == nullptr) {
    if (largest == nullptr) {
      blocks_.emplace_back();
      largest = &blocks_.back();
    }
    // Freed before its successor is taken, so that the peak holds only one of them.
    bytes_ -= static_cast<std::size_t>(largest->memory.size());
    { Buffer<unsigned char> old = std::move(largest->memory); }
    // A little more than asked for, so that slowly growing requests do not reallocate each time.
    largest->memory = Buffer<unsigned char>(static_cast<int64_t>(round_up(bytes + bytes / 8, 4096)), uninitialised);
    bytes_ += static_cast<std::size_t>(largest->memory.size());
    best = largest;
  }
  best->used = true;
  return best->memory.data();
}

void Workspace::give(const void* pointer) noexcept {
  if (pointer == nullptr) return;
  for (Block& block : blocks_) {
    if (block.memory.data() == pointer) {
      block.used = false;
      return;
    }
  }
}

void Workspace::give_all() noexcept {
  for (Block& block : blocks_) block.used = false;
}

void Workspace::clear() noexcept {
  blocks_.clear();
  bytes_ = 0;
}

}  // namespace rnnfast
