#include "encode/raw_sink.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/log.h"
#include "color/transfer.h"
#include "encode/output_file.h"

namespace framelift {
namespace {

// A file under its temporary name, or stdout.
class RawFile {
 public:
  Status open(const SinkOptions& options) {
    path_ = options.path;
    if (path_ == "-") {
      file_.reset(stdout);
      return {};
    }
    FL_TRY(target_, OutputFile::create(path_, options.input_path, options.overwrite));
    file_.reset(std::fopen(target_.temporary_path().c_str(), "wb"));
    return file_ ? Status{} : failure();
  }
  Status write(const void* data, size_t bytes) {
    return std::fwrite(data, 1, bytes, file_.get()) == bytes ? Status{} : failure();
  }
  Status write(std::string_view text) { return write(text.data(), text.size()); }
  Status finish() {
    if (std::fflush(file_.get()) != 0) return failure();
    if (path_ == "-") return {};
    if (std::fclose(file_.release()) != 0) return failure();
    return target_.commit();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };
  Status failure() const { return fail(ErrorCode::io, "{}: cannot be written ({})", path_, std::strerror(errno)); }

  std::string path_;
  OutputFile target_;
  std::unique_ptr<std::FILE, Close> file_;
};

// The places of ours where FFmpeg's raw frames have their planes: it puts G and B before R.
std::array<int, 4> raw_plane_order(const PixelFormat& format) {
  if (format.family == ColorFamily::rgb) return {1, 2, 0, 3};
  return {0, 1, 2, 3};
}

// Calls f(bytes, count) for each row of the frame in the order of raw video.
template <class F>
Status for_each_row(const Frame& frame, const F& f) {
  for (int i = 0; i < frame.format.plane_count(); ++i) {
    const int p = raw_plane_order(frame.format)[static_cast<size_t>(i)];
    const PlaneView& plane = frame.planes[static_cast<size_t>(p)];
    const auto bytes = static_cast<size_t>(plane.width) * static_cast<size_t>(frame.format.bytes_per_sample());
    for (int y = 0; y < plane.height; ++y) FL_CHECK(f(plane.row<const std::byte>(y), bytes));
  }
  return {};
}

Status expect_no_encoder_options(const SinkOptions& options, const char* what) {
  if (options.encoder.empty() && !options.crf && options.bitrate.empty() && options.preset.empty() &&
      options.encoder_options.empty())
    return {};
  return fail(ErrorCode::invalid_argument, "{}: {} takes no encoder, quality, preset or encoder option", options.path,
              what);
}

// What is written without being asked for another: the source's format.
Result<PixelFormat> format_to_write(const SinkOptions& options) {
  if (options.pixel_format.empty()) return options.source_format;
  if (const auto format = parse_pixel_format(options.pixel_format)) return *format;
  return fail(ErrorCode::invalid_argument, "{}: \"{}\" is not a planar pixel format, such as yuv420p or yuv444p10",
              options.path, options.pixel_format);
}

// The colours of frames of that format which hold pictures of these colours.
ColorInfo color_to_write(ColorInfo color, const PixelFormat& format) {
  if (format.is_float()) return color;
  if (color.transfer == TransferCharacteristic::linear) color.transfer = TransferCharacteristic::bt709;
  if (format.family == ColorFamily::rgb) {
    color.matrix = MatrixCoefficients::rgb;
    color.range = ColorRange::full;
  } else if (color.matrix == MatrixCoefficients::rgb) {
    const bool wide = color.primaries == ColorPrimaries::bt2020;
    color.matrix = wide ? MatrixCoefficients::bt2020_ncl : MatrixCoefficients::bt709;
    color.range = ColorRange::limited;
    color.chroma_location = wide ? ChromaLocation::top_left : ChromaLocation::left;
  }
  return color;
}

// ---- YUV4MPEG2

class Y4mSink final : public Sink {
 public:
  Y4mSink(const PixelFormat& format, const ColorInfo& color) : format_(format), color_(color) {}
  Status open(const SinkOptions& options) {
    FL_CHECK(file_.open(options));
    Rational rate = options.frame_rate, aspect = options.sample_aspect_ratio;
    if (rate.num <= 0 || rate.den <= 0) rate = {25, 1};
    if (aspect.num <= 0 || aspect.den <= 0) aspect = {0, 0};
    return file_.write(fmt::format("YUV4MPEG2 W{} H{} F{}:{} Ip A{}:{} C{} XCOLORRANGE={}\n", options.width,
                                   options.height, rate.num, rate.den, aspect.num, aspect.den, colorspace(),
                                   color_.range == ColorRange::full ? "FULL" : "LIMITED"));
  }
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 0; }
  Status write(Frame frame) override {
    FL_CHECK(file_.write("FRAME\n"));
    return for_each_row(frame, [&](const std::byte* row, size_t bytes) { return file_.write(row, bytes); });
  }
  Status finish() override { return file_.finish(); }
  std::string describe() const override { return "rawvideo " + to_string(format_) + " yuv4mpegpipe"; }

 private:
  std::string colorspace() const {
    if (format_.family == ColorFamily::gray) return format_.bits > 8 ? fmt::format("mono{}", format_.bits) : "mono";
    const char* sampling = format_.chroma_shift_y ? "420" : format_.chroma_shift_x ? "422" : "444";
    if (format_.bits > 8) return fmt::format("{0}p{1} XYSCSS={0}P{1}", sampling, format_.bits);
    if (!format_.chroma_shift_y) return sampling;
    if (color_.chroma_location == ChromaLocation::center) return "420jpeg";
    return color_.chroma_location == ChromaLocation::top_left ? "420paldv" : "420mpeg2";
  }

  PixelFormat format_;
  ColorInfo color_;
  RawFile file_;
};

// ---- checksums

class Md5Sink final : public Sink {
 public:
  Md5Sink(const PixelFormat& format, const ColorInfo& color) : format_(format), color_(color) {}
  Status open(const SinkOptions& options) {
    context_.reset(EVP_MD_CTX_new());
    if (!context_) return fail(ErrorCode::out_of_memory, "no memory for a checksum");
    FL_CHECK(file_.open(options));
    const Rational aspect = options.sample_aspect_ratio.num > 0 ? options.sample_aspect_ratio : Rational{0, 1};
    return file_.write(fmt::format(
        "#format: frame checksums\n#version: 2\n#hash: MD5\n#software: framelift\n#tb 0: "
        "{}/{}\n#media_type 0: video\n#codec_id 0: rawvideo\n#dimensions 0: {}x{}\n#sar 0: "
        "{}/{}\n#stream#, dts,        pts, duration,     size, hash\n",
        options.time_base.num, options.time_base.den, options.width, options.height, aspect.num, aspect.den));
  }
  PixelFormat format() const override { return format_; }
  ColorInfo color() const override { return color_; }
  int frames_held() const override { return 0; }
  Status write(Frame frame) override {
    EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr);
    size_t size = 0;
    FL_CHECK(for_each_row(frame, [&](const std::byte* row, size_t bytes) -> Status {
      EVP_DigestUpdate(context_.get(), row, bytes);
      size += bytes;
      return {};
    }));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    std::string line = fmt::format("0, {0:10}, {0:10}, {1:8}, {2:8}, ", frame.pts.value_or(next_pts_),
                                   std::max<int64_t>(frame.duration, 1), size);
    for (unsigned i = 0; i < length; ++i) line += fmt::format("{:02x}", digest[i]);
    next_pts_ = frame.pts.value_or(next_pts_) + std::max<int64_t>(frame.duration, 1);
    return file_.write(line + "\n");
  }
  Status finish() override { return file_.finish(); }
  std::string describe() const override { return "rawvideo " + to_string(format_) + " framemd5"; }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  PixelFormat format_;
  ColorInfo color_;
  RawFile file_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  int64_t next_pts_ = 0;
};

}  // namespace

Result<std::unique_ptr<Sink>> open_y4m_sink(const SinkOptions& options) {
  FL_CHECK(expect_no_encoder_options(options, "YUV4MPEG2"));
  FL_TRY(PixelFormat format, format_to_write(options));
  if (format.is_float() || (format.chroma_shift_y && !format.chroma_shift_x))
    return fail(ErrorCode::unsupported, "{}: YUV4MPEG2 holds no {} frames; write .exr, or name a --pixel-format",
                options.path, to_string(format));
  format.alpha = false;
  if (format.family == ColorFamily::rgb) format.family = ColorFamily::yuv;
  if (format.bits > 10) format.bits = static_cast<uint8_t>((format.bits + 1) / 2 * 2);  // there are 12, 14 and 16
  if (is_hdr(options.color.transfer))
    log::warn("{}: YUV4MPEG2 has no colour tags, so readers have to be told of {} and BT.2020", options.path,
              hdr_name(options.color.transfer));
  auto sink = std::make_unique<Y4mSink>(format, color_to_write(options.color, format));
  FL_CHECK(sink->open(options));
  return sink;
}

Result<std::unique_ptr<Sink>> open_md5_sink(const SinkOptions& options) {
  FL_CHECK(expect_no_encoder_options(options, "a list of checksums"));
  FL_TRY(const PixelFormat format, format_to_write(options));
  auto sink = std::make_unique<Md5Sink>(format, color_to_write(options.color, format));
  FL_CHECK(sink->open(options));
  return sink;
}

}  // namespace framelift
