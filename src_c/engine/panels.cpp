#include "panels.h"

namespace rnnfast {

template <class T>
Panels<T>::Panels(const Products<T>& products, int64_t count, int64_t k, int64_t width, Buffer<T> panels)
    : panel_size_(prepared_row(k, products.layout) * width), width_(width) {
  if (products.layout.numbers == 1) {
    full_ = std::move(panels);
    return;
  }
  narrow_ = Buffer<uint32_t>(count * panel_size_, uninitialised);
  scale_ = Buffer<float>(count * width);
  offset_ = Buffer<int32_t>(count * width);
  for (int64_t panel = 0; panel < count; ++panel)
    products.pack(k, width, panels.data() + panel * k * width, narrow_.data() + panel * panel_size_,
                  scale_.data() + panel * width, offset_.data() + panel * width);
}

template <class T> PanelWeights Panels<T>::view(int64_t panel) const {
  if (narrow_.size() == 0) return {full_.data() + panel * panel_size_, nullptr, nullptr};
  return {narrow_.data() + panel * panel_size_, scale_.data() + panel * width_, offset_.data() + panel * width_};
}

template <class T> int64_t Panels<T>::bytes() const {
  return full_.size() * static_cast<int64_t>(sizeof(T)) + (narrow_.size() + scale_.size() + offset_.size()) * 4;
}

template class Panels<float>;
template class Panels<double>;

}  // namespace rnnfast
