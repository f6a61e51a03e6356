#include "buffer.h"

#include <cstdlib>
#include <new>

#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace rnnfast {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t round_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

void* aligned_allocate(std::size_t bytes) {
  const std::size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kAlignment;
  const std::size_t size = round_up(bytes == 0 ? 1 : bytes, kAlignment);
  if (size < bytes) throw std::bad_alloc();
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

void aligned_release(void* pointer) noexcept {
#if defined(_WIN32)
  _aligned_free(pointer);
#else
  std::free(pointer);
#endif
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
