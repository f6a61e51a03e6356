// Vec<T>, its functions and the activations of one instruction set against libm in higher precision. Compiled once per
// instruction set with the macro and the flags of its stub. Prints the largest error of each function and a checksum
// of all results; exits with 1 where a limit is passed. Usage: test_math [samples per function]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "../../src_c/kernels/activations.h"
#include "ulps.h"

namespace {

namespace isa = rnnfast::RNNFAST_ISA;
using rnnfast::Activation;
using rnnfast::ActivationId;

#define STRING_(x) #x
#define STRING(x) STRING_(x)

Real exact_sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real exact_softplus(Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
Real exact_cdf(Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; }

template <class T> void check_lanes() {
  constexpr int N = Vec<T>::N;
  T data[3 * N], out[3 * N];
  for (int i = 0; i < 3 * N; ++i) data[i] = static_cast<T>(i + 1);
  for (int n = 0; n <= N; ++n) {
    // The part ends where the array ends: a read past n is seen by the address sanitizer.
    T* exact_end = new T[n + 1];
    for (int i = 0; i < n; ++i) exact_end[1 + i] = data[i];
    T lanes[N];
    Vec<T>::load_partial(exact_end + 1, n).store(lanes);
    for (int i = 0; i < N; ++i)
      if (lanes[i] != (i < n ? data[i] : 0)) fail("load_partial");
    delete[] exact_end;
    for (T& o : out) o = -1;
    Vec<T>::load(data).store_partial(out + N, n);
    for (int i = 0; i < 3 * N; ++i)
      if (out[i] != (i >= N && i < N + n ? data[i - N] : -1)) fail("store_partial");
  }
  const T nan = std::numeric_limits<T>::quiet_NaN();
  using F = std::function<Vec<T>(Vec<T>)>;
  const Vec<T> two = Vec<T>::set1(2), three = Vec<T>::set1(3);
  expect<T>("min(2, x)", F([=](Vec<T> x) { return isa::min(two, x); }), kNan, kNan);
  expect<T>("max(2, x)", F([=](Vec<T> x) { return isa::max(two, x); }), kNan, kNan);
  expect<T>("min(x, 2)", F([=](Vec<T> x) { return isa::min(x, two); }), nan, 2);
  expect<T>("max(x, 2)", F([=](Vec<T> x) { return isa::max(x, two); }), nan, 2);
  expect<T>("max(0, -0)", F([=](Vec<T> x) { return isa::max(Vec<T>::zero(), x); }), -0.0L, -0.0L);
  expect<T>("fma", F([=](Vec<T> x) { return isa::fma(x, two, three); }), 5, 13);
  expect<T>("fnma", F([=](Vec<T> x) { return isa::fnma(x, two, three); }), 5, -7);
  expect<T>("negation", F([=](Vec<T> x) { return -x; }), 0, -0.0L);
  expect<T>("abs", F([=](Vec<T> x) { return isa::abs(x); }), -0.0L, 0);
  expect<T>("sqrt", F([=](Vec<T> x) { return isa::sqrt(x); }), 2, std::sqrt(T(2)));
  expect<T>("copysign", F([=](Vec<T> x) { return isa::copysign(two, x); }), -0.0L, -2);
  expect<T>("copysign", F([=](Vec<T> x) { return isa::copysign(-two, x); }), 7, 2);
  expect<T>("exponent", F([=](Vec<T> x) { return isa::exponent(x); }), 0.3L, -2);
  expect<T>("mantissa", F([=](Vec<T> x) { return isa::mantissa(x); }), 0.375L, 1.5L);
  using Compare = isa::Mask<T> (*)(Vec<T>, Vec<T>);
  const auto comparison = [&](const char* name, Compare compare, bool less, bool equal, bool more) {
    const F f = [=](Vec<T> x) { return isa::select(compare(x, two), Vec<T>::set1(1), Vec<T>::zero()); };
    expect<T>(name, f, 1, less);
    expect<T>(name, f, 2, equal);
    expect<T>(name, f, 3, more);
    expect<T>(name, f, kNan, 0);
  };
  comparison("lt", [](Vec<T> a, Vec<T> b) { return isa::lt(a, b); }, true, false, false);
  comparison("le", [](Vec<T> a, Vec<T> b) { return isa::le(a, b); }, true, true, false);
  comparison("gt", [](Vec<T> a, Vec<T> b) { return isa::gt(a, b); }, false, false, true);
  comparison("eq", [](Vec<T> a, Vec<T> b) { return isa::eq(a, b); }, false, true, false);
  const F is_nan = [](Vec<T> x) { return isa::select(isa::isnan(x), Vec<T>::set1(1), Vec<T>::zero()); };
  expect<T>("isnan", is_nan, kNan, 1);
  expect<T>("isnan", is_nan, kInf, 0);
}

template <class T> void check_functions(int count) {
  using F = std::function<Vec<T>(Vec<T>)>;
  const bool single = sizeof(T) == 4;
  const F exp_f = [](Vec<T> x) { return isa::exp(x); }, sigmoid_f = [](Vec<T> x) { return isa::sigmoid(x); };
  const F tanh_f = [](Vec<T> x) { return isa::tanh(x); }, log_f = [](Vec<T> x) { return isa::log(x); };
  const F expm1_f = [](Vec<T> x) { return isa::expm1_nonpositive(x); };
  const F log1p_f = [](Vec<T> x) { return isa::log1p_unit(x); }, softplus_f = [](Vec<T> x) { return isa::softplus(x); };
  const F cdf_f = [](Vec<T> x) { Vec<T> bell; return isa::normal_cdf(x, bell); };
  const auto exact_exp = [](Real x) { return std::exp(x); };
  const auto exact_tanh = [](Real x) { return std::tanh(x); };
  const auto exact_log = [](Real x) { return std::log(x); };
  const Real lowest = single ? -87.3L : -708.3L, highest = single ? 88.72L : 709.78L;
  // Unfused products lose more where an argument is squared.
#if defined(RNNFAST_ISA_GENERIC)
  const Real tail_limit = single ? 100 : 1000;
#else
  const Real tail_limit = 5;
#endif

  check<T>("exp", lowest, highest, count, 2, exp_f, exact_exp);
  check<T>("exp", -4, 4, count, 2, exp_f, exact_exp);
  check<T>("sigmoid", lowest, -lowest, count, 3, sigmoid_f, exact_sigmoid);
  check<T>("sigmoid", -8, 8, count, 3, sigmoid_f, exact_sigmoid);
  check<T>("tanh", -25, 25, count, 3, tanh_f, exact_tanh);
  check<T>("tanh", -2, 2, count, 3, tanh_f, exact_tanh);
  check<T>("expm1_nonpositive", -50, 0, count, 2, expm1_f, [](Real x) { return std::expm1(x); });
  check<T>("expm1_nonpositive", -2, 0, count, 2, expm1_f, [](Real x) { return std::expm1(x); });
  check<T>("log", std::numeric_limits<T>::min(), 2, count, 2, log_f, exact_log);
  check<T>("log", 0.1L, 1e30L, count, 2, log_f, exact_log);
  check<T>("log1p_unit", 0, 1, count, 2, log1p_f, [](Real x) { return std::log1p(x); });
  check<T>("softplus", lowest, 100, count, 3, softplus_f, exact_softplus);
  check<T>("softplus", -4, 4, count, 3, softplus_f, exact_softplus);
  check<T>("normal_cdf", single ? -12.9L : -37, single ? 12.9L : 37, count, tail_limit, cdf_f, exact_cdf);
  check<T>("normal_cdf", -4, 4, count, tail_limit, cdf_f, exact_cdf);

  const struct { const char* name; F f; Real at_minus_inf, at_minus_zero, at_zero, at_inf; } limits[] = {
      {"exp", exp_f, 0, 1, 1, kInf},
      {"sigmoid", sigmoid_f, 0, 0.5L, 0.5L, 1},
      {"tanh", tanh_f, -1, -0.0L, 0, 1},
      {"softplus", softplus_f, 0, std::log(Real(2)), std::log(Real(2)), kInf},
  };
  const Real largest = std::numeric_limits<T>::max();
  for (const auto& limit : limits) {
    expect<T>(limit.name, limit.f, -kInf, limit.at_minus_inf);
    expect<T>(limit.name, limit.f, -largest, limit.at_minus_inf);
    expect<T>(limit.name, limit.f, -0.0L, limit.at_minus_zero);
    expect<T>(limit.name, limit.f, 0, limit.at_zero);
    expect<T>(limit.name, limit.f, largest, limit.at_inf == kInf && limit.name[0] == 's' ? largest : limit.at_inf);
    expect<T>(limit.name, limit.f, kInf, limit.at_inf);
    expect<T>(limit.name, limit.f, kNan, kNan);
  }
  expect<T>("normal_cdf", cdf_f, -kInf, 0);
  expect<T>("normal_cdf", cdf_f, kInf, 1);
  expect<T>("normal_cdf", cdf_f, kNan, kNan);
  expect<T>("exp", exp_f, single ? 88.73L : 709.79L, kInf);
  expect<T>("exp", exp_f, single ? -104 : -746, 0);
  expect<T>("log", log_f, 1, 0);
}

constexpr double kBeta = 0.375;  // of all: only threshold reads it

// Keras 3's definition of an activation.
struct Definition {
  const char* name;
  ActivationId id;
  double alpha;
  std::function<Real(Real)> value;
  Real low;                   // where samples begin: the value is a normal number above it
  Real at_minus_inf, at_inf;  // limits
};

Real scale(Real x, Real factor) { return x * factor; }

std::vector<Definition> definitions() {
  const Real selu_alpha = 1.67326324235437728481704L, selu_scale = 1.05070098735548049341933L;
  const auto clip = [](Real x, Real low, Real high) { return x < low ? low : x > high ? high : x; };
  const auto elu = [](Real alpha) { return [=](Real x) { return x > 0 ? x : alpha * std::expm1(x); }; };
  const double slope = static_cast<double>(0.2f), alpha = 0.75;
  return {
      {"linear", ActivationId::linear, 0, [](Real x) { return x; }, -80, -kInf, kInf},
      {"tanh", ActivationId::tanh, 0, [](Real x) { return std::tanh(x); }, -80, -1, 1},
      {"sigmoid", ActivationId::sigmoid, 0, exact_sigmoid, -80, 0, 1},
      {"hard_sigmoid", ActivationId::hard_sigmoid, 0, [=](Real x) { return clip((x + 3) / 6, 0, 1); }, -80, 0, 1},
      {"relu", ActivationId::relu, 0, [](Real x) { return x > 0 ? x : 0; }, -80, 0, kInf},
      {"softsign", ActivationId::softsign, 0, [](Real x) { return x / (1 + std::fabs(x)); }, -80, -1, 1},
      {"softplus", ActivationId::softplus, 0, exact_softplus, -80, 0, kInf},
      {"elu", ActivationId::elu, alpha, elu(alpha), -80, -alpha, kInf},
      {"selu", ActivationId::selu, 0, [=](Real x) { return scale(elu(selu_alpha)(x), selu_scale); }, -80,
       -selu_alpha * selu_scale, kInf},
      {"celu", ActivationId::celu, alpha, [=](Real x) { return x > 0 ? x : alpha * std::expm1(x / alpha); }, -80,
       -alpha, kInf},
      {"gelu", ActivationId::gelu, 0, [](Real x) { return x * exact_cdf(x); }, -12, -0.0L, kInf},
      {"silu", ActivationId::silu, 0, [](Real x) { return x * exact_sigmoid(x); }, -80, -0.0L, kInf},
      {"exponential", ActivationId::exponential, 0, [](Real x) { return std::exp(x); }, -80, 0, kInf},
      {"leaky_relu", ActivationId::leaky_relu, slope, [=](Real x) { return x > 0 ? x : slope * x; }, -80, -kInf, kInf},
      {"relu6", ActivationId::relu6, 0, [=](Real x) { return clip(x, 0, 6); }, -80, 0, 6},
      {"hard_tanh", ActivationId::hard_tanh, 0, [=](Real x) { return clip(x, -1, 1); }, -80, -1, 1},
      {"hard_silu", ActivationId::hard_silu, 0, [=](Real x) { return x * clip((x + 3) / 6, 0, 1); }, -80, -0.0L, kInf},
      {"mish", ActivationId::mish, 0, [](Real x) { return x * std::tanh(exact_softplus(x)); }, -80, -0.0L, kInf},
      {"log_sigmoid", ActivationId::log_sigmoid, 0, [](Real x) { return -exact_softplus(-x); }, -80, -kInf, -0.0L},
      {"hard_shrink", ActivationId::hard_shrink, 1, [](Real x) { return std::fabs(x) > 1 ? x : 0; }, -80, -kInf, kInf},
      {"soft_shrink", ActivationId::soft_shrink, 1, [=](Real x) { return x - clip(x, -1, 1); }, -80, -kInf, kInf},
      {"tanh_shrink", ActivationId::tanh_shrink, 0, [](Real x) { return x - std::tanh(x); }, -80, -kInf, kInf},
      {"threshold", ActivationId::threshold, 1, [](Real x) { return x > 1 ? x : kBeta; }, -80, kBeta, kInf},
      {"sparse_plus", ActivationId::sparse_plus, 0,
       [](Real x) { return x < -1 ? 0 : x < 1 ? (x + 1) * (x + 1) / 4 : x; }, -80, 0, kInf},
      {"sparse_sigmoid", ActivationId::sparse_sigmoid, 0, [=](Real x) { return clip((x + 1) / 2, 0, 1); }, -80, 0, 1},
      {"squareplus", ActivationId::squareplus, alpha,
       [=](Real x) { return x < 0 ? alpha / 2 / (std::sqrt(x * x + alpha) - x) : (x + std::sqrt(x * x + alpha)) / 2; },
       -80, 0, kInf},
  };
}

// The slope by central differences in long double, off the kinks; absolute, as slopes pass through zero.
template <class T> void check_slope(const Definition& d, const Activation& activation, int count) {
  const Real step = 1e-5L, tolerance = sizeof(T) == 4 ? 2e-6L : 2e-9L;
  Real worst = 0;
  T worst_at = 0;
  const std::vector<T> xs = samples<T>(-9.1L, 8.7L, count);
  for (size_t i = 0; i < xs.size(); i += Vec<T>::N) {
    Vec<T> value, slope;
    isa::activate_with_slope(activation, Vec<T>::load(&xs[i]), value, slope);
    T y[Vec<T>::N], alone[Vec<T>::N], dy[Vec<T>::N];
    value.store(y);
    slope.store(dy);
    isa::activate(activation, Vec<T>::load(&xs[i])).store(alone);
    if (std::memcmp(y, alone, sizeof(y)) != 0) fail(std::string(d.name) + ": value with and without slope differ");
    for (int lane = 0; lane < Vec<T>::N; ++lane) {
      add_to_checksum(dy[lane]);
      const Real x = xs[i + lane];
      bool at_kink = false;
      for (Real kink : {-3, -1, 0, 1, 3, 6}) at_kink |= std::fabs(x - kink) < 2 * step;
      if (at_kink) continue;
      const Real exact = (d.value(x + step) - d.value(x - step)) / (2 * step);
      const Real error = std::fabs(dy[lane] - exact) / std::fmax(Real(1), std::fabs(exact));
      if (!(error <= worst)) worst = error, worst_at = xs[i + lane];
    }
  }
  std::printf("%-7s %-22s slope: %.2Le at %.9g\n", type_name<T>(), d.name, worst, static_cast<double>(worst_at));
  if (!(worst <= tolerance)) fail(std::string("slope of ") + d.name);
}

template <class T> void check_activations(int count) {
  for (const Definition& d : definitions()) {
    const Activation activation = {d.id, d.alpha, kBeta};
    const std::function<Vec<T>(Vec<T>)> f = [=](Vec<T> x) { return isa::activate(activation, x); };
    Real limit = 5;
#if defined(RNNFAST_ISA_GENERIC)
    if (d.id == ActivationId::gelu) limit = 100;
#endif
    // A difference of two that are close for small x: rounded as they are.
    const Real floor = d.id == ActivationId::tanh_shrink ? Real(1) : std::numeric_limits<T>::min();
    check<T>(d.name, d.low, 80, count, limit, f, d.value, floor);
    expect<T>(d.name, f, -kInf, d.at_minus_inf);
    expect<T>(d.name, f, kInf, d.at_inf);
    expect<T>(d.name, f, kNan, kNan);
    check_slope<T>(d, activation, count);
  }
  // Where differences say little: at the kinks, as PyTorch has them, and at zero.
  const struct { const char* name; ActivationId id; double x, slope; } points[] = {
      {"linear", ActivationId::linear, 0, 1},
      {"tanh", ActivationId::tanh, 0, 1},
      {"sigmoid", ActivationId::sigmoid, 0, 0.25},
      {"hard_sigmoid", ActivationId::hard_sigmoid, 3, 0},
      {"relu", ActivationId::relu, 0, 0},
      {"softsign", ActivationId::softsign, 0, 1},
      {"softplus", ActivationId::softplus, 0, 0.5},
      {"elu", ActivationId::elu, 0, 0.25},
      {"selu", ActivationId::selu, 0, 1.7580993408473769},
      {"gelu", ActivationId::gelu, 0, 0.5},
      {"silu", ActivationId::silu, 0, 0.5},
      {"exponential", ActivationId::exponential, 0, 1},
      {"leaky_relu", ActivationId::leaky_relu, 0, 0.25},
      {"relu6", ActivationId::relu6, 0, 0},
      {"relu6", ActivationId::relu6, 6, 0},
      {"hard_tanh", ActivationId::hard_tanh, -1, 0},
      {"hard_silu", ActivationId::hard_silu, -3, 0},
      {"hard_silu", ActivationId::hard_silu, 3, 1},
      {"celu", ActivationId::celu, 0, 1},
      {"mish", ActivationId::mish, 0, 0.6},
      {"log_sigmoid", ActivationId::log_sigmoid, 0, 0.5},
      {"hard_shrink", ActivationId::hard_shrink, 0.25, 0},
      {"hard_shrink", ActivationId::hard_shrink, -0.25, 0},
      {"soft_shrink", ActivationId::soft_shrink, 0.25, 0},
      {"tanh_shrink", ActivationId::tanh_shrink, 0, 0},
      {"threshold", ActivationId::threshold, 0.25, 0},
      {"sparse_plus", ActivationId::sparse_plus, -1, 0},
      {"sparse_plus", ActivationId::sparse_plus, 1, 1},
      {"sparse_sigmoid", ActivationId::sparse_sigmoid, -1, 0},
      {"sparse_sigmoid", ActivationId::sparse_sigmoid, 1, 0},
      {"squareplus", ActivationId::squareplus, 0, 0.5},
  };
  for (const auto& point : points) {
    Vec<T> value, slope;
    isa::activate_with_slope(Activation{point.id, 0.25, 0}, Vec<T>::set1(static_cast<T>(point.x)), value, slope);
    T lanes[Vec<T>::N];
    slope.store(lanes);
    if (!(ulp_error<T>(lanes[0], point.slope, std::numeric_limits<T>::min()) <= 4))
      fail(std::string("slope of ") + point.name + " at a point");
  }
}

template <class T> void check_all(int count) {
  check_lanes<T>();
  check_functions<T>(count);
  check_activations<T>(count / 10);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 200000;
  check_all<float>(count);
  check_all<double>(count);
  std::printf("%s checksum %016llx\n", STRING(RNNFAST_ISA), static_cast<unsigned long long>(checksum));
  std::printf(failures == 0 ? "ok\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
