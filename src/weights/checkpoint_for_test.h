// Test helpers: writes pickles and PyTorch checkpoints byte by byte, well-formed or hostile.
#pragma once

#include <zip.h>

#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace framelift::test {

// Appends pickle instructions; every method returns the writer. Starts with PROTO 2.
class PickleWriter {
 public:
  PickleWriter() : bytes_("\x80\x02", 2) {}

  PickleWriter& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  template <class T>
  PickleWriter& number(T value) {
    return raw({reinterpret_cast<const char*>(&value), sizeof value});
  }
  PickleWriter& mark() { return raw("("); }
  PickleWriter& tuple() { return raw("t"); }
  PickleWriter& empty_tuple() { return raw(")"); }
  PickleWriter& empty_dict() { return raw("}"); }
  PickleWriter& empty_list() { return raw("]"); }
  PickleWriter& set_items() { return raw("u"); }
  PickleWriter& set_item() { return raw("s"); }
  PickleWriter& appends() { return raw("e"); }
  PickleWriter& reduce() { return raw("R"); }
  PickleWriter& build() { return raw("b"); }
  PickleWriter& persistent() { return raw("Q"); }
  PickleWriter& none() { return raw("N"); }
  PickleWriter& boolean(bool value) { return raw(value ? "\x88" : "\x89"); }
  PickleWriter& integer(int32_t value) { return raw("J").number(value); }
  PickleWriter& text(std::string_view value) { return raw("X").number(static_cast<uint32_t>(value.size())).raw(value); }
  PickleWriter& global(std::string_view module, std::string_view name) {
    return raw("c").raw(module).raw("\n").raw(name).raw("\n");
  }
  PickleWriter& integers(std::initializer_list<int32_t> values) {
    mark();
    for (int32_t value : values) integer(value);
    return tuple();
  }
  // ('storage', torch.<type>, key, 'cpu', elements)
  PickleWriter& storage(std::string_view type, std::string_view key, int32_t elements) {
    return mark().text("storage").global("torch", type).text(key).text("cpu").integer(elements).tuple().persistent();
  }
  // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())
  PickleWriter& tensor(std::string_view type, std::string_view key, int32_t elements, int32_t offset,
                       std::initializer_list<int32_t> size, std::initializer_list<int32_t> stride) {
    global("torch._utils", "_rebuild_tensor_v2").mark().storage(type, key, elements).integer(offset);
    integers(size).integers(stride).boolean(false);
    return global("collections", "OrderedDict").empty_tuple().reduce().tuple().reduce();
  }
  std::string stop() { return bytes_ + "."; }

 private:
  std::string bytes_;
};

// A zip file with these members, stored or deflated.
inline std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members, bool deflate = false) {
  zip_error_t error;
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(source);
  zip_t* archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  for (const auto& [name, content] : members) {
    zip_source_t* data = zip_source_buffer(archive, content.data(), content.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), data, ZIP_FL_OVERWRITE);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  zip_source_open(source);
  std::string bytes;
  char buffer[4096];
  for (zip_int64_t got = 0; (got = zip_source_read(source, buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, static_cast<size_t>(got));
  zip_source_close(source);
  zip_source_free(source);
  return bytes;
}

template <class T>
std::string raw_values(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

// The stream before PyTorch 1.6, around an object's pickle: storages are (key, raw bytes, elements).
struct LegacyStorage {
  std::string key;
  std::string bytes;
  int64_t elements = 0;
};
inline std::string make_legacy(const std::string& object, const std::vector<LegacyStorage>& storages) {
  std::string file =
      PickleWriter().raw(std::string_view("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12)).stop();
  file += PickleWriter().integer(1001).stop();
  file += PickleWriter().empty_dict().text("little_endian").boolean(true).set_item().stop();
  file += object;
  PickleWriter keys;
  keys.empty_list().mark();
  for (const LegacyStorage& storage : storages) keys.text(storage.key);
  file += keys.appends().stop();
  for (const LegacyStorage& storage : storages) {
    file.append(reinterpret_cast<const char*>(&storage.elements), sizeof storage.elements);
    file += storage.bytes;
  }
  return file;
}

}  // namespace framelift::test
