// The catalogue of known models: where their files come from and what their checksums are. Data in
// models/catalogue.toml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace framelift {

struct CatalogueFile {
  std::string sha256;  // 64 lower-case hexadecimal digits
  // Where it comes from: an address, or a path inside the entry's Python wheel. Neither: known, but not to be fetched.
  std::string url;
  std::string member;

  // The file's own name, without folders.
  std::string file_name() const;
};

struct CatalogueEntry {
  std::string name;
  std::string description;
  std::string network;  // an Architecture's name
  std::string license;
  std::string source;
  std::string pypi;                  // "package==version"
  std::vector<std::string> aliases;  // other names of the model, and the stems of its files elsewhere
  std::vector<CatalogueFile> files;

  bool can_be_fetched() const;
};

struct Catalogue {
  std::vector<CatalogueEntry> entries;

  const CatalogueEntry* find(std::string_view name_or_alias) const;
  const CatalogueEntry* find_by_sha256(std::string_view sha256) const;
};

// Strict: every entry is complete and its names are safe as file names. `name` opens error messages.
Result<Catalogue> parse_catalogue(std::string_view toml, std::string_view name);

// The file $FRAMELIFT_CATALOGUE if that is set, else the catalogue built into the program.
Result<Catalogue> load_catalogue();

}  // namespace framelift
