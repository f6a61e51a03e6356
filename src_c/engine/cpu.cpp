#include "cpu.h"

#include <cstdlib>
#include <stdexcept>

#include "../isa/tables.h"
#include "cpu_features.h"
#include "trial.h"

namespace rnnfast {
namespace {

constexpr const char* kOverride = "RNNFAST_ISA";

const std::vector<const KernelTable*>& tables() {
  static const std::vector<const KernelTable*> found = [] {
    std::vector<const KernelTable*> list;
    const CpuFeatures features = detect_cpu_features();
    (void)features;  // a build without any instruction set beyond the baseline
#if defined(RNNFAST_HAVE_AVX512)
#if defined(RNNFAST_HAVE_AMX)
    if (features.amx) {
      static const KernelTable table = with_amx(rnnfast_table_avx512(), rnnfast_products_amx());
      if (products_agree(table)) list.push_back(&table);
    }
#endif
    if (features.avx512) {
      static KernelTable table = rnnfast_table_avx512();
#if defined(RNNFAST_HAVE_AVX512_BF16)
      if (features.avx512_bf16) table.bf16 = rnnfast_bf16_avx512_bf16();
#endif
#if defined(RNNFAST_HAVE_AVX512_VNNI)
      if (features.avx512_vnni) table.int8 = rnnfast_int8_avx512_vnni();
#endif
      list.push_back(&table);
    }
#endif
#if defined(RNNFAST_HAVE_AVX2)
    if (features.avx2) {
      static KernelTable table = rnnfast_table_avx2();
#if defined(RNNFAST_HAVE_AVX2_VNNI)
      if (features.avx_vnni) table.int8 = rnnfast_int8_avx2_vnni();
#endif
      list.push_back(&table);
    }
#endif
#if defined(RNNFAST_HAVE_NEON)
    if (features.neon) {
      static KernelTable table = rnnfast_table_neon();
#if defined(RNNFAST_HAVE_NEON_BF16)
      if (features.neon_bf16) table.bf16 = rnnfast_bf16_neon_bf16();
#endif
#if defined(RNNFAST_HAVE_NEON_DOTPROD)
      if (features.neon_dotprod) table.int8 = rnnfast_int8_neon_dotprod();
#endif
      list.push_back(&table);
    }
#endif
    list.push_back(&rnnfast_table_generic());
    return list;
  }();
  return found;
}

std::string requested() {
  const char* name = std::getenv(kOverride);
  return name == nullptr ? "" : name;
}

const KernelTable& choose() {
  const std::string name = requested();
  if (name.empty()) return *tables().front();
  if (const KernelTable* table = find_table(name)) return *table;
  std::string has;
  for (const KernelTable* table : tables()) has += (has.empty() ? "" : ", ") + std::string(table->isa);
  const bool known = name == "avx2" || name == "avx512" || name == "amx" || name == "neon";
  throw std::invalid_argument(std::string(kOverride) + "=" + name + (known ? " is not available" : " is unknown") +
                              ": this build can run " + has + " on this machine");
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect_cpu_info();
  return info;
}

std::vector<const KernelTable*> available_tables() { return tables(); }

const KernelTable* find_table(const std::string& name) {
  for (const KernelTable* table : tables())
    if (name == table->isa) return table;
  return nullptr;
}

const KernelTable& active_table() {
  static const KernelTable& table = choose();
  return table;
}

bool table_forced() {
  static const bool forced = !requested().empty();
  return forced;
}

}  // namespace rnnfast
