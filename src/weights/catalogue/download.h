// Fetching one file over HTTP, resumable and verified.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"

namespace framelift {

// Bytes here so far, and in all (0 while unknown). Returning false cancels; what is here is kept for the next try.
using DownloadProgress = std::function<bool(uint64_t done, uint64_t total)>;

// Fetches `url` (http or https) into `<target>.part`, continuing what an earlier try left there, compares its SHA-256
// (64 hexadecimal digits) and renames it to `target`. A connection that breaks is resumed a few times. On a wrong
// checksum the part file is removed; after other failures it stays for the next call.
Status download(const std::string& url, const std::filesystem::path& target, const std::string& sha256,
                const DownloadProgress& progress = {});

}  // namespace framelift
