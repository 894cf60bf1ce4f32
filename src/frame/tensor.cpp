#include "frame/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <new>

namespace framelift {

const char* to_string(DType type) {
  switch (type) {
    case DType::f64: return "f64";
    case DType::f32: return "f32";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
    case DType::i64: return "i64";
    case DType::i32: return "i32";
    case DType::i16: return "i16";
    case DType::i8: return "i8";
    case DType::u8: return "u8";
    case DType::boolean: return "bool";
  }
  return "?";
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape.dims(), ", ")); }

Tensor::Tensor(DType dtype, const Shape& shape) : dtype_(dtype), shape_(shape) {
  constexpr size_t alignment = 64;
  size_t size = static_cast<size_t>(shape.elements()) * dtype_size(dtype);
  size = std::max((size + alignment - 1) / alignment * alignment, alignment);
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, size)));
  if (!data_) throw std::bad_alloc();
}

Tensor Tensor::from_f32(const Shape& shape, std::span<const float> values) {
  Tensor tensor(DType::f32, shape);
  std::memcpy(tensor.data(), values.data(), std::min(values.size_bytes(), tensor.bytes()));
  return tensor;
}

Tensor Tensor::filled(const Shape& shape, float value) {
  Tensor tensor(DType::f32, shape);
  std::ranges::fill(tensor.f32(), value);
  return tensor;
}

Tensor Tensor::clone() const {
  if (empty()) return {};
  Tensor copy(dtype_, shape_);
  std::memcpy(copy.data(), data(), bytes());
  return copy;
}

Tensor Tensor::reshaped(const Shape& shape) && {
  Tensor result = std::move(*this);
  result.shape_ = shape;
  return result;
}

Tensor Tensor::to_f32() const {
  if (dtype_ == DType::f32) return clone();
  Tensor out(DType::f32, shape_);
  auto convert = [&](auto load) {
    for (int64_t i = 0; i < elements(); ++i) out.as<float>()[i] = load(i);
  };
  switch (dtype_) {
    case DType::f32: break;
    case DType::f64: convert([&](int64_t i) { return static_cast<float>(as<double>()[i]); }); break;
    case DType::f16: convert([&](int64_t i) { return half_to_float(as<uint16_t>()[i]); }); break;
    case DType::bf16: convert([&](int64_t i) { return bfloat16_to_float(as<uint16_t>()[i]); }); break;
    case DType::i64: convert([&](int64_t i) { return static_cast<float>(as<int64_t>()[i]); }); break;
    case DType::i32: convert([&](int64_t i) { return static_cast<float>(as<int32_t>()[i]); }); break;
    case DType::i16: convert([&](int64_t i) { return static_cast<float>(as<int16_t>()[i]); }); break;
    case DType::i8: convert([&](int64_t i) { return static_cast<float>(as<int8_t>()[i]); }); break;
    case DType::u8:
    case DType::boolean: convert([&](int64_t i) { return static_cast<float>(as<uint8_t>()[i]); }); break;
  }
  return out;
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to infinity
  if (magnitude < 0x38800000u) {                        // subnormal half or zero
    const float scaled =
        std::bit_cast<float>(magnitude) + 0.5f;  // 2^-24 becomes one unit in the last place of [0.5, 1)
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(scaled) - 0x3f000000u);
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<uint16_t>((rounded - 0x38000000u) >> 13);
}

}  // namespace framelift
