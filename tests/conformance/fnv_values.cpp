// Writes an .fnv file that uses every part of the format, and prints any file as tools/fnv_reference.py does.
//   fnv_values --write FILE | fnv_values FILE
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/fnv_reader.h"
#include "codec/fnv_writer.h"

namespace framelift {
namespace {

// Small numbers from a formula: a linear congruence, the sum of three for a bell.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed) {}
  int next(int limit) {
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
      state_ = state_ * 1664525 + 1013904223;
      sum += static_cast<int>(state_ >> 16) % (2 * limit) - limit;
    }
    return sum / 3;
  }

 private:
  uint32_t state_;
};

QuantizedTensor made_tensor(const Shape& shape, int bits, int axis, uint32_t seed, int along_time) {
  Numbers numbers(seed);
  QuantizedTensor tensor{shape, bits, axis, {}, {}};
  for (int64_t i = 0; i < scale_count(shape, axis); ++i)
    tensor.scales.push_back(static_cast<uint16_t>(0x2400 + numbers.next(300)));
  const int limit = 1 << (bits - 1);
  for (int64_t i = 0; i < shape.elements(); ++i) {
    int value = numbers.next(limit) / (i / 40 % 4 == 0 ? 1 : 6);  // loud and quiet lines
    if (along_time > 0)
      value = (i < along_time ? value : tensor.values[static_cast<size_t>(i - along_time)] + value / 8);
    tensor.values.push_back(static_cast<int16_t>(std::clamp(i % 7 == 0 ? 0 : value, -limit, limit - 1)));
  }
  return tensor;
}

FnvGroup made_group(uint32_t seed, size_t frames, int bits) {
  FnvGroup group;
  group.configuration = {{"channels", "24"}, {"name", "größer"}};
  int64_t pts = static_cast<int64_t>(seed) * 40000 - 5000;
  for (size_t i = 0; i < frames; ++i) {
    group.times.push_back({pts, i % 4 == 3 ? 0 : 1001});
    pts += i % 3 == 2 ? 2002 : 1001;
  }
  group.tensors.push_back({"lines", made_tensor({48, 40}, bits, 0, seed, 0)});
  group.tensors.push_back({"within", made_tensor({3, 40, 2}, bits, 1, seed + 1, 0)});
  group.tensors.push_back({"grid", made_tensor({20, 12}, bits, no_axis, seed + 2, 12)});
  group.tensors.push_back({"scalar", made_tensor({}, 12, no_axis, seed + 3, 0)});
  group.tensors.push_back({"coarse", made_tensor({5, 5}, 2, no_axis, seed + 4, 0)});
  group.tensors.push_back({"fine", made_tensor({60}, 12, 0, seed + 5, 0)});
  Tensor half(DType::f16, {4});
  Tensor full(DType::f32, {2, 2});
  for (int i = 0; i < 4; ++i) {
    half.as<uint16_t>()[i] = static_cast<uint16_t>(0x3555 + 1000 * i);
    full.as<uint32_t>()[i] = 0xbf123456u + 7654321u * static_cast<uint32_t>(i);
  }
  group.tensors.push_back({"half", std::move(half)});
  group.tensors.push_back({"full", std::move(full)});
  return group;
}

Status write_sample(const std::string& path) {
  FnvHeader header;
  header.width = 319;
  header.height = 179;
  header.coded_width = 320;
  header.coded_height = 180;
  header.left = 1;
  header.format = {ColorFamily::yuv, 10, 1, 1, false};
  header.color = {MatrixCoefficients::bt2020_ncl, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                  ColorRange::limited, ChromaLocation::top_left};
  header.sample_aspect_ratio = {64, 45};
  header.time_base = {1, 24000};
  header.frame_rate = {24000, 1001};
  header.display_matrix = {0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30};
  header.hdr.mastering_display = mastering_display(ColorPrimaries::bt2020, 1000);
  header.hdr.content_light = ContentLight{1000, 400};
  header.metadata = {{"title", "a sample"}};
  FL_TRY(auto writer, FnvWriter::create(path, header));
  FL_CHECK(writer.add_group(made_group(1, 9, 6)));
  FL_CHECK(writer.add_group(made_group(2, 5, 8)));
  FL_CHECK(writer.add_group(made_group(3, 1, 6)));
  const std::string sidecar = "opaque bytes";
  FL_CHECK(writer.add_auxiliary("matroska", *memory_source(std::as_bytes(std::span(sidecar)), "sidecar")));
  return writer.finish();
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::byte b : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

void print_header(const FnvHeader& h) {
  fmt::print("picture {} {} {} {} {} {}\n", h.width, h.height, h.coded_width, h.coded_height, h.left, h.top);
  fmt::print("format {} {} {} {} {}\n", static_cast<int>(h.format.family), h.format.bits, h.format.chroma_shift_x,
             h.format.chroma_shift_y, static_cast<int>(h.format.alpha));
  fmt::print("colour {} {} {} {} {}\n", static_cast<int>(h.color.matrix), static_cast<int>(h.color.transfer),
             static_cast<int>(h.color.primaries), static_cast<int>(h.color.range),
             static_cast<int>(h.color.chroma_location));
  fmt::print("aspect {} {}\n", h.sample_aspect_ratio.num, h.sample_aspect_ratio.den);
  fmt::print("time_base {} {}\n", h.time_base.num, h.time_base.den);
  fmt::print("frame_rate {} {}\n", h.frame_rate.num, h.frame_rate.den);
  if (h.display_matrix) fmt::print("display_matrix {}\n", fmt::join(*h.display_matrix, " "));
  if (const auto& d = h.hdr.mastering_display) {
    std::vector<double> numbers;
    for (const auto& xy : d->primaries) numbers.insert(numbers.end(), xy.begin(), xy.end());
    numbers.insert(numbers.end(), d->white_point.begin(), d->white_point.end());
    numbers.insert(numbers.end(), {d->min_nits, d->max_nits});
    fmt::print("mastering");
    for (const double& number : numbers) fmt::print(" {}", hex(std::as_bytes(std::span(&number, 1))));
    fmt::print("\n");
  }
  if (const auto& l = h.hdr.content_light) fmt::print("light {} {}\n", l->max_content_nits, l->max_frame_average_nits);
  for (const auto& [key, value] : h.metadata) fmt::print("metadata {} = {}\n", key, value);
}

void print_network(size_t number, const FnvNetwork& network) {
  for (const auto& [key, value] : network.configuration) fmt::print("network {} {} = {}\n", number, key, value);
  for (const TensorLayout& tensor : network.layout) {
    fmt::print("tensor {} {} {} {}", number, tensor.name, tensor.bits, tensor.axis);
    for (int64_t dim : tensor.shape.dims()) fmt::print(" {}", dim);
    fmt::print("\n");
  }
}

void print_group(const FnvReader& reader, size_t number, const FnvGroup& group) {
  fmt::print("group {} network {} first {} frames {}\n", number, reader.groups()[number].network,
             reader.first_frame(number), group.times.size());
  for (const FnvFrameTime& time : group.times) fmt::print("frame {} {}\n", time.pts, time.duration);
  for (const StoredTensor& stored : group.tensors) {
    if (const auto* tensor = std::get_if<QuantizedTensor>(&stored.content)) {
      fmt::print("scales {} {}\n", stored.name, fmt::join(tensor->scales, " "));
      fmt::print("values {} {}\n", stored.name, fmt::join(tensor->values, " "));
      continue;
    }
    const Tensor& plain = std::get<Tensor>(stored.content);
    fmt::print("values {}", stored.name);
    for (int64_t i = 0; i < plain.elements(); ++i)
      fmt::print(" {}", plain.dtype() == DType::f16 ? plain.as<uint16_t>()[i] : plain.as<uint32_t>()[i]);
    fmt::print("\n");
  }
  for (const StoredTensor& stored : group.tensors) {
    const auto* tensor = std::get_if<QuantizedTensor>(&stored.content);
    const Tensor weights = tensor ? dequantize(*tensor) : std::get<Tensor>(stored.content).to_f32();
    fmt::print("weights {} {}\n", stored.name, hex({weights.data(), weights.bytes()}));
  }
}

Status print_file(const std::string& path) {
  FL_TRY(auto source, open_file_source(path));
  FL_TRY(const FnvReader reader, FnvReader::open(std::move(source)));
  print_header(reader.header());
  size_t network = 0, group = 0, auxiliary = 0;
  for (const FnvIndexEntry& entry : reader.index()) {
    if (entry.type == fnv_network) {
      print_network(network, reader.networks()[network]);
      ++network;
    } else if (entry.type == fnv_group) {
      FL_TRY(const FnvGroup content, reader.read_group(group));
      print_group(reader, group++, content);
    } else if (entry.type == fnv_auxiliary) {
      std::string content;
      FL_CHECK(reader.read_auxiliary(auxiliary++, [&content](std::span<const std::byte> piece) -> Status {
        content += hex(piece);
        return {};
      }));
      fmt::print("auxiliary {} {}\n", entry.kind, content);
    }
  }
  for (const FnvIndexEntry& e : reader.index()) {
    fmt::print("index {} {} {}", std::string_view(e.type.data(), e.type.size()), e.offset, e.body_bytes);
    if (e.type == fnv_group) fmt::print(" {} {} {} {}", e.network, e.frame_count, e.first_pts, e.end_pts);
    if (e.type == fnv_auxiliary) fmt::print(" {}", e.kind);
    fmt::print("\n");
  }
  if (reader.complete()) fmt::print("complete\n");
  return {};
}

}  // namespace
}  // namespace framelift

int main(int argc, char** argv) {
  const bool writes = argc == 3 && std::string_view(argv[1]) == "--write";
  if (!writes && argc != 2) return 2;
  const auto status = writes ? framelift::write_sample(argv[2]) : framelift::print_file(argv[1]);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
