#include "codec/fnv_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace framelift {

namespace {

using Text = std::back_insert_iterator<std::string>;

double seconds(const FnvReader& reader, int64_t ticks) {
  return static_cast<double>(ticks) * reader.header().time_base.value();
}

void describe_picture(Text out, const FnvReader& reader) {
  const FnvHeader& header = reader.header();
  fmt::format_to(out, "picture      {}x{} {}", header.width, header.height, to_string(header.format));
  if (header.coded_width != header.width || header.coded_height != header.height)
    fmt::format_to(out, ", at {},{} of {}x{} coded", header.left, header.top, header.coded_width, header.coded_height);
  const ColorInfo& color = header.color;
  fmt::format_to(out, "\ncolour       matrix {}, transfer {}, primaries {} (H.273), {} range\n",
                 static_cast<int>(color.matrix), static_cast<int>(color.transfer), static_cast<int>(color.primaries),
                 color.range == ColorRange::full      ? "full"
                 : color.range == ColorRange::limited ? "limited"
                                                      : "unknown");
  if (const auto& display = header.hdr.mastering_display)
    fmt::format_to(out, "mastered     on a display of {:g} to {:g} cd/m2\n", display->min_nits, display->max_nits);
  if (const auto& light = header.hdr.content_light)
    fmt::format_to(out, "light        MaxCLL {}, MaxFALL {} cd/m2\n", light->max_content_nits,
                   light->max_frame_average_nits);
}

void describe_network(Text out, const FnvNetwork& network) {
  int64_t values = 0, quantized = 0, bits = 0;
  for (const TensorLayout& tensor : network.layout) {
    values += tensor.shape.elements();
    if (tensor.bits > max_quantized_bits) continue;
    quantized += tensor.shape.elements();
    bits += tensor.bits * tensor.shape.elements();
  }
  fmt::format_to(out, "network      {} values in {} tensors", values, network.layout.size());
  if (quantized > 0)
    fmt::format_to(out, ", {} quantised to {:.3g} bits on average", quantized,
                   static_cast<double>(bits) / static_cast<double>(quantized));
  for (const auto& [key, value] : network.configuration) fmt::format_to(out, "\n             {} = {}", key, value);
  fmt::format_to(out, "\n");
}

}  // namespace

std::string fnv_info(const FnvReader& reader) {
  std::string text;
  const Text out(text);
  const auto groups = reader.groups();
  fmt::format_to(out, "{}: {} frames in {} groups, {} bytes{}\n", reader.name(), reader.frame_count(), groups.size(),
                 reader.file_bytes(), reader.complete() ? "" : "; NOT COMPLETE: cut off or damaged");
  describe_picture(out, reader);
  if (!groups.empty())
    fmt::format_to(out, "time         {:.3f} s from {:.3f} s on\n",
                   seconds(reader, groups.back().end_pts - groups.front().first_pts),
                   seconds(reader, groups.front().first_pts));
  for (const auto& [key, value] : reader.header().metadata) fmt::format_to(out, "metadata     {} = {}\n", key, value);
  for (const FnvNetwork& network : reader.networks()) describe_network(out, network);
  for (size_t i = 0; i < groups.size(); ++i)
    fmt::format_to(out, "group {:<6} frames {} to {}, network {}, {} bytes, {:.4f} bits per pixel\n", i,
                   reader.first_frame(i), reader.first_frame(i) + groups[i].frame_count - 1, groups[i].network,
                   groups[i].body_bytes,
                   8.0 * static_cast<double>(groups[i].body_bytes) /
                       (static_cast<double>(groups[i].frame_count) * reader.header().width * reader.header().height));
  for (const FnvIndexEntry& entry : reader.auxiliaries())
    fmt::format_to(out, "auxiliary    {}, {} bytes\n", entry.kind, entry.body_bytes);
  return text;
}

}  // namespace framelift
