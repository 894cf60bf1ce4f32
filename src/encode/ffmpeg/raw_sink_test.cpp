// The checksums that are written without FFmpeg against FFmpeg's own.
#include "encode/raw_sink.h"

#include <gtest/gtest.h>

#include "decode/media_test_support.h"

namespace framelift {
namespace {

class RawSinkBesideFfmpeg : public test::MediaTest {};

TEST_F(RawSinkBesideFfmpeg, ChecksumsAreTheSame) {
  for (const char* format : {"yuv420p", "yuv422p10", "yuva444p", "gbrp", "gbrap16", "gray12", "gbrpf32"}) {
    std::vector<std::string> texts;
    for (const auto open : {open_sink, open_md5_sink}) {
      SourceOptions source_options;
      source_options.path = fmt::format("test:37x23:3:{}", format);
      const auto source = open_source(source_options).value();
      SinkOptions options;
      options.path = (open == open_sink ? "md5:" : "") + path(fmt::format("{}.md5", texts.size()));
      options.overwrite = true;
      options.width = 37;
      options.height = 23;
      options.source_format = source->info().format;
      options.color = {MatrixCoefficients::bt709, TransferCharacteristic::bt709, ColorPrimaries::bt709,
                       ColorRange::limited, ChromaLocation::left};
      const auto sink = open(options);
      ASSERT_TRUE(sink) << sink.error().message;
      EXPECT_EQ((*sink)->format(), options.source_format);
      for (;;) {
        auto frame = source->next();
        ASSERT_TRUE(frame);
        if (frame->empty()) break;
        ASSERT_TRUE((*sink)->write(std::move(*frame)));
      }
      ASSERT_TRUE((*sink)->finish());
      std::string text;
      for (const std::string& line : test::lines(test::read_file(path(fmt::format("{}.md5", texts.size())))))
        if (!line.starts_with("#software")) text += line + "\n";
      texts.push_back(text);
    }
    EXPECT_EQ(texts[1], texts[0]) << format;
  }
}

}  // namespace
}  // namespace framelift
