#include "train/run_config.h"

#include <nlohmann/json.hpp>

#include "backend/torch/torch_engine.h"
#include "weights/catalogue/sha256.h"

namespace framelift {

namespace {
using Json = nlohmann::ordered_json;

// Learnt scales count from the model's own, so that going on takes the very same model.
std::string digest_of(const Network& network) {
  Sha256 digest;
  for (const auto& [name, tensor] : network.parameters) {
    digest.add(name + '\n');
    digest.add({tensor.data(), tensor.bytes()});
  }
  return digest.hex();
}
}  // namespace

std::string data_digest(const TrainingData& data) {
  Sha256 digest;
  const auto add = [&](const char* use, const Dataset& dataset, const std::vector<size_t>& indices) {
    digest.add(use);
    for (const size_t i : indices) digest.add(dataset.name(i) + '\n');
  };
  add("training\n", *data.training, data.training_indices);
  add("validation\n", *data.validation, data.validation_indices);
  return digest.hex();
}

std::string config_json(const TrainingJob& job, int64_t parameter_count) {
  const TrainerOptions& o = job.options;
  const BatchOptions& b = o.batches;
  const LearnerOptions& l = o.learner;
  Json json;
  json["network"] = {{"name", job.architecture->name}, {"hyper", job.hyper}, {"parameters", parameter_count}};
  if (job.from) json["network"]["from"] = job.from->name;
  if (job.teacher) json["network"]["teacher"] = job.teacher->name;
  json["data"] = {{"training_pictures", job.data.training_indices.size()},
                  {"validation_pictures", job.data.validation_indices.size()},
                  {"sha256_of_names", data_digest(job.data)}};
  json["options"] = {{"epochs", o.epochs},
                     {"batch", b.batch},
                     {"val_batch", o.validation.batch},
                     {"tile", b.tile},
                     {"val_tile", o.validation.tile},
                     {"scale_jitter", {b.scale_jitter_low, b.scale_jitter_high}},
                     {"flip", b.flip},
                     {"workers", b.workers},
                     {"accumulation", o.accumulation},
                     {"learning_rate", o.schedule.learning_rate},
                     {"schedule", o.schedule.cosine ? "cosine" : "constant"},
                     {"final_learning_rate", o.schedule.final_rate},
                     {"warm_up_steps", o.schedule.warm_up_steps},
                     {"gradient_clip", l.gradient_clip},
                     {"weight_decay", l.weight_decay},
                     {"loss", to_string(o.validation.loss.kind)},
                     {"alpha", o.validation.loss.alpha},
                     {"ms_ssim_window", o.validation.loss.window},
                     {"scale_hdr", o.scale_hdr},
                     {"patience", o.patience},
                     {"checkpoint_every", o.checkpoint_every},
                     {"metrics_mode", to_string(o.validation.metric_mode)},
                     {"metrics_batches", o.validation.metric_batches},
                     {"previews", o.previews},
                     {"seed", o.seed},
                     {"tensorboard", o.tensorboard},
                     {"infer_only", o.infer_only},
                     {"start_epoch", o.start_epoch},
                     {"tag", o.tag},
                     {"notes", o.notes}};
  json["resumed_from"] = job.resume ? Json(job.resume->checkpoint.string()) : Json(nullptr);
  json["device"] = {{"name", l.device}, {"precision", to_string(l.precision)}, {"threads", l.threads}};
  if (const auto engine = torch_engine()) json["device"]["engine"] = (*engine)->backend().describe();
  json["program"] = job.program;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::map<std::string, std::string> checkpoint_notes(const TrainingJob& job, int overlap) {
  const TrainerOptions& o = job.options;
  return {
      {"network", job.architecture->name},
      {"hyper", nlohmann::json(job.hyper).dump()},
      {"tile", std::to_string(o.batches.tile)},
      {"overlap", std::to_string(overlap)},
      {"scale_hdr", fmt::format("{}", o.scale_hdr)},
      {"loss", to_string(o.validation.loss.kind)},
      {"alpha", fmt::format("{}", o.validation.loss.alpha)},
      {"notes", o.notes},
      {"data_digest", data_digest(job.data)},
      {"from", job.from ? digest_of(*job.from) : ""},
      {"schedule", fmt::format("{} {} {} {} of {} epochs", o.schedule.cosine ? "cosine" : "constant",
                               o.schedule.learning_rate, o.schedule.final_rate, o.schedule.warm_up_steps, o.epochs)},
      {"program", job.program}};
}

}  // namespace framelift
