// What the machine can run, and the kernel table that this process uses.
#ifndef RNNFAST_ENGINE_CPU_H
#define RNNFAST_ENGINE_CPU_H

#include <cstdint>
#include <string>
#include <vector>

#include "../kernels/table.h"

namespace rnnfast {

struct CpuInfo {
  std::string vendor, brand;
  std::vector<std::string> features;         // those that matter here, as the processor and the system offer them
  int cores = 1;                             // logical processors of the machine
  int64_t l1d = 0, l2 = 0, l3 = 0;           // bytes of one cache; 0 = unknown
};
const CpuInfo& cpu_info();

// The tables that this build has and this machine can run, best first. "generic" is always the last.
std::vector<const KernelTable*> available_tables();
// One of them by name, or null.
const KernelTable* find_table(const std::string& name);
// The table of this process: the best one, or what the environment variable RNNFAST_ISA names.
// Throws std::invalid_argument when RNNFAST_ISA names what the build or the machine lacks.
const KernelTable& active_table();
// The active table was asked for by RNNFAST_ISA.
bool table_forced();

}  // namespace rnnfast

#endif
