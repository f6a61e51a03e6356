// Windows over time, of convolution and pooling. rnnfast/layers/windows.py says what they mean.
#ifndef RNNFAST_PROGRAM_WINDOWS_H
#define RNNFAST_PROGRAM_WINDOWS_H

#include <algorithm>
#include <cstdint>

namespace rnnfast {

enum class Padding { valid, same, causal };

struct Windows {
  int64_t size, stride, dilation;
  Padding padding;

  int64_t span() const { return dilation * (size - 1) + 1; }
  // A step of the output is a step of the input.
  bool single_steps() const { return span() == 1 && stride == 1; }
  // What has to be added to a time axis before it is divided by the stride, to give the number of windows.
  int64_t surplus() const { return stride - (padding == Padding::valid ? span() : 1); }
  // Steps before and after a sequence of `time` steps that has `count` windows.
  int64_t before(int64_t time, int64_t count) const {
    if (padding == Padding::causal) return span() - 1;
    return padding == Padding::valid ? 0 : missing(time, count) / 2;
  }
  int64_t after(int64_t time, int64_t count) const {
    return padding == Padding::valid ? 0 : std::max<int64_t>(0, missing(time, count) - before(time, count));
  }

 private:
  int64_t missing(int64_t time, int64_t count) const {
    return std::max<int64_t>(0, (count - 1) * stride + span() - time);
  }
};

}  // namespace rnnfast

#endif
