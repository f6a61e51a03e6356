// Zoneout (Krueger et al. 2017): an element of a state stays what it was, or takes its new value. In training which one
// is drawn; in inference the state is the expectation of both.
#ifndef RNNFAST_KERNELS_ZONEOUT_H
#define RNNFAST_KERNELS_ZONEOUT_H

#include "../simd/slice.h"
#include "table.h"

namespace rnnfast {
namespace RNNFAST_ISA {

// By how much the units of a packed row stay what they were: 0, 1 or the share. Bytes past the row are read, which
// RnnNoise has room for.
template <class T>
RNNFAST_INLINE Vec<T> kept_share(const Zoneout<T>& zoneout, const Slice<T>& u, int64_t packed, int64_t units) {
  if (!zoneout.kept) return Vec<T>::set1(zoneout.share);
  const uint8_t* kept = zoneout.kept + packed * units + u.first;
  alignas(64) T share[Vec<T>::N];
  for (int i = 0; i < Vec<T>::N; ++i) share[i] = static_cast<T>(static_cast<int32_t>(kept[i]));
  return Vec<T>::load(share);
}

// The part that moves on: what is left of v. Exactly v or 0 where the share is 0 or 1.
template <class T> RNNFAST_INLINE Vec<T> moved_part(Vec<T> share, Vec<T> v) { return fnma(share, v, v); }

template <class T> RNNFAST_INLINE Vec<T> zoned_out(Vec<T> share, Vec<T> before, Vec<T> now) {
  return fma(share, before, moved_part(share, now));
}

// Writes the units of a packed row's state after a step.
template <class T>
RNNFAST_INLINE void store_state(const Zoneout<T>& zoneout, const Slice<T>& u, int64_t packed, int64_t units,
                                const T* before_row, T* row, Vec<T> now) {
  if (zoneout.active()) now = zoned_out(kept_share(zoneout, u, packed, units), u.load(before_row), now);
  u.store(row, now);
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
