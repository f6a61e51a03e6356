// Packed panels of a weight matrix in the format of the products that read them.
#ifndef RNNFAST_ENGINE_PANELS_H
#define RNNFAST_ENGINE_PANELS_H

#include <cstdint>

#include "../kernels/table.h"
#include "buffer.h"

namespace rnnfast {

// Immutable; safe to share.
template <class T> class Panels {
 public:
  Panels() = default;
  // panels: [count][k][width] in full precision, as packing.h makes them.
  Panels(const Products<T>& products, int64_t count, int64_t k, int64_t width, Buffer<T> panels);

  PanelWeights view(int64_t panel = 0) const;  // from a panel on
  int64_t panel_size() const { return panel_size_; }  // elements from one panel to the next
  int64_t bytes() const;

 private:
  int64_t panel_size_ = 0, width_ = 0;
  Buffer<T> full_;
  Buffer<uint32_t> narrow_;
  Buffer<float> scale_;
  Buffer<int32_t> offset_;
};

}  // namespace rnnfast

#endif
