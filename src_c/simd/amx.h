// Matrix registers: Intel's Advanced Matrix Extensions. Eight tiles of up to 16 rows of 64 bytes. A row of A or B holds
// 16 elements of 32 bits, each 2 bf16 or 4 int8 of consecutive k; a row of C holds 16 sums.
//
//   AmxSession(rows)      tiles may be used while it lives: the last one, for B, with 16 rows, the others with 1
//                         to 16. It ends with them given back, so that the system need not save 8 KB more for every
//                         switch between threads.
//   amx_zero<T>()         T, A, B, C are numbers of tiles
//   amx_load<T>(p, stride), amx_store<T>(p, stride)     row r at p + r * stride bytes
//   amx_dot_bf16<C, A, B>()   C += A B. Each call sums the products of even k in order, those of odd k in order (fused,
//                             in float, denormals as zero), adds the two sums, and that to C.
//   amx_dot_int8<C, A, B>()   C += A B in int32, signed by signed
//
// With RNNFAST_AMX_EMULATED the same is done in plain C++, as Intel's manual writes it down (Software Developer's
// Manual, TDPBF16PS and TDPBSSD): the tests' way to run all that is built on it on a machine without AMX.
#ifndef RNNFAST_SIMD_AMX_H
#define RNNFAST_SIMD_AMX_H

#include <string.h>

#include "bf16.h"

namespace rnnfast {
namespace RNNFAST_ISA {

constexpr int kAmxTiles = 8;
constexpr int kAmxRows = 16;   // at most
constexpr int kAmxLanes = 16;  // elements of a row
constexpr int kAmxB = kAmxTiles - 1;

#if defined(RNNFAST_AMX_EMULATED)

union AmxTile {
  uint32_t lane[kAmxRows][kAmxLanes];
  float real[kAmxRows][kAmxLanes];
  uint16_t bf16[kAmxRows][2 * kAmxLanes];
  int8_t int8[kAmxRows][4 * kAmxLanes];
};

struct AmxState {
  int rows = 0;  // 0: tiles must not be used
  AmxTile tile[kAmxTiles];
};
static thread_local AmxState amx_state;

inline AmxTile& amx_tile(int t) {
  if (amx_state.rows == 0) __builtin_trap();
  return amx_state.tile[t];
}
inline int amx_rows(int t) { return t == kAmxB ? kAmxRows : amx_state.rows; }

struct AmxSession {
  explicit AmxSession(int rows) {
    if (amx_state.rows != 0 || rows < 1 || rows > kAmxRows) __builtin_trap();
    amx_state.rows = rows;
    memset(amx_state.tile, 0, sizeof(amx_state.tile));
  }
  ~AmxSession() { amx_state.rows = 0; }
  AmxSession(const AmxSession&) = delete;
  AmxSession& operator=(const AmxSession&) = delete;
};

template <int T> void amx_zero() { memset(&amx_tile(T), 0, sizeof(AmxTile)); }
template <int T> void amx_load(const void* p, ptrdiff_t stride) {
  for (int r = 0; r < amx_rows(T); ++r) memcpy(amx_tile(T).lane[r], static_cast<const char*>(p) + r * stride, 64);
}
template <int T> void amx_store(void* p, ptrdiff_t stride) {
  for (int r = 0; r < amx_rows(T); ++r) memcpy(static_cast<char*>(p) + r * stride, amx_tile(T).lane[r], 64);
}

inline float without_denormals(float x) {
  const uint32_t bits = bits_of_float(x);
  return (bits & kInfinityBits) == 0 ? float_of_bits(bits & 0x80000000) : x;
}
inline float factor_of(uint16_t bf16) { return without_denormals(float_of_bf16(bf16)); }

template <int C, int A, int B> void amx_dot_bf16() {
  AmxTile& c = amx_tile(C);
  const AmxTile& a = amx_tile(A);
  const AmxTile& b = amx_tile(B);
  for (int m = 0; m < amx_rows(C); ++m) {
    float sum[2 * kAmxLanes] = {};
    for (int k = 0; k < kAmxLanes; ++k)
      for (int n = 0; n < 2 * kAmxLanes; ++n)
        sum[n] = without_denormals(
            __builtin_fmaf(factor_of(a.bf16[m][2 * k + n % 2]), factor_of(b.bf16[k][n]), sum[n]));
    for (int n = 0; n < kAmxLanes; ++n)
      c.real[m][n] =
          without_denormals(without_denormals(c.real[m][n]) + without_denormals(sum[2 * n] + sum[2 * n + 1]));
  }
}

template <int C, int A, int B> void amx_dot_int8() {
  AmxTile& c = amx_tile(C);
  const AmxTile& a = amx_tile(A);
  const AmxTile& b = amx_tile(B);
  for (int m = 0; m < amx_rows(C); ++m)
    for (int k = 0; k < kAmxLanes; ++k)
      for (int n = 0; n < 4 * kAmxLanes; ++n)
        c.lane[m][n / 4] += static_cast<uint32_t>(a.int8[m][4 * k + n % 4] * b.int8[k][n]);
}

#else

// In assembler, as the compilers' own headers have it: their macros take the numbers of tiles as literal text alone.
struct AmxSession {
  explicit AmxSession(int rows) {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } shapes;
    static_assert(sizeof(shapes) == 64, "the operand of ldtilecfg");
    for (int t = 0; t < kAmxTiles; ++t) {
      shapes.row_bytes[t] = 4 * kAmxLanes;
      shapes.rows[t] = static_cast<uint8_t>(t == kAmxB ? kAmxRows : rows);
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(shapes) : "memory");
  }
  ~AmxSession() { __asm__ volatile("tilerelease" ::: "memory"); }
  AmxSession(const AmxSession&) = delete;
  AmxSession& operator=(const AmxSession&) = delete;
};

template <int T> RNNFAST_INLINE void amx_zero() { __asm__ volatile("tilezero %%tmm%c0" ::"i"(T)); }
template <int T> RNNFAST_INLINE void amx_load(const void* p, ptrdiff_t stride) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(T) : "memory");
}
template <int T> RNNFAST_INLINE void amx_store(void* p, ptrdiff_t stride) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(T) : "memory");
}
template <int C, int A, int B> RNNFAST_INLINE void amx_dot_bf16() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
}
template <int C, int A, int B> RNNFAST_INLINE void amx_dot_int8() {
  __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
}

#endif

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
