#include "encode/exr_sink.h"

#include <ImfChannelList.h>
#include <ImfChromaticitiesAttribute.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfIO.h>
#include <ImfOutputFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStringAttribute.h>
#include <ImfThreading.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "base/allocation_counter.h"
#include "base/log.h"
#include "color/transfer.h"
#include "decode/picture_files.h"
#include "encode/output_file.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr int rows_at_once = 256;  // the most that a compression takes together (DWAB)
constexpr float largest_half = 65504;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// What OpenEXR writes through. Its own stream notices a full disk only sometimes: this one remembers the first error.
class FileStream final : public Imf::OStream {
 public:
  explicit FileStream(const std::string& path) : OStream(path.c_str()), file_(std::fopen(path.c_str(), "wb")) {
    if (!file_) error_ = errno;
  }
  void write(const char bytes[], int count) override {
    if (file_ && std::fwrite(bytes, 1, static_cast<size_t>(count), file_.get()) != static_cast<size_t>(count)) note();
    check();
  }
  uint64_t tellp() override { return file_ ? static_cast<uint64_t>(ftello(file_.get())) : 0; }
  void seekp(uint64_t position) override {
    if (file_ && fseeko(file_.get(), static_cast<off_t>(position), SEEK_SET) != 0) note();
    check();
  }
  // Errno of the first failure, 0 if all bytes are with the system. After the last write.
  int close() {
    if (file_ && std::fflush(file_.get()) != 0) note();
    file_.reset();
    return error_;
  }

 private:
  void note() {
    if (error_ == 0) error_ = errno ? errno : EIO;
  }
  void check() const {
    if (error_ != 0) throw std::runtime_error(std::strerror(error_));
  }

  std::unique_ptr<std::FILE, CloseFile> file_;
  int error_ = 0;
};

struct Coding {
  Imf::Compression compression = Imf::ZIP_COMPRESSION;
  Imf::PixelType type = Imf::HALF;
};

constexpr std::pair<std::string_view, Imf::Compression> compressions[] = {
    {"zip", Imf::ZIP_COMPRESSION},   {"zips", Imf::ZIPS_COMPRESSION}, {"piz", Imf::PIZ_COMPRESSION},
    {"dwaa", Imf::DWAA_COMPRESSION}, {"dwab", Imf::DWAB_COMPRESSION}, {"rle", Imf::RLE_COMPRESSION},
    {"none", Imf::NO_COMPRESSION}};

Result<Coding> coding_of(const SinkOptions& options) {
  Coding coding;
  for (const auto& [key, value] : options.encoder_options) {
    if (key == "compression") {
      const auto* found = std::ranges::find(compressions, value, [](const auto& c) { return c.first; });
      if (found == std::end(compressions))
        return fail(ErrorCode::invalid_argument,
                    "{}: unknown compression \"{}\"; it is zip, zips, piz, dwaa, dwab, rle or none", options.path,
                    value);
      coding.compression = found->second;
    } else if (key == "type") {
      if (value != "half" && value != "float")
        return fail(ErrorCode::invalid_argument, "{}: unknown sample type \"{}\"; it is half or float", options.path,
                    value);
      coding.type = value == "float" ? Imf::FLOAT : Imf::HALF;
    } else {
      return fail(ErrorCode::invalid_argument, "{}: OpenEXR has no option \"{}\"; its options are compression and type",
                  options.path, key);
    }
  }
  return coding;
}

class ExrSink final : public Sink {
 public:
  ExrSink(const SinkOptions& options, Coding coding) : options_(options), coding_(coding) {
    format_ = {options.source_format.family == ColorFamily::gray ? ColorFamily::gray : ColorFamily::rgb, 32, 0, 0,
               options.source_format.alpha};
    color_ = options.color;
    color_.transfer = TransferCharacteristic::linear;
    color_.range = ColorRange::full;
    if (format_.family == ColorFamily::rgb) color_.matrix = MatrixCoefficients::rgb;
    multiply_ = format_.alpha && options.alpha_channel == "A" && !options.source_format.is_float();
  }

  Status open();
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 0; }
  Status write(Frame frame) override;
  Status finish() override;
  std::string describe() const override { return "exr " + to_string(format_); }

 private:
  std::string channel(int plane) const;
  Imf::Header header() const;
  Status write_picture(const Frame& frame, OutputFile file);
  template <class Sample>
  void write_rows(Imf::OutputFile& file, const Frame& frame, std::vector<Sample>& rows);
  template <class Sample>
  void convert_row(const Frame& frame, int plane, int y, Sample* out);

  SinkOptions options_;
  Coding coding_;
  PixelFormat format_;
  ColorInfo color_;
  bool multiply_;
  std::optional<NumberPattern> pattern_;  // of the file name in a sequence
  OutputFile file_;                       // of one picture
  int frames_ = 0;
  std::vector<float> floats_;
  std::vector<half> halves_;
  int64_t not_numbers_ = 0, out_of_range_ = 0;
};

Status ExrSink::open() {
  const fs::path path = options_.path;
  pattern_ = number_pattern(path.filename().string());
  if (pattern_)
    return OutputFile::check(path.parent_path() / pattern_->name(1), options_.input_path, options_.overwrite);
  FL_TRY(file_, OutputFile::create(options_.path, options_.input_path, options_.overwrite));
  if (file_.writes_through())
    return fail(ErrorCode::unsupported, "{}: is a device or a pipe, and OpenEXR files are not written in order",
                options_.path);
  return {};
}

std::string ExrSink::channel(int plane) const {
  if (format_.alpha && plane == format_.plane_count() - 1) return options_.alpha_channel;
  return format_.family == ColorFamily::gray ? "Y" : std::string(1, "RGB"[plane]);
}

Imf::Header ExrSink::header() const {
  Imf::Header header(options_.width, options_.height);
  header.compression() = coding_.compression;
  if (const double aspect = options_.sample_aspect_ratio.value(); options_.sample_aspect_ratio.num > 0)
    header.pixelAspectRatio() = static_cast<float>(aspect);
  for (int p = 0; p < format_.plane_count(); ++p) header.channels().insert(channel(p), Imf::Channel(coding_.type));
  const Primaries p = options_.attributes.chromaticities.value_or(chromaticities(color_.primaries));
  const auto xy = [](Chromaticity c) { return Imath::V2f(static_cast<float>(c.x), static_cast<float>(c.y)); };
  Imf::addChromaticities(header, {xy(p.red), xy(p.green), xy(p.blue), xy(p.white)});
  if (options_.attributes.white_nits > 0)
    Imf::addWhiteLuminance(header, static_cast<float>(options_.attributes.white_nits));
  if (const Rational rate = options_.frame_rate; pattern_ && rate.num > 0 && rate.den > 0)
    Imf::addFramesPerSecond(header, Imf::Rational(static_cast<int>(rate.num), static_cast<int>(rate.den)));
  for (const auto& [name, text] : options_.attributes.texts)
    // Names are at most 255 bytes long; those of other attributes are taken.
    if (!name.empty() && name.size() < 256 && header.find(name) == header.end())
      header.insert(name, Imf::StringAttribute(text));
  return header;
}

Status ExrSink::write(Frame frame) {
  if (frame.width != options_.width || frame.height != options_.height || !(frame.format == format_))
    return fail(ErrorCode::internal, "{}: got a {}x{} {} frame instead of {}x{} {}", options_.path, frame.width,
                frame.height, to_string(frame.format), options_.width, options_.height, to_string(format_));
  if (++frames_ == 1 && !pattern_) return write_picture(frame, std::move(file_));
  const fs::path path = options_.path;
  if (!pattern_)
    return fail(ErrorCode::invalid_argument,
                "{}: one picture file cannot hold several frames; use a name like {}_%04d.exr, or --frames 1",
                options_.path, (path.parent_path() / path.stem()).string());
  const fs::path name = path.parent_path() / pattern_->name(frames_);
  FL_TRY(OutputFile file, OutputFile::create(name, options_.input_path, options_.overwrite));
  return write_picture(frame, std::move(file));
}

Status ExrSink::write_picture(const Frame& frame, OutputFile file) {
  ForeignScope foreign;
  FileStream stream(file.temporary_path());
  std::string reason;
  try {
    Imf::OutputFile output(stream, header());
    if (coding_.type == Imf::FLOAT)
      write_rows(output, frame, floats_);
    else
      write_rows(output, frame, halves_);
  } catch (const std::exception& e) {  // also what the stream throws
    reason = e.what();
    std::ranges::replace(reason, '\n', ' ');
  }
  const int error = stream.close();
  if (error == ENOSPC)
    return fail(ErrorCode::io, "{}: no space left on the disk; free some space or write elsewhere", options_.path);
  if (error != 0 || !reason.empty())
    return fail(ErrorCode::io, "{}: cannot be written ({})", options_.path, error ? std::strerror(error) : reason);
  if (!pattern_) {  // its name is for finish() to give
    file_ = std::move(file);
    return {};
  }
  return file.commit();
}

template <class Sample>
void ExrSink::write_rows(Imf::OutputFile& file, const Frame& frame, std::vector<Sample>& rows) {
  const int planes = format_.plane_count();
  const auto width = static_cast<size_t>(frame.width);
  const int most = std::min(rows_at_once, frame.height);
  rows.resize(width * most * static_cast<size_t>(planes));
  const auto row = [&](int p, int y) { return rows.data() + (static_cast<size_t>(p) * most + y) * width; };
  const size_t stride_bytes = width * sizeof(Sample);
  for (int begin = 0; begin < frame.height; begin += most) {
    const int count = std::min(most, frame.height - begin);
    Imf::FrameBuffer buffer;
    for (int p = 0; p < planes; ++p) {
      for (int y = 0; y < count; ++y) convert_row(frame, p, begin + y, row(p, y));
      // OpenEXR counts rows from the picture's first.
      const auto origin = reinterpret_cast<intptr_t>(row(p, 0)) - static_cast<intptr_t>(stride_bytes) * begin;
      buffer.insert(channel(p),
                    Imf::Slice(coding_.type, reinterpret_cast<char*>(origin), sizeof(Sample), stride_bytes));
    }
    file.setFrameBuffer(buffer);
    file.writePixels(count);
  }
}

template <class Sample>
void ExrSink::convert_row(const Frame& frame, int plane, int y, Sample* out) {
  const int alpha_plane = format_.plane_count() - 1;
  const float* in = frame.planes[static_cast<size_t>(plane)].row<float>(y);
  const float* alpha =
      multiply_ && plane != alpha_plane ? frame.planes[static_cast<size_t>(alpha_plane)].row<float>(y) : nullptr;
  for (int x = 0; x < frame.width; ++x) {
    float value = alpha ? in[x] * alpha[x] : in[x];
    if constexpr (std::is_same_v<Sample, half>) {
      if (std::isnan(value)) {
        value = 0;
        ++not_numbers_;
      } else if (std::abs(value) > largest_half) {
        value = std::copysign(largest_half, value);
        ++out_of_range_;
      }
    }
    out[x] = value;
  }
}

Status ExrSink::finish() {
  if (frames_ == 0) return fail(ErrorCode::invalid_data, "{}: no frame was written, so no file is kept", options_.path);
  if (not_numbers_ + out_of_range_ > 0)
    log::warn("{}: {} samples beyond +-65504 became that, and {} that were not numbers became 0; type=float keeps them",
              options_.path, out_of_range_, not_numbers_);
  return pattern_ ? Status{} : file_.commit();
}

}  // namespace

bool is_exr_output(const SinkOptions& options) {
  return options.format.empty() && lower_extension(options.path) == "exr" && !options.path.starts_with("md5:");
}

Result<std::unique_ptr<Sink>> open_exr_sink(const SinkOptions& options) {
  if (is_hdr(options.color.transfer))
    return fail(ErrorCode::unsupported, "{}: OpenEXR holds linear light, not {}; write .png, .avif or a video",
                options.path, hdr_name(options.color.transfer));
  if (!options.encoder.empty() || !options.pixel_format.empty() || options.crf || !options.bitrate.empty() ||
      !options.preset.empty())
    return fail(ErrorCode::invalid_argument,
                "{}: OpenEXR takes no encoder, pixel format, quality or preset, only --encoder-option compression=... "
                "and type=...",
                options.path);
  FL_TRY(const Coding coding, coding_of(options));
  auto sink = std::make_unique<ExrSink>(options, coding);
  FL_CHECK(sink->open());
  return sink;
}

}  // namespace framelift
