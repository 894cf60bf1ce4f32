// Builds without FFmpeg say what they can read and write.
#include <gtest/gtest.h>

#include <fstream>

#include "decode/media_test_support.h"
#include "encode/media_sink.h"

namespace framelift {
namespace {

class PlainMedia : public test::MediaTest {};

TEST_F(PlainMedia, OtherFilesAreRefusedInOneLine) {
  std::ofstream(path("clip.mp4"), std::ios::binary) << "....ftypisom";
  SourceOptions source;
  source.path = path("clip.mp4");
  const Error read = open_source(source).error();
  EXPECT_EQ(read.code, ErrorCode::unsupported);
  EXPECT_EQ(read.message.find('\n'), std::string::npos);
  EXPECT_NE(read.message.find("clip.mp4: this build reads YUV4MPEG2 (.y4m) and OpenEXR only"), std::string::npos);
  for (const char* name : {"out.mkv", "out.png", "%04d.jpg"}) {
    SinkOptions sink;
    sink.path = path(name);
    const Error write = open_sink(sink).error();
    EXPECT_EQ(write.code, ErrorCode::unsupported);
    EXPECT_NE(write.message.find("this build writes YUV4MPEG2"), std::string::npos) << write.message;
  }
  EXPECT_NE(describe_media().find("no FFmpeg"), std::string::npos);
}

}  // namespace
}  // namespace framelift
