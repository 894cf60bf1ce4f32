#include "weights/safetensors.h"

#include <cstring>
#include <limits>

#include "weights/files_for_test.h"

namespace framelift {
namespace {

using test::as_bytes;
using test::TempFolder;

// A file with this header (its true length in front) and `data_bytes` zero bytes of data.
std::string file_with(std::string_view header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  return file.append(header).append(data_bytes, '\0');
}

Result<WeightFile> parse(std::string_view file) { return parse_safetensors(as_bytes(file), "w.safetensors"); }

constexpr std::string_view one_float = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";

TEST(Safetensors, RoundTripKeepsEverything) {
  TempFolder folder;
  const auto path = folder / "net.safetensors";
  const Tensor a = Tensor::from_f32({2, 3}, std::vector<float>{1, -2, 3.5f, 0, 1e-30f, 6});
  Tensor half(DType::f16, {3});
  for (int i = 0; i < 3; ++i) half.as<uint16_t>()[i] = static_cast<uint16_t>(0x3c00 + i);
  const Tensor scalar = Tensor::from_f32({}, std::vector<float>{7});
  const Tensor none(DType::i8, {0, 4});
  const std::vector<NamedTensor> tensors = {
      {"z.weight", &a}, {"a.half", &half}, {"scalar", &scalar}, {"empty \"quoted\"\n", &none}};
  ASSERT_WORKS(write_safetensors(path, tensors, {{"license", "MIT"}, {"note", "ü \"x\""}}));
  EXPECT_EQ(test::count_files(folder.path()), 1u) << "a temporary file was left behind";

  auto file = read_weights(path);
  ASSERT_WORKS(file);
  EXPECT_EQ(file->format, WeightFormat::safetensors);
  EXPECT_EQ(file->metadata.at("license"), "MIT");
  EXPECT_EQ(file->metadata.at("note"), "ü \"x\"");
  ASSERT_EQ(file->tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = file->tensors[i];
    EXPECT_EQ(name, tensors[i].name) << "order is kept";
    EXPECT_EQ(tensor.dtype(), tensors[i].tensor->dtype());
    EXPECT_EQ(tensor.shape(), tensors[i].tensor->shape());
    EXPECT_EQ(std::memcmp(tensor.data(), tensors[i].tensor->data(), tensor.bytes()), 0);
  }
}

TEST(Safetensors, EveryTypeRoundTrips) {
  TempFolder folder;
  for (DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16, DType::i8,
                      DType::u8, DType::boolean}) {
    Tensor tensor(dtype, {2});
    std::memset(tensor.data(), 1, tensor.bytes());
    const std::vector<NamedTensor> tensors = {{"t", &tensor}};
    ASSERT_WORKS(write_safetensors(folder / "t.safetensors", tensors, {}));
    auto file = read_weights(folder / "t.safetensors");
    ASSERT_WORKS(file);
    EXPECT_EQ(file->tensors[0].second.dtype(), dtype);
  }
}

TEST(Safetensors, WritingFailsCleanly) {
  TempFolder folder;
  const Tensor a = Tensor::filled({1}, 1);
  const std::vector<NamedTensor> twice = {{"a", &a}, {"a", &a}};
  EXPECT_FAILS_WITH(write_safetensors(folder / "x", twice, {}), "two tensors");
  const std::vector<NamedTensor> one = {{"a", &a}};
  EXPECT_FAILS_WITH(write_safetensors(folder / "missing/x", one, {}), "cannot be created");
  std::filesystem::create_directory(folder / "taken");
  EXPECT_FAILS_WITH(write_safetensors(folder / "taken", one, {}), "cannot be written");
  EXPECT_EQ(test::count_files(folder.path()), 1u) << "only the folder itself may be there";
}

TEST(Safetensors, AcceptsPaddedAndEmptyHeaders) {
  auto padded = parse(file_with(std::string(one_float) + "     ", 4));
  ASSERT_WORKS(padded);
  EXPECT_EQ(padded->tensors.size(), 1u);
  auto empty = parse(file_with("{}", 0));
  ASSERT_WORKS(empty);
  EXPECT_TRUE(empty->tensors.empty());
}

TEST(Safetensors, RefusesHostileLengths) {
  std::string file = file_with(one_float, 4);
  for (uint64_t length : {std::numeric_limits<uint64_t>::max(), uint64_t{1} << 63, uint64_t{200'000'000},
                          static_cast<uint64_t>(file.size())}) {
    std::memcpy(file.data(), &length, sizeof length);
    EXPECT_FAILS_WITH(parse(file), "the header claims");
  }
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string file = file_with(one_float, 4);
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_FAILS_WITH(parse(std::string_view(file).substr(0, size)), "w.safetensors");
}

TEST(Safetensors, RefusesTrailingBytes) { EXPECT_FAILS_WITH(parse(file_with(one_float, 5)), "behind the last tensor"); }

struct HostileHeader {
  const char* what;
  const char* header;
  size_t data_bytes;
  const char* message;
};

class SafetensorsHostileHeader : public testing::TestWithParam<HostileHeader> {};

TEST_P(SafetensorsHostileHeader, IsRefused) {
  EXPECT_FAILS_WITH(parse(file_with(GetParam().header, GetParam().data_bytes)), GetParam().message);
}

const HostileHeader hostile_headers[] = {
    {"NotJson", "hello there", 4, "is not JSON"},
    {"HalfJson", R"({"a":)", 4, "is not JSON"},
    {"Array", R"([1,2])", 4, "an array where none may be"},
    {"Number", R"(5)", 4, "a number where none may be"},
    {"TensorIsText", R"({"a":"b"})", 4, "a text where none may be"},
    {"TensorIsNull", R"({"a":null})", 4, "null where none may be"},
    {"NegativeOffset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "a negative number"},
    {"FractionalOffset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}})", 4, "no integer"},
    {"HugeOffset", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", 4, "too large"},
    {"OffsetBeyondEnd", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4, "lies at bytes 0 to 8 of 4"},
    {"OffsetsReversed", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "lies at bytes"},
    {"ThreeOffsets", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 8, "3 data_offsets"},
    {"NegativeDimension", R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "a negative number"},
    {"OverflowingShape", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}})", 0,
     "does not fill"},
    {"OverflowHiddenByZero", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0,
     "does not fill"},
    {"ShapeAndSizeDiffer", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "does not fill"},
    {"WrongType", R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}})", 4, "does not fill"},
    {"UnknownType", R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4, "type F8_E4M3"},
    {"TooManyDimensions", R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4, "7 dimensions"},
    {"MissingType", R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4, "lacks"},
    {"MissingShape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4, "lacks"},
    {"MissingOffsets", R"({"a":{"dtype":"F32","shape":[1]}})", 4, "lacks"},
    {"UnknownField", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4, "unknown field"},
    {"DuplicateTensor",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     8, "names \"a\" twice"},
    {"DuplicateField", R"({"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}})", 4, "twice"},
    {"DuplicateMetadata", R"({"__metadata__":{"a":"b","a":"c"}})", 0, "twice"},
    {"MetadataIsNumber", R"({"__metadata__":{"a":1}})", 0, "a number where none may be"},
    {"MetadataNests", R"({"__metadata__":{"a":{"b":"c"}}})", 0, "an object where none may be"},
    {"NestedShape", R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4, "an array where none may be"},
    {"Overlap",
     R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
     12, "tensors overlap"},
    {"Gap",
     R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
     12, "a gap"},
};

INSTANTIATE_TEST_SUITE_P(All, SafetensorsHostileHeader, testing::ValuesIn(hostile_headers),
                         [](const auto& test) { return test.param.what; });

TEST(Safetensors, RefusesDeepNestingWithoutRecursion) {
  EXPECT_FAILS_WITH(parse(file_with(std::string(1'000'000, '['), 0)), "an array where none may be");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_FAILS_WITH(parse(file_with(objects, 0)), "unknown field");
}

}  // namespace
}  // namespace framelift
