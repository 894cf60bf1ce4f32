// OpenEXR pictures: files made by the OpenEXR library in every layout that is read, and real ones.
#include "decode/exr_source.h"

#include <ImfChannelList.h>
#include <ImfChromaticitiesAttribute.h>
#include <ImfDeepFrameBuffer.h>
#include <ImfDeepScanLineOutputFile.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfMultiPartOutputFile.h>
#include <ImfOutputFile.h>
#include <ImfOutputPart.h>
#include <ImfPartType.h>
#include <ImfRgbaFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStringAttribute.h>
#include <ImfTiledOutputFile.h>
#include <ImfTiledOutputPart.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "decode/media_test_support.h"

namespace framelift {
namespace {

using test::MediaTest;
using Planes = std::vector<std::vector<float>>;
using Channels = std::map<std::string, std::vector<float>>;  // over the data window, row by row

Imath::Box2i box(int x, int y, int width, int height) { return {{x, y}, {x + width - 1, y + height - 1}}; }

// Values that halves hold exactly, each different, some beyond 1 and below 0.
std::vector<float> samples(int count, int seed) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>((i * 7 + seed * 131) % 2048 - 300) / 64);
  return values;
}

Channels channels_of(const Imath::Box2i& window, std::initializer_list<const char*> names) {
  const int count = (window.max.x - window.min.x + 1) * (window.max.y - window.min.y + 1);
  Channels channels;
  int seed = 0;
  for (const char* name : names) channels[name] = samples(count, seed++);
  return channels;
}

Imf::Header header_of(const Imath::Box2i& display, const Imath::Box2i& data, const Channels& channels,
                      Imf::PixelType type = Imf::FLOAT) {
  Imf::Header header(display, data);
  for (const auto& [name, values] : channels) header.channels().insert(name, Imf::Channel(type));
  return header;
}

Imf::FrameBuffer buffer_of(const Imath::Box2i& data, const Channels& channels) {
  Imf::FrameBuffer buffer;
  const auto width = static_cast<size_t>(data.max.x - data.min.x + 1);
  for (const auto& [name, values] : channels)
    buffer.insert(name, Imf::Slice::Make(Imf::FLOAT, values.data(), data, sizeof(float), width * sizeof(float)));
  return buffer;
}

// OpenEXR writes samples of the type that the buffer has: halves are made beforehand.
void write_file(const std::string& path, const Imf::Header& header, const Channels& channels) {
  const Imath::Box2i data = header.dataWindow();
  const int height = data.max.y - data.min.y + 1;
  const auto width = static_cast<size_t>(data.max.x - data.min.x + 1);
  Imf::FrameBuffer buffer = buffer_of(data, channels);
  std::map<std::string, std::vector<half>> halves;
  std::map<std::string, std::vector<unsigned>> integers;
  for (auto c = header.channels().begin(); c != header.channels().end(); ++c) {
    const auto& values = channels.at(c.name());
    if (c.channel().type == Imf::HALF) {
      auto& copy = halves[c.name()];
      copy.assign(values.begin(), values.end());
      buffer.insert(c.name(), Imf::Slice::Make(Imf::HALF, copy.data(), data, sizeof(half), width * sizeof(half)));
    } else if (c.channel().type == Imf::UINT) {
      auto& copy = integers[c.name()];
      for (float v : values) copy.push_back(static_cast<unsigned>(std::abs(v)));
      buffer.insert(c.name(),
                    Imf::Slice::Make(Imf::UINT, copy.data(), data, sizeof(unsigned), width * sizeof(unsigned)));
    }
  }
  if (!header.hasTileDescription()) {
    Imf::OutputFile file(path.c_str(), header);
    file.setFrameBuffer(buffer);
    file.writePixels(height);
    return;
  }
  Imf::TiledOutputFile file(path.c_str(), header);
  file.setFrameBuffer(buffer);
  file.writeTiles(0, file.numXTiles(0) - 1, 0, file.numYTiles(0) - 1, 0);
  // Smaller resolutions, of the same memory: only their presence matters.
  for (int level = 1; level < (header.tileDescription().mode == Imf::ONE_LEVEL ? 0 : file.numLevels()); ++level)
    file.writeTiles(0, file.numXTiles(level) - 1, 0, file.numYTiles(level) - 1, level);
}

SourceOptions options_for(const std::string& path) {
  SourceOptions options;
  options.path = path;
  return options;
}

// The planes in the format's order, each over the display window.
Planes read_planes(const std::string& path) {
  auto source = open_source(options_for(path));
  EXPECT_TRUE(source) << source.error().message;
  if (!source) return {};
  const auto frame = (*source)->next();
  EXPECT_TRUE(frame) << frame.error().message;
  if (!frame) return {};
  Planes planes;
  for (int p = 0; p < frame->format.plane_count(); ++p) {
    auto& plane = planes.emplace_back();
    for (int y = 0; y < frame->height; ++y) {
      const float* row = frame->planes[static_cast<size_t>(p)].row<float>(y);
      plane.insert(plane.end(), row, row + frame->width);
    }
  }
  const auto end = (*source)->next();
  EXPECT_TRUE(end && end->empty());
  return planes;
}

// A channel seen through the display window, zeros where it has nothing.
std::vector<float> placed(const std::vector<float>& values, const Imath::Box2i& display, const Imath::Box2i& data) {
  std::vector<float> plane;
  for (int y = display.min.y; y <= display.max.y; ++y)
    for (int x = display.min.x; x <= display.max.x; ++x)
      plane.push_back(
          data.intersects(Imath::V2i(x, y))
              ? values[static_cast<size_t>((y - data.min.y) * (data.max.x - data.min.x + 1) + (x - data.min.x))]
              : 0.0f);
  return plane;
}

class ExrSourceTest : public MediaTest {};

TEST_F(ExrSourceTest, EveryWindowTypeAndTilingComesOutAsItWasWritten) {
  const Imath::Box2i display = box(3, -2, 37, 21);
  int files = 0;
  for (const Imath::Box2i& data : {display, box(5, 0, 20, 7), box(-10, -12, 90, 300), box(20, 5, 70, 3),
                                   box(3, -2, 1, 1), box(100, 100, 8, 8), box(-40, -2, 41, 21)})
    for (Imf::PixelType type : {Imf::HALF, Imf::FLOAT})
      for (int tile : {0, 1, 2}) {
        const Channels channels = channels_of(data, {"R", "G", "B", "A"});
        Imf::Header header = header_of(display, data, channels, type);
        if (tile > 0) header.setTileDescription({16, 8, tile == 1 ? Imf::ONE_LEVEL : Imf::MIPMAP_LEVELS});
        const std::string file = path(fmt::format("{}.exr", files++));
        write_file(file, header, channels);
        const auto planes = read_planes(file);
        ASSERT_EQ(planes.size(), 4u);
        for (int p = 0; p < 4; ++p)
          ASSERT_EQ(planes[static_cast<size_t>(p)], placed(channels.at(std::string(1, "RGBA"[p])), display, data))
              << file << " plane " << p;
      }
}

TEST_F(ExrSourceTest, EveryLosslessCompressionAndOddSizes) {
  int files = 0;
  for (int compression :
       {Imf::NO_COMPRESSION, Imf::RLE_COMPRESSION, Imf::ZIPS_COMPRESSION, Imf::ZIP_COMPRESSION, Imf::PIZ_COMPRESSION})
    for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {33, 1}, {131, 67}}) {
      const Imath::Box2i window = box(0, 0, width, height);
      const Channels channels = channels_of(window, {"R", "G", "B"});
      Imf::Header header = header_of(window, window, channels, Imf::HALF);
      header.compression() = static_cast<Imf::Compression>(compression);
      const std::string file = path(fmt::format("{}.exr", files++));
      write_file(file, header, channels);
      const auto planes = read_planes(file);
      ASSERT_EQ(planes.size(), 3u);
      for (int p = 0; p < 3; ++p) EXPECT_EQ(planes[static_cast<size_t>(p)], channels.at(std::string(1, "RGB"[p])));
    }
}

TEST_F(ExrSourceTest, ChannelsBecomePlanes) {
  const Imath::Box2i window = box(0, 0, 9, 5);
  const auto read = [&](std::initializer_list<const char*> names, Channels& channels) {
    channels = channels_of(window, names);
    write_file(path("a.exr"), header_of(window, window, channels), channels);
    return read_planes(path("a.exr"));
  };
  Channels channels;
  auto planes = read({"Y"}, channels);
  EXPECT_EQ(planes, (Planes{channels["Y"]}));
  planes = read({"A", "Y"}, channels);
  EXPECT_EQ(planes, (Planes{channels["Y"], channels["Y"], channels["Y"], channels["A"]}));
  const std::vector<float> black(45, 0.0f);
  planes = read({"G", "Z", "diffuse.R"}, channels);
  EXPECT_EQ(planes, (Planes{black, channels["G"], black}));
}

TEST_F(ExrSourceTest, IntegerChannelsAreConverted) {
  const Imath::Box2i window = box(0, 0, 9, 5);
  Channels channels = channels_of(window, {"R", "G", "B"});
  write_file(path("a.exr"), header_of(window, window, channels, Imf::UINT), channels);
  const auto planes = read_planes(path("a.exr"));
  ASSERT_EQ(planes.size(), 3u);
  for (size_t i = 0; i < planes[0].size(); ++i) EXPECT_EQ(planes[0][i], std::trunc(std::abs(channels["R"][i])));
}

TEST_F(ExrSourceTest, NanAndInfinitiesAreKept) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  const Imath::Box2i window = box(0, 0, 3, 1);
  for (Imf::PixelType type : {Imf::HALF, Imf::FLOAT}) {
    const Channels channels{{"Y", {NAN, inf, -inf}}};
    write_file(path("a.exr"), header_of(window, window, channels, type), channels);
    const auto planes = read_planes(path("a.exr"));
    ASSERT_EQ(planes.size(), 1u);
    EXPECT_TRUE(std::isnan(planes[0][0]));
    EXPECT_EQ(planes[0][1], inf);
    EXPECT_EQ(planes[0][2], -inf);
  }
}

TEST_F(ExrSourceTest, LuminanceAndChromaAsOpenExrTurnsThemIntoRgb) {
  const Imath::Box2i display = box(0, 0, 42, 30);
  for (const Imath::Box2i& data : {display, box(4, 2, 20, 16), box(-8, -6, 80, 60)})
    for (const auto kind : {Imf::WRITE_YC, Imf::WRITE_YCA}) {
      const int width = data.max.x - data.min.x + 1, height = data.max.y - data.min.y + 1;
      std::vector<Imf::Rgba> pixels;
      for (int i = 0; i < width * height; ++i)
        pixels.emplace_back(1 + std::sin(0.1f * static_cast<float>(i)), 2.0f + static_cast<float>(i % width) * 0.1f,
                            0.5f, 0.25f);
      const std::string file = path("a.exr");
      {
        Imf::RgbaOutputFile out(file.c_str(), Imf::Header(display, data), kind);
        out.setFrameBuffer(pixels.data() - data.min.x - static_cast<ptrdiff_t>(data.min.y) * width, 1,
                           static_cast<size_t>(width));
        out.writePixels(height);
      }
      std::vector<Imf::Rgba> expected(pixels.size());
      Imf::RgbaInputFile in(file.c_str());
      in.setFrameBuffer(expected.data() - data.min.x - static_cast<ptrdiff_t>(data.min.y) * width, 1,
                        static_cast<size_t>(width));
      in.readPixels(data.min.y, data.max.y);
      const auto planes = read_planes(file);
      ASSERT_EQ(planes.size(), kind == Imf::WRITE_YC ? 3u : 4u);
      for (size_t p = 0; p < planes.size(); ++p) {
        std::vector<float> channel;
        for (const Imf::Rgba& c : expected) channel.push_back(std::array{c.r, c.g, c.b, c.a}[p]);
        EXPECT_EQ(planes[p], placed(channel, display, data)) << "plane " << p;
      }
    }
}

TEST_F(ExrSourceTest, HeaderSaysWhatThePictureIs) {
  const Imath::Box2i window = box(0, 0, 4, 2);
  const Channels channels = channels_of(window, {"R", "G", "B"});
  Imf::Header header = header_of(window, window, channels);
  write_file(path("plain.exr"), header, channels);
  auto info = open_source(options_for(path("plain.exr"))).value()->info();
  EXPECT_EQ(info.color.primaries, ColorPrimaries::bt709);
  EXPECT_EQ(info.color.transfer, TransferCharacteristic::linear);
  EXPECT_EQ(info.color.matrix, MatrixCoefficients::rgb);
  EXPECT_EQ(to_string(info.format), "gbrpf32");
  EXPECT_FALSE(info.attributes.chromaticities);
  EXPECT_EQ(info.attributes.white_nits, 0);
  EXPECT_TRUE(info.still);
  EXPECT_EQ(info.frame_count, 1);

  Imf::addChromaticities(header, {{0.708f, 0.292f}, {0.170f, 0.797f}, {0.131f, 0.046f}, {0.3127f, 0.3290f}});
  Imf::addWhiteLuminance(header, 203);
  Imf::addOwner(header, "nobody");
  header.pixelAspectRatio() = 2;
  write_file(path("wide.exr"), header, channels);
  info = open_source(options_for(path("wide.exr"))).value()->info();
  EXPECT_EQ(info.color.primaries, ColorPrimaries::bt2020);
  EXPECT_EQ(info.attributes.white_nits, 203);
  EXPECT_EQ(info.attributes.texts, (std::vector<std::pair<std::string, std::string>>{{"owner", "nobody"}}));
  EXPECT_EQ(info.sample_aspect_ratio.value(), 2);

  // ACES AP0, which H.273 has no name for.
  Imf::addChromaticities(header, {{0.7347f, 0.2653f}, {0, 1}, {0.0001f, -0.077f}, {0.32168f, 0.33767f}});
  write_file(path("aces.exr"), header, channels);
  info = open_source(options_for(path("aces.exr"))).value()->info();
  EXPECT_EQ(info.color.primaries, ColorPrimaries::unspecified);
  ASSERT_TRUE(info.attributes.chromaticities);
  EXPECT_FLOAT_EQ(static_cast<float>(info.attributes.chromaticities->blue.y), -0.077f);
}

TEST_F(ExrSourceTest, FirstPartOfSeveral) {
  const Imath::Box2i window = box(0, 0, 20, 10);
  const Channels first = channels_of(window, {"R", "G", "B"});
  Channels second = first;
  for (float& v : second["R"]) v += 1;
  Imf::Header headers[2] = {header_of(window, window, first), header_of(window, window, second)};
  headers[0].setName("beauty");
  headers[1].setName("other");
  for (Imf::Header& h : headers) h.setType(Imf::SCANLINEIMAGE);
  {
    Imf::MultiPartOutputFile file(path("parts.exr").c_str(), headers, 2);
    for (int i = 0; i < 2; ++i) {
      Imf::OutputPart part(file, i);
      part.setFrameBuffer(buffer_of(window, i == 0 ? first : second));
      part.writePixels(10);
    }
  }
  const auto planes = read_planes(path("parts.exr"));
  ASSERT_EQ(planes.size(), 3u);
  EXPECT_EQ(planes[0], first.at("R"));
  EXPECT_TRUE(open_source(options_for(path("parts.exr"))).value()->info().attributes.texts.empty());
}

Error error_of(const std::string& path) {
  auto source = open_source(options_for(path));
  if (!source) return source.error();
  auto frame = (*source)->next();
  EXPECT_FALSE(frame) << path;
  return frame ? Error{ErrorCode::internal, "none"} : frame.error();
}

TEST_F(ExrSourceTest, WhatCannotBeReadIsAnErrorThatNamesTheFile) {
  const Imath::Box2i window = box(0, 0, 64, 64);
  Channels channels = channels_of(window, {"Z", "diffuse.R"});
  write_file(path("depth.exr"), header_of(window, window, channels), channels);
  Error error = error_of(path("depth.exr"));
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_NE(error.message.find("depth.exr"), std::string::npos);
  EXPECT_NE(error.message.find("Z"), std::string::npos);

  Imf::Header deep(window, window);
  deep.channels().insert("R", Imf::Channel(Imf::FLOAT));
  deep.setType(Imf::DEEPSCANLINE);
  deep.compression() = Imf::ZIPS_COMPRESSION;
  { Imf::DeepScanLineOutputFile file(path("deep.exr").c_str(), deep); }
  EXPECT_EQ(error_of(path("deep.exr")).code, ErrorCode::unsupported);

  channels = channels_of(window, {"R", "G", "B"});
  write_file(path("whole.exr"), header_of(window, window, channels), channels);
  const std::string whole = test::read_file(path("whole.exr"));
  for (size_t size : {size_t{3}, size_t{40}, size_t{300}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(path("cut.exr"), std::ios::binary) << whole.substr(0, size);
    error = error_of(path("cut.exr"));
    EXPECT_EQ(error.code, ErrorCode::invalid_data) << size;
    EXPECT_NE(error.message.find("cut.exr"), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
  EXPECT_EQ(error_of(path("none.exr")).code, ErrorCode::not_found);
  std::ofstream(path("text.exr")) << "This is not a picture.";
  EXPECT_EQ(error_of(path("text.exr")).code, ErrorCode::invalid_data);
}

// Sizes are refused by the header alone: none of these could be allocated, or should be.
TEST_F(ExrSourceTest, AbsurdSizesAreRefusedBeforeAnythingIsAllocated) {
  const Imath::Box2i window = box(0, 0, 8, 8);
  const Channels channels = channels_of(window, {"R", "G", "B"});
  write_file(path("small.exr"), header_of(window, window, channels), channels);
  const std::string small = test::read_file(path("small.exr"));
  const auto with_window = [&](const char* name, std::array<int, 4> corners) {
    std::string bytes = small;
    const size_t at = bytes.find(std::string(name) + '\0' + "box2i" + '\0' + std::string("\x10\0\0\0", 4));
    EXPECT_NE(at, std::string::npos);
    std::memcpy(bytes.data() + at + std::strlen(name) + 1 + 6 + 4, corners.data(), 16);
    std::ofstream(path("edited.exr"), std::ios::binary) << bytes;
    return error_of(path("edited.exr"));
  };
  for (const char* name : {"displayWindow", "dataWindow"})
    for (const std::array<int, 4>& corners : {std::array{0, 0, 0x7ffffffe, 7},
                                              {0, 0, 7, 0x7ffffffe},
                                              {-0x7fffffff, 0, 0x7ffffffe, 7},
                                              {5, 5, 4, 4},
                                              {0, 0, 131072, 0}}) {
      const Error error = with_window(name, corners);
      EXPECT_EQ(error.code, ErrorCode::invalid_data) << name << " " << error.message;
    }
  const Error error = with_window("displayWindow", {0, 0, 65535, 65535});
  EXPECT_EQ(error.code, ErrorCode::invalid_data);
  EXPECT_NE(error.message.find("65536x65536"), std::string::npos) << error.message;
}

// What an attribute claims is more than the file has: the library would allocate it first. In one part and in two.
TEST_F(ExrSourceTest, AttributesLargerThanTheFileAreRefused) {
  const Imath::Box2i window = box(0, 0, 8, 8);
  const Channels channels = channels_of(window, {"R", "G", "B"});
  Imf::Header header = header_of(window, window, channels);
  header.insert("owner", Imf::StringAttribute("someone"));
  write_file(path("one.exr"), header, channels);
  header.setName("a");
  header.setType(Imf::SCANLINEIMAGE);
  Imf::Header headers[] = {header, header};
  headers[1].setName("b");
  Imf::MultiPartOutputFile(path("two.exr").c_str(), headers, 2);
  for (const char* name : {"one.exr", "two.exr"}) {
    const std::string good = test::read_file(path(name));
    const std::string owner = std::string("owner\0string\0", 13);
    for (const uint32_t bytes : {0x7fffffffU, 0xffffffffU, static_cast<uint32_t>(good.size())}) {
      std::string bad = good;
      std::memcpy(bad.data() + bad.rfind(owner) + owner.size(), &bytes, 4);
      std::ofstream(path("bad.exr"), std::ios::binary) << bad;
      const Error error = error_of(path("bad.exr"));
      EXPECT_EQ(error.code, ErrorCode::invalid_data);
      EXPECT_NE(error.message.find("an attribute is larger"), std::string::npos) << name << ": " << error.message;
    }
  }
}

TEST_F(ExrSourceTest, SequencesByNumberPatternAndFolder) {
  const Imath::Box2i window = box(0, 0, 2, 1);
  std::filesystem::create_directories(folder_ / "s");
  for (int number : {8, 9, 10, 11, 13}) {
    const Channels channels{{"Y", {static_cast<float>(number), 0}}};
    write_file(path(fmt::format("s/a_{:04}.exr", number)), header_of(window, window, channels), channels);
  }
  const auto numbers = [&](const SourceOptions& options) {
    auto source = open_source(options);
    EXPECT_TRUE(source) << source.error().message;
    std::vector<int> found;
    for (int64_t i = 0;; ++i) {
      const Frame frame = (*source)->next().value();
      if (frame.empty()) break;
      found.push_back(static_cast<int>(frame.planes[0].row<float>(0)[0]));
      EXPECT_EQ(frame.duration, 1);
    }
    EXPECT_EQ((*source)->info().frame_count, static_cast<int64_t>(found.size()));
    EXPECT_FALSE((*source)->info().still);
    return found;
  };
  EXPECT_EQ(numbers(options_for(path("s/a_%04d.exr"))),
            (std::vector{8, 9, 10, 11}));  // until the first that is missing
  EXPECT_EQ(numbers(options_for(path("s/a_*.exr"))), (std::vector{8, 9, 10, 11, 13}));
  EXPECT_EQ(numbers(options_for(path("s"))), (std::vector{8, 9, 10, 11, 13}));
  SourceOptions options = options_for(path("s"));
  options.start_seconds = 0.04;  // 25 a second
  options.duration_seconds = 0.12;
  EXPECT_EQ(numbers(options), (std::vector{9, 10, 11}));
  options = options_for(path("s"));
  options.max_frames = 2;
  EXPECT_EQ(numbers(options), (std::vector{8, 9}));

  EXPECT_EQ(open_source(options_for(path("s/b_%04d.exr"))).error().code, ErrorCode::not_found);
  EXPECT_EQ(open_source(options_for(path("s/b*.exr"))).error().code, ErrorCode::not_found);

  // A picture of another size.
  const Imath::Box2i larger = box(0, 0, 3, 1);
  const Channels channels{{"Y", {0, 0, 0}}};
  write_file(path("s/a_0009.exr"), header_of(larger, larger, channels), channels);
  auto source = open_source(options_for(path("s/a_%04d.exr"))).value();
  EXPECT_TRUE(source->next());
  const auto frame = source->next();
  ASSERT_FALSE(frame);
  EXPECT_NE(frame.error().message.find("a_0009.exr"), std::string::npos);
}

TEST_F(ExrSourceTest, IsKnownByItsContent) {
  const Imath::Box2i window = box(0, 0, 2, 1);
  const Channels channels{{"Y", {1, 2}}};
  write_file(path("picture.bin"), header_of(window, window, channels), channels);
  EXPECT_EQ(open_source(options_for(path("picture.bin"))).value()->info().codec, "exr");
}

}  // namespace
}  // namespace framelift
