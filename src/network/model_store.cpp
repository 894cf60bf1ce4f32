#include "network/model_store.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/log.h"
#include "network/network.h"
#include "network/onnx/onnx_network.h"
#include "weights/catalogue/catalogue.h"
#include "weights/catalogue/fetch.h"
#include "weights/catalogue/sha256.h"
#include "weights/file_bytes.h"
#include "weights/quantized_file.h"
#include "weights/safetensors.h"

namespace framelift {

namespace {

namespace fs = std::filesystem;

// Of networks that framelift builds, and of those whose file holds the graph and is kept as it is.
constexpr std::array<const char*, 3> stored_extensions = {".safetensors", ".tflite", ".onnx"};
constexpr std::array<std::string_view, 8> weight_extensions = {".safetensors", ".pth",   ".pt",     ".ckpt",
                                                               ".bin",         ".param", ".tflite", ".onnx"};

const char* stored_extension(const WeightFile& file) {
  switch (file.format) {
    case WeightFormat::tflite: return ".tflite";
    case WeightFormat::onnx: return ".onnx";
    default: return ".safetensors";
  }
}

Status check_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (!name.empty() && name.find_first_not_of(allowed) == std::string_view::npos && name[0] != '.' && name[0] != '-')
    return {};
  return fail(ErrorCode::invalid_argument,
              "\"{}\" is no usable model name: letters, digits, dots, dashes and underscores (see --name)", name);
}

fs::path stored_path(std::string_view name, const char* extension) {
  return model_folder() / (std::string(name) + extension);
}

// Where the model of that name is; nothing when it is not there.
std::optional<fs::path> find_stored(std::string_view name) {
  std::error_code ignored;
  for (const char* extension : stored_extensions)
    if (fs::path path = stored_path(name, extension); fs::is_regular_file(path, ignored)) return path;
  return std::nullopt;
}

Status create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::io, "{}: the model folder cannot be created ({}); set FRAMELIFT_MODELS to another",
              folder.string(), error.message());
}

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const std::string& text : candidates) {
    if (!text.empty()) return text;
  }
  return {};
}

// Halves the file without losing a bit: values that came from half precision go back to it.
Tensor compact(const Tensor& tensor) {
  Tensor half(DType::f16, tensor.shape());
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    const float value = tensor.f32()[static_cast<size_t>(i)];
    const uint16_t bits = float_to_half(value);
    if (half_to_float(bits) != value) return tensor.clone();
    half.as<uint16_t>()[i] = bits;
  }
  return half;
}

Status store(const Network& network, const fs::path& path, std::map<std::string, std::string> metadata) {
  metadata["framelift.format"] = "1";
  metadata["framelift.architecture"] = network.architecture->name;
  metadata["framelift.hyper"] = nlohmann::json(network.hyper).dump();
  metadata["framelift.contract"] = nlohmann::json{
      {"channels", network.contract.channels},
      {"scale", network.contract.scale},
      {"alignment",
       network.contract.alignment}}.dump();
  auto tensors = quantized_tensors(network.parameters, network.quantized_layers);
  for (auto& [name, tensor] : tensors)
    if (tensor.dtype() == DType::f32) tensor = compact(tensor);
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) named.push_back({name, &tensor});
  FL_CHECK(create_folder(path.parent_path()));
  return write_safetensors(path, named, metadata);
}

// A file that holds its network; of an ONNX model with all that lies beside it.
Status store_whole(const WeightFile& file, const fs::path& to) {
  FL_CHECK(create_folder(to.parent_path()));
  FL_TRY(const auto bytes, read_file_bytes(file.path));
  if (!file.onnx) return write_file_bytes(to, std::array{std::span<const std::byte>(bytes)});
  FL_TRY(const std::string whole, self_contained_onnx(file, bytes));
  return write_file_bytes(to, std::array{std::as_bytes(std::span(whole))});
}

Result<StoredModel> refuse_existing(std::string_view name, const fs::path& path) {
  return fail(ErrorCode::already_exists, "{}: a model called {} is there already; use --overwrite or another --name",
              path.string(), name);
}

}  // namespace

fs::path model_folder() {
  const char* chosen = std::getenv("FRAMELIFT_MODELS");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  const char* home = std::getenv("HOME");
  const passwd* user = home == nullptr || *home == '\0' ? ::getpwuid(::getuid()) : nullptr;
  return fs::path(user != nullptr ? user->pw_dir : home != nullptr ? home : "") / ".local/share/framelift/models";
}

std::vector<StoredModel> list_models() {
  const fs::path folder = model_folder();
  std::vector<StoredModel> models;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    if (std::ranges::find(stored_extensions, it->path().extension().string()) != stored_extensions.end())
      models.push_back({it->path().stem().string(), it->path()});
  }
  if (error && error != std::errc::no_such_file_or_directory)
    log::warn("{}: cannot be listed ({})", folder.string(), error.message());
  std::ranges::sort(models, {}, &StoredModel::name);
  return models;
}

Result<fs::path> resolve_model(std::string_view name_or_path) {
  const fs::path path(name_or_path);
  std::error_code ignored;
  const bool has_extension = std::ranges::find(weight_extensions, path.extension().string()) != weight_extensions.end();
  if (fs::is_regular_file(path, ignored)) return path;
  if (name_or_path.find('/') != std::string_view::npos || has_extension)
    return fail(ErrorCode::not_found, "{}: no such weight file; check the path", name_or_path);
  FL_CHECK(check_name(name_or_path));
  FL_TRY(auto catalogue, load_catalogue());
  const CatalogueEntry* entry = catalogue.find(name_or_path);
  std::vector<std::string> names = {std::string(name_or_path)};
  if (entry != nullptr) names.push_back(entry->name);
  for (const std::string& name : names) {
    if (const auto stored = find_stored(name)) return *stored;
  }
  std::string installed;
  for (const StoredModel& model : list_models()) installed += (installed.empty() ? "" : ", ") + model.name;
  std::string remedy = "see framelift models catalogue, or give the path of a weight file";
  if (entry != nullptr)
    remedy = entry->can_be_fetched()
                 ? fmt::format("run framelift models pull {}", entry->name)
                 : fmt::format("get it from {} and run framelift models import FILE", entry->source);
  return fail(ErrorCode::not_found, "model {} is not installed (installed: {}); {}", name_or_path,
              installed.empty() ? "none" : installed, remedy);
}

Status note_origin(Network& network, const fs::path& file) {
  if (network.metadata.contains("license")) return {};
  FL_TRY(auto sha256, sha256_file(file));
  FL_TRY(auto catalogue, load_catalogue());
  if (const CatalogueEntry* known = catalogue.find_by_sha256(sha256)) {
    network.metadata["license"] = known->license;
    network.metadata["source"] = known->source;
  }
  network.metadata["source_sha256"] = std::move(sha256);
  return {};
}

Result<Network> open_model(std::string_view name_or_path) {
  for (const BuiltInNetwork& known : built_in_networks()) {
    if (name_or_path != known.name) continue;
    if (!known.weights.empty()) {
      FL_TRY(const WeightFile weights, parse_safetensors(known.weights, known.name));
      return make_network(weights);
    }
    Network network;
    network.name = known.name;
    network.architecture = known.architecture;
    network.hyper = known.hyper;
    network.contract = known.architecture->contract(known.hyper);
    network.metadata["license"] = "none needed";
    return network;
  }
  FL_TRY(const fs::path path, resolve_model(name_or_path));
  return load_network(path);
}

Result<StoredModel> import_model(const fs::path& file, const ImportOptions& options) {
  if (!options.name.empty()) FL_CHECK(check_name(options.name));
  FL_TRY(auto weights, read_weights(file));
  FL_TRY(auto network, make_network(weights));
  FL_TRY(auto sha256, sha256_file(weights.path));
  FL_TRY(auto catalogue, load_catalogue());
  const CatalogueEntry* by_content = catalogue.find_by_sha256(sha256);
  const CatalogueEntry* by_name = catalogue.find(file.stem().string());
  const CatalogueEntry known = by_content != nullptr ? *by_content : CatalogueEntry{};

  const std::string name = first_of({options.name, known.name, by_name ? by_name->name : "", network.name});
  FL_CHECK(check_name(name));
  const auto there = find_stored(name);
  if (!options.overwrite && there) return refuse_existing(name, *there);
  const fs::path path = stored_path(name, stored_extension(weights));
  std::error_code ignored;
  if (there && *there != path) fs::remove(*there, ignored);
  if (network.from_file.build) {
    if (by_content == nullptr && !(options.license + options.source).empty())
      log::warn("{}: is kept as it is, and holds no licence or source", file.string());
    FL_CHECK(store_whole(weights, path));
    return StoredModel{name, path};
  }
  FL_CHECK(
      store(network, path,
            {{"framelift.name", name},
             {"framelift.license", first_of({options.license, known.license, network.metadata["license"], "unknown"})},
             {"framelift.source",
              first_of({options.source, known.source, network.metadata["source"], file.filename().string()})},
             {"framelift.source_sha256", sha256}}));
  return StoredModel{name, path};
}

Result<StoredModel> store_model(const Network& network, const std::string& name,
                                const std::map<std::string, std::string>& facts, bool overwrite) {
  FL_CHECK(check_name(name));
  if (network.from_file.build)
    return fail(ErrorCode::unsupported, "model {} is part of its file and cannot be stored as another", network.name);
  const auto there = find_stored(name);
  if (there && !overwrite) return refuse_existing(name, *there);
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : network.metadata) metadata["framelift." + key] = value;
  for (const auto& [key, value] : facts) metadata["framelift." + key] = value;
  metadata["framelift.name"] = name;
  const fs::path path = stored_path(name, ".safetensors");
  FL_CHECK(store(network, path, std::move(metadata)));
  return StoredModel{name, path};
}

Result<StoredModel> pull_model(std::string_view name, bool overwrite, const DownloadProgress& progress) {
  FL_TRY(auto catalogue, load_catalogue());
  const CatalogueEntry* entry = catalogue.find(name);
  if (entry == nullptr)
    return fail(ErrorCode::not_found, "the catalogue has no model {}; see framelift models catalogue", name);
  if (const auto there = find_stored(entry->name); there && !overwrite) return StoredModel{entry->name, *there};

  // Kept after a failure, so that the next pull resumes.
  const fs::path downloads = model_folder() / ".downloads" / entry->name;
  FL_CHECK(create_folder(downloads));
  FL_TRY(auto files, fetch_files(*entry, downloads, progress));
  FL_TRY(auto network, load_network(files.front()));
  if (network.architecture->name != entry->network)
    return fail(ErrorCode::invalid_data, "model {}: is {}, the catalogue says {}; nothing was installed", entry->name,
                network.architecture->name, entry->network);
  FL_TRY(auto imported, import_model(files.front(), {entry->name, entry->license, entry->source, overwrite}));
  std::error_code error;
  fs::remove_all(downloads, error);
  fs::remove(downloads.parent_path(), error);  // unless another download is under way
  return imported;
}

}  // namespace framelift
