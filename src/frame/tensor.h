// Dense n-dimensional arrays: the currency between preprocess, network and postprocess, and of weight files.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace framelift {

enum class DType : uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

constexpr size_t dtype_size(DType type) {
  switch (type) {
    case DType::f64:
    case DType::i64: return 8;
    case DType::f32:
    case DType::i32: return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16: return 2;
    default: return 1;
  }
}
// "f32", "bf16", ...
const char* to_string(DType type);

// Up to 6 dimensions, outermost first. A rank-0 shape is a scalar with one element.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims) {  // at most max_rank dimensions; file readers check first
    for (int64_t d : dims.first(std::min<size_t>(dims.size(), max_rank))) dims_[static_cast<size_t>(rank_++)] = d;
  }

  int rank() const { return rank_; }
  // Negative indices count from the end, as in dim(-1).
  int64_t dim(int i) const { return dims_[static_cast<size_t>(i < 0 ? i + rank_ : i)]; }
  void set_dim(int i, int64_t value) { dims_[static_cast<size_t>(i < 0 ? i + rank_ : i)] = value; }
  int64_t operator[](int i) const { return dim(i); }
  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= dims_[static_cast<size_t>(i)];
    return n;
  }
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.dims().begin(), a.dims().end(), b.dims().begin());
  }

 private:
  std::array<int64_t, max_rank> dims_{};
  int rank_ = 0;
};

// "[1, 3, 180, 320]"
std::string to_string(const Shape& shape);

// Non-owning view of contiguous host memory in row-major order (NCHW for pictures).
struct TensorView {
  DType dtype = DType::f32;
  Shape shape;
  std::byte* data = nullptr;

  size_t bytes() const { return static_cast<size_t>(shape.elements()) * dtype_size(dtype); }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
  std::span<float> f32() const { return {as<float>(), static_cast<size_t>(shape.elements())}; }
  // Number i of the first dimension, [1, ...].
  TensorView item(int64_t i) const {
    TensorView one = *this;
    one.shape.set_dim(0, 1);
    one.data += static_cast<size_t>(i) * one.bytes();
    return one;
  }
};

// Owning, move-only, 64-byte aligned host tensor. clone() copies explicitly.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialised memory. Shapes are validated (non-negative, no overflow) by whoever reads them from a file.
  Tensor(DType dtype, const Shape& shape);
  static Tensor from_f32(const Shape& shape, std::span<const float> values);
  static Tensor filled(const Shape& shape, float value);

  bool empty() const { return data_ == nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t elements() const { return empty() ? 0 : shape_.elements(); }
  size_t bytes() const { return empty() ? 0 : static_cast<size_t>(shape_.elements()) * dtype_size(dtype_); }
  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data_.get());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_.get());
  }
  std::span<float> f32() { return {as<float>(), static_cast<size_t>(elements())}; }
  std::span<const float> f32() const { return {as<float>(), static_cast<size_t>(elements())}; }
  TensorView view() { return {dtype_, shape_, data_.get()}; }

  Tensor clone() const;
  // Copy converted to float32 (from f64, f16, bf16 and the integer types).
  Tensor to_f32() const;
  // The same memory under another shape with the same number of elements.
  Tensor reshaped(const Shape& shape) &&;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  DType dtype_ = DType::f32;
  Shape shape_;
  std::unique_ptr<std::byte, Free> data_;
};

float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);  // round to nearest even
inline float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace framelift
