// Bounds-checked reading of FlatBuffers (https://flatbuffers.dev/internals/): tables, vectors and strings of an
// untrusted file, found by their field numbers. Nothing is copied but scalars.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/byte_reader.h"
#include "base/result.h"

namespace framelift {

class FlatVector;

// One table. Borrows the bytes and the file's name, which opens every message. Field numbers are those of the schema,
// counted from 0; a field that is absent has its default.
class FlatTable {
 public:
  // The table that the file begins with. `identifier`: the four letters that name the schema.
  static Result<FlatTable> root(std::span<const std::byte> bytes, std::string_view name, std::string_view identifier);

  template <class T>
  Result<T> scalar(int field, T fallback) const {
    FL_TRY(const size_t at, offset_of(field));
    if (at == 0) return fallback;
    return read<T>(at);
  }
  Result<std::optional<FlatTable>> table(int field) const;
  // Of elements of `element_bytes` each; empty when the field is absent.
  Result<FlatVector> vector(int field, size_t element_bytes) const;
  Result<std::string_view> text(int field) const;

 private:
  friend class FlatVector;
  FlatTable(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}
  static Result<FlatTable> at(std::span<const std::byte> bytes, std::string_view name, size_t position);

  template <class T>
  Result<T> read(size_t at) const {
    ByteReader reader(bytes_, name_);
    FL_CHECK(reader.seek(at));
    return reader.read<T>();
  }
  // Where the field's value lies in the file; 0: absent.
  Result<size_t> offset_of(int field) const;
  // Where the offset stored at `at` leads.
  Result<size_t> follow(size_t at) const;

  std::span<const std::byte> bytes_;
  std::string_view name_;
  size_t position_ = 0, vtable_ = 0, vtable_bytes_ = 0;
};

// The elements of a vector; all of them lie in the file.
class FlatVector {
 public:
  size_t size() const { return bytes_.size() / element_bytes_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  // Element i < size() of a vector of scalars, whose element_bytes are sizeof(T).
  template <class T>
  T at(size_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  // Element i < size() of a vector of tables, whose elements are offsets of four bytes.
  Result<FlatTable> table(size_t i) const;

 private:
  friend class FlatTable;
  FlatVector(std::span<const std::byte> file, std::string_view name, std::span<const std::byte> bytes,
             size_t element_bytes)
      : file_(file), name_(name), bytes_(bytes), element_bytes_(element_bytes) {}

  std::span<const std::byte> file_;
  std::string_view name_;
  std::span<const std::byte> bytes_;
  size_t element_bytes_;
};

}  // namespace framelift
