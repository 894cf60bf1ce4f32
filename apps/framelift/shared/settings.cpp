#include "apps/framelift/shared/settings.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <set>

#include "base/edit_distance.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

// Variables that mean something else than an option of that name.
constexpr std::array<std::string_view, 2> taken_variables{"FRAMELIFT_CONFIG", "FRAMELIFT_MODELS"};

std::string nearest(std::string_view name, const std::set<std::string>& known) {
  return nearest_name(name, std::vector<std::string>(known.begin(), known.end()));
}

// An option's name in files and variables: the first long one, or a positional's.
std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name(true) : option.get_lnames().front();
}

// What belongs to one run of the program, such as its input, is no setting.
bool is_setting(const CLI::Option& option) {
  const std::string name = name_of(option);
  return !option.get_required() && name != "help" && name != "version" && name != "config";
}

std::vector<CLI::Option*> settings_of(CLI::App& verb) {
  std::vector<CLI::Option*> options = verb.get_options();
  std::erase_if(options, [](const CLI::Option* option) { return !is_setting(*option); });
  return options;
}

std::vector<CLI::App*> verbs_of(CLI::App& app) {
  return app.get_subcommands([](CLI::App*) { return true; });
}

CLI::App* verb_named(CLI::App& app, std::string_view name) {
  for (CLI::App* verb : verbs_of(app))
    if (verb->get_name() == name) return verb;
  return nullptr;
}

// The options of a verb and of all verbs below it.
std::set<std::string> known_keys(CLI::App& verb) {
  std::set<std::string> names;
  for (const CLI::Option* option : settings_of(verb)) names.insert(name_of(*option));
  for (CLI::App* below : verbs_of(verb)) names.merge(known_keys(*below));
  return names;
}

std::string with_dashes(std::string_view key) {
  std::string name(key);
  std::ranges::replace(name, '_', '-');
  return name;
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

struct SettingsFile {
  fs::path path;
  toml::table table;

  std::string place(const toml::node& node) const {
    return fmt::format("{}: line {}", path.string(), node.source().begin.line);
  }
};

Result<SettingsFile> read_file(const fs::path& path) {
  if (path.empty()) return SettingsFile{};
  try {
    return SettingsFile{path, toml::parse_file(path.string())};
  } catch (const toml::parse_error& e) {
    std::error_code ignored;
    if (!fs::exists(path, ignored))
      return fail(ErrorCode::not_found, "{}: no such file; check --config", path.string());
    return fail(ErrorCode::invalid_data, "{}: line {} is not TOML ({})", path.string(), e.source().begin.line,
                e.description());
  }
}

// Every key is an option of the verb or of one below it, every section a verb.
Status check_names(const SettingsFile& file, const toml::table& table, CLI::App& verb) {
  const std::set<std::string> keys = known_keys(verb);
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (keys.contains(with_dashes(name)) && !node.is_table()) continue;
    if (!node.is_table())
      return fail(ErrorCode::invalid_argument, "{}: there is no option '{}'; did you mean '{}'?", file.place(node),
                  name, nearest(with_dashes(name), keys));
    CLI::App* const below = verb_named(verb, name);
    if (below == nullptr) {
      std::set<std::string> names = keys;
      for (const CLI::App* known : verbs_of(verb)) names.insert(known->get_name());
      return fail(ErrorCode::invalid_argument, "{}: there is no verb '{}' for a section; did you mean '{}'?",
                  file.place(node), name, nearest(name, names));
    }
    FL_CHECK(check_names(file, *node.as_table(), *below));
  }
  return {};
}

const toml::node* find_key(const toml::table& table, const std::string& option) {
  for (const auto& [key, node] : table)
    if (with_dashes(key.str()) == option && !node.is_table()) return &node;
  return nullptr;
}

std::string variable_of(std::string_view name) {
  std::string variable = "FRAMELIFT_";
  for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

struct Found {
  std::string origin;
  std::optional<std::vector<std::string>> words;
};

// What the environment and the file say of an option of the verb that these words name.
std::optional<Found> find_value(const SettingsFile& file, const std::vector<std::string>& verb,
                                const std::string& option) {
  std::string prefix;
  for (const std::string& word : verb) prefix += word + "-";
  for (const std::string& variable : {variable_of(prefix + option), variable_of(option)}) {
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr && *value != 0 && std::ranges::find(taken_variables, variable) == taken_variables.end())
      return Found{variable, {{value}}};
  }
  // The innermost section that has it.
  const toml::node* node = find_key(file.table, option);
  const toml::table* table = &file.table;
  for (const std::string& word : verb) {
    table = (*table)[word].as_table();
    if (table == nullptr) break;
    if (const toml::node* inner = find_key(*table, option)) node = inner;
  }
  if (node == nullptr) return std::nullopt;
  return Found{file.place(*node), words_of(*node)};
}

// Gives an option a value that it has not from the command line. Where from; empty: nowhere says one.
Result<std::string> apply(const SettingsFile& file, const std::vector<std::string>& verb, CLI::Option& option) {
  if (option.count() > 0) return std::string();
  const auto found = find_value(file, verb, name_of(option));
  if (!found) return std::string();
  try {
    if (!found->words) throw CLI::ConversionError("is no text, number, true, false or a list of these");
    option.add_result(*found->words);
    option.run_callback();
  } catch (const CLI::Error& e) {
    return fail(ErrorCode::invalid_argument, "{}: {}: {}", found->origin, name_of(option), e.what());
  }
  return found->origin;
}

std::vector<std::string> words_of_verb(const CLI::App& verb) {
  std::vector<std::string> words;
  for (const CLI::App* at = &verb; at->get_parent() != nullptr; at = at->get_parent()) words.push_back(at->get_name());
  std::ranges::reverse(words);
  return words;
}

Result<SettingsFile> read_and_check(CLI::App& app, const fs::path& path) {
  FL_TRY(SettingsFile file, read_file(path));
  FL_CHECK(check_names(file, file.table, app));
  return file;
}

// `visit` sees every option with where it got its value from.
template <class Visit>
Status apply_to(CLI::App& verb, const SettingsFile& file, const Visit& visit) {
  const std::vector<std::string> words = words_of_verb(verb);
  for (CLI::Option* option : settings_of(verb)) {
    FL_TRY(const std::string origin, apply(file, words, *option));
    visit(*option, origin);
  }
  return {};
}

Status check_values(CLI::App& verb, const SettingsFile& file) {
  FL_CHECK(apply_to(verb, file, [](const CLI::Option&, const std::string&) {}));
  for (CLI::App* below : verbs_of(verb)) FL_CHECK(check_values(*below, file));
  return {};
}

void add_to_template(std::string& text, CLI::App& verb) {
  const std::vector<std::string> words = words_of_verb(verb);
  const std::vector<CLI::Option*> options = settings_of(verb);
  if (!options.empty() && !words.empty()) text += fmt::format("\n[{}]\n", fmt::join(words, "."));
  for (const CLI::Option* option : options) {
    const std::string value = option->get_items_expected_max() == 0 ? "false" : option->get_default_str();
    const bool is_plain = value == "false" || (!value.empty() && value.find_first_not_of("0123456789.-") == value.npos);
    text += fmt::format("# {} = {}  # {}\n", name_of(*option), is_plain ? value : fmt::format("\"{}\"", value),
                        option->get_description());
  }
  for (CLI::App* below : verbs_of(verb)) add_to_template(text, *below);
}

}  // namespace

fs::path usual_settings_file() {
  if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg && *xdg) return fs::path(xdg) / "framelift/config.toml";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".config/framelift/config.toml";
  return {};
}

fs::path settings_file(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  if (const char* file = std::getenv("FRAMELIFT_CONFIG"); file && *file) return file;
  std::error_code ignored;
  const fs::path usual = usual_settings_file();
  return fs::exists(usual, ignored) ? usual : fs::path();
}

Status apply_settings(CLI::App& app, const fs::path& path) {
  FL_TRY(const SettingsFile file, read_and_check(app, path));
  const auto ignore = [](const CLI::Option&, const std::string&) {};
  FL_CHECK(apply_to(app, file, ignore));
  for (CLI::App* verb = &app; !verb->get_subcommands().empty();) {
    verb = verb->get_subcommands().front();
    FL_CHECK(apply_to(*verb, file, ignore));
  }
  return {};
}

Status check_settings(CLI::App& app, const fs::path& path) {
  FL_TRY(const SettingsFile file, read_and_check(app, path));
  return check_values(app, file);
}

Result<std::vector<Setting>> list_settings(CLI::App& app, CLI::App& verb, const fs::path& path) {
  FL_TRY(const SettingsFile file, read_and_check(app, path));
  std::vector<Setting> settings;
  FL_CHECK(apply_to(verb, file, [&](const CLI::Option& option, const std::string& origin) {
    const std::string preset = option.get_items_expected_max() == 0 ? "false" : option.get_default_str();
    settings.push_back({name_of(option), origin.empty() ? preset : fmt::format("{}", fmt::join(option.results(), ", ")),
                        origin.empty() ? "default" : origin});
  }));
  return settings;
}

std::string settings_template(CLI::App& app) {
  std::string text =
      "# framelift's settings. Remove the # before a line to set it; keys above all sections count for every verb.\n"
      "# `framelift config check` reads this file, `framelift config show VERB` says what counts and why.\n";
  add_to_template(text, app);
  return text;
}

Result<CLI::App*> find_verb(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* verb = &app;
  for (const std::string& word : words) {
    CLI::App* const below = verb_named(*verb, word);
    if (below == nullptr) {
      std::set<std::string> names;
      for (const CLI::App* known : verbs_of(*verb)) names.insert(known->get_name());
      return fail(ErrorCode::not_found, "there is no verb '{}'; did you mean '{}'?", word, nearest(word, names));
    }
    verb = below;
  }
  return verb;
}

}  // namespace framelift
