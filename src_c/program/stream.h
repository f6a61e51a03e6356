// A program run step by step: every recurrent layer advances one step and keeps its state for the next.
#ifndef RNNFAST_PROGRAM_STREAM_H
#define RNNFAST_PROGRAM_STREAM_H

#include <cstdint>
#include <memory>
#include <vector>

#include "../engine/buffer.h"
#include "../engine/threads.h"
#include "program.h"

namespace rnnfast {

template <class T> class Stream {
 public:
  // std::invalid_argument: the program is not causal, or has more than one input or output.
  Stream(std::shared_ptr<const Program<T>> program, int64_t rows);

  const Program<T>& program() const { return *program_; }
  int64_t rows() const { return rows_; }
  bool reads_tokens() const;
  // Sizes behind the batch axis, of a step's input and output.
  const std::vector<int64_t>& input_shape() const { return input_shape_; }
  const std::vector<int64_t>& output_shape() const { return output_shape_; }
  // Floating-point operations of a step.
  double work() const { return work_; }

  // x: (rows, input_shape), T or int64_t tokens; y: (rows, output_shape), written. One call at a time: hold the lock.
  // std::invalid_argument: a token out of range; no state has changed.
  // awake: as for Program::divide.
  void step(const void* x, T* y, int threads, bool awake = false);
  ForkAwareMutex& lock() { return lock_; }

  // States, one per Program::state_slots(), each (rows, units); read and written under the lock.
  std::vector<Buffer<T>>& states() { return states_; }
  void reset();

 private:
  struct Block {
    int64_t begin, end;
    Context<T> context;
    std::vector<T*> states;
  };

  std::shared_ptr<const Program<T>> program_;
  int64_t rows_;
  Shapes shapes_;
  std::vector<int64_t> input_shape_, output_shape_;
  double work_ = 0;
  std::vector<Buffer<T>> states_;
  std::vector<std::unique_ptr<Block>> blocks_;
  ForkAwareMutex lock_;
};

}  // namespace rnnfast

#endif
