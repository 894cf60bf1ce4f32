#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "apps/framelift/commands.h"
#include "apps/framelift/shared/engine_options.h"
#include "apps/framelift/shared/text_file.h"
#include "network/model_store.h"
#include "network/network.h"
#include "network/onnx/export_network.h"
#include "weights/catalogue/catalogue.h"

namespace framelift {

namespace {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::string value_or(const std::map<std::string, std::string>& metadata, std::string_view key, const char* fallback) {
  const auto found = metadata.find(std::string(key));
  return found == metadata.end() ? fallback : found->second;
}

// What framelift quantize found out: "int8 (full): 45.80 dB of the float model, 3.31 times f32, proven".
std::string quantized_facts(const Network& network) {
  if (network.quantized_layers.empty()) return {};
  const auto fact = [&](const char* key) { return value_or(network.metadata, key, "?"); };
  return fmt::format("int8 ({}): {} dB of the float model, {} times f32, {}", fact("quantized"), fact("quantized_psnr"),
                     fact("quantized_speed"), fact("quantized_proven") == "yes" ? "proven" : "not proven");
}

void print_model(const std::string& name, const Network& network, const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = file.empty() ? 0 : std::filesystem::file_size(file, error);
  print(fmt::format("{:<24} {:<14} x{:<2} {:>11} parameters  {:>10}  {}\n", name, network.architecture->name,
                    network.contract.scale, network.parameter_count(),
                    bytes > 0 && !error ? fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6) : "built in",
                    value_or(network.metadata, "license", "unknown")));
  if (const std::string facts = quantized_facts(network); !facts.empty()) print(fmt::format("{:<24} {}\n", "", facts));
}

Status list() {
  const std::vector<StoredModel> models = list_models();
  if (models.empty()) print(fmt::format("no models in {}; see framelift models catalogue\n", model_folder().string()));
  for (const StoredModel& model : models) {
    // One bad file must not hide the others.
    if (auto network = load_network(model.path)) {
      FL_CHECK(note_origin(*network, model.path));
      print_model(model.name, *network, model.path);
    } else {
      report_failure(network.error());
    }
  }
  for (const BuiltInNetwork& known : built_in_networks()) {
    FL_TRY(const Network network, open_model(known.name));
    print_model(known.name, network, {});
  }
  return {};
}

void print_network(const Network& network) {
  print(fmt::format("name        {}\nnetwork     {} ({})\nscale       x{}\nparameters  {}\n", network.name,
                    network.architecture->name, network.architecture->description, network.contract.scale,
                    network.parameter_count()));
  const auto mb = [&](int bytes) { return static_cast<double>(network.parameter_count()) * bytes * 1e-6; };
  if (network.parameter_count() > 0)
    print(fmt::format("size        {:.2f} MB in f32, {:.2f} in f16 and bf16, {:.2f} in int8\n", mb(4), mb(2), mb(1)));
  if (!network.from_file.summary.empty()) print(fmt::format("contract    {}\n", network.from_file.summary));
  for (const auto& [key, value] : network.hyper) print(fmt::format("  {:<10} {}\n", key, value));
  if (const std::string facts = quantized_facts(network); !facts.empty()) print(fmt::format("integers    {}\n", facts));
  if (!network.contract.classes.empty()) {
    std::string names;
    for (const ClassLabel& label : network.contract.classes) names += (names.empty() ? "" : ", ") + label.name;
    print(fmt::format("classes     {}\n", names));
  }
  for (const char* key : {"license", "source", "source_sha256"})
    print(fmt::format("{:<11} {}\n", key, value_or(network.metadata, key, "unknown")));
}

// What a file holds, and what network that is; a file of unknown architecture is described too, then refused.
Status info(const std::string& model) {
  if (std::ranges::count(built_in_networks(), model, &BuiltInNetwork::name)) {
    FL_TRY(const Network network, open_model(model));
    print("file        part of the program\n");
    print_network(network);
    return {};
  }
  FL_TRY(auto path, resolve_model(model));
  FL_TRY(auto file, read_weights(path));
  int64_t elements = 0;
  for (const auto& [name, tensor] : file.tensors) elements += tensor.elements();
  print(fmt::format("file        {}\nformat      {}\n", path.string(), to_string(file.format)));
  if (!file.tensors.empty()) print(fmt::format("tensors     {} with {} values\n", file.tensors.size(), elements));
  FL_TRY(auto network, make_network(file));
  FL_CHECK(note_origin(network, path));
  print_network(network);
  return {};
}

Status import(const std::string& file, const ImportOptions& options) {
  FL_TRY(auto model, import_model(file, options));
  print(fmt::format("{}: imported as {}\n", model.path.string(), model.name));
  return {};
}

Status export_to(const std::string& model, const std::string& path, const std::string& size, bool overwrite) {
  PictureSize wanted;
  if (!size.empty()) {
    FL_TRY(wanted, parse_size("--size", size));
  }
  if (!path.ends_with(".onnx"))
    return fail(ErrorCode::invalid_argument, "{}: models are exported to ONNX; name the file .onnx", path);
  FL_TRY(TextFile file, TextFile::open(path, {model}, overwrite));
  FL_TRY(const Network network, open_model(model));
  FL_TRY(const OnnxExport exported, export_onnx(network, wanted.height, wanted.width));
  FL_CHECK(file.add(exported.bytes));
  FL_CHECK(file.commit());
  print(fmt::format("{}: {}\n", path, exported.summary));
  return {};
}

bool show_progress(uint64_t done, uint64_t total) {
  if (::isatty(STDERR_FILENO) != 0)
    std::fprintf(stderr, "\r%.1f of %.1f MB%s", static_cast<double>(done) / 1e6, static_cast<double>(total) / 1e6,
                 done == total ? "\n" : "");
  return !interruption().requested();
}

Status pull(const std::string& name, bool overwrite) {
  FL_TRY(auto model, pull_model(name, overwrite, show_progress));
  print(fmt::format("{}: installed as {}\n", model.path.string(), model.name));
  return {};
}

Status catalogue() {
  FL_TRY(auto known, load_catalogue());
  for (const CatalogueEntry& entry : known.entries)
    print(fmt::format("{:<18} {:<14} {:<13} {:<8} {}\n", entry.name, entry.network, entry.license,
                      entry.can_be_fetched() ? "pull" : "import", entry.description));
  return {};
}

int exit_code(const Status& status) { return status ? 0 : report_failure(status.error()); }

}  // namespace

void add_models_command(CLI::App& app, Run& run) {
  CLI::App* models = app.add_subcommand("models", "List, describe, import and fetch networks' weights");
  models->require_subcommand(1);
  models->add_subcommand("list", "Installed models")->callback([&run] { run = [] { return exit_code(list()); }; });
  models->add_subcommand("catalogue", "Models known by name: pull fetches one, import recognises one")
      ->callback([&run] { run = [] { return exit_code(catalogue()); }; });

  // Options outlive this function inside the callbacks.
  auto subject = std::make_shared<std::string>();
  auto options = std::make_shared<ImportOptions>();

  CLI::App* info_command = models->add_subcommand("info", "What a weight file or an installed model holds");
  info_command->add_option("model", *subject, "File, or name of an installed model")->required();
  info_command->callback([&run, subject] { run = [subject] { return exit_code(info(*subject)); }; });

  CLI::App* import_command = models->add_subcommand("import", "Install weights from a file of any supported format");
  import_command->add_option("file", *subject, "safetensors, PyTorch .pth/.pt, ncnn .param/.bin, .tflite or .onnx")
      ->required();
  import_command->add_option("--name", options->name, "What to call the model");
  import_command->add_option("--license", options->license, "Licence of the weights, to keep with them");
  import_command->add_option("--source", options->source, "Where the weights come from, to keep with them");
  import_command->add_flag("--overwrite", options->overwrite, "Replace an installed model of this name");
  import_command->callback(
      [&run, subject, options] { run = [subject, options] { return exit_code(import(*subject, *options)); }; });

  auto target = std::make_shared<std::string>();
  auto size = std::make_shared<std::string>();
  CLI::App* export_command = models->add_subcommand("export", "Write a network with its weights as an ONNX file");
  export_command->add_option("model", *subject, "File, or name of an installed model")->required();
  export_command->add_option("output", *target, "The .onnx file")->required();
  export_command->add_option("--size", *size, "WIDTHxHEIGHT of its input; default open, for any size");
  export_command->add_flag("--overwrite", options->overwrite, "Replace an existing file");
  export_command->callback([&run, subject, options, target, size] {
    run = [subject, options, target, size] {
      return exit_code(export_to(*subject, *target, *size, options->overwrite));
    };
  });

  CLI::App* pull_command = models->add_subcommand("pull", "Fetch, verify and install a model of the catalogue");
  pull_command->add_option("name", *subject, "Its name")->required();
  pull_command->add_flag("--overwrite", options->overwrite, "Fetch again and replace what is installed");
  pull_command->callback(
      [&run, subject, options] { run = [subject, options] { return exit_code(pull(*subject, options->overwrite)); }; });
}

}  // namespace framelift
