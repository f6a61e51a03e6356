// What is copied into its callers, and which loops are written out: RNNFAST_INLINE, RNNFAST_INLINE_LAMBDA,
// RNNFAST_NOINLINE, RNNFAST_UNROLL. Under AddressSanitizer nothing is: the checks of every access in every copy take
// minutes to compile, and find in one copy what they find in all.
#ifndef RNNFAST_SIMD_INLINING_H
#define RNNFAST_SIMD_INLINING_H

#if defined(_MSC_VER) && !defined(__clang__)
#define RNNFAST_INLINE __forceinline
#define RNNFAST_INLINE_LAMBDA
#define RNNFAST_NOINLINE __declspec(noinline)
#define RNNFAST_UNROLL
#else
#define RNNFAST_NOINLINE __attribute__((noinline))
#if defined(__SANITIZE_ADDRESS__)
#define RNNFAST_INLINE inline
#define RNNFAST_INLINE_LAMBDA
#define RNNFAST_UNROLL
#else
#define RNNFAST_INLINE inline __attribute__((always_inline))
#define RNNFAST_INLINE_LAMBDA __attribute__((always_inline))
#if defined(__clang__)
#define RNNFAST_UNROLL _Pragma("clang loop unroll(full)")
#else
#define RNNFAST_UNROLL _Pragma("GCC unroll 24")
#endif
#endif
#endif

#endif
