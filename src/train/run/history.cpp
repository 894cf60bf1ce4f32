#include "train/run/history.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace framelift {
namespace {

using Json = nlohmann::ordered_json;

std::string cell(double value) { return std::isfinite(value) ? fmt::format("{:.9g}", value) : ""; }

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double number(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? EpochRecord::unknown : value.get<double>();
}

EpochRecord parse(const std::string& line) {
  const Json json = Json::parse(line);
  EpochRecord r;
  r.epoch = json.at("epoch");
  r.step = json.at("step");
  r.training_loss = number(json, "train_loss");
  r.validation_loss = number(json, "val_loss");
  r.learning_rate = number(json, "learning_rate");
  r.gradient_norm = number(json, "gradient_norm");
  r.seconds = number(json, "seconds");
  r.seconds_waited = number(json, "seconds_waited");
  r.psnr = number(json, "psnr");
  r.ssim = number(json, "ssim");
  r.pu21_psnr = number(json, "pu21_psnr");
  r.measured_pictures = json.at("pictures");
  r.best = json.at("best");
  return r;
}

}  // namespace

std::string training_log_csv(const History& history) {
  std::string text = "epoch,step,train_loss,val_loss,learning_rate,gradient_norm,seconds,seconds_waited,best\n";
  for (const EpochRecord& r : history)
    text +=
        fmt::format("{},{},{},{},{},{},{},{},{:d}\n", r.epoch, r.step, cell(r.training_loss), cell(r.validation_loss),
                    cell(r.learning_rate), cell(r.gradient_norm), cell(r.seconds), cell(r.seconds_waited), r.best);
  return text;
}

std::string metrics_csv(const History& history, std::string_view mode) {
  std::string text = "epoch,mode,pictures,psnr,ssim,pu21_psnr\n";
  for (const EpochRecord& r : history)
    text += fmt::format("{},{},{},{},{},{}\n", r.epoch, mode, r.measured_pictures, cell(r.psnr), cell(r.ssim),
                        cell(r.pu21_psnr));
  return text;
}

std::string training_log_jsonl(const History& history) {
  std::string text;
  for (const EpochRecord& r : history)
    text += Json{{"epoch", r.epoch},
                 {"step", r.step},
                 {"train_loss", number(r.training_loss)},
                 {"val_loss", number(r.validation_loss)},
                 {"learning_rate", number(r.learning_rate)},
                 {"gradient_norm", number(r.gradient_norm)},
                 {"seconds", number(r.seconds)},
                 {"seconds_waited", number(r.seconds_waited)},
                 {"psnr", number(r.psnr)},
                 {"ssim", number(r.ssim)},
                 {"pu21_psnr", number(r.pu21_psnr)},
                 {"pictures", r.measured_pictures},
                 {"best", r.best}}
                .dump() +
            '\n';
  return text;
}

Result<History> read_history(const std::filesystem::path& jsonl) {
  std::ifstream file(jsonl);
  if (!file) return fail(ErrorCode::not_found, "{}: cannot be read", jsonl.string());
  History history;
  for (std::string line; std::getline(file, line);) {
    try {
      history.push_back(parse(line));
    } catch (const nlohmann::json::exception& e) {
      return fail(ErrorCode::invalid_data, "{}: line {} is damaged ({})", jsonl.string(), history.size() + 1, e.what());
    }
  }
  return history;
}

}  // namespace framelift
