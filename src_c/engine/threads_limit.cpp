// How many processors the process may use: affinity, and the CPU quota of its control group.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

#include "threads.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace rnnfast {
namespace {

int hardware_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

#if defined(__linux__)
int affinity() {
  // The mask must be as large as the kernel's, which may have more processors than cpu_set_t holds.
  for (int size = CPU_SETSIZE; size <= (1 << 20); size *= 2) {
    cpu_set_t* set = CPU_ALLOC(size);
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(size);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return hardware_threads();
}

constexpr int kUnlimited = std::numeric_limits<int>::max();

int quota_threads(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return kUnlimited;
  const double threads = quota / period;
  if (threads >= kUnlimited) return kUnlimited;
  return std::max(1, static_cast<int>(threads) + (threads > static_cast<int>(threads) ? 1 : 0));
}

double number_in(const std::string& path) {
  std::ifstream file(path);
  double value = -1;
  file >> value;
  return file ? value : -1;
}

int unified_limit(const std::string& folder) {  // version 2: "max 100000" or "150000 100000"
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max") return kUnlimited;
  return quota_threads(std::strtod(quota.c_str(), nullptr), period);
}

int legacy_limit(const std::string& folder) {  // version 1
  return quota_threads(number_in(folder + "/cpu.cfs_quota_us"), number_in(folder + "/cpu.cfs_period_us"));
}

// The limit of a group is the smallest one on the way up to the root.
template <class Limit> int limit_upwards(const std::string& root, std::string path, Limit limit) {
  int found = limit(root);
  while (path.size() > 1) {
    found = std::min(found, limit(root + path));
    path.erase(path.find_last_of('/'));
  }
  return found;
}

int group_limit() {
  int found = kUnlimited;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // id:controllers:path
    std::istringstream fields(line);
    std::string id, controllers, path;
    if (!std::getline(fields, id, ':') || !std::getline(fields, controllers, ':')) continue;
    std::getline(fields, path);
    if (path.empty() || path[0] != '/') continue;
    if (controllers.empty()) {
      found = std::min(found, limit_upwards("/sys/fs/cgroup", path, unified_limit));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      for (const char* folder : {controllers.c_str(), "cpu"})
        found = std::min(found, limit_upwards(std::string("/sys/fs/cgroup/") + folder, path, legacy_limit));
    }
  }
  return found;
}
#endif

}  // namespace

int processor_limit() {
#if defined(__linux__)
  return std::max(1, std::min(affinity(), group_limit()));
#else
  return hardware_threads();
#endif
}

}  // namespace rnnfast
