// Values of an inference program: shapes with axes known only at run time, masks, and the layouts they may take.
#ifndef RNNFAST_PROGRAM_VALUE_H
#define RNNFAST_PROGRAM_VALUE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rnnfast {

enum class MergeMode { concat, sum, sub, mul, ave, max, min };

// What a node wants of its input: packed; whatever its output may be; or batch-major.
enum class LayoutWish { packed, follows, batch_major };

// A dimension: its size, or (negative) the symbol -1 - dim that a call binds.
using Dim = int64_t;
inline size_t symbol_of(Dim dim) { return static_cast<size_t>(-1 - dim); }

// A time axis that time_distributed_begin made part of the rows.
struct Outer {
  Dim dim;
  int mask;
  bool operator==(const Outer& other) const { return dim == other.dim && mask == other.mask; }
};

// A size that follows from another one.
struct DerivedSize {
  size_t symbol;
  Dim from;
  int64_t times, plus, by;
  std::string layer;
  bool exact;  // nothing may be left over

  int64_t of(int64_t size) const { return fits(size) ? (size * times + plus) / by : 0; }
  bool fits(int64_t size) const { return !exact || (size * times + plus) % by == 0; }
};

struct Value {
  std::vector<Dim> dims;      // of one row
  int mask = -1;              // index of the mask over dims[0], or -1
  bool tokens = false;        // int64_t, not T
  bool flipped = false;       // in packed order it runs against time: what go_backwards gives
  bool packed = false;        // every consumer can take it packed
  bool by_index = false;      // every consumer can take it as rows and an index
  std::vector<Outer> outer;   // innermost last

  // The time axis is not what it was: neither mask nor direction belong to what stands there now.
  void end_mask() {
    mask = -1;
    flipped = false;
  }
};

// A program's values and how its inputs bind symbols: axis 0 of every input is a symbol (a stream sets it to 1), others
// where their size is not known.
struct Graph {
  std::vector<Value> values;
  std::vector<int> inputs, outputs;
  std::vector<std::string> input_labels;  // how messages name each: "input", or with its name where there are several
  std::vector<int64_t> symbols;  // the size that each must have, -1 = any
  std::vector<DerivedSize> derived;  // in the order in which they can be computed
  int masks = 0;

  int64_t known(Dim dim) const { return dim >= 0 ? dim : symbols[symbol_of(dim)]; }  // its size, or -1
  // Two inputs have two symbols, also where both are known to be of one size.
  bool same(Dim a, Dim b) const { return a == b || (known(a) > 0 && known(a) == known(b)); }
};

// The shape of a batch of such rows, for messages; negative: not known.
inline std::string shape_text(const std::vector<int64_t>& row) {
  std::string text = "(batch";
  for (int64_t n : row) text += ", " + (n < 0 ? std::string("any") : std::to_string(n));
  return text + ")";
}

// The sizes of one call.
struct Shapes {
  std::vector<int64_t> symbols;

  // Fills in what follows from the sizes that are there; gives the first that is too small, or null.
  const DerivedSize* derive(const Graph& graph) {
    const DerivedSize* bad = nullptr;
    for (const DerivedSize& d : graph.derived) {
      symbols[d.symbol] = d.of(size(d.from));
      if (symbols[d.symbol] < 1 && bad == nullptr) bad = &d;
    }
    return bad;
  }

  int64_t size(Dim dim) const { return dim >= 0 ? dim : symbols[symbol_of(dim)]; }
  // Rows of a value for `rows` rows of the batch.
  int64_t rows(const Value& value, int64_t rows) const {
    for (const Outer& outer : value.outer) rows *= size(outer.dim);
    return rows;
  }
  // A value of two or more axes is (time, width); of fewer, (1, width).
  int64_t time(const Value& value) const { return value.dims.size() < 2 ? 1 : size(value.dims[0]); }
  int64_t width(const Value& value) const {
    int64_t width = 1;
    for (size_t i = value.dims.size() < 2 ? 0 : 1; i < value.dims.size(); ++i) width *= size(value.dims[i]);
    return width;
  }
};

}  // namespace rnnfast

#endif
