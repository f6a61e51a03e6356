// The different ones among many tokens: what a layer does to the row of a token need be done once for each.
#ifndef RNNFAST_ENGINE_DISTINCT_H
#define RNNFAST_ENGINE_DISTINCT_H

#include <cstdint>

namespace rnnfast {

// As many different tokens among `count` are worth telling apart: with more of them, the products that are saved are
// hardly more than the copies that take their place.
inline int64_t most_distinct(int64_t count) { return count / 2; }

// The different tokens in the order in which they first occur, and for every token its place among them. distinct: room
// for most_distinct(count). Gives their number, or -1 where there are more than most_distinct(count).
int64_t distinct_tokens(int64_t count, const int64_t* tokens, int64_t* distinct, int32_t* index);

}  // namespace rnnfast

#endif
