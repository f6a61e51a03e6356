#include "panels.h"

#include "threads.h"

namespace rnnfast {

template <class T>
Panels<T>::Panels(const Products<T>& products, int64_t count, int64_t k, int64_t width, const T* panels, int threads)
    : panel_size_(prepared_row(k, products.layout) * width), width_(width) {
  if (products.layout.numbers == 1) {
    full_ = panels;
    return;
  }
  narrow_ = Buffer<uint32_t>(count * panel_size_, uninitialised);
  scale_ = Buffer<float>(count * width);
  offset_ = Buffer<int32_t>(count * width);
  parallel_for(count, threads, [&](int64_t panel) {
    products.pack(k, width, panels + panel * k * width, narrow_.data() + panel * panel_size_,
                  scale_.data() + panel * width, offset_.data() + panel * width);
  });
}

template <class T>
Panels<T>::Panels(const Products<T>& products, int64_t count, int64_t k, int64_t width, Buffer<T> panels, int threads)
    : Panels(products, count, k, width, static_cast<const T*>(panels.data()), threads) {
  if (full_) owned_ = std::move(panels);
}

template <class T> PanelWeights Panels<T>::view(int64_t panel) const {
  if (full_) return {full_ + panel * panel_size_, nullptr, nullptr};
  if (narrow_.size() == 0) return {nullptr, nullptr, nullptr};
  return {narrow_.data() + panel * panel_size_, scale_.data() + panel * width_, offset_.data() + panel * width_};
}

template <class T> const void* Panels<T>::element(int64_t panel, int64_t at) const {
  const int64_t index = panel * panel_size_ + at;
  return full_ ? static_cast<const void*>(full_ + index) : narrow_.data() + index;
}

template <class T> int64_t Panels<T>::bytes() const {
  return owned_.size() * static_cast<int64_t>(sizeof(T)) + (narrow_.size() + scale_.size() + offset_.size()) * 4;
}

template class Panels<float>;
template class Panels<double>;

}  // namespace rnnfast
