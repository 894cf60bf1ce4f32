#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/temporary_folder.h"
#include "codec/fnv_bytes.h"
#include "codec/fnv_info.h"
#include "codec/fnv_reader.h"
#include "codec/fnv_writer.h"
#include "codec/tensors_for_test.h"

namespace framelift {
namespace {

using Bytes = std::vector<std::byte>;

// A path that goes away.
class TempPath {
 public:
  std::string string() const { return (folder_.path() / "file.fnv").string(); }
  Bytes bytes() const {
    std::ifstream file(string(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const auto raw = std::as_bytes(std::span(content));
    return {raw.begin(), raw.end()};
  }

 private:
  TemporaryFolder folder_ = TemporaryFolder::create().value();
};

FnvHeader plain_header() {
  FnvHeader header;
  header.width = 320;
  header.height = 179;
  header.coded_width = 320;
  header.coded_height = 180;
  header.top = 1;
  header.format = {ColorFamily::yuv, 10, 1, 1, false};
  header.color = {MatrixCoefficients::bt2020_ncl, TransferCharacteristic::pq, ColorPrimaries::bt2020,
                  ColorRange::limited, ChromaLocation::top_left};
  header.time_base = {1, 90000};
  header.frame_rate = {24000, 1001};
  header.metadata = {{"title", "Größe"}, {"encoder", ""}};
  return header;
}

// Variable frame rate; some durations unknown or shorter than the step to the next frame.
std::vector<FnvFrameTime> uneven_times(size_t count, int64_t start) {
  std::vector<FnvFrameTime> times;
  for (size_t i = 0; i < count; ++i) {
    const auto step = static_cast<int64_t>(3000 + i % 3 * 501);
    times.push_back({start, i % 5 == 0 ? 0 : i % 5 == 1 ? step - 7 : step});
    start += step;
  }
  return times;
}

FnvGroup group(unsigned number, size_t frames, int64_t start) {
  return {{{"channels", "24"}, {"frames", std::to_string(frames)}},
          uneven_times(frames, start),
          test::small_network(number)};
}

void expect_same(const FnvGroup& a, const FnvGroup& b) {
  EXPECT_EQ(a.configuration, b.configuration);
  EXPECT_EQ(a.times, b.times);
  EXPECT_TRUE(test::same(a.tensors, b.tensors));
}

// Three groups of 8, 8 and 5 frames and a sidecar.
struct Sample {
  TempPath path;
  std::vector<FnvGroup> groups;
  Bytes sidecar = Bytes(3000, std::byte{7});
  Bytes bytes;

  Sample() {
    groups.push_back(group(1, 8, -9000));
    groups.push_back(group(2, 8, 30000));
    groups.push_back(group(3, 5, 70000));
    auto writer = FnvWriter::create(path.string(), plain_header());
    for (const FnvGroup& g : groups) EXPECT_TRUE(writer->add_group(g));
    EXPECT_TRUE(writer->add_auxiliary("matroska", *memory_source(sidecar, "sidecar")));
    EXPECT_TRUE(writer->finish());
    bytes = path.bytes();
  }
};

Result<FnvReader> open_bytes(const Bytes& bytes) { return FnvReader::open(memory_source(bytes, "x.fnv")); }

Result<Bytes> auxiliary(const FnvReader& reader, size_t index) {
  Bytes content;
  FL_CHECK(reader.read_auxiliary(index, [&content](std::span<const std::byte> piece) -> Status {
    content.insert(content.end(), piece.begin(), piece.end());
    return {};
  }));
  return content;
}

TEST(Fnv, HeaderKeepsEverything) {
  FnvHeader header = plain_header();
  header.sample_aspect_ratio = {64, 45};
  header.display_matrix = {0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30};
  header.hdr.mastering_display = mastering_display(ColorPrimaries::bt2020, 1234.5);
  header.hdr.content_light = ContentLight{1000, 400};
  const auto back = parse_head(write_head(header), "x.fnv");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(write_head(*back), write_head(header));
  EXPECT_EQ(back->width, 320);
  EXPECT_EQ(back->coded_height, 180);
  EXPECT_EQ(back->top, 1);
  EXPECT_EQ(back->format, header.format);
  EXPECT_EQ(back->color, header.color);
  EXPECT_EQ(back->time_base, header.time_base);
  EXPECT_EQ(back->frame_rate, header.frame_rate);
  EXPECT_EQ(back->sample_aspect_ratio, header.sample_aspect_ratio);
  EXPECT_EQ(back->display_matrix, header.display_matrix);
  EXPECT_EQ(back->hdr.mastering_display->max_nits, 1234.5);
  EXPECT_EQ(back->hdr.mastering_display->primaries, header.hdr.mastering_display->primaries);
  EXPECT_EQ(back->hdr.content_light->max_frame_average_nits, 400);
  EXPECT_EQ(back->metadata, header.metadata);
}

TEST(Fnv, RefusesImpossibleHeaders) {
  const auto refused = [](auto change) {
    FnvHeader header = plain_header();
    change(header);
    return !check_header(header, "x.fnv") && !parse_head(write_head(header), "x.fnv");
  };
  EXPECT_TRUE(refused([](FnvHeader& h) { h.width = 0; }));
  EXPECT_TRUE(refused([](FnvHeader& h) { h.width = 321; })) << "larger than what is coded";
  EXPECT_TRUE(refused([](FnvHeader& h) { h.top = 2; }));
  EXPECT_TRUE(refused([](FnvHeader& h) { h.format.bits = 7; }));
  EXPECT_TRUE(refused([](FnvHeader& h) { h.format.family = ColorFamily::rgb; })) << "subsampled RGB";
  EXPECT_TRUE(refused([](FnvHeader& h) { h.time_base.num = 0; }));
  EXPECT_TRUE(refused([](FnvHeader& h) { h.sample_aspect_ratio.den = 0; }));
  EXPECT_TRUE(refused([](FnvHeader& h) { h.hdr.mastering_display = MasteringDisplay{{}, {}, 0, -1}; }));
}

TEST(Fnv, RoundTripWithRandomAccess) {
  const Sample sample;
  auto source = open_file_source(sample.path.string());
  ASSERT_TRUE(source);
  const auto reader = FnvReader::open(std::move(*source));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE(reader->complete());
  EXPECT_EQ(reader->frame_count(), 21u);
  ASSERT_EQ(reader->groups().size(), 3u);
  EXPECT_EQ(reader->networks().size(), 2u) << "groups of the same kind share a description";
  for (const size_t i : {2, 0, 1}) {
    const auto back = reader->read_group(i);
    ASSERT_TRUE(back) << back.error().message;
    expect_same(*back, sample.groups[i]);
  }
  for (const auto& [frame, in_group] : std::map<uint64_t, size_t>{{0, 0}, {7, 0}, {8, 1}, {15, 1}, {16, 2}, {20, 2}})
    EXPECT_EQ(*reader->group_of_frame(frame), in_group) << frame;
  EXPECT_FALSE(reader->group_of_frame(21));
  EXPECT_EQ(reader->first_frame(2), 16u);
  for (const auto& [pts, in_group] :
       std::map<int64_t, size_t>{{-99999, 0}, {-9000, 0}, {29999, 0}, {30000, 1}, {70000, 2}, {1 << 30, 2}})
    EXPECT_EQ(*reader->group_at(pts), in_group) << pts;
  EXPECT_EQ(reader->groups()[2].first_pts, 70000);
  EXPECT_EQ(reader->groups()[2].end_pts, sample.groups[2].times.back().pts + sample.groups[2].times.back().duration);
  ASSERT_EQ(reader->auxiliaries().size(), 1u);
  EXPECT_EQ(reader->auxiliaries()[0].kind, "matroska");
  EXPECT_EQ(*auxiliary(*reader, 0), sample.sidecar);
  const auto place = reader->place_of_auxiliary(0);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->bytes, sample.sidecar.size());
  EXPECT_TRUE(std::ranges::equal(std::span(sample.bytes).subspan(place->offset, place->bytes), sample.sidecar));
  EXPECT_FALSE(reader->place_of_auxiliary(1));
  EXPECT_EQ(reader->video_bytes(), sample.bytes.size() - place->bytes - 9 - 16) << "kind, type, size and checksum";
  EXPECT_FALSE(reader->read_group(3));

  const std::string info = fnv_info(*reader);
  for (const char* part : {"21 frames in 3 groups", "320x179 yuv420p10, at 0,1 of 320x180", "title = Größe",
                           "channels = 24", "frames 8 to 15", "matroska"})
    EXPECT_NE(info.find(part), std::string::npos) << part << " is not in\n" << info;
}

TEST(Fnv, ConstantFrameRateCostsNothing) {
  std::vector<FnvFrameTime> times;
  for (int64_t i = 0; i < 100'000; ++i) times.push_back({i * 1001, 1001});
  const Bytes bytes = write_group_start(0, times);
  EXPECT_LE(bytes.size(), 16u);
  ByteReader in(bytes, "x.fnv");
  EXPECT_EQ(parse_group_start(in)->times, times);
}

TEST(Fnv, RefusesImpossibleTimes) {
  EXPECT_FALSE(check_times({}, "x"));
  EXPECT_FALSE(check_times(std::vector<FnvFrameTime>{{5, 1}, {4, 1}}, "x"));
  EXPECT_FALSE(check_times(std::vector<FnvFrameTime>{{5, -1}}, "x"));
  EXPECT_FALSE(check_times(std::vector<FnvFrameTime>{{max_fnv_time + 1, 1}}, "x"));
  const auto parse = [](uint64_t count, int64_t first, uint64_t run, uint64_t duration, int64_t gap) {
    FnvBytes bytes;
    bytes.put_varint(0);
    bytes.put_varint(count);
    bytes.put_signed(first);
    bytes.put_varint(run);
    bytes.put_varint(duration);
    bytes.put_signed(gap);
    ByteReader in(bytes.bytes(), "x");
    return parse_group_start(in).has_value();
  };
  EXPECT_TRUE(parse(3, 0, 3, 10, 0));
  EXPECT_FALSE(parse(3, 0, 4, 10, 0));
  EXPECT_FALSE(parse(3, 0, 0, 10, 0));
  EXPECT_FALSE(parse(0, 0, 0, 10, 0));
  EXPECT_FALSE(parse(3, 0, 3, 10, -11)) << "backwards";
  EXPECT_FALSE(parse(3, 0, 3, max_fnv_time, 0));
  EXPECT_FALSE(parse(max_group_frames + 1, 0, max_group_frames + 1, 1, 0));
  EXPECT_FALSE(parse(3, std::numeric_limits<int64_t>::min(), 3, 1, 0));
  EXPECT_FALSE(parse(3, 0, 3, 1, std::numeric_limits<int64_t>::max()));
}

// Cut off anywhere, the whole groups before the cut can be read, and nothing else.
TEST(Fnv, CutOffAnywhereKeepsWholeGroups) {
  const Sample sample;
  const auto whole = open_bytes(sample.bytes);
  std::vector<uint64_t> ends;
  for (const FnvIndexEntry& entry : whole->groups())
    ends.push_back(entry.offset + entry.body_bytes + section_frame_bytes);
  const uint64_t head_end = whole->index()[0].offset + whole->index()[0].body_bytes + section_frame_bytes;
  for (size_t size = 0; size < sample.bytes.size(); ++size) {
    const Bytes cut(sample.bytes.begin(), sample.bytes.begin() + static_cast<ptrdiff_t>(size));
    const auto reader = open_bytes(cut);
    ASSERT_EQ(reader.has_value(), size >= head_end) << size;
    if (!reader) continue;
    EXPECT_FALSE(reader->complete());
    const auto expected = std::ranges::count_if(ends, [size](uint64_t end) { return end <= size; });
    ASSERT_EQ(static_cast<ptrdiff_t>(reader->groups().size()), expected) << size;
  }
  const Bytes cut(sample.bytes.begin(), sample.bytes.begin() + static_cast<ptrdiff_t>(ends[1]));
  const auto reader = open_bytes(cut);
  for (size_t i = 0; i < 2; ++i) expect_same(*reader->read_group(i), sample.groups[i]);
  EXPECT_NE(fnv_info(*reader).find("NOT COMPLETE"), std::string::npos);
}

// Whatever byte is changed: what can still be read is what was written.
TEST(Fnv, DamageAnywhereIsNoticed) {
  const Sample sample;
  for (size_t at = 0; at < sample.bytes.size(); ++at) {
    Bytes damaged = sample.bytes;
    damaged[at] ^= static_cast<std::byte>(1 << at % 8);
    const auto reader = open_bytes(damaged);
    if (!reader) continue;
    size_t good = 0;
    for (size_t i = 0; i < reader->groups().size(); ++i) {
      const auto back = reader->read_group(i);
      if (!back) continue;
      expect_same(*back, sample.groups[i]);
      ++good;
    }
    bool sidecar_good = false;
    if (reader->auxiliaries().size() == 1)
      if (const auto content = auxiliary(*reader, 0)) {
        EXPECT_EQ(*content, sample.sidecar);
        sidecar_good = true;
      }
    EXPECT_FALSE(reader->complete() && good == 3 && sidecar_good) << "unnoticed at byte " << at;
  }
}

Bytes section(FnvSectionType type, const Bytes& body) {
  FnvBytes out;
  const auto head = section_head(type, body.size());
  out.put_bytes(head);
  out.put_bytes(body);
  out.put(fnv_crc(fnv_crc(0, head), body));
  return out.bytes();
}

TEST(Fnv, SkipsSectionsOfUnknownType) {
  const Sample sample;
  const auto whole = open_bytes(sample.bytes);
  const auto second = static_cast<ptrdiff_t>(whole->groups()[1].offset);
  Bytes bytes = sample.bytes;
  const Bytes unknown = section({'n', 'e', 'w', '!'}, Bytes(77, std::byte{1}));
  bytes.insert(bytes.begin() + second, unknown.begin(), unknown.end());  // the index is wrong now
  const auto reader = open_bytes(bytes);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->complete());
  ASSERT_EQ(reader->groups().size(), 3u);
  expect_same(*reader->read_group(2), sample.groups[2]);
}

// A file with a hole of zeros, without the memory.
class SparseSource : public ByteSource {
 public:
  std::map<uint64_t, Bytes> pieces;
  uint64_t size() const override { return pieces.rbegin()->first + pieces.rbegin()->second.size(); }
  const std::string& name() const override { return name_; }
  Status read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size() || out.size() > size() - offset) return fail(ErrorCode::invalid_data, "beyond the end");
    for (size_t i = 0; i < out.size(); ++i) {
      const auto after = pieces.upper_bound(offset + i);
      const auto& [start, bytes] = *std::prev(after);
      out[i] = offset + i - start < bytes.size() ? bytes[static_cast<size_t>(offset + i - start)] : std::byte{0};
    }
    return {};
  }

 private:
  std::string name_ = "sparse.fnv";
};

TEST(Fnv, OffsetsBeyondFourGiB) {
  const Sample sample;
  const auto whole = open_bytes(sample.bytes);
  const uint64_t hole = uint64_t{5} << 30;
  const uint64_t cut = whole->groups()[0].offset;  // behind the first network's description
  const uint64_t shift = hole + section_frame_bytes;

  auto source = std::make_unique<SparseSource>();
  Bytes start(sample.bytes.begin(), sample.bytes.begin() + static_cast<ptrdiff_t>(cut));
  const auto hole_head = section_head({'h', 'o', 'l', 'e'}, hole);
  start.insert(start.end(), hole_head.begin(), hole_head.end());
  source->pieces[0] = start;
  std::vector<FnvIndexEntry> index(whole->index().begin(), whole->index().end());
  for (FnvIndexEntry& entry : index)
    if (entry.offset >= cut) entry.offset += shift;
  const uint64_t index_offset =
      index.back().offset + section_frame_bytes + index.back().body_bytes;  // the sidecar is the last one
  Bytes rest(sample.bytes.begin() + static_cast<ptrdiff_t>(cut),
             sample.bytes.begin() + static_cast<ptrdiff_t>(index_offset - shift));
  FnvBytes where;
  where.put(index_offset);
  for (const Bytes& part : {section(fnv_index, write_index(index)), section(fnv_tail, where.bytes())})
    rest.insert(rest.end(), part.begin(), part.end());
  source->pieces[cut + shift] = rest;

  const auto reader = FnvReader::open(std::move(source));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE(reader->complete());
  EXPECT_GT(reader->groups()[0].offset, uint64_t{1} << 32);
  for (size_t i = 0; i < 3; ++i) expect_same(*reader->read_group(i), sample.groups[i]);
}

TEST(Fnv, RefusesAnIndexThatLies) {
  const Sample sample;
  const auto whole = open_bytes(sample.bytes);
  const FnvIndexEntry& last = whole->index().back();
  const auto index_offset = static_cast<size_t>(last.offset + section_frame_bytes + last.body_bytes);
  const auto open_with = [&](auto change) {
    std::vector<FnvIndexEntry> index(whole->index().begin(), whole->index().end());
    change(index);
    Bytes bytes(sample.bytes.begin(), sample.bytes.begin() + static_cast<ptrdiff_t>(index_offset));
    FnvBytes where;
    where.put(uint64_t{index_offset});
    for (const Bytes& part : {section(fnv_index, write_index(index)), section(fnv_tail, where.bytes())})
      bytes.insert(bytes.end(), part.begin(), part.end());
    const auto reader = open_bytes(bytes);
    return reader && reader->read_group(0);
  };
  EXPECT_TRUE(open_with([](auto&) {}));
  EXPECT_FALSE(open_with([](auto& index) { index[1].offset = ~uint64_t{0}; }));
  EXPECT_FALSE(open_with([](auto& index) { index[1].body_bytes = ~uint64_t{0}; }));
  EXPECT_FALSE(open_with([](auto& index) { index[2].network = 9; }));
  EXPECT_FALSE(open_with([](auto& index) { index[2].frame_count = 7; }));
  EXPECT_FALSE(open_with([](auto& index) { std::swap(index[1], index[2]); }));
  EXPECT_FALSE(open_with([](auto& index) { index[2].body_bytes -= 1; }));
}

TEST(Fnv, ResumedEqualsUninterrupted) {
  const Sample sample;
  const auto whole = open_bytes(sample.bytes);
  const uint64_t third = whole->groups()[2].offset;
  for (const uint64_t size : {third, third + 30, whole->groups()[1].offset + 5, uint64_t{sample.bytes.size()}}) {
    const TempPath path;
    std::ofstream(path.string(), std::ios::binary)
        .write(reinterpret_cast<const char*>(sample.bytes.data()), static_cast<std::streamsize>(size));
    auto writer = FnvWriter::resume(path.string());
    ASSERT_TRUE(writer) << writer.error().message;
    for (size_t i = writer->frame_count() / 8; i < 3 && writer->frame_count() < 21; ++i)
      ASSERT_TRUE(writer->add_group(sample.groups[i]));
    ASSERT_TRUE(writer->add_auxiliary("matroska", *memory_source(sample.sidecar, "sidecar")));
    ASSERT_TRUE(writer->finish());
    EXPECT_EQ(path.bytes(), sample.bytes) << size;
  }
}

TEST(Fnv, SaysWhatIsWrong) {
  const Sample sample;
  EXPECT_EQ(FnvReader::open(memory_source({}, "x.fnv")).error().message, "x.fnv: is not an .fnv file");
  Bytes newer = sample.bytes;
  newer[8 + section_head_bytes] = std::byte{2};
  const auto whole = open_bytes(sample.bytes);
  const auto head_bytes = static_cast<size_t>(whole->index()[0].body_bytes);
  const uint32_t crc = fnv_crc(0, std::span(newer).subspan(8, section_head_bytes + head_bytes));
  std::memcpy(newer.data() + 8 + section_head_bytes + head_bytes, &crc, sizeof crc);
  EXPECT_EQ(open_bytes(newer).error().code, ErrorCode::unsupported);
  EXPECT_EQ(FnvWriter::create("/nonexistent/x.fnv", plain_header()).error().code, ErrorCode::io);
  EXPECT_EQ(open_file_source("/nonexistent.fnv").error().code, ErrorCode::not_found);
  EXPECT_FALSE(open_file_source("/tmp"));
  const TempPath path;
  auto writer = FnvWriter::create(path.string(), plain_header());
  EXPECT_FALSE(writer->add_group({{}, {}, test::small_network(1)})) << "no frames";
}

}  // namespace
}  // namespace framelift
