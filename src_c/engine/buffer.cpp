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

// Released blocks that wait for a request, the oldest first. Of those that are large enough, and not more than twice as
// large, a request takes the smallest: so a last, smaller batch, or batches of all lengths, find the blocks of others.
// Blocks that nobody asks for any more go: the oldest, where there is no room for one more, or after many releases. A
// lock that is taken (by a thread that a fork left behind, perhaps) is not waited for: the system serves then.
class KeptBlocks {
 public:
  Block take(std::size_t size) {
    const std::unique_lock<std::mutex> hold(lock_, std::try_to_lock);
    if (!hold.owns_lock()) return {};
    std::size_t best = count_;
    for (std::size_t i = count_; i-- > 0;) {
      const std::size_t bytes = kept_[i].block.bytes;
      if (bytes == size) return remove(i);
      if (bytes > size && bytes <= 2 * size && (best == count_ || bytes < kept_[best].block.bytes)) best = i;
    }
    return best < count_ ? remove(best) : Block{};
  }
  bool keep(const Block& block) {
    const std::unique_lock<std::mutex> hold(lock_, std::try_to_lock);
    if (!hold.owns_lock()) return false;
    ++releases_;
    while (count_ > 0 && (count_ == kMost || bytes_ + block.bytes > kKeptBytes || releases_ - kept_[0].since > kStale))
      system_release(remove(0).data);
    kept_[count_++] = {block, releases_};
    bytes_ += block.bytes;
    return true;
  }
  std::size_t bytes() {
    const std::lock_guard<std::mutex> hold(lock_);
    return bytes_;
  }

 private:
  // More than a training step of a deep stack needs: blocks, and releases.
  static constexpr std::size_t kMost = 128;
  static constexpr int64_t kStale = 1000;
  static_assert(kLargestKept <= kKeptBytes, "a block that is worth keeping has room");
  struct Kept {
    Block block;
    int64_t since;  // how many releases came before
  };
  Block remove(std::size_t i) {
    const Block removed = kept_[i].block;
    std::copy(kept_ + i + 1, kept_ + count_--, kept_ + i);
    bytes_ -= removed.bytes;
    return removed;
  }
  std::mutex lock_;
  Kept kept_[kMost];
  std::size_t count_ = 0, bytes_ = 0;
  int64_t releases_ = 0;
};

// Never destroyed: buffers may be released while the process ends.
KeptBlocks& kept_blocks() {
  static KeptBlocks& blocks = *new KeptBlocks;
  return blocks;
}

bool worth_keeping(std::size_t size) { return size >= kSmallestKept && size <= kLargestKept; }

}  // namespace

Block aligned_allocate(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  if (size < bytes) throw std::bad_alloc();
  const Block kept = worth_keeping(size) ? kept_blocks().take(size) : Block{};
  return kept.data ? kept : Block{system_allocate(size), size};
}

void aligned_release(const Block& block) noexcept {
  if (block.data == nullptr) return;
  if (!worth_keeping(block.bytes) || !kept_blocks().keep(block)) system_release(block.data);
}

std::size_t kept_bytes() { return kept_blocks().bytes(); }

void* Workspace::take_bytes(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  Place* best = nullptr;     // the smallest free block that is large enough
  Place* largest = nullptr;  // the largest free block
  for (Place& place : places_) {
    if (place.used) continue;
    const auto size = static_cast<std::size_t>(place.memory.size());
    if (size >= bytes && (best == nullptr || place.memory.size() < best->memory.size())) best = &place;
    if (largest == nullptr || place.memory.size() > largest->memory.size()) largest = &place;
  }
  if (best == nullptr) {
    if (largest == nullptr) {
      places_.emplace_back();
      largest = &places_.back();
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
  for (Place& place : places_) {
    if (place.memory.data() == pointer) {
      place.used = false;
      return;
    }
  }
}

void Workspace::give_all() noexcept {
  for (Place& place : places_) place.used = false;
}

void Workspace::clear() noexcept {
  places_.clear();
  bytes_ = 0;
}

}  // namespace rnnfast
