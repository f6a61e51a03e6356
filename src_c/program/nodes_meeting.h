// Nodes that combine values which are not alike: other masks, axes of size 1, or one after the other on any axis.
#ifndef RNNFAST_PROGRAM_NODES_MEETING_H
#define RNNFAST_PROGRAM_NODES_MEETING_H

#include <vector>

#include "program.h"

namespace rnnfast {

// The mask of the output of such a node, made from those of its inputs. made: the mask to write, or -1.
template <class T> class MeetingNode : public Node<T> {
 public:
  MeetingNode(std::string name, const std::vector<int>& values, int out, int made)
      : Node<T>(std::move(name), values, out), made_(made) {}

 protected:
  // What the inputs say of a step, one after the other over `time`, or (not `along`) real where one of them is.
  void make_mask(Context<T>&, bool along) const;

 private:
  int made_;
};

// Element by element: sizes agree or are 1, and a value of fewer axes has 1 in front. Products pass over masked steps,
// and so do choices, where others are real: rnnfast.layers.Multiply, Maximum, Minimum.
template <class T> class BroadcastNode : public MeetingNode<T> {
 public:
  // spreads: a value that belongs to no step, or to one, is read at every step.
  BroadcastNode(std::string name, const std::vector<int>& values, int out, int made, MergeMode mode, bool spreads)
      : MeetingNode<T>(std::move(name), values, out, made), mode_(mode), spreads_(spreads) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override { return spreads_ ? "every step reads what comes after the last" : nullptr; }

 private:
  struct Part;
  void combine(const std::vector<Part>&, bool all_masked, int64_t n, T* y) const;

  MergeMode mode_;
  bool spreads_;
};

// One after the other along an axis; on the time axis masks are, too.
template <class T> class ConcatNode : public MeetingNode<T> {
 public:
  ConcatNode(std::string name, const std::vector<int>& values, int out, int made, size_t axis, bool steps_apart)
      : MeetingNode<T>(std::move(name), values, out, made), axis_(axis), steps_apart_(steps_apart) {}
  void run(Context<T>&) const override;
  NodeInfo info() const override;
  const char* not_causal() const override { return steps_apart_ ? "it adds time steps" : nullptr; }

 private:
  size_t axis_;
  bool steps_apart_;
};

}  // namespace rnnfast

#endif
