#include "weights/catalogue/catalogue.h"

#include <toml++/toml.h>
#include <algorithm>
#include <cstdlib>

#include "weights/file_bytes.h"

namespace framelift {

extern const char builtin_catalogue[];  // models/catalogue.toml, embedded by models/CMakeLists.txt

namespace {

constexpr std::string_view alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool only(std::string_view text, std::string_view more) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return alphanumeric.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

bool is_safe_name(std::string_view text) { return only(text, "._-") && text[0] != '.' && text[0] != '-'; }

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "package==version": what pip gets as an argument, so nothing that could be an option or an address.
bool is_pinned_package(std::string_view text) {
  const size_t equals = text.find("==");
  return equals != std::string_view::npos && is_safe_name(text.substr(0, equals)) &&
         only(text.substr(equals + 2), ".+!_-");
}

std::string text_of(const toml::table& table, std::string_view key) { return table[key].value_or(std::string{}); }

Result<CatalogueFile> parse_file(const toml::table& table, const CatalogueEntry& entry, std::string_view name) {
  CatalogueFile file{text_of(table, "sha256"), text_of(table, "url"), text_of(table, "member")};
  if (!is_sha256(file.sha256))
    return fail(ErrorCode::invalid_data, "{}: model {}: a file has no valid sha256", name, entry.name);
  if (!file.url.empty() && !file.url.starts_with("https://") && !file.url.starts_with("http://"))
    return fail(ErrorCode::invalid_data, "{}: model {}: url {} is neither http nor https", name, entry.name, file.url);
  if (!file.member.empty() && entry.pypi.empty())
    return fail(ErrorCode::invalid_data, "{}: model {}: a member needs the entry's pypi package", name, entry.name);
  if ((!file.url.empty() || !file.member.empty()) && !is_safe_name(file.file_name()))
    return fail(ErrorCode::invalid_data, "{}: model {}: {} is no usable file name", name, entry.name, file.file_name());
  return file;
}

Result<CatalogueEntry> parse_entry(const toml::table& table, std::string_view name) {
  CatalogueEntry entry;
  entry.name = text_of(table, "name");
  entry.description = text_of(table, "description");
  entry.network = text_of(table, "network");
  entry.license = text_of(table, "license");
  entry.source = text_of(table, "source");
  entry.pypi = text_of(table, "pypi");
  if (!is_safe_name(entry.name))
    return fail(ErrorCode::invalid_data, "{}: \"{}\" is no usable model name", name, entry.name);
  if (entry.network.empty() || entry.license.empty() || entry.source.empty())
    return fail(ErrorCode::invalid_data, "{}: model {} lacks its network, license or source", name, entry.name);
  if (!entry.pypi.empty() && !is_pinned_package(entry.pypi))
    return fail(ErrorCode::invalid_data, "{}: model {}: pypi is \"{}\", expected package==version", name, entry.name,
                entry.pypi);
  if (const toml::array* aliases = table["aliases"].as_array()) {
    for (const toml::node& alias : *aliases) entry.aliases.push_back(alias.value_or(std::string{}));
  }
  if (const toml::array* files = table["file"].as_array()) {
    for (const toml::node& node : *files) {
      const toml::table* file_table = node.as_table();
      if (file_table == nullptr)
        return fail(ErrorCode::invalid_data, "{}: model {}: a file is no table", name, entry.name);
      FL_TRY(auto file, parse_file(*file_table, entry, name));
      entry.files.push_back(std::move(file));
    }
  }
  if (entry.files.empty()) return fail(ErrorCode::invalid_data, "{}: model {} has no files", name, entry.name);
  return entry;
}

}  // namespace

std::string CatalogueFile::file_name() const {
  std::string_view path = member.empty() ? url : member;
  path = path.substr(0, path.find_first_of("?#"));
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

bool CatalogueEntry::can_be_fetched() const {
  return std::ranges::all_of(files, [](const CatalogueFile& f) { return !f.url.empty() || !f.member.empty(); });
}

const CatalogueEntry* Catalogue::find(std::string_view name_or_alias) const {
  for (const CatalogueEntry& entry : entries) {
    if (entry.name == name_or_alias || std::ranges::find(entry.aliases, name_or_alias) != entry.aliases.end())
      return &entry;
  }
  return nullptr;
}

const CatalogueEntry* Catalogue::find_by_sha256(std::string_view sha256) const {
  for (const CatalogueEntry& entry : entries) {
    if (std::ranges::find(entry.files, sha256, &CatalogueFile::sha256) != entry.files.end()) return &entry;
  }
  return nullptr;
}

Result<Catalogue> parse_catalogue(std::string_view toml, std::string_view name) {
  Catalogue catalogue;
  try {
    const toml::table root = toml::parse(toml);
    const toml::array* models = root["model"].as_array();
    if (models == nullptr) return fail(ErrorCode::invalid_data, "{}: has no [[model]] entries", name);
    for (const toml::node& node : *models) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return fail(ErrorCode::invalid_data, "{}: a model is no table", name);
      FL_TRY(auto entry, parse_entry(*table, name));
      std::vector<std::string> names = entry.aliases;
      names.push_back(entry.name);
      for (const std::string& taken : names) {
        if (catalogue.find(taken) != nullptr)
          return fail(ErrorCode::invalid_data, "{}: two models are called {}", name, taken);
      }
      catalogue.entries.push_back(std::move(entry));
    }
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid_data, "{}: line {}: {}", name, error.source().begin.line, error.description());
  }
  return catalogue;
}

Result<Catalogue> load_catalogue() {
  const char* path = std::getenv("FRAMELIFT_CATALOGUE");
  if (path == nullptr || *path == '\0') return parse_catalogue(builtin_catalogue, "built-in catalogue");
  FL_TRY(auto bytes, read_file_bytes(path));
  return parse_catalogue({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

}  // namespace framelift
