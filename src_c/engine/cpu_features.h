// Raw detection: CPUID, XGETBV and Linux' permission for tiles on x86, hwcaps and sysctl on ARM; sysfs and sysctl for
// caches.
#ifndef RNNFAST_ENGINE_CPU_FEATURES_H
#define RNNFAST_ENGINE_CPU_FEATURES_H

#include "cpu.h"

namespace rnnfast {

// Features whose registers the operating system saves, too: a bit of CPUID alone is no permission.
struct CpuFeatures {
  bool avx2 = false;    // AVX2 and FMA
  bool avx512 = false;  // F, DQ, BW, VL, CD
  bool avx_vnni = false;     // int8 dot products in AVX2's encoding
  bool avx512_vnni = false;  // and in AVX-512's
  bool avx512_bf16 = false;
  bool amx = false;     // AVX-512 and tiles of bf16 and int8, which this process may use
  bool neon = false;    // Advanced SIMD with float64: every 64-bit ARM
  bool neon_dotprod = false, neon_bf16 = false;
};

CpuInfo detect_cpu_info();
CpuFeatures detect_cpu_features();

}  // namespace rnnfast

#endif
