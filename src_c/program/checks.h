// Errors of building a program; they name the layer.
#ifndef RNNFAST_PROGRAM_CHECKS_H
#define RNNFAST_PROGRAM_CHECKS_H

#include <stdexcept>
#include <string>

#include "../kernels/table.h"
#include "value.h"

namespace rnnfast {

[[noreturn]] inline void refuse(const std::string& name, const std::string& what) {
  throw std::invalid_argument("layer '" + name + "': " + what);
}

// Sums of int8 products fit 32 bits.
constexpr int64_t kInt8Inputs = 131072;

inline void need_int8_sums(WeightType type, int64_t k, const std::string& name) {
  if (type == WeightType::int8 && k > kInt8Inputs)
    refuse(name, "int8 weights take at most " + std::to_string(kInt8Inputs) + " inputs, got " + std::to_string(k));
}

inline void need_axes(const Value& in, size_t axes, const std::string& name) {
  if (in.dims.size() != axes)
    refuse(name, "expected an input of " + std::to_string(axes + 1) + " axes, got " + shape_text(in.dims));
}

}  // namespace rnnfast

#endif
