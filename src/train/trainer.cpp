#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backend/torch/torch_engine.h"
#include "base/log.h"
#include "encode/sink.h"
#include "graph/analysis.h"
#include "graph/passes.h"
#include "profile/statistics.h"
#include "train/data/split.h"
#include "train/initialise.h"
#include "train/relative_scales.h"
#include "train/run/checkpoint.h"
#include "train/run/event_file.h"
#include "train/run/panel_picture.h"
#include "train/run/report.h"
#include "train/run/run_lock.h"
#include "train/run_config.h"
#include "train/teacher.h"
#include "weights/quantized_file.h"
#include "weights/safetensors.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;
class Trainer {
 public:
  explicit Trainer(const TrainingJob& job)
      : job_(job),
        options_(job.options),
        loader_(*job.data.training, job.data.training_indices, job.options.batches),
        validator_(
            job.architecture->contract(job.hyper),
            [this](int batch, int height, int width) { return build_network(batch, height, width); },
            job.options.validation) {}

  // Everything that can fail before any work.
  Status prepare();
  Result<TrainingResult> run();

 private:
  Status create_learner(TorchEngine& engine);
  Status create_teacher(TorchEngine& engine);
  Result<Graph> build_network(int batch, int height, int width) const;
  Result<Parameters> first_parameters(const Graph& network) const;
  std::vector<std::pair<std::string, Tensor>> weights() const;
  Status resume();
  Status open_run_folder();
  Status measure_start();
  Status train_epoch(EpochRecord& record);
  Status update(EpochRecord& record, double loss_sum, int64_t batches);
  Status validate(EpochRecord& record);
  Status finish_epoch(EpochRecord& record, double seconds);
  Status log_epoch(const EpochRecord& record);
  Status write_logs() const;
  Status save(const char* name) const;
  Status save_model() const;
  Result<const Graph*> graph_for(const Batch& batch);
  bool asked_to_stop();
  bool early() const {
    return options_.patience > 0 && std::isfinite(progress_.best_loss) &&
           progress_.epoch - progress_.best_epoch >= options_.patience;
  }
  int64_t updates_per_epoch() const {
    const auto batches = static_cast<int64_t>(loader_.batches_per_epoch());
    return (batches + options_.accumulation - 1) / options_.accumulation;
  }
  Status not_a_number(const char* what, const EpochRecord& record, const Batch* batch) const;
  TrainingResult result() const { return {end_, run_.path(), progress_.best_epoch, progress_.best_loss}; }

  const TrainingJob& job_;
  const TrainerOptions& options_;
  BatchLoader loader_;
  Validator validator_;
  RunLock lock_;
  RunFolder run_;
  std::unique_ptr<Learner> learner_;
  std::optional<Teacher> teacher_;
  std::optional<EventFile> events_;
  std::map<std::tuple<int64_t, int64_t, int64_t>, Graph> graphs_;  // by batch, height, width
  std::map<std::string, std::string> notes_;
  int64_t parameter_count_ = 0;
  TrainingProgress progress_;
  History history_;
  TrainingEnd end_ = TrainingEnd::completed;
  bool stopped_ = false;
};

Status Trainer::prepare() {
  FL_TRY(TorchEngine * engine, torch_engine());
  if (job_.data.training_indices.empty() || job_.data.validation_indices.empty())
    return fail(ErrorCode::invalid_argument, "there are no pictures to train with");
  if (options_.validation.loss.kind == LossKind::ms_ssim && options_.learner.precision != Precision::f32)
    return fail(ErrorCode::unsupported, "the loss ms-ssim needs f32: its variances vanish in {}; use --amp f32",
                to_string(options_.learner.precision));
  if (options_.infer_only && !job_.resume)
    return fail(ErrorCode::invalid_argument, "without training there must be a checkpoint; give --resume too");
  FL_CHECK(create_learner(*engine));
  if (job_.teacher) FL_CHECK(create_teacher(*engine));
  FL_CHECK(make_run_root(job_.root));
  FL_TRY(lock_, RunLock::acquire(job_.root));
  if (fs::exists(job_.root / stop_file_name))
    return fail(ErrorCode::already_exists, "{}: is left over and would end this training at once; remove it",
                (job_.root / stop_file_name).string());
  if (job_.resume) FL_CHECK(resume());
  return open_run_folder();
}

Status Trainer::create_learner(TorchEngine& engine) {
  const NetworkContract contract = job_.architecture->contract(job_.hyper);
  const int tile = options_.batches.tile;
  if (tile % contract.alignment != 0)
    return fail(ErrorCode::invalid_argument, "--tile {} is no multiple of {}, which {} needs", tile, contract.alignment,
                job_.architecture->name);
  FL_TRY(const Graph network, build_network(1, tile, tile));
  if (network.inputs.size() > 1 && job_.from == nullptr)
    return fail(ErrorCode::unsupported,
                "{} sees the whole frame beside the picture, which training does not teach it; begin with a model that "
                "does, with --from",
                job_.architecture->name);
  FL_CHECK(with_loss(network, options_.validation.loss));
  FL_TRY(const Parameters initial, first_parameters(network));
  for (const auto& [name, tensor] : initial) parameter_count_ += tensor.elements();
  const Halo halo = receptive_field(network, contract.alignment);
  notes_ =
      checkpoint_notes(job_, halo.global ? 0 : std::max({halo.before_x, halo.after_x, halo.before_y, halo.after_y}));
  FL_TRY(learner_, engine.create_learner(initial, options_.learner));
  return {};
}

Status Trainer::create_teacher(TorchEngine& engine) {
  const NetworkContract own = job_.architecture->contract(job_.hyper), other = job_.teacher->contract;
  if (other.output != own.output || other.scale != own.scale || other.input_color != own.input_color ||
      other.output_color != own.output_color || other.frame_reduction.has_value() != own.frame_reduction.has_value())
    return fail(ErrorCode::invalid_argument, "--teacher {} makes other pictures than {}; name one of the same kind",
                job_.teacher->name, job_.architecture->name);
  FL_TRY(teacher_, Teacher::create(engine, *job_.teacher, options_.learner, options_.validation));
  return {};
}

Result<Graph> Trainer::build_network(int batch, int height, int width) const {
  FL_TRY(Graph network, job_.architecture->build(job_.hyper, batch, height, width));
  if (job_.from == nullptr) return network;
  return with_relative_scales(quantize(std::move(network), job_.from->quantized_layers), job_.from->parameters);
}

Result<Parameters> Trainer::first_parameters(const Graph& network) const {
  if (job_.from == nullptr) return initial_parameters(network, options_.seed);
  FL_CHECK(bind_parameters(network, job_.from->parameters));
  Parameters first;
  for (const Value& value : network.values)
    if (value.kind == ValueKind::parameter) first.emplace(value.name, job_.from->parameters.at(value.name).clone());
  begin_with_relative_scales(first, job_.from->quantized_layers);
  return first;
}

std::vector<std::pair<std::string, Tensor>> Trainer::weights() const {
  Parameters learnt = learner_->parameters();
  if (job_.from == nullptr) return quantized_tensors(learnt, {});
  make_scales_absolute(learnt, job_.from->quantized_layers, job_.from->parameters);
  for (const auto& [name, tensor] : job_.from->parameters)  // those of the frame graph
    if (!learnt.contains(name)) learnt.emplace(name, tensor.clone());
  return quantized_tensors(learnt, job_.from->quantized_layers);
}

Status Trainer::resume() {
  const std::string name = job_.resume->checkpoint.string();
  FL_TRY(Checkpoint checkpoint, read_checkpoint(name));
  for (const char* key : {"network", "hyper"})
    if (checkpoint.notes[key] != notes_.at(key))
      return fail(ErrorCode::invalid_data, "{}: is of {} {}, not of {} {}; give the options it was made with", name,
                  checkpoint.notes["network"], checkpoint.notes["hyper"], notes_.at("network"), notes_.at("hyper"));
  if (checkpoint.notes["from"] != notes_.at("from"))
    return fail(ErrorCode::invalid_data, "{}: began with another model, or was calibrated with other pictures", name);
  if (checkpoint.notes["data_digest"] != notes_.at("data_digest")) log::warn("{}: was made with other pictures", name);
  if (const Status restored = learner_->restore(checkpoint.parameters, checkpoint.optimiser_state); !restored)
    return fail(restored.error().code, "{}: {}", name, restored.error().message);
  progress_ = checkpoint.progress;
  const fs::path log = job_.resume->run / "logs/train_log.jsonl";
  if (!job_.resume->run.empty() && fs::exists(log)) {
    FL_TRY(history_, read_history(log));
    std::erase_if(history_, [&](const EpochRecord& r) { return r.epoch > progress_.epoch; });
  }
  if (options_.start_epoch > 0) {
    progress_.epoch = options_.start_epoch - 1;
    progress_.batches = 0;
    progress_.loss_sum = progress_.gradient_sum = 0;
  }
  return {};
}

Status Trainer::open_run_folder() {
  const bool same = job_.resume && job_.resume->continues && !options_.infer_only;
  FL_TRY(run_, same ? RunFolder::open(job_.resume->run) : RunFolder::create(job_.root, options_.tag));
  FL_CHECK(write_text(run_.path() / "config.json", config_json(job_, parameter_count_)));
  if (options_.tensorboard) {
    FL_TRY(events_, EventFile::create(run_.tensorboard()));
  }
  return {};
}

Result<TrainingResult> Trainer::run() {
  if (job_.on_start) job_.on_start(run_.path());
  if (options_.infer_only) {
    EpochRecord record;
    record.epoch = progress_.epoch;
    record.step = progress_.step;
    FL_CHECK(validate(record));
    FL_CHECK(log_epoch(record));
    return result();
  }
  if (job_.from != nullptr && progress_.step == 0 && !std::isfinite(progress_.best_loss)) FL_CHECK(measure_start());
  while (progress_.epoch < options_.epochs && !stopped_) {
    if (early()) {
      end_ = TrainingEnd::early_stop;
      break;
    }
    const auto begin = Clock::now();
    EpochRecord record;
    record.epoch = progress_.epoch + 1;
    FL_CHECK(train_epoch(record));
    if (stopped_) {
      FL_CHECK(save("latest"));
      break;
    }
    FL_CHECK(validate(record));
    if (stopped_) {
      FL_CHECK(save("latest"));
      break;
    }
    FL_CHECK(finish_epoch(record, seconds_between(begin, Clock::now())));
  }
  return result();
}

// What training begins with is the model to beat.
Status Trainer::measure_start() {
  const auto begin = Clock::now();
  EpochRecord record;
  FL_CHECK(validate(record));
  return stopped_ ? save("latest") : finish_epoch(record, seconds_between(begin, Clock::now()));
}

Result<const Graph*> Trainer::graph_for(const Batch& batch) {
  const Shape& shape = batch.input.shape();
  const std::tuple key(shape[0], shape[2], shape[3]);
  if (const auto found = graphs_.find(key); found != graphs_.end()) return &found->second;
  FL_TRY(const Graph network,
         build_network(static_cast<int>(shape[0]), static_cast<int>(shape[2]), static_cast<int>(shape[3])));
  FL_TRY(Graph graph, with_loss(network, options_.validation.loss));
  const Shape& target = graph.value(graph.inputs.back()).shape;
  if (target != batch.target.shape())
    return fail(ErrorCode::invalid_argument, "{}: the target has shape {}, the network gives {}", batch.names.front(),
                to_string(batch.target.shape()), to_string(target));
  return &graphs_.emplace(key, std::move(graph)).first->second;
}

// Goes on behind the batches that the checkpoint has seen. The state moves on only with an update: what was accumulated
// when training stops is done again.
Status Trainer::train_epoch(EpochRecord& record) {
  const auto begin = Clock::now();
  const double waited = loader_.seconds_waited();
  const auto total = static_cast<int64_t>(loader_.batches_per_epoch());
  loader_.start_epoch(record.epoch);
  const int64_t first = progress_.batches;
  int64_t done = 0;
  double loss_sum = progress_.loss_sum;
  for (; done < first; ++done) {
    FL_TRY(const auto skipped, loader_.next());
    if (!skipped) break;
  }
  while (!stopped_) {
    FL_TRY(auto batch, loader_.next());
    if (!batch) break;
    if (teacher_) {
      FL_TRY(batch->target, teacher_->target(*batch));
    }
    FL_TRY(const Graph* graph, graph_for(*batch));
    // The last update of an epoch may have fewer batches.
    const int64_t group_begin = done / options_.accumulation * options_.accumulation;
    const int64_t group = std::min<int64_t>(options_.accumulation, total - group_begin);
    std::vector<TensorView> inputs = batch->inputs();
    inputs.push_back(batch->target.view());
    FL_TRY(const double loss, learner_->accumulate(*graph, inputs, 1 / static_cast<double>(group)));
    if (!std::isfinite(loss)) return not_a_number("loss", record, &*batch);
    loss_sum += loss;
    ++done;
    if (done - group_begin == group) FL_CHECK(update(record, loss_sum, done));
    if (job_.on_batch)
      job_.on_batch({record.epoch, options_.epochs, done, total, loss_sum / static_cast<double>(done),
                     seconds_between(begin, Clock::now()) / static_cast<double>(done - first) *
                         static_cast<double>(total - done)});
    stopped_ = asked_to_stop();
  }
  record.step = progress_.step;
  record.training_loss = loss_sum / static_cast<double>(std::max<int64_t>(done, 1));
  record.gradient_norm = progress_.gradient_sum / static_cast<double>(updates_per_epoch());
  record.learning_rate = learning_rate_at(options_.schedule, progress_.step - 1, updates_per_epoch() * options_.epochs);
  record.seconds_waited = loader_.seconds_waited() - waited;
  return {};
}

Status Trainer::update(EpochRecord& record, double loss_sum, int64_t batches) {
  const double rate = learning_rate_at(options_.schedule, progress_.step, updates_per_epoch() * options_.epochs);
  FL_TRY(const UpdateReport report, learner_->update(rate));
  if (!report.skipped) {
    if (!std::isfinite(report.gradient_norm)) return not_a_number("gradient", record, nullptr);
    progress_.gradient_sum += report.gradient_norm;
  }
  ++progress_.step;
  if (events_) FL_CHECK(events_->add_scalar("batch/loss", progress_.step, loss_sum / static_cast<double>(batches)));
  progress_.batches = batches;
  progress_.loss_sum = loss_sum;
  return {};
}

Status Trainer::not_a_number(const char* what, const EpochRecord& record, const Batch* batch) const {
  const fs::path last = run_.checkpoint("latest");
  return fail(ErrorCode::invalid_data,
              "the {} is no finite number any more in epoch {}{}{}; lower --lr or --grad-clip{}", what, record.epoch,
              batch ? ", at " : "", batch ? batch->names.front() : "",
              fs::exists(last) ? fmt::format(" and resume from {}", last.string()) : "");
}

bool Trainer::asked_to_stop() {
  std::error_code error;
  if (job_.cancel && job_.cancel->requested())
    end_ = TrainingEnd::cancelled;
  else if (fs::remove(job_.root / stop_file_name, error))
    end_ = TrainingEnd::stop_file;
  else
    return false;
  return true;
}

Status Trainer::validate(EpochRecord& record) {
  const bool linear = is_linear(job_.architecture->contract(job_.hyper).output_color);
  const auto show = [&](size_t place, const Sample& sample, const Tensor& prediction) -> Status {
    if (place >= static_cast<size_t>(options_.previews)) return {};
    FL_TRY(Frame panels, panel_picture(sample.input, prediction, sample.target, linear));
    const std::string name = fmt::format("epoch_{:04}_{}.png", record.epoch, place);
    return write_picture((run_.pictures() / name).string(), std::move(panels), true);
  };
  std::optional<TaughtPictures> taught;
  if (teacher_) taught.emplace(*job_.data.validation, *teacher_);
  const Dataset& pictures = taught ? static_cast<const Dataset&>(*taught) : *job_.data.validation;
  const auto outcome = validator_.run(*learner_, pictures, job_.data.validation_indices, job_.cancel, show);
  if (!outcome && outcome.error().code == ErrorCode::cancelled) {
    end_ = TrainingEnd::cancelled;
    stopped_ = true;
    return {};
  }
  if (!outcome) return fail(outcome.error());
  record.validation_loss = outcome->loss;
  record.psnr = outcome->psnr;
  record.ssim = outcome->ssim;
  record.pu21_psnr = outcome->pu21_psnr;
  record.measured_pictures = outcome->measured_pictures;
  return {};
}

Status Trainer::finish_epoch(EpochRecord& record, double seconds) {
  record.seconds = seconds;
  record.best = record.validation_loss < progress_.best_loss;
  progress_.epoch = record.epoch;
  progress_.batches = 0;
  progress_.loss_sum = progress_.gradient_sum = 0;
  if (record.best) {
    progress_.best_epoch = record.epoch;
    progress_.best_loss = record.validation_loss;
    FL_CHECK(save("best"));
    FL_CHECK(save_model());
  }
  if (options_.checkpoint_every > 0 && record.epoch > 0 && record.epoch % options_.checkpoint_every == 0)
    FL_CHECK(save(fmt::format("epoch_{:04}", record.epoch).c_str()));
  // The log first: what a checkpoint does not know of is dropped from it when training is resumed.
  FL_CHECK(log_epoch(record));
  FL_CHECK(save("latest"));
  if (job_.on_epoch) job_.on_epoch(record);
  return {};
}

Status Trainer::log_epoch(const EpochRecord& record) {
  history_.push_back(record);
  FL_CHECK(write_logs());
  if (!events_) return {};
  for (const auto& [tag, value] :
       {std::pair("epoch/training_loss", record.training_loss),
        std::pair("epoch/validation_loss", record.validation_loss), std::pair("epoch/psnr", record.psnr),
        std::pair("epoch/ssim", record.ssim), std::pair("epoch/pu21_psnr", record.pu21_psnr),
        std::pair("epoch/learning_rate", record.learning_rate), std::pair("epoch/gradient_norm", record.gradient_norm)})
    if (std::isfinite(value)) FL_CHECK(events_->add_scalar(tag, record.epoch, value));
  return {};
}

Status Trainer::write_logs() const {
  FL_CHECK(write_text(run_.logs() / "train_log.csv", training_log_csv(history_)));
  FL_CHECK(write_text(run_.logs() / "train_log.jsonl", training_log_jsonl(history_)));
  FL_CHECK(write_text(run_.logs() / "metrics.csv", metrics_csv(history_, to_string(options_.validation.metric_mode))));
  const std::vector<RunChart> charts = run_charts(history_);
  for (const RunChart& chart : charts) FL_CHECK(write_text(run_.path() / chart.file_name, chart.svg));
  std::vector<ReportPicture> pictures;
  for (int i = 0; i < std::min<int>(options_.previews, static_cast<int>(job_.data.validation_indices.size())); ++i)
    pictures.push_back({job_.data.validation->name(job_.data.validation_indices[static_cast<size_t>(i)]),
                        run_.pictures() / fmt::format("epoch_{:04}_{}.png", history_.back().epoch, i)});
  const std::string title = fmt::format("{}: {}", run_.path().filename().string(), job_.architecture->name);
  return write_text(run_.path() / "report.html",
                    report_page(title, history_, charts, pictures, config_json(job_, parameter_count_)));
}

Status Trainer::save(const char* name) const {
  return write_checkpoint(run_.checkpoint(name),
                          {learner_->parameters(), learner_->optimiser_state(), progress_, notes_});
}

// The weights alone, as `framelift models import` and the verbs that run networks take them.
Status Trainer::save_model() const {
  const auto weights = this->weights();
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : weights) tensors.push_back({name, &tensor});
  std::map<std::string, std::string> metadata{{"framelift.format", "1"},
                                              {"framelift.architecture", job_.architecture->name},
                                              {"framelift.hyper", notes_.at("hyper")},
                                              {"framelift.source", "framelift train"},
                                              {"framelift.epoch", std::to_string(progress_.epoch)}};
  for (const auto& [key, text] : notes_) metadata.emplace("framelift." + key, text);
  return write_safetensors(run_.model(), tensors, metadata);
}

}  // namespace

Result<TrainingData> split_data(const Dataset& training, const Dataset* validation, double validation_share,
                                uint64_t seed) {
  TrainingData data;
  data.training = &training;
  data.validation = validation ? validation : &training;
  DatasetSplit split = split_dataset(training, validation ? 0 : validation_share, seed);
  data.training_indices = std::move(split.training);
  data.validation_indices = std::move(split.validation);
  if (validation) {
    data.validation_indices.resize(validation->size());
    std::iota(data.validation_indices.begin(), data.validation_indices.end(), size_t{0});
  }
  if (data.training_indices.empty() || data.validation_indices.empty())
    return fail(ErrorCode::invalid_argument,
                "{} pictures to train with and {} to validate with are too few; add pictures, or give --val",
                data.training_indices.size(), data.validation_indices.size());
  return data;
}

Result<TrainingResult> train(const TrainingJob& job) {
  Trainer trainer(job);
  FL_CHECK(trainer.prepare());
  return trainer.run();
}

}  // namespace framelift
