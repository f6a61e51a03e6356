// Packed panels of a matrix in the format of the products that read them.
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
  // panels: [count][k][width] in full precision, as packing.h makes them. A pointer must stay valid where the format is
  // full precision.
  Panels(const Products<T>& products, int64_t count, int64_t k, int64_t width, const T* panels, int threads = 1);
  Panels(const Products<T>& products, int64_t count, int64_t k, int64_t width, Buffer<T> panels, int threads = 1);

  PanelWeights view(int64_t panel = 0) const;  // from a panel on
  // Element `at` of a panel: OuterArgs::b.
  const void* element(int64_t panel, int64_t at) const;
  int64_t panel_size() const { return panel_size_; }  // elements from one panel to the next
  int64_t bytes() const;

 private:
  int64_t panel_size_ = 0, width_ = 0;
  const T* full_ = nullptr;
  Buffer<T> owned_;
  Buffer<uint32_t> narrow_;
  Buffer<float> scale_;
  Buffer<int32_t> offset_;
};

}  // namespace rnnfast

#endif
