// Blocks of memory that are kept: which requests they serve, that nobody shares one, and that those of no use go.
#include <cstdio>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "../../src_c/engine/buffer.h"

namespace {

using namespace rnnfast;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

int failures = 0;

void expect(bool good, const char* what) {
  if (good) return;
  ++failures;
  std::printf("%s\n", what);
}

void serves_what_is_about_as_large() {
  const Block large = aligned_allocate(6 * kMegabyte), small = aligned_allocate(4 * kMegabyte);
  aligned_release(large);
  aligned_release(small);
  const Block half = aligned_allocate(3 * kMegabyte), next = aligned_allocate(3 * kMegabyte);
  expect(half.data == small.data && half.bytes == small.bytes, "the smallest block that is large enough serves");
  expect(next.data == large.data && next.bytes == large.bytes, "a block serves a request of half its size");
  aligned_release(half);
  aligned_release(next);
  const Block less = aligned_allocate(kMegabyte), exact = aligned_allocate(6 * kMegabyte);
  expect(less.data != small.data && less.data != large.data, "no block serves a request of less than half its size");
  expect(exact.data == large.data, "a block whose next size was smaller serves its own size again");
  aligned_release(less);
  aligned_release(exact);
}

void gives_back_what_nobody_wants() {
  const std::size_t before = kept_bytes();
  aligned_release(aligned_allocate(20 * kMegabyte));
  expect(kept_bytes() >= before + 20 * kMegabyte, "a large block is kept");
  for (int i = 0; i < 2000; ++i) aligned_release(aligned_allocate(kMegabyte / 2));
  expect(kept_bytes() <= kMegabyte, "a block that lies unused for many releases goes");
}

// Every thread writes its number all over what it holds, and finds it there later.
void nobody_shares_a_block() {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &wrong] {
      std::mt19937 generator(static_cast<unsigned>(t));
      std::vector<Buffer<int>> held(6);
      for (int round = 0; round < 500; ++round) {
        Buffer<int>& buffer = held[generator() % held.size()];
        for (int value : buffer) wrong[static_cast<size_t>(t)] += value != t + 1;
        buffer = Buffer<int>(static_cast<int64_t>(1 + generator() % 40'000), uninitialised);
        for (int& value : buffer) value = t + 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (int count : wrong) expect(count == 0, "two threads held the same memory");
}

void zero_filled_unless_asked_otherwise() {
  constexpr auto n = static_cast<int64_t>(3 * kMegabyte);
  {
    Buffer<unsigned char> dirty(n, uninitialised);
    std::memset(dirty.data(), 7, 3 * kMegabyte);
  }
  const Buffer<unsigned char> clean(n / 4 * 3);
  bool zero = true;
  for (unsigned char value : clean) zero = zero && value == 0;
  expect(zero, "a buffer starts with zeros in a block that was used before");
}

}  // namespace

int main() {
  serves_what_is_about_as_large();
  gives_back_what_nobody_wants();
  nobody_shares_a_block();
  zero_filled_unless_asked_otherwise();
  if (failures == 0) std::printf("ok\n");
  return failures != 0;
}
