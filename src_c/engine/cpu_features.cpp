#include "cpu_features.h"

#include <cstring>
#include <fstream>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#define RNNFAST_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace rnnfast {
namespace {

#if defined(RNNFAST_X86)
struct Registers {
  uint32_t a, b, c, d;
};

Registers cpuid(uint32_t leaf, uint32_t sub = 0) {
  Registers r{0, 0, 0, 0};
#if defined(_MSC_VER)
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(sub));
  std::memcpy(&r, out, sizeof(r));
#else
  __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
#endif
  return r;
}

uint32_t max_leaf(uint32_t range) { return cpuid(range).a; }

// The register states that the operating system saves on a context switch.
uint64_t saved_states() {
  if (!((cpuid(1).c >> 27) & 1)) return 0;  // OSXSAVE
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool bit(uint32_t value, int n) { return (value >> n) & 1; }

struct X86Features {
  bool avx, avx2, fma, f, dq, bw, vl, cd, vnni, bf16, avx_vnni, amx_tile, amx_bf16, amx_int8;
};

X86Features x86_features() {
  const uint32_t leaves = max_leaf(0);
  const Registers one = cpuid(1);
  const Registers seven = leaves >= 7 ? cpuid(7) : Registers{0, 0, 0, 0};
  const Registers seven_one = leaves >= 7 && seven.a >= 1 ? cpuid(7, 1) : Registers{0, 0, 0, 0};
  const uint64_t states = saved_states();
  const bool ymm = (states & 0x6) == 0x6;                // SSE and AVX
  const bool zmm = (states & 0xe6) == 0xe6;              // and opmask, upper ZMM, ZMM16-31
  const bool tiles = (states & 0x60000) == 0x60000;      // XTILECFG and XTILEDATA
  X86Features x{};
  x.avx = ymm && bit(one.c, 28);
  x.fma = ymm && bit(one.c, 12);
  x.avx2 = ymm && bit(seven.b, 5);
  x.f = zmm && bit(seven.b, 16);
  x.dq = zmm && bit(seven.b, 17);
  x.cd = zmm && bit(seven.b, 28);
  x.bw = zmm && bit(seven.b, 30);
  x.vl = zmm && bit(seven.b, 31);
  x.vnni = zmm && bit(seven.c, 11);
  x.bf16 = zmm && bit(seven_one.a, 5);
  x.avx_vnni = ymm && bit(seven_one.a, 4);
  x.amx_bf16 = tiles && bit(seven.d, 22);
  x.amx_tile = tiles && bit(seven.d, 24);
  x.amx_int8 = tiles && bit(seven.d, 25);
  return x;
}

// Linux lets a process use tiles when it has asked: the room to save them is made per thread, and must be wanted. There
// is no other system on which that has been tried.
bool tiles_permitted() {
#if defined(__linux__)
  constexpr long kGetPermitted = 0x1022, kAsk = 0x1023;  // ARCH_GET_XCOMP_PERM, ARCH_REQ_XCOMP_PERM
  constexpr unsigned long kTileData = 18;                // the register state's number
  unsigned long permitted = 0;
  return syscall(SYS_arch_prctl, kAsk, kTileData) == 0 && syscall(SYS_arch_prctl, kGetPermitted, &permitted) == 0 &&
         ((permitted >> kTileData) & 1);
#else
  return false;
#endif
}

void describe_x86(CpuInfo& info) {
  const Registers zero = cpuid(0);
  char text[49] = {0};
  std::memcpy(text, &zero.b, 4);
  std::memcpy(text + 4, &zero.d, 4);
  std::memcpy(text + 8, &zero.c, 4);
  info.vendor = text;
  if (max_leaf(0x80000000u) >= 0x80000004u) {
    for (uint32_t i = 0; i < 3; ++i) {
      const Registers r = cpuid(0x80000002u + i);
      std::memcpy(text + 16 * i, &r, 16);
    }
    info.brand = text;
    const auto first = info.brand.find_first_not_of(' ');
    const auto last = info.brand.find_last_not_of(' ');
    info.brand = first == std::string::npos ? "" : info.brand.substr(first, last - first + 1);
  }
  const X86Features x = x86_features();
  const struct {
    bool has;
    const char* name;
  } names[] = {{x.avx, "avx"},           {x.avx2, "avx2"},         {x.fma, "fma"},
               {x.f, "avx512f"},         {x.dq, "avx512dq"},       {x.cd, "avx512cd"},
               {x.bw, "avx512bw"},       {x.vl, "avx512vl"},       {x.vnni, "avx512_vnni"},
               {x.bf16, "avx512_bf16"}, {x.avx_vnni, "avx_vnni"},  {x.amx_tile, "amx_tile"}, {x.amx_bf16, "amx_bf16"},
               {x.amx_int8, "amx_int8"}};
  for (const auto& feature : names)
    if (feature.has) info.features.emplace_back(feature.name);
}

// Deterministic cache parameters: Intel's leaf 4, and AMD's 0x8000001d of the same form.
void caches_by_cpuid(CpuInfo& info) {
  const uint32_t leaf = info.vendor == "AuthenticAMD" ? 0x8000001du : 4u;
  if (max_leaf(leaf & 0x80000000u) < leaf) return;
  for (uint32_t i = 0; i < 16; ++i) {
    const Registers r = cpuid(leaf, i);
    const uint32_t type = r.a & 31;
    if (type == 0) break;
    if (type == 2) continue;  // instructions
    const int64_t ways = (r.b >> 22) + 1, partitions = ((r.b >> 12) & 1023) + 1, line = (r.b & 4095) + 1;
    const int64_t size = ways * partitions * line * (static_cast<int64_t>(r.c) + 1);
    const uint32_t level = (r.a >> 5) & 7;
    (level == 1 ? info.l1d : level == 2 ? info.l2 : info.l3) = size;
  }
}
#endif

#if defined(__APPLE__)
std::string sysctl_text(const char* name) {
  char text[256] = {0};
  std::size_t size = sizeof(text) - 1;
  return sysctlbyname(name, text, &size, nullptr, 0) == 0 ? text : "";
}

int64_t sysctl_number(const char* name) {
  int64_t value = 0;
  std::size_t size = sizeof(value);
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}
#endif

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int64_t cache_bytes(const std::string& text) {
  int64_t value = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) value = 10 * value + (text[i] - '0');
  if (i < text.size() && text[i] == 'K') value <<= 10;
  if (i < text.size() && text[i] == 'M') value <<= 20;
  return value;
}

void caches_by_system(CpuInfo& info) {
#if defined(__APPLE__)
  info.l1d = sysctl_number("hw.l1dcachesize");
  info.l2 = sysctl_number("hw.l2cachesize");
  info.l3 = sysctl_number("hw.l3cachesize");
#else
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = first_line(folder + "level"), type = first_line(folder + "type");
    if (level.empty()) break;
    if (type == "Instruction") continue;
    (level == "1" ? info.l1d : level == "2" ? info.l2 : info.l3) = cache_bytes(first_line(folder + "size"));
  }
#endif
}

}  // namespace

CpuInfo detect_cpu_info() {
  CpuInfo info;
  info.cores = static_cast<int>(std::thread::hardware_concurrency());
  if (info.cores < 1) info.cores = 1;
  caches_by_system(info);
#if defined(RNNFAST_X86)
  describe_x86(info);
  if (info.l1d == 0) caches_by_cpuid(info);
#elif defined(__aarch64__) || defined(_M_ARM64)
  info.vendor = "ARM";
  info.features.emplace_back("neon");
  const CpuFeatures arm = detect_cpu_features();
  if (arm.neon_dotprod) info.features.emplace_back("dotprod");
  if (arm.neon_bf16) info.features.emplace_back("bf16");
#if defined(__APPLE__)
  info.vendor = "Apple";
  info.brand = sysctl_text("machdep.cpu.brand_string");
#endif
#endif
  return info;
}

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(RNNFAST_X86)
  const X86Features x = x86_features();
  features.avx2 = x.avx2 && x.fma;
  features.avx512 = features.avx2 && x.f && x.dq && x.bw && x.vl && x.cd;
  features.avx_vnni = features.avx2 && x.avx_vnni;
  features.avx512_vnni = features.avx512 && x.vnni;
  features.avx512_bf16 = features.avx512 && x.bf16;
  features.amx = features.avx512 && x.amx_tile && x.amx_bf16 && x.amx_int8 && tiles_permitted();
#elif defined(__aarch64__) || defined(_M_ARM64)
  features.neon = true;
#if defined(__APPLE__)
  features.neon_dotprod = sysctl_number("hw.optional.arm.FEAT_DotProd") == 1;
  features.neon_bf16 = sysctl_number("hw.optional.arm.FEAT_BF16") == 1;
#elif defined(__linux__)
  features.neon_dotprod = (getauxval(AT_HWCAP) >> 20) & 1;  // HWCAP_ASIMDDP
  features.neon_bf16 = (getauxval(AT_HWCAP2) >> 14) & 1;    // HWCAP2_BF16
#endif
#endif
  return features;
}

}  // namespace rnnfast
