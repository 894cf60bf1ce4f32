#include "train/run/checkpoint.h"

#include <type_traits>
#include <vector>

#include "base/parse_number.h"
#include "weights/catalogue/sha256.h"
#include "weights/safetensors.h"

namespace framelift {
namespace {

constexpr std::string_view optimiser_prefix = "optimiser.";
constexpr std::string_view note_prefix = "training.";
constexpr const char* digest_key = "training.tensors.sha256";

// Calls f(key, number) for each number of the progress: one list for writing and reading.
template <class Progress, class F>
void for_each_number(Progress& p, F f) {
  f("training.progress.epoch", p.epoch);
  f("training.progress.batches", p.batches);
  f("training.progress.step", p.step);
  f("training.progress.loss_sum", p.loss_sum);
  f("training.progress.gradient_sum", p.gradient_sum);
  f("training.progress.best_epoch", p.best_epoch);
  f("training.progress.best_loss", p.best_loss);
}

std::string digest_of(const std::vector<NamedTensor>& tensors) {
  Sha256 digest;
  for (const NamedTensor& t : tensors) {
    digest.add(t.name);
    digest.add(std::span(t.tensor->data(), t.tensor->bytes()));
  }
  return digest.hex();
}

}  // namespace

Status write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : checkpoint.parameters) tensors.push_back({name, &tensor});
  for (const auto& [name, tensor] : checkpoint.optimiser_state)
    tensors.push_back({std::string(optimiser_prefix) + name, &tensor});
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : checkpoint.notes) metadata[std::string(note_prefix) + key] = text;
  for_each_number(checkpoint.progress,
                  [&](const char* key, auto number) { metadata[key] = fmt::format("{}", number); });
  metadata[digest_key] = digest_of(tensors);
  return write_safetensors(path, tensors, metadata);
}

Result<Checkpoint> read_checkpoint(const std::filesystem::path& path) {
  FL_TRY(WeightFile file, read_weights(path));
  const auto digest = file.metadata.find(digest_key);
  if (digest == file.metadata.end())
    return fail(ErrorCode::unsupported, "{}: is no checkpoint of framelift train", path.string());
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : file.tensors) tensors.push_back({name, &tensor});
  if (digest_of(tensors) != digest->second)
    return fail(ErrorCode::invalid_data, "{}: is damaged (its tensors have another SHA-256); use an earlier checkpoint",
                path.string());

  Checkpoint checkpoint;
  std::string_view missing;
  for_each_number(checkpoint.progress, [&](const char* key, auto& number) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) {
      missing = key;
      return;
    }
    if (const auto parsed = parse_number<std::remove_reference_t<decltype(number)>>(found->second))
      number = *parsed;
    else
      missing = key;
  });
  if (!missing.empty())
    return fail(ErrorCode::invalid_data, "{}: is damaged ({} is missing or no number)", path.string(), missing);
  for (const auto& [key, text] : file.metadata)
    if (key.starts_with(note_prefix) && key.find('.', note_prefix.size()) == std::string::npos)
      checkpoint.notes[key.substr(note_prefix.size())] = text;
  for (auto& [name, tensor] : file.tensors) {
    const bool optimiser = name.starts_with(optimiser_prefix);
    Parameters& into = optimiser ? checkpoint.optimiser_state : checkpoint.parameters;
    into.emplace(optimiser ? name.substr(optimiser_prefix.size()) : name, std::move(tensor));
  }
  return checkpoint;
}

}  // namespace framelift
