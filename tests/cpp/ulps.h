// How far the functions of one instruction set's Vec<T> are from the exact ones, in units in the last place, and
// whether they are right at single points. Counts failures, and keeps a checksum of all results.
#ifndef RNNFAST_TESTS_ULPS_H
#define RNNFAST_TESTS_ULPS_H

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "../../src_c/simd/vec.h"

namespace {

using rnnfast::RNNFAST_ISA::Vec;
using Real = long double;

int failures = 0;
uint64_t checksum = 14695981039346656037u;

void fail(const std::string& what) {
  std::printf("FAILED %s\n", what.c_str());
  ++failures;
}

template <class T> const char* type_name() { return sizeof(T) == 4 ? "float" : "double"; }

// Fowler-Noll-Vo over the bits; every NaN counts as the same.
template <class T> void add_to_checksum(T value) {
  if (value != value) value = std::numeric_limits<T>::quiet_NaN();
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  for (unsigned char b : bytes) checksum = (checksum ^ b) * 1099511628211u;
}

// |got - exact| in units in the last place of exact; results below floor are compared with the ULP of floor.
template <class T> Real ulp_error(T got, Real exact, Real floor) {
  if (std::isnan(exact)) return std::isnan(got) ? 0 : HUGE_VALL;
  if (std::isinf(static_cast<T>(exact)) || std::isinf(got)) return got == static_cast<T>(exact) ? 0 : HUGE_VALL;
  const Real size = std::fmax(std::fabs(exact), floor);
  const Real ulp = std::ldexp(Real(1), std::ilogb(size) - std::numeric_limits<T>::digits + 1);
  return std::fabs(got - exact) / ulp;
}

// Samples in [low, high]: evenly spaced, and of either sign at every size down to the smallest normal number. In T's
// own arithmetic, so that every machine checks the same ones.
template <class T> std::vector<T> samples(Real low, Real high, int count) {
  const T first = static_cast<T>(low), last = static_cast<T>(high), step = (last - first) / static_cast<T>(count);
  std::vector<T> xs;
  for (int i = 0; i < count; ++i) xs.push_back(first + static_cast<T>(i) * step);
  const int64_t exponents = 2 - std::numeric_limits<T>::min_exponent;
  for (int i = 0; i < count / 2; ++i) {
    const T fraction = 1 + static_cast<T>(i % 97) / 97;  // in [1, 2)
    const T size = std::ldexp(fraction, -1 - static_cast<int>(exponents * i / count * 2));
    for (T end : {first, last})
      if (std::fabs(end * size) >= std::numeric_limits<T>::min()) xs.push_back(end * size);
  }
  while (xs.size() % 16) xs.push_back(first);  // whole vectors of every instruction set
  return xs;
}

template <class T>
void check(const std::string& name, Real low, Real high, int count, Real limit, const std::function<Vec<T>(Vec<T>)>& f,
           const std::function<Real(Real)>& exact, Real floor = std::numeric_limits<T>::min()) {
  Real worst = 0;
  T worst_at = 0;
  const std::vector<T> xs = samples<T>(low, high, count);
  for (size_t i = 0; i < xs.size(); i += Vec<T>::N) {
    T y[Vec<T>::N];
    f(Vec<T>::load(&xs[i])).store(y);
    for (int lane = 0; lane < Vec<T>::N; ++lane) {
      add_to_checksum(y[lane]);
      const Real error = ulp_error(y[lane], exact(xs[i + lane]), floor);
      if (!(error <= worst)) worst = error, worst_at = xs[i + lane];
    }
  }
  std::printf("%-7s %-22s [%10.4Lg, %10.4Lg]  %6.2Lf ULP at %.9g\n", type_name<T>(), name.c_str(), low, high, worst,
              static_cast<double>(worst_at));
  if (!(worst <= limit)) fail(name + " passes its limit");
}

template <class T> T one_lane(const std::function<Vec<T>(Vec<T>)>& f, T x) {
  T y[Vec<T>::N];
  f(Vec<T>::set1(x)).store(y);
  for (int i = 1; i < Vec<T>::N; ++i)
    if (y[0] == y[0] ? std::memcmp(&y[i], &y[0], sizeof(T)) != 0 : y[i] == y[i]) fail("lanes differ");
  return y[0];
}

// Bits are compared, so the sign of zero counts; any NaN is NaN.
template <class T>
void expect(const std::string& name, const std::function<Vec<T>(Vec<T>)>& f, Real input, Real expected) {
  const T x = static_cast<T>(input), want = static_cast<T>(expected), y = one_lane<T>(f, x);
  const bool same = want != want ? y != y : y == want && std::signbit(y) == std::signbit(want);
  if (!same) {
    std::printf("%s %s(%g): expected %.9g, got %.9g\n", type_name<T>(), name.c_str(), static_cast<double>(x),
                static_cast<double>(want), static_cast<double>(y));
    fail(name + " at a special value");
  }
}

constexpr Real kInf = std::numeric_limits<Real>::infinity();
constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();

}  // namespace

#endif
