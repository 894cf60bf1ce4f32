#include "encode/ffmpeg/packet_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace framelift {
namespace {

struct PacketRecord {
  int64_t pts, dts, duration;
  int32_t flags, stream_index, size, side_data;
};
struct SideDataRecord {
  int64_t size;
  int32_t type;
};

// A file without a name; on file systems that know none, a file that loses its name at once.
int open_unnamed(const std::string& folder) {
  int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0) return descriptor;
  std::string name = folder + "/.framelift.XXXXXX";
  descriptor = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor >= 0) unlink(name.c_str());
  return descriptor;
}

int error_code() { return errno ? AVERROR(errno) : AVERROR(EIO); }

}  // namespace

Result<PacketSpool> PacketSpool::create(const std::string& folder) {
  PacketSpool spool;
  const int descriptor = open_unnamed(folder.empty() ? "." : folder);
  if (descriptor >= 0) spool.file_.reset(fdopen(descriptor, "w+b"));
  if (!spool.file_)
    return fail(ErrorCode::io, "{}: no temporary file can be made in this folder ({})", folder, std::strerror(errno));
  constexpr size_t buffer_bytes = 1 << 18;
  spool.buffer_ = std::make_unique<char[]>(buffer_bytes);
  std::setvbuf(spool.file_.get(), spool.buffer_.get(), _IOFBF, buffer_bytes);
  return spool;
}

int PacketSpool::write(const AVPacket& packet) {
  errno = 0;
  const PacketRecord record{packet.pts,          packet.dts,  packet.duration,       packet.flags,
                            packet.stream_index, packet.size, packet.side_data_elems};
  if (!put(&record, sizeof record) || !put(packet.data, static_cast<size_t>(packet.size))) return error_code();
  for (int i = 0; i < packet.side_data_elems; ++i) {
    const AVPacketSideData& data = packet.side_data[i];
    const SideDataRecord side{static_cast<int64_t>(data.size), data.type};
    if (!put(&side, sizeof side) || !put(data.data, data.size)) return error_code();
  }
  return 0;
}

int PacketSpool::rewind() {
  errno = 0;
  return std::fflush(file_.get()) == 0 && std::fseek(file_.get(), 0, SEEK_SET) == 0 ? 0 : error_code();
}

int PacketSpool::read(AVPacket& packet) {
  errno = 0;
  PacketRecord record{};
  if (!get(&record, sizeof record)) return std::ferror(file_.get()) ? error_code() : 0;
  if (const int code = av_new_packet(&packet, record.size); code < 0) return code;
  packet.pts = record.pts;
  packet.dts = record.dts;
  packet.duration = record.duration;
  packet.flags = record.flags;
  packet.stream_index = record.stream_index;
  if (!get(packet.data, static_cast<size_t>(record.size))) return error_code();
  for (int i = 0; i < record.side_data; ++i) {
    SideDataRecord side{};
    if (!get(&side, sizeof side)) return error_code();
    uint8_t* data =
        av_packet_new_side_data(&packet, static_cast<AVPacketSideDataType>(side.type), static_cast<size_t>(side.size));
    if (!data) return AVERROR(ENOMEM);
    if (!get(data, static_cast<size_t>(side.size))) return error_code();
  }
  return 1;
}

}  // namespace framelift
