#include "pipeline/device_pixels.h"

namespace framelift {
namespace {

bool can_enter(const PictureReader& reader, const PictureLayout& input) {
  return reader.plain_reading() && !input.format.is_float();
}

bool can_leave(const PictureWriter& writer, const Tile& tile, const Region& kept) {
  const bool whole =
      tile.covered.x == 0 && tile.covered.y == 0 && tile.written == Region{0, 0, kept.width, kept.height};
  return whole && writer.gain == 1 && !writer.convert && !writer.network_format.is_float();
}

}  // namespace

Result<DevicePixels> plan_device_pixels(TiledNetwork& network, const PictureReader& reader, const PictureLayout& input,
                                        const PictureWriter& writer, const Region& kept, bool looks_at_tensors) {
  DevicePixels plan;
  if (network.tiles.tiles.size() != 1 || network.batch != 1 || network.tiles.blend || looks_at_tensors) return plan;
  for (const auto& request : network.requests)
    if (!request->pixels()) return plan;
  if (can_enter(reader, input)) plan.reading = reader.plain_reading();
  if (!can_leave(writer, network.tiles.tiles[0], kept)) return plan;
  plan.writing = &writer.to_frame.writing();
  for (const auto& request : network.requests)
    FL_CHECK(request->pixels()->make_frames(*plan.writing, writer.network_format, kept.width, kept.height));
  return plan;
}

}  // namespace framelift
