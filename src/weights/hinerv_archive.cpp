#include "weights/hinerv_archive.h"

#include <zlib.h>

#include <charconv>
#include <cmath>
#include <map>
#include <memory>

#include "weights/pytorch.h"
#include "weights/range_decoder.h"
#include "weights/tensor_size.h"

namespace framelift {
namespace {

constexpr const char* side_member = "model_compressed.pth.tar";
constexpr std::string_view parametrised = ".parametrizations.weight.", original = "original";
constexpr std::string_view length_suffix = ".bits_length", mask_suffix = "_mask", scales_prefix = "quant_config.";
// Symbols are small integers; up to here floats hold them exactly.
constexpr int64_t max_symbol = int64_t{1} << 24;

// A stream of bits with its zip member's own checksum; the archive itself bounds it further.
constexpr uint64_t max_stream_bytes = uint64_t{1} << 30;

// The side data is larger than the streams of a small network, but never grows far beyond its compressed size.
uint64_t memory_budget(uint64_t file_bytes) { return (uint64_t{16} << 20) + 16 * file_bytes; }
// Coded tensors can be far smaller than their elements, but not without end.
int64_t element_budget(uint64_t file_bytes) { return (int64_t{1} << 22) + 64 * static_cast<int64_t>(file_bytes); }

Result<std::vector<std::byte>> inflate(std::span<const std::byte> bytes, uint64_t limit, std::string_view name) {
  const auto damaged = [&] { return fail(ErrorCode::invalid_data, "{}: {} is damaged", name, side_member); };
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return fail(ErrorCode::out_of_memory, "{}: does not fit into memory", name);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::vector<std::byte> result;
  for (int status = Z_OK; status != Z_STREAM_END;) {
    constexpr size_t step = size_t{1} << 16;
    const size_t done = result.size();
    if (done + step > limit) return damaged();
    result.resize(done + step);
    stream.next_out = reinterpret_cast<Bytef*>(result.data() + done);
    stream.avail_out = step;
    status = ::inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) return damaged();
    result.resize(done + step - stream.avail_out);
    if (status == Z_OK && stream.avail_in == 0 && stream.avail_out != 0) return damaged();
  }
  return result;
}

// X.parametrizations.weight.original -> X.weight; nothing for what else belongs to a parametrisation.
std::string plain_name(std::string_view key) {
  const size_t at = key.find(parametrised);
  if (at == std::string_view::npos) return std::string(key);
  return key.substr(at + parametrised.size()) == original ? std::string(key.substr(0, at)) + ".weight" : "";
}

class ArchiveReader {
 public:
  ArchiveReader(const ZipArchive& archive, const WeightFile& side, uint64_t file_bytes)
      : archive_(archive), side_(side), name_(side.path.string()), budget_(element_budget(file_bytes)) {
    for (const auto& [key, tensor] : side.tensors) tensors_.emplace(key, &tensor);
  }

  Result<WeightFile> run() {
    WeightFile file;
    file.path = side_.path;
    file.format = WeightFormat::hinerv;
    for (const auto& [key, tensor] : side_.tensors) {
      const std::string name = plain_name(key);
      if (!name.empty() && !is_side_data(key)) file.tensors.emplace_back(name, tensor.to_f32());
    }
    for (const auto& [entry, length] : side_.metadata) {
      if (!entry.ends_with(length_suffix)) continue;
      const std::string key = entry.substr(0, entry.size() - length_suffix.size());
      if (key.ends_with(mask_suffix)) continue;
      FL_TRY(Tensor tensor, weight(key));
      const std::string name = plain_name(key);
      if (name.empty() || file.find(name)) return damaged(key);
      file.tensors.emplace_back(name, std::move(tensor));
    }
    if (file.tensors.empty()) return fail(ErrorCode::invalid_data, "{}: holds no tensors", name_);
    return file;
  }

 private:
  tl::unexpected<Error> damaged(std::string_view key) const {
    return fail(ErrorCode::invalid_data, "{}: tensor {} is damaged", name_, key);
  }
  bool is_coded(const std::string& key) const { return side_.metadata.contains(key + std::string(length_suffix)); }
  // Tables and scales of a coded tensor.
  bool is_side_data(std::string_view key) const {
    return key.starts_with(scales_prefix) || is_coded(std::string(key.substr(0, key.rfind('.'))));
  }
  const Tensor* find(const std::string& key) const {
    const auto found = tensors_.find(key);
    return found == tensors_.end() ? nullptr : found->second;
  }

  // Read off a torch.Size, "32, 6, 3, 3", within the budget.
  Result<Shape> shape(const std::string& key) {
    const auto found = side_.metadata.find(key + ".shape");
    if (found == side_.metadata.end()) return damaged(key);
    std::vector<int64_t> dims;
    const char *at = found->second.data(), *end = at + found->second.size();
    while (at < end) {
      const auto [next, error] = std::from_chars(at, end, dims.emplace_back());
      if (error != std::errc{} || dims.size() > Shape::max_rank) return damaged(key);
      at = next;
      while (at < end && (*at == ',' || *at == ' ')) ++at;
    }
    const auto bytes = checked_tensor_bytes(dims, DType::u8);
    if (!bytes || *bytes > static_cast<uint64_t>(budget_))
      return fail(ErrorCode::invalid_data, "{}: tensor {} is implausibly large for this file", name_, key);
    budget_ -= static_cast<int64_t>(*bytes);
    return Shape(dims);
  }

  // The integers of a coded tensor, in the order in which they were coded.
  Result<std::vector<float>> integers(const std::string& key) {
    const auto& length = side_.metadata.at(key + std::string(length_suffix));
    if (length == "0") return std::vector<float>();  // everything was pruned
    if (side_.metadata.contains(key + ".dim"))
      return fail(ErrorCode::unsupported, "{}: tensor {} is coded in parts, which is not known", name_, key);
    const Tensor *symbols = find(key + ".sym"), *cdf = find(key + ".cdf"), *offset = find(key + ".offset");
    if (!symbols || !cdf || !offset || cdf->dtype() != DType::f32 || offset->elements() != 1 ||
        symbols->elements() + 1 != cdf->elements())
      return damaged(key);
    FL_TRY(const Shape coded, shape(key));
    FL_TRY(const auto bytes, archive_.read(key + ".bit", max_stream_bytes));
    if (std::to_string(bytes.size()) != length) return damaged(key);
    FL_TRY(const auto indices,
           decode_range_coded(bytes, cdf->f32(), static_cast<size_t>(coded.elements()), name_ + ": " + key));
    const Tensor table = symbols->to_f32(), first = offset->to_f32();
    for (float v : table.f32())
      if (!(std::abs(v) <= max_symbol && std::abs(first.f32()[0]) <= max_symbol)) return damaged(key);
    std::vector<float> values;
    for (uint16_t index : indices) values.push_back(table.f32()[index] + first.f32()[0]);
    return values;
  }

  // Integers times scales; the axes along which a scale is shared have length 1.
  Result<Tensor> weight(const std::string& key) {
    FL_TRY(std::vector<float> values, integers(key));
    const std::string mask_key = key + std::string(mask_suffix);
    const bool pruned = is_coded(mask_key);
    FL_TRY(const Shape dims, shape(pruned ? mask_key : key));
    if (pruned) {
      FL_TRY(const std::vector<float> mask, integers(mask_key));
      FL_TRY(values, restored(key, values, mask));
    }
    const Tensor* scale = find(std::string(scales_prefix) + key + ".scale");
    if (!scale) return damaged(key);
    const Tensor factors = scale->to_f32();
    if (static_cast<int64_t>(values.size()) != dims.elements()) return damaged(key);
    const int rank = factors.shape().rank();
    if (rank != 0 && rank != dims.rank()) return damaged(key);
    for (int axis = 0; axis < rank; ++axis)
      if (factors.shape()[axis] != 1 && factors.shape()[axis] != dims[axis]) return damaged(key);

    Tensor result(DType::f32, dims);
    for (int64_t i = 0; i < dims.elements(); ++i) {
      int64_t rest = i, at = 0, stride = 1;
      for (int axis = rank; axis-- > 0;) {
        at += factors.shape()[axis] == 1 ? 0 : rest % dims[axis] * stride;
        stride *= factors.shape()[axis];
        rest /= dims[axis];
      }
      result.f32()[static_cast<size_t>(i)] = values[static_cast<size_t>(i)] * factors.f32()[static_cast<size_t>(at)];
    }
    return result;
  }

  // What was kept, at the places where the mask is not zero.
  Result<std::vector<float>> restored(const std::string& key, const std::vector<float>& kept,
                                      const std::vector<float>& mask) const {
    std::vector<float> all;
    size_t next = 0;
    for (float m : mask) {
      if (m != 0 && next == kept.size()) return damaged(key);
      all.push_back(m != 0 ? kept[next++] : 0.0f);
    }
    if (next != kept.size()) return damaged(key);
    return all;
  }

  const ZipArchive& archive_;
  const WeightFile& side_;
  const std::string name_;
  int64_t budget_;
  std::map<std::string, const Tensor*, std::less<>> tensors_;
};

}  // namespace

bool is_hinerv_archive(const ZipArchive& archive) { return archive.contains(side_member); }

Result<WeightFile> parse_hinerv_archive(std::span<const std::byte> bytes, std::string_view name) {
  FL_TRY(const ZipArchive archive, ZipArchive::open(bytes, name));
  const uint64_t budget = memory_budget(bytes.size());
  FL_TRY(const auto packed, archive.read(side_member, budget));
  FL_TRY(const auto side_bytes, inflate(packed, budget, name));
  FL_TRY(const WeightFile side, parse_pytorch(side_bytes, name));
  return ArchiveReader(archive, side, bytes.size()).run();
}

}  // namespace framelift
