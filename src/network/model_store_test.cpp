#include "network/model_store.h"

#include <cstring>

#include "network/network.h"
#include "network/srvgg_compact.h"
#include "weights/catalogue/http_server_for_test.h"
#include "weights/catalogue/sha256.h"
#include "weights/checkpoint_for_test.h"
#include "weights/files_for_test.h"
#include "weights/safetensors.h"

namespace framelift {
namespace {

using test::read_file;
using test::ScopedVariable;
using test::TempFolder;

// A store, a catalogue that knows nothing, and a small network's file, all temporary.
class ModelStore : public testing::Test {
 protected:
  ModelStore() { test::write_file(folder / "catalogue.toml", "model = []\n"); }

  // A safetensors file of another program: half-precision weights, one slope that needs single precision.
  std::filesystem::path write_network(std::string_view name, float slope = 0.1f) {
    const auto graph = srvgg_compact.build({{"features", 4}, {"convs", 1}, {"scale", 2}}, 1, 8, 8);
    std::vector<std::pair<std::string, Tensor>> tensors;
    for (const Value& value : graph->values) {
      if (value.kind == ValueKind::parameter)
        tensors.emplace_back(value.name, Tensor::filled(value.shape, value.shape.rank() == 4 ? 0.25f : slope));
    }
    std::vector<NamedTensor> named;
    for (const auto& [tensor_name, tensor] : tensors) named.push_back({tensor_name, &tensor});
    EXPECT_TRUE(write_safetensors(folder / name, named, {}));
    return folder / name;
  }

  // A catalogue with one model, to be fetched from `url`.
  void write_catalogue(const std::string& url, const std::string& sha256, std::string_view network = "srvgg-compact") {
    test::write_file(folder / "catalogue.toml",
                     fmt::format("[[model]]\nname = \"tiny\"\naliases = [\"tiny-x2\"]\nnetwork = \"{}\"\nlicense = "
                                 "\"MIT\"\nsource = \"the test\"\n[[model.file]]\nsha256 = \"{}\"\n{}",
                                 network, sha256, url.empty() ? "" : fmt::format("url = \"{}\"\n", url)));
  }

  TempFolder folder;
  ScopedVariable store{"FRAMELIFT_MODELS", (folder / "store").string()};
  ScopedVariable catalogue{"FRAMELIFT_CATALOGUE", (folder / "catalogue.toml").string()};
};

TEST_F(ModelStore, FolderComesFromTheEnvironment) {
  EXPECT_EQ(model_folder(), folder / "store");
  ScopedVariable unset("FRAMELIFT_MODELS", "");
  ScopedVariable home("HOME", "/home/someone");
  EXPECT_EQ(model_folder(), "/home/someone/.local/share/framelift/models");
}

TEST_F(ModelStore, BuiltInModelsNeedNoFolder) {
  for (const BuiltInNetwork& known : built_in_networks()) {
    const auto network = open_model(known.name);
    ASSERT_WORKS(network);
    EXPECT_EQ(network->name, known.name);
    EXPECT_FALSE(network->metadata.at("license").empty());
    const int edge = 4 * network->contract.alignment;
    ASSERT_WORKS(network->build(1, edge, edge));
  }
}

TEST_F(ModelStore, ImportedModelsLoadBackUnchanged) {
  const auto source = write_network("My Net.safetensors");
  EXPECT_TRUE(list_models().empty());
  auto stored = import_model(source, {"tiny", "MIT", "me", false});
  ASSERT_WORKS(stored);
  EXPECT_EQ(stored->path, folder / "store/tiny.safetensors");
  ASSERT_EQ(list_models().size(), 1u);
  EXPECT_EQ(list_models()[0].name, "tiny");

  auto before = load_network(source);
  auto after = load_network(stored->path);
  ASSERT_WORKS(before);
  ASSERT_WORKS(after);
  EXPECT_EQ(after->name, "tiny");
  EXPECT_EQ(after->hyper, before->hyper);
  EXPECT_EQ(after->metadata.at("license"), "MIT");
  EXPECT_EQ(after->metadata.at("source"), "me");
  EXPECT_EQ(after->metadata.at("architecture"), "srvgg-compact");
  EXPECT_EQ(after->metadata.at("hyper"), R"({"convs":1,"features":4,"scale":2})");
  EXPECT_EQ(after->metadata.at("source_sha256"), *sha256_file(source));
  for (const auto& [name, tensor] : before->parameters)
    EXPECT_EQ(std::memcmp(tensor.data(), after->parameters.at(name).data(), tensor.bytes()), 0) << name;
}

TEST_F(ModelStore, OnlyLosslessTensorsAreHalved) {
  auto stored = import_model(write_network("a.safetensors"), {"a", "", "", false});
  ASSERT_WORKS(stored);
  auto file = read_weights(stored->path);
  ASSERT_WORKS(file);
  EXPECT_EQ(file->find("body.0.weight")->dtype(), DType::f16) << "0.25 is exact in half precision";
  EXPECT_EQ(file->find("body.1.weight")->dtype(), DType::f32) << "0.1f is not";
}

TEST_F(ModelStore, ExistingModelsAreKept) {
  const auto source = write_network("a.safetensors");
  ASSERT_WORKS(import_model(source, {}));
  auto again = import_model(source, {});
  EXPECT_FAILS_WITH(again, "is there already");
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
  ImportOptions overwrite;
  overwrite.overwrite = true;
  ASSERT_WORKS(import_model(source, overwrite));
}

TEST_F(ModelStore, NamesCannotLeaveTheStore) {
  const auto source = write_network("a.safetensors");
  for (const char* name : {"../a", "a/b", ".hidden", "-x", "a b", "\n"})
    EXPECT_FAILS_WITH(import_model(source, {name, "", "", false}), "no usable model name");
  EXPECT_FAILS_WITH(import_model(write_network("with space.safetensors"), {}), "no usable model name");
  EXPECT_TRUE(list_models().empty());
}

TEST_F(ModelStore, BadWeightsAreNotStored) {
  test::write_file(folder / "evil.pth", test::PickleWriter().global("os", "system").stop());
  EXPECT_FAILS_WITH(import_model(folder / "evil.pth", {}), "nothing was executed");
  EXPECT_FAILS_WITH(import_model(folder / "nothing.pth", {}), "no such file");
  EXPECT_FALSE(std::filesystem::exists(folder / "store"));
}

TEST_F(ModelStore, ResolvesPathsAndNames) {
  const auto source = write_network("a.safetensors");
  EXPECT_EQ(*resolve_model(source.string()), source);
  EXPECT_FAILS_WITH(resolve_model("missing/a"), "no such weight file");
  EXPECT_FAILS_WITH(resolve_model("missing.pth"), "no such weight file");
  EXPECT_FAILS_WITH(resolve_model("a"), "model a is not installed (installed: none); see framelift models catalogue");
  ASSERT_WORKS(import_model(source, {}));
  EXPECT_EQ(*resolve_model("a"), folder / "store/a.safetensors");
  EXPECT_FAILS_WITH(resolve_model("b"), "(installed: a)");
  EXPECT_FAILS_WITH(resolve_model(""), "no usable model name");
}

TEST_F(ModelStore, TheCatalogueNamesKnownFiles) {
  const auto source = write_network("whatever.safetensors");
  write_catalogue("", *sha256_file(source));
  EXPECT_FAILS_WITH(resolve_model("tiny-x2"), "get it from the test and run framelift models import FILE");
  auto stored = import_model(source, {});
  ASSERT_WORKS(stored);
  EXPECT_EQ(stored->name, "tiny");
  EXPECT_EQ(load_network(stored->path)->metadata.at("license"), "MIT");
  EXPECT_EQ(*resolve_model("tiny-x2"), stored->path) << "by its other name";
  // By the file's name alone: called so, but nothing is said about its licence.
  auto renamed = import_model(write_network("tiny-x2.safetensors", 0.2f), {"", "", "", true});
  ASSERT_WORKS(renamed);
  EXPECT_EQ(renamed->name, "tiny");
  EXPECT_EQ(load_network(renamed->path)->metadata.at("license"), "unknown");
}

TEST_F(ModelStore, PullsOverHttpAndResumes) {
  const auto source = write_network("net.safetensors");
  const std::string bytes = read_file(source);
  test::HttpServer server({{"net.safetensors", bytes}}, {true, bytes.size() / 2, 1});
  write_catalogue(server.url("net.safetensors"), *sha256_file(source));
  EXPECT_FAILS_WITH(resolve_model("tiny"), "run framelift models pull tiny");
  auto pulled = pull_model("tiny-x2", false);
  ASSERT_WORKS(pulled);
  EXPECT_EQ(pulled->name, "tiny");
  EXPECT_EQ(server.ranges_asked().size(), 2u) << "the broken transfer was not resumed";
  EXPECT_EQ(test::count_files(folder / "store"), 1u) << "downloads were left behind";
  EXPECT_EQ(load_network(pulled->path)->metadata.at("source"), "the test");
  ASSERT_WORKS(pull_model("tiny", false));
  EXPECT_EQ(server.ranges_asked().size(), 2u) << "an installed model was fetched again";
  ASSERT_WORKS(pull_model("tiny", true));
  EXPECT_EQ(server.ranges_asked().size(), 3u);
}

TEST_F(ModelStore, PullRefusesWhatIsNotAsPromised) {
  const auto source = write_network("net.safetensors");
  test::HttpServer server({{"net.safetensors", read_file(source)}});
  write_catalogue(server.url("net.safetensors"), std::string(64, '0'));
  EXPECT_FAILS_WITH(pull_model("tiny", false), "wrong checksum");
  write_catalogue(server.url("missing.safetensors"), std::string(64, '0'));
  EXPECT_FAILS_WITH(pull_model("tiny", false), "answers 404");
  write_catalogue(server.url("net.safetensors"), *sha256_file(source), "rrdbnet");
  EXPECT_FAILS_WITH(pull_model("tiny", false), "is srvgg-compact, the catalogue says rrdbnet");
  EXPECT_FAILS_WITH(pull_model("nothing", false), "the catalogue has no model nothing");
  EXPECT_TRUE(list_models().empty());
}

}  // namespace
}  // namespace framelift
