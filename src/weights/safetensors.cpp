#include "weights/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/byte_reader.h"
#include "weights/file_bytes.h"
#include "weights/tensor_size.h"

namespace framelift {

namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t max_header_bytes = 100'000'000;  // the format's own limit

struct DTypeName {
  const char* name;
  DType dtype;
};
constexpr std::array dtype_names = {
    DTypeName{"F64", DType::f64},      DTypeName{"F32", DType::f32}, DTypeName{"F16", DType::f16},
    DTypeName{"BF16", DType::bf16},    DTypeName{"I64", DType::i64}, DTypeName{"I32", DType::i32},
    DTypeName{"I16", DType::i16},      DTypeName{"I8", DType::i8},   DTypeName{"U8", DType::u8},
    DTypeName{"BOOL", DType::boolean},
};

struct TensorEntry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<int64_t>> shape;
  std::optional<std::vector<int64_t>> offsets;
};

// Takes the header apart as it is parsed: anything but the header's fixed form is refused on the spot, so that a
// hostile header can neither nest deeply nor hide a duplicate.
class HeaderReader {
 public:
  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;
  std::string error;

  bool null() { return refuse("null"); }
  bool boolean(bool) { return refuse("a boolean"); }
  bool number_float(double, const std::string&) { return refuse("a number that is no integer"); }
  bool binary(Json::binary_t&) { return refuse("binary data"); }
  bool number_integer(int64_t) { return refuse("a negative number"); }
  bool number_unsigned(uint64_t number) {
    if (numbers_ == nullptr) return refuse("a number");
    if (number > uint64_t{1} << 62) return refuse("a number that is too large");
    numbers_->push_back(static_cast<int64_t>(number));
    return true;
  }
  bool string(std::string& text) {
    if (depth_ == 2 && in_metadata_) return metadata.emplace(field_, std::move(text)).second || duplicate(field_);
    if (depth_ == 2 && field_ == "dtype" && numbers_ == nullptr) {
      entries.back().dtype = std::move(text);
      return true;
    }
    return refuse("a text");
  }
  bool start_object(size_t) {
    if (depth_ < 2) {  // the header itself, or the value of one of its keys
      ++depth_;
      return true;
    }
    return refuse("an object");
  }
  bool end_object() {
    --depth_;
    in_metadata_ = false;
    return true;
  }
  bool key(std::string& name) {
    if (depth_ == 1) {
      if (!names_.insert(name).second) return duplicate(name);
      in_metadata_ = name == "__metadata__";
      if (!in_metadata_) entries.push_back({name, {}, {}, {}});
      return true;
    }
    field_ = name;
    if (in_metadata_) return true;
    TensorEntry& entry = entries.back();
    if (name == "dtype") return entry.dtype ? duplicate(name) : true;
    if (name == "shape") return entry.shape ? duplicate(name) : true;
    if (name == "data_offsets") return entry.offsets ? duplicate(name) : true;
    error = fmt::format("tensor {} has an unknown field \"{}\"", entry.name, name);
    return false;
  }
  bool start_array(size_t) {
    if (depth_ != 2 || in_metadata_ || numbers_ != nullptr || (field_ != "shape" && field_ != "data_offsets"))
      return refuse("an array");
    auto& target = field_ == "shape" ? entries.back().shape : entries.back().offsets;
    numbers_ = &target.emplace();
    return true;
  }
  bool end_array() {
    numbers_ = nullptr;
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    error = fmt::format("is not JSON at header byte {}", position);
    return false;
  }

 private:
  bool refuse(std::string_view what) {
    error = fmt::format("has {} where none may be{}{}", what, entries.empty() ? "" : ", at tensor ",
                        entries.empty() ? "" : entries.back().name);
    return false;
  }
  bool duplicate(std::string_view name) {
    error = fmt::format("names \"{}\" twice", name);
    return false;
  }

  int depth_ = 0;
  bool in_metadata_ = false;
  std::string field_;
  std::vector<int64_t>* numbers_ = nullptr;
  std::set<std::string> names_;
};

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeName& known : dtype_names)
    if (name == known.name) return known.dtype;
  return std::nullopt;
}

const char* name_of(DType dtype) {
  return std::ranges::find(dtype_names, dtype, &DTypeName::dtype)->name;  // the table is complete
}

struct PlacedTensor {
  DType dtype = DType::f32;
  Shape shape;
  uint64_t begin = 0, end = 0;
  const std::string* name = nullptr;
};

Result<PlacedTensor> check_entry(const TensorEntry& entry, uint64_t data_bytes, std::string_view file) {
  if (!entry.dtype || !entry.shape || !entry.offsets)
    return fail(ErrorCode::invalid_data, "{}: tensor {} lacks its dtype, shape or data_offsets", file, entry.name);
  const auto dtype = dtype_from_name(*entry.dtype);
  if (!dtype)
    return fail(ErrorCode::unsupported, "{}: tensor {} has type {}, which is not supported; convert it to F32", file,
                entry.name, *entry.dtype);
  if (entry.shape->size() > Shape::max_rank)
    return fail(ErrorCode::unsupported, "{}: tensor {} has {} dimensions, at most {} are supported", file, entry.name,
                entry.shape->size(), Shape::max_rank);
  if (entry.offsets->size() != 2)
    return fail(ErrorCode::invalid_data, "{}: tensor {} has {} data_offsets instead of 2", file, entry.name,
                entry.offsets->size());
  PlacedTensor placed{*dtype, Shape(*entry.shape), static_cast<uint64_t>((*entry.offsets)[0]),
                      static_cast<uint64_t>((*entry.offsets)[1]), &entry.name};
  if (placed.begin > placed.end || placed.end > data_bytes)
    return fail(ErrorCode::invalid_data, "{}: tensor {} lies at bytes {} to {} of {} (truncated or damaged file)", file,
                entry.name, placed.begin, placed.end, data_bytes);
  const auto bytes = checked_tensor_bytes(*entry.shape, *dtype);
  if (!bytes || *bytes != placed.end - placed.begin)
    return fail(ErrorCode::invalid_data, "{}: tensor {} of shape {} and type {} does not fill its {} bytes", file,
                entry.name, to_string(placed.shape), *entry.dtype, placed.end - placed.begin);
  return placed;
}

Status check_coverage(std::vector<PlacedTensor> tensors, uint64_t data_bytes, std::string_view file) {
  std::ranges::sort(tensors, [](const PlacedTensor& a, const PlacedTensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const PlacedTensor& tensor : tensors) {
    if (tensor.begin != covered)
      return fail(ErrorCode::invalid_data, "{}: tensor {} starts at byte {} of the data, expected {} ({})", file,
                  *tensor.name, tensor.begin, covered, tensor.begin < covered ? "tensors overlap" : "a gap");
    covered = tensor.end;
  }
  if (covered != data_bytes)
    return fail(ErrorCode::invalid_data, "{}: {} bytes behind the last tensor", file, data_bytes - covered);
  return {};
}

}  // namespace

Result<WeightFile> parse_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  FL_TRY(auto header_bytes, reader.read<uint64_t>());
  if (header_bytes > max_header_bytes || header_bytes > reader.remaining())
    return fail(ErrorCode::invalid_data,
                "{}: the header claims {} bytes but {} are left (truncated, or not a safetensors file)", name,
                header_bytes, reader.remaining());
  FL_TRY(auto header_text, reader.take_text(header_bytes));
  HeaderReader header;
  if (!Json::sax_parse(header_text.begin(), header_text.end(), &header))
    return fail(ErrorCode::invalid_data, "{}: the safetensors header {}", name, header.error);

  const uint64_t data_bytes = reader.remaining();
  FL_TRY(auto data, reader.take(data_bytes));
  std::vector<PlacedTensor> placed;
  placed.reserve(header.entries.size());
  for (const TensorEntry& entry : header.entries) {
    FL_TRY(auto tensor, check_entry(entry, data_bytes, name));
    placed.push_back(tensor);
  }
  FL_CHECK(check_coverage(placed, data_bytes, name));

  WeightFile file;
  file.path = name;
  file.format = WeightFormat::safetensors;
  file.metadata = std::move(header.metadata);
  file.tensors.reserve(placed.size());
  for (const PlacedTensor& entry : placed) {
    Tensor tensor(entry.dtype, entry.shape);
    std::memcpy(tensor.data(), data.data() + entry.begin, entry.end - entry.begin);
    file.tensors.emplace_back(*entry.name, std::move(tensor));
  }
  return file;
}

Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    if (header.contains(name) || name == "__metadata__")
      return fail(ErrorCode::invalid_argument, "{}: two tensors would be named {}", path.string(), name);
    const uint64_t end = offset + tensor->bytes();
    header[name] = {{"dtype", name_of(tensor->dtype())},
                    {"shape", std::vector<int64_t>(tensor->shape().dims().begin(), tensor->shape().dims().end())},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start aligned, as other writers do

  const uint64_t header_bytes = text.size();
  std::vector<std::span<const std::byte>> parts{std::as_bytes(std::span(&header_bytes, 1)),
                                                std::as_bytes(std::span(text))};
  for (const NamedTensor& entry : tensors) parts.emplace_back(entry.tensor->data(), entry.tensor->bytes());
  return write_file_bytes(path, parts);
}

}  // namespace framelift
