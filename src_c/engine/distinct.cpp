#include "distinct.h"

#include <algorithm>
#include <limits>

#include "buffer.h"

namespace rnnfast {

int64_t distinct_tokens(int64_t count, const int64_t* tokens, int64_t* distinct, int32_t* index) {
  const int64_t most = std::min<int64_t>(most_distinct(count), std::numeric_limits<int32_t>::max() - 1);
  int bits = 4;
  while ((int64_t{1} << bits) < 2 * (most + 1)) ++bits;
  // Open addressing in a table that is never more than half full; 0: free, else one more than a place in `distinct`.
  Buffer<int32_t> table(int64_t{1} << bits);
  const uint64_t last = (uint64_t{1} << bits) - 1;
  int64_t found = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t at = (static_cast<uint64_t>(tokens[i]) * 0x9E3779B97F4A7C15u) >> (64 - bits);
    while (table[at] != 0 && distinct[table[at] - 1] != tokens[i]) at = (at + 1) & last;
    if (table[at] == 0) {
      if (found == most) return -1;
      distinct[found++] = tokens[i];
      table[at] = static_cast<int32_t>(found);
    }
    index[i] = table[at] - 1;
  }
  return found;
}

}  // namespace rnnfast
