#include "weights/catalogue/download.h"

#include "weights/catalogue/http_server_for_test.h"
#include "weights/catalogue/sha256.h"
#include "weights/files_for_test.h"

namespace framelift {
namespace {

using test::HttpServer;
using test::read_file;
using test::TempFolder;
using test::write_file;

std::string content() {
  std::string bytes(300'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

class Download : public testing::Test {
 protected:
  Download() {
    write_file(folder / "reference", bytes);
    sha256 = *sha256_file(folder / "reference");
    target = folder / "out/model.bin";
    part = folder / "out/model.bin.part";
    std::filesystem::create_directory(folder / "out");
  }
  TempFolder folder;
  const std::string bytes = content();
  std::string sha256;
  std::filesystem::path target, part;
};

TEST(Sha256, KnowsTheTestVector) {
  TempFolder folder;
  write_file(folder / "abc", "abc");
  EXPECT_EQ(*sha256_file(folder / "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_FAILS_WITH(sha256_file(folder / "nothing"), "cannot be opened");
}

TEST_F(Download, FetchesAndReportsProgress) {
  HttpServer server({{"model.bin", bytes}});
  uint64_t last = 0, total = 0;
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256, [&](uint64_t done, uint64_t all) {
    last = done;
    total = all;
    return true;
  }));
  EXPECT_EQ(read_file(target), bytes);
  EXPECT_FALSE(std::filesystem::exists(part));
  EXPECT_EQ(last, bytes.size());
  EXPECT_EQ(total, bytes.size());
}

TEST_F(Download, ResumesWhatAnEarlierTryLeft) {
  HttpServer server({{"model.bin", bytes}});
  write_file(part, std::string_view(bytes).substr(0, 100'000));
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(read_file(target), bytes);
  EXPECT_EQ(server.ranges_asked(), std::vector<std::string>{"100000-"});
}

TEST_F(Download, ResumesABrokenConnection) {
  HttpServer server({{"model.bin", bytes}}, {true, 100'000, 2});
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(read_file(target), bytes);
  EXPECT_EQ(server.ranges_asked(), (std::vector<std::string>{"", "100000-", "200000-"}));
}

TEST_F(Download, KeepsThePartOfATruncatedTransfer) {
  {
    HttpServer server({{"model.bin", bytes}}, {true, 50'000, 100});
    EXPECT_FAILS_WITH(download(server.url("model.bin"), target, sha256), "run it again to continue");
    EXPECT_FALSE(std::filesystem::exists(target));
    EXPECT_EQ(read_file(part), bytes.substr(0, 200'000)) << "four tries of 50,000 bytes";
  }
  HttpServer server({{"model.bin", bytes}});
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(server.ranges_asked(), std::vector<std::string>{"200000-"});
}

TEST_F(Download, StartsOverWhereRangesAreUnknown) {
  HttpServer server({{"model.bin", bytes}}, {false, std::string::npos, 0});
  write_file(part, std::string_view(bytes).substr(0, 1000));
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(read_file(target), bytes);
}

TEST_F(Download, AcceptsAPartThatIsAlreadyWhole) {
  HttpServer server({{"model.bin", bytes}});
  write_file(part, bytes);
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(read_file(target), bytes);
}

TEST_F(Download, ReplacesAPartOfAnotherFile) {
  HttpServer server({{"model.bin", bytes}});
  write_file(part, std::string(1000, 'x'));
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(read_file(target), bytes);
}

TEST_F(Download, RefusesAWrongChecksum) {
  HttpServer server({{"model.bin", bytes}});
  EXPECT_FAILS_WITH(download(server.url("model.bin"), target, std::string(64, '0')), "wrong checksum");
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_FALSE(std::filesystem::exists(part));
  EXPECT_FAILS_WITH(download(server.url("model.bin"), target, ""), "no SHA-256");
}

TEST_F(Download, ReportsWhatTheServerSays) {
  HttpServer server({});
  auto missing = download(server.url("model.bin"), target, sha256);
  EXPECT_FAILS_WITH(missing, "the server answers 404");
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST_F(Download, RefusesOtherProtocolsAndDeadServers) {
  EXPECT_FAILS_WITH(download("file:///etc/hostname", target, sha256), "download failed");
  std::string dead;
  {
    HttpServer server({});
    dead = server.url("model.bin");
  }
  EXPECT_FAILS_WITH(download(dead, target, sha256), "download failed");
  EXPECT_FAILS_WITH(download(dead, folder / "missing/model.bin", sha256), "check the folder");
}

TEST_F(Download, CanBeCancelledAndContinued) {
  HttpServer server({{"model.bin", bytes}});
  auto cancelled = download(server.url("model.bin"), target, sha256, [](uint64_t, uint64_t) { return false; });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::cancelled);
  EXPECT_FALSE(std::filesystem::exists(target));
  ASSERT_WORKS(download(server.url("model.bin"), target, sha256));
  EXPECT_EQ(read_file(target), bytes);
}

}  // namespace
}  // namespace framelift
