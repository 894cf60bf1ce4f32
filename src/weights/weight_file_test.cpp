#include "weights/weight_file.h"

#include "weights/files_for_test.h"

namespace framelift {
namespace {

using test::shared_weights;
using test::TempFolder;
using test::write_file;

TEST(WeightFile, TellsWhatIsWrongWithAFile) {
  TempFolder folder;
  const auto read = [&](std::string_view name, std::string_view content) {
    write_file(folder / name, content);
    return read_weights(folder / name);
  };
  EXPECT_FAILS_WITH(read_weights(folder / "nothing.pth"), "no such file");
  EXPECT_FAILS_WITH(read_weights(folder.path()), "not a regular file");
  EXPECT_FAILS_WITH(read("empty.pth", ""), "is empty");
  EXPECT_FAILS_WITH(read("text.pth", "this is a text file, not weights"), "no weight file framelift knows");
  EXPECT_FAILS_WITH(read("lfs.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "Git LFS pointer");
  EXPECT_FAILS_WITH(read("page.pth", "<!DOCTYPE html><html></html>"), "web page");
  EXPECT_FAILS_WITH(read("cut.safetensors", "abc"), "truncated");
  EXPECT_FAILS_WITH(read("alone.bin", "\1\2\3\4 some bytes"), "alone.param");
  EXPECT_FAILS_WITH(read("graph.param", "7767517\n1 1\nInput in 0 1 data\n"), "graph.bin");
  EXPECT_FAILS_WITH(read("cut.pth", "PK\3\4 and then nothing"), "zip file");
}

struct RealFile {
  const char* path;
  WeightFormat format;
  size_t tensors;
  int64_t values;
};

void PrintTo(const RealFile& file, std::ostream* out) { *out << file.path; }

class RealWeights : public testing::TestWithParam<RealFile> {};

TEST_P(RealWeights, HaveTheKnownCounts) {
  SKIP_WITHOUT_SHARED_WEIGHTS();
  auto file = read_weights(shared_weights() / GetParam().path);
  ASSERT_WORKS(file);
  EXPECT_EQ(file->format, GetParam().format);
  EXPECT_EQ(file->tensors.size(), GetParam().tensors);
  int64_t values = 0;
  for (const auto& [name, tensor] : file->tensors) values += tensor.elements();
  EXPECT_EQ(values, GetParam().values);
}

INSTANTIATE_TEST_SUITE_P(
    All, RealWeights,
    testing::Values(RealFile{"expandnet/expandnet_weights_legacy.pth", WeightFormat::pytorch, 30, 456'899},
                    RealFile{"hdrtvnetpp/AGCM.pth", WeightFormat::pytorch, 38, 35'251},
                    RealFile{"hdrtvnetpp/Ensemble_AGCM_LE.pth", WeightFormat::pytorch, 264, 591'158},
                    RealFile{"hdrtvnetpp/HR.pth", WeightFormat::pytorch, 264, 591'158},
                    RealFile{"hdrtvnetpp/LE.pth", WeightFormat::pytorch, 226, 555'907},
                    RealFile{"segmentation/selfie_segmentation.safetensors", WeightFormat::safetensors, 110, 106'401},
                    RealFile{"realesrgan/RealESRGAN_General_x4_v3.bin", WeightFormat::ncnn, 101, 1'213'296},
                    RealFile{"realesrgan/RealESRGAN_General_WDN_x4_v3.param", WeightFormat::ncnn, 101, 1'213'296},
                    RealFile{"realesrgan/realesr-animevideov3-x4.bin", WeightFormat::ncnn, 53, 621'424},
                    RealFile{"realesrgan/realesrgan-x4plus-anime.bin", WeightFormat::ncnn, 192, 4'467'779}),
    [](const auto& test) {
      std::string name = std::filesystem::path(test.param.path).stem().string();
      for (char& c : name)
        if (c == '-') c = '_';
      return name;
    });

}  // namespace
}  // namespace framelift
