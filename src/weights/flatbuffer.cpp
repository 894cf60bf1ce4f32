#include "weights/flatbuffer.h"

namespace framelift {

Result<FlatTable> FlatTable::root(std::span<const std::byte> bytes, std::string_view name,
                                  std::string_view identifier) {
  ByteReader reader(bytes, name);
  FL_TRY(const auto position, reader.read<uint32_t>());
  FL_TRY(const auto found, reader.take_text(identifier.size()));
  if (found != identifier) return fail(ErrorCode::invalid_data, "{}: does not begin with {}", name, identifier);
  return at(bytes, name, position);
}

// A table begins with the distance back to its vtable: two lengths in bytes, of itself and of the table, and then the
// place of every field in the table.
Result<FlatTable> FlatTable::at(std::span<const std::byte> bytes, std::string_view name, size_t position) {
  FlatTable table(bytes, name);
  table.position_ = position;
  FL_TRY(const auto back, table.read<int32_t>(position));
  const int64_t vtable = static_cast<int64_t>(position) - back;
  if (vtable < 0) return fail(ErrorCode::invalid_data, "{}: the table at offset {} has no vtable", name, position);
  table.vtable_ = static_cast<size_t>(vtable);
  FL_TRY(const auto length, table.read<uint16_t>(table.vtable_));
  table.vtable_bytes_ = length;
  return table;
}

Result<size_t> FlatTable::offset_of(int field) const {
  const size_t entry = 4 + 2 * static_cast<size_t>(field);
  if (entry + 2 > vtable_bytes_) return 0;
  FL_TRY(const auto offset, read<uint16_t>(vtable_ + entry));
  return offset == 0 ? 0 : position_ + offset;
}

Result<size_t> FlatTable::follow(size_t at) const {
  FL_TRY(const auto offset, read<uint32_t>(at));
  return at + offset;
}

Result<std::optional<FlatTable>> FlatTable::table(int field) const {
  FL_TRY(const size_t place, offset_of(field));
  if (place == 0) return std::nullopt;
  FL_TRY(const size_t position, follow(place));
  FL_TRY(const FlatTable found, at(bytes_, name_, position));
  return found;
}

Result<FlatVector> FlatTable::vector(int field, size_t element_bytes) const {
  FL_TRY(const size_t place, offset_of(field));
  if (place == 0) return FlatVector(bytes_, name_, {}, element_bytes);
  FL_TRY(const size_t position, follow(place));
  ByteReader reader(bytes_, name_);
  FL_CHECK(reader.seek(position));
  FL_TRY(const auto count, reader.read<uint32_t>());
  FL_TRY(const auto elements, reader.take(uint64_t{count} * element_bytes));
  return FlatVector(bytes_, name_, elements, element_bytes);
}

Result<std::string_view> FlatTable::text(int field) const {
  FL_TRY(const FlatVector letters, vector(field, 1));
  return std::string_view(reinterpret_cast<const char*>(letters.bytes().data()), letters.size());
}

Result<FlatTable> FlatVector::table(size_t i) const {
  const auto place = static_cast<size_t>(bytes_.data() - file_.data()) + i * sizeof(uint32_t);
  return FlatTable::at(file_, name_, place + at<uint32_t>(i));
}

}  // namespace framelift
