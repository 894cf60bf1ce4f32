#include "apps/framelift/shared/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <vector>

#include "base/edit_distance.h"

namespace framelift {
namespace {

// An option's name in the file: the first long one, or a positional's.
std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name(true) : option.get_lnames().front();
}

struct Found {
  CLI::Option* option = nullptr;
  std::string nearest;
};

Found find_option(CLI::App& command, std::string key) {
  std::ranges::replace(key, '_', '-');
  Found found;
  std::vector<std::string> names;
  for (CLI::Option* option : command.get_options()) {
    const std::string name = name_of(*option);
    if (name == "help" || name == "config") continue;
    if (name == key) found.option = option;
    names.push_back(name);
  }
  found.nearest = nearest_name(key, names);
  return found;
}

// As it would stand on the command line; nothing for what cannot stand there.
std::optional<std::vector<std::string>> words_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return {{*text}};
  if (const auto number = node.value_exact<int64_t>()) return {{fmt::format("{}", *number)}};
  if (const auto number = node.value_exact<double>()) return {{fmt::format("{}", *number)}};
  if (const auto flag = node.value_exact<bool>()) return {{*flag ? "true" : "false"}};
  const toml::array* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> words;
  for (const toml::node& element : *list) {
    const auto word = words_of(element);
    if (!word || word->size() != 1) return std::nullopt;
    words.push_back(word->front());
  }
  return words;
}

}  // namespace

Status apply_config_file(CLI::App& command, const std::filesystem::path& file) {
  toml::table table;
  try {
    table = toml::parse_file(file.string());
  } catch (const toml::parse_error& e) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
      return fail(ErrorCode::not_found, "{}: no such file; check --config", file.string());
    return fail(ErrorCode::invalid_data, "{}: line {} is not TOML ({})", file.string(), e.source().begin.line,
                e.description());
  }
  for (const auto& [name, node] : table) {
    const std::string key(name.str());
    const Found found = find_option(command, key);
    if (found.option == nullptr)
      return fail(ErrorCode::invalid_argument, "{}: line {}: there is no option '{}'; did you mean '{}'?",
                  file.string(), node.source().begin.line, key, found.nearest);
    if (found.option->count() > 0) continue;  // the command line has the last word
    const auto words = words_of(node);
    try {
      if (!words) throw CLI::ConversionError("is no text, number, true, false or a list of these");
      found.option->add_result(*words);
      found.option->run_callback();
    } catch (const CLI::Error& e) {
      return fail(ErrorCode::invalid_argument, "{}: line {}: {}: {}", file.string(), node.source().begin.line, key,
                  e.what());
    }
  }
  return {};
}

}  // namespace framelift
