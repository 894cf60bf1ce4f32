#include "weights/pytorch.h"

#include "weights/checkpoint_for_test.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

using test::as_bytes;
using test::make_legacy;
using test::make_zip;
using test::PickleWriter;
using test::raw_values;

Result<WeightFile> parse(std::string_view bytes) { return parse_pytorch(as_bytes(bytes), "net.pth"); }

// {"w": tensor} over one float storage of six values.
std::string zip_with_tensor(PickleWriter& pickle, bool deflate = false) {
  return make_zip({{"net/data.pkl", pickle.stop()},
                   {"net/byteorder", "little"},
                   {"net/data/0", raw_values<float>({0, 1, 2, 3, 4, 5})},
                   {"net/version", "3\n"}},
                  deflate);
}

std::vector<float> values(const Tensor& tensor) {
  const Tensor converted = tensor.to_f32();
  return {converted.f32().begin(), converted.f32().end()};
}

// What {"w": tensor(...)} reads as, over the storage above.
Result<WeightFile> parse_view(int elements, int offset, std::initializer_list<int> size,
                              std::initializer_list<int> stride, std::string_view type = "FloatStorage") {
  PickleWriter pickle;
  pickle.empty_dict().text("w").tensor(type, "0", elements, offset, size, stride).set_item();
  return parse(zip_with_tensor(pickle));
}

TEST(Pytorch, ReadsStoredAndDeflatedZips) {
  for (bool deflate : {false, true}) {
    PickleWriter pickle;
    pickle.empty_dict().text("w").tensor("FloatStorage", "0", 6, 0, {2, 3}, {3, 1}).set_item();
    auto file = parse(zip_with_tensor(pickle, deflate));
    ASSERT_WORKS(file);
    EXPECT_EQ(file->format, WeightFormat::pytorch);
    ASSERT_EQ(file->tensors.size(), 1u);
    EXPECT_EQ(file->tensors[0].first, "w");
    EXPECT_EQ(file->tensors[0].second.shape(), (Shape{2, 3}));
    EXPECT_EQ(values(file->tensors[0].second), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  }
}

TEST(Pytorch, MakesViewsContiguous) {
  auto transposed = parse_view(6, 0, {3, 2}, {1, 3});
  ASSERT_WORKS(transposed);
  EXPECT_EQ(values(transposed->tensors[0].second), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  auto offset = parse_view(6, 2, {2}, {3});
  ASSERT_WORKS(offset);
  EXPECT_EQ(values(offset->tensors[0].second), (std::vector<float>{2, 5}));
  auto expanded = parse_view(6, 1, {2, 2}, {0, 1});
  ASSERT_WORKS(expanded);
  EXPECT_EQ(values(expanded->tensors[0].second), (std::vector<float>{1, 2, 1, 2}));
  auto scalar = parse_view(6, 4, {}, {});
  ASSERT_WORKS(scalar);
  EXPECT_EQ(values(scalar->tensors[0].second), (std::vector<float>{4}));
  auto empty = parse_view(6, 6, {0, 7}, {7, 1});
  ASSERT_WORKS(empty);
  EXPECT_EQ(empty->tensors[0].second.elements(), 0);
}

TEST(Pytorch, RefusesViewsOutsideTheirStorage) {
  EXPECT_FAILS_WITH(parse_view(6, 0, {7}, {1}), "outside its storage");
  EXPECT_FAILS_WITH(parse_view(6, 1, {6}, {1}), "outside its storage");
  EXPECT_FAILS_WITH(parse_view(6, 0, {2, 2}, {5, 1}), "outside its storage");
  EXPECT_FAILS_WITH(parse_view(6, -1, {2}, {1}), "outside its storage");
  EXPECT_FAILS_WITH(parse_view(6, 0, {2}, {-1}), "malformed size or stride");
  EXPECT_FAILS_WITH(parse_view(6, 0, {-2}, {1}), "malformed size or stride");
  EXPECT_FAILS_WITH(parse_view(6, 0, {2, 2}, {1}), "outside its storage");
  EXPECT_FAILS_WITH(parse_view(6, 0, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}), "7 dimensions");
  EXPECT_FAILS_WITH(parse_view(6, 0, {2147483647, 2147483647, 2147483647}, {0, 0, 0}), "outside its storage");
  EXPECT_FAILS_WITH(parse_view(6, 0, {2147483647, 64}, {0, 0}), "implausibly large");
  EXPECT_FAILS_WITH(parse_view(-1, 0, {1}, {1}), "storage reference is malformed");
}

TEST(Pytorch, RefusesStoragesOfTheWrongSize) {
  EXPECT_FAILS_WITH(parse_view(7, 0, {7}, {1}), "storage 0 has 24 bytes, 7 elements");
  EXPECT_FAILS_WITH(parse_view(6, 0, {6}, {1}, "DoubleStorage"), "storage 0 has 24 bytes");
  EXPECT_FAILS_WITH(parse_view(6, 0, {6}, {1}, "Size"), "storage reference is malformed");
}

TEST(Pytorch, KnowsEveryStorageType) {
  const std::pair<const char*, DType> types[] = {{"DoubleStorage", DType::f64}, {"FloatStorage", DType::f32},
                                                 {"HalfStorage", DType::f16},   {"BFloat16Storage", DType::bf16},
                                                 {"LongStorage", DType::i64},   {"IntStorage", DType::i32},
                                                 {"ShortStorage", DType::i16},  {"CharStorage", DType::i8},
                                                 {"ByteStorage", DType::u8},    {"BoolStorage", DType::boolean}};
  for (const auto& [name, dtype] : types) {
    auto file = parse_view(3, 0, {3}, {1}, name);
    ASSERT_WORKS(file);
    EXPECT_EQ(file->tensors[0].second.dtype(), dtype) << name;
  }
}

TEST(Pytorch, FindsTheStateDict) {
  const auto names = [](PickleWriter& pickle) {
    auto file = parse(zip_with_tensor(pickle));
    EXPECT_TRUE(file) << file.error().message;
    std::string all;
    for (const auto& [name, tensor] : file->tensors) all += name + " ";
    return all;
  };
  const auto dict = [](PickleWriter& pickle, std::string_view key, std::string_view tensor_name) {
    pickle.text(key).empty_dict().text(tensor_name).tensor("FloatStorage", "0", 6, 0, {6}, {1}).set_item().set_item();
  };
  PickleWriter both, params, lightning, nested;
  both.empty_dict();
  dict(both, "params", "plain");
  dict(both, "params_ema", "averaged");
  EXPECT_EQ(names(both), "averaged ");
  params.empty_dict();
  dict(params, "params", "plain");
  EXPECT_EQ(names(params), "plain ");
  lightning.empty_dict().text("epoch").integer(3).set_item();
  dict(lightning, "state_dict", "inner");
  EXPECT_EQ(names(lightning), "inner ");
  nested.empty_dict();
  dict(nested, "encoder", "weight");
  EXPECT_EQ(names(nested), "encoder.weight ");
}

TEST(Pytorch, KeepsScalarsAsMetadata) {
  PickleWriter pickle;
  pickle.empty_dict().mark();
  pickle.text("state_dict").empty_dict().text("w").tensor("FloatStorage", "0", 6, 0, {6}, {1}).set_item();
  pickle.text("epoch").integer(3).text("name").text("net").text("ema").boolean(true);
  pickle.text("dtype").global("torch", "float16");
  pickle.text("arch").empty_dict().text("nf").integer(64).set_item().set_items();
  auto file = parse(zip_with_tensor(pickle));
  ASSERT_WORKS(file);
  EXPECT_EQ(file->metadata,
            (std::map<std::string, std::string>{
                {"epoch", "3"}, {"name", "net"}, {"ema", "true"}, {"dtype", "torch.float16"}, {"arch.nf", "64"}}));
}

TEST(Pytorch, ReadsParametersAndSizes) {
  PickleWriter pickle;
  pickle.empty_dict().text("w").global("torch._utils", "_rebuild_parameter").mark();
  pickle.tensor("FloatStorage", "0", 6, 0, {6}, {1}).boolean(true).none().tuple().reduce().set_item();
  pickle.text("v").global("torch._utils", "_rebuild_tensor").mark().storage("FloatStorage", "0", 6).integer(0);
  pickle.global("torch", "Size").mark().integers({2, 3}).tuple().reduce().integers({3, 1}).tuple().reduce().set_item();
  auto file = parse(zip_with_tensor(pickle));
  ASSERT_WORKS(file);
  ASSERT_EQ(file->tensors.size(), 2u);
  EXPECT_EQ(file->tensors[1].second.shape(), (Shape{2, 3}));
}

TEST(Pytorch, RefusesWhatIsNoCheckpoint) {
  EXPECT_FAILS_WITH(parse(make_zip({{"a.txt", "hello"}})), "without data.pkl");
  EXPECT_FAILS_WITH(parse(make_zip({{"n/data.pkl", PickleWriter().integer(1).stop()}})), "holds no state dict");
  EXPECT_FAILS_WITH(parse(make_zip({{"n/data.pkl", PickleWriter().empty_dict().stop()}})), "holds no tensors");
  EXPECT_FAILS_WITH(parse(make_zip({{"n/data.pkl", "x"}, {"n/constants.pkl", "x"}})), "TorchScript");
  EXPECT_FAILS_WITH(parse(make_zip({{"n/data.pkl", "x"}, {"n/byteorder", "big"}})), "big-endian");
  EXPECT_FAILS_WITH(parse(PickleWriter().empty_dict().stop()), "not one that torch.save wrote");
  PickleWriter missing;
  missing.empty_dict().text("w").tensor("FloatStorage", "9", 6, 0, {6}, {1}).set_item();
  EXPECT_FAILS_WITH(parse(zip_with_tensor(missing)), "has no member net/data/9");
  PickleWriter twice;
  twice.empty_dict();
  for (int i = 0; i < 2; ++i) twice.text("w").tensor("FloatStorage", "0", 6, 0, {6}, {1}).set_item();
  EXPECT_FAILS_WITH(parse(zip_with_tensor(twice)), "there twice");
}

TEST(Pytorch, NeverExecutes) {
  PickleWriter evil;
  evil.global("os", "system").mark().text("touch pwned").tuple().reduce();
  EXPECT_FAILS_WITH(parse(make_zip({{"n/data.pkl", evil.stop()}})), "refers to os.system, which is not weight data");
  EXPECT_FAILS_WITH(parse(evil.stop()), "refers to os.system, which is not weight data");
  EXPECT_FAILS_WITH(parse(make_legacy(evil.stop(), {})), "refers to os.system, which is not weight data");
  EXPECT_FALSE(std::filesystem::exists("pwned"));
}

TEST(Pytorch, DictsInsideThemselvesEnd) {
  // d = {}; d["a"] = d; d["b"] = d: eight levels of two are walked, then the count stops it.
  PickleWriter pickle;
  pickle.empty_dict().raw(std::string_view("q\0", 2)).mark();
  for (const char* key : {"a", "b", "c", "d", "e", "f", "g", "h"}) pickle.text(key).raw(std::string_view("h\0", 2));
  EXPECT_FAILS_WITH(parse(zip_with_tensor(pickle.set_items())), "entries is not supported");
}

TEST(Pytorch, SharedTensorsCannotExhaustMemory) {
  PickleWriter pickle;
  pickle.empty_dict().mark();
  for (int i = 0; i < 100; ++i) {
    pickle.text(std::to_string(i));
    pickle.tensor("FloatStorage", "0", 6, 0, {1024, 1024}, {0, 0});
  }
  EXPECT_FAILS_WITH(parse(zip_with_tensor(pickle.set_items())), "implausibly large");
}

TEST(Pytorch, RefusesZipBombs) {
  PickleWriter pickle;
  pickle.empty_dict().text("w").tensor("FloatStorage", "0", 1, 0, {1}, {1}).set_item();
  const std::string bomb =
      make_zip({{"n/data.pkl", pickle.stop()}, {"n/data/0", std::string(200'000'000, '\0')}}, true);
  ASSERT_LT(bomb.size(), 1'000'000u);
  EXPECT_FAILS_WITH(parse(bomb), "plausible");
}

TEST(Pytorch, EveryZipTruncationIsAnError) {
  PickleWriter pickle;
  pickle.empty_dict().text("w").tensor("FloatStorage", "0", 6, 0, {2, 3}, {3, 1}).set_item();
  const std::string bytes = zip_with_tensor(pickle);
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse(std::string_view(bytes).substr(0, size))) << "cut to " << size << " bytes";
}

TEST(Pytorch, NoticesDamagedStorages) {
  PickleWriter pickle;
  pickle.empty_dict().text("w").tensor("FloatStorage", "0", 6, 0, {2, 3}, {3, 1}).set_item();
  std::string bytes = zip_with_tensor(pickle);
  const std::string storage = raw_values<float>({0, 1, 2, 3, 4, 5});
  bytes[bytes.find(storage) + 5] ^= 1;
  EXPECT_FAILS_WITH(parse(bytes), "member net/data/0 is damaged");
}

// ---- the stream before PyTorch 1.6

std::string legacy_object() {
  PickleWriter pickle;
  pickle.empty_dict().mark();
  pickle.text("a").tensor("FloatStorage", "94", 6, 0, {2, 3}, {3, 1});
  pickle.text("b").tensor("LongStorage", "17", 2, 0, {2}, {1});
  return pickle.set_items().stop();
}
std::vector<test::LegacyStorage> legacy_storages() {
  return {{"17", raw_values<int64_t>({7, 8}), 2}, {"94", raw_values<float>({0, 1, 2, 3, 4, 5}), 6}};
}

TEST(PytorchLegacy, ReadsStoragesInTheirOwnOrder) {
  auto file = parse(make_legacy(legacy_object(), legacy_storages()));
  ASSERT_WORKS(file);
  ASSERT_EQ(file->tensors.size(), 2u);
  EXPECT_EQ(values(*file->find("a")), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values(*file->find("b")), (std::vector<float>{7, 8}));
  EXPECT_EQ(file->find("b")->dtype(), DType::i64);
}

TEST(PytorchLegacy, ReadsViewsOfStorages) {
  // ('storage', torch.FloatStorage, '94', 'cuda:0', 6, ('95', 2, 3)): elements 2 to 4 of the storage.
  PickleWriter pickle;
  pickle.empty_dict().text("v").global("torch._utils", "_rebuild_tensor").mark();
  pickle.mark().text("storage").global("torch", "FloatStorage").text("94").text("cuda:0").integer(6);
  pickle.mark().text("95").integer(2).integer(3).tuple().tuple().persistent();
  pickle.integer(1).integers({2}).integers({1}).tuple().reduce().set_item();
  auto file = parse(make_legacy(pickle.stop(), {{"94", raw_values<float>({0, 1, 2, 3, 4, 5}), 6}}));
  ASSERT_WORKS(file);
  EXPECT_EQ(values(file->tensors[0].second), (std::vector<float>{3, 4}));
}

TEST(PytorchLegacy, RefusesHostileStorages) {
  auto storages = legacy_storages();
  storages[1].elements = int64_t{1} << 62;
  EXPECT_FAILS_WITH(parse(make_legacy(legacy_object(), storages)), "storage 94 has");
  storages[1].elements = -1;
  EXPECT_FAILS_WITH(parse(make_legacy(legacy_object(), storages)), "storage 94 has");
  EXPECT_FAILS_WITH(parse(make_legacy(legacy_object(), {legacy_storages()[0]})), "storage 94 is missing");
  EXPECT_FAILS_WITH(parse(make_legacy(legacy_object(), {{"x", "", 0}})), "used by no tensor");
}

TEST(PytorchLegacy, EveryTruncationIsAnError) {
  const std::string bytes = make_legacy(legacy_object(), legacy_storages());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse(std::string_view(bytes).substr(0, size))) << "cut to " << size << " bytes";
}

}  // namespace
}  // namespace framelift
