#include "weights/catalogue/download.h"

#include <curl/curl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "weights/catalogue/sha256.h"
#include "weights/file_bytes.h"

namespace framelift {

namespace {

constexpr int max_attempts = 4;

struct CurlCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

struct Transfer {
  std::FILE* file = nullptr;
  uint64_t already = 0;
  uint64_t received = 0;
  const DownloadProgress* progress = nullptr;
  bool cancelled = false;
};

size_t on_data(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.received += size * count;
  if (transfer.already + transfer.received > max_weight_file_bytes) return 0;
  return std::fwrite(data, size, count, transfer.file) * size;
}

int on_progress(void* user, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!*transfer.progress || done == 0) return 0;
  const uint64_t all = total > 0 ? transfer.already + static_cast<uint64_t>(total) : 0;
  transfer.cancelled = !(*transfer.progress)(transfer.already + static_cast<uint64_t>(done), all);
  return transfer.cancelled ? 1 : 0;
}

struct Outcome {
  CURLcode code = CURLE_OK;
  long http_status = 0;
  bool cancelled = false;
  bool progressed = false;
  std::string reason;
};

// One request that appends to the part file.
Result<Outcome> fetch_once(const std::string& url, const std::filesystem::path& part,
                           const DownloadProgress& progress) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<CURL, CurlCleanup> curl(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  if (!curl) return fail(ErrorCode::internal, "{}: libcurl cannot start", url);
  std::unique_ptr<std::FILE, FileClose> file(std::fopen(part.c_str(), "ab"));
  if (!file)
    return fail(ErrorCode::io, "{}: cannot be created ({}); check the folder", part.string(), std::strerror(errno));
  std::error_code ignored;
  Transfer transfer{file.get(), std::filesystem::file_size(part, ignored), 0, &progress, false};

  char reason[CURL_ERROR_SIZE] = "";
  CURL* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "framelift");
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.already));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);

  Outcome outcome;
  outcome.code = curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &outcome.http_status);
  outcome.cancelled = transfer.cancelled;
  outcome.progressed = transfer.received > 0;
  outcome.reason = reason[0] != '\0' ? reason : curl_easy_strerror(outcome.code);
  if (std::fclose(file.release()) != 0 && outcome.code == CURLE_OK) outcome.code = CURLE_WRITE_ERROR;
  return outcome;
}

bool connection_broke(CURLcode code) {
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
         code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING || code == CURLE_HTTP2 ||
         code == CURLE_HTTP2_STREAM;
}

Status fetch(const std::string& url, const std::filesystem::path& part, const DownloadProgress& progress) {
  bool restarted = false;
  for (int attempt = 1;; ++attempt) {
    FL_TRY(auto outcome, fetch_once(url, part, progress));
    if (outcome.code == CURLE_OK) return {};
    if (outcome.cancelled) return fail(ErrorCode::cancelled, "{}: download cancelled; run it again to continue", url);
    // 416: the part is already as long as the file (the checksum decides). A server without ranges: from the start.
    if (outcome.http_status == 416) return {};
    if (outcome.code == CURLE_RANGE_ERROR && !restarted) {
      restarted = true;
      std::error_code ignored;
      std::filesystem::remove(part, ignored);
      continue;
    }
    if (connection_broke(outcome.code) && attempt < max_attempts) continue;
    if (outcome.code == CURLE_HTTP_RETURNED_ERROR)
      return fail(outcome.http_status == 404 ? ErrorCode::not_found : ErrorCode::io,
                  "{}: the server answers {}; check the address", url, outcome.http_status);
    if (outcome.code == CURLE_WRITE_ERROR)
      return fail(ErrorCode::io, "{}: cannot be written; check the free space", part.string());
    return fail(ErrorCode::io, "{}: download failed ({}); run it again to continue", url, outcome.reason);
  }
}

}  // namespace

Status download(const std::string& url, const std::filesystem::path& target, const std::string& sha256,
                const DownloadProgress& progress) {
  if (sha256.size() != 64) return fail(ErrorCode::invalid_argument, "{}: has no SHA-256 to compare with", url);
  const std::filesystem::path part = target.string() + ".part";
  std::error_code error;
  const bool resumed = std::filesystem::file_size(part, error) > 0 && !error;
  FL_CHECK(fetch(url, part, progress));
  FL_TRY(auto actual, sha256_file(part));
  if (actual != sha256 && resumed) {
    // What was left from before may belong to an older file of this address: once more from the start.
    std::filesystem::remove(part, error);
    FL_CHECK(fetch(url, part, progress));
    FL_TRY(actual, sha256_file(part));
  }
  if (actual != sha256) {
    std::filesystem::remove(part, error);
    return fail(ErrorCode::invalid_data, "{}: wrong checksum, SHA-256 is {} but {} is expected; nothing was kept", url,
                actual, sha256);
  }
  std::filesystem::rename(part, target, error);
  if (error) return fail(ErrorCode::io, "{}: cannot be created ({})", target.string(), error.message());
  return {};
}

}  // namespace framelift
