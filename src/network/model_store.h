// The folder of installed models: networks under short names, in framelift's own format.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/network.h"
#include "weights/catalogue/download.h"

namespace framelift {

// $FRAMELIFT_MODELS, else ~/.local/share/framelift/models. It need not exist yet.
std::filesystem::path model_folder();

struct StoredModel {
  std::string name;
  std::filesystem::path path;
};
// Installed models in the order of their names; none when there is no folder yet.
std::vector<StoredModel> list_models();

// The weight file a user means: a path when it has a slash, a weight file's extension, or names an existing file; else
// an installed model's name or another name of it from the catalogue. The error lists what is installed and says how
// to get a model the catalogue knows.
Result<std::filesystem::path> resolve_model(std::string_view name_or_path);

// Licence, source and checksum of a network whose file has no room to say them: what the catalogue knows of these
// bytes. Errors: those of reading the file and the catalogue.
Status note_origin(Network& network, const std::filesystem::path& file);

// The network a user means: a built-in one's name, or what resolve_model() finds.
Result<Network> open_model(std::string_view name_or_path);

struct ImportOptions {
  std::string name;     // empty: what the catalogue calls this file (by checksum, then by name), else the file's stem
  std::string license;  // empty: the catalogue's, else what the file says, else "unknown"
  std::string source;   // where it came from; empty: likewise, else the file's name
  bool overwrite = false;
};
// Reads a weight file of any format, detects and checks its network, and stores it under a name. The stored file.
Result<StoredModel> import_model(const std::filesystem::path& file, const ImportOptions& options);

// Stores a network that was made from others under a name, with what `facts` says beside its own metadata. Errors:
// already_exists, unless `overwrite`; io; unsupported (a network whose file holds it: tflite, ONNX).
Result<StoredModel> store_model(const Network& network, const std::string& name,
                                const std::map<std::string, std::string>& facts, bool overwrite);

// Fetches a model of the catalogue, verifies and imports it. One that is installed already is left alone unless
// `overwrite`.
Result<StoredModel> pull_model(std::string_view name, bool overwrite, const DownloadProgress& progress = {});

}  // namespace framelift
