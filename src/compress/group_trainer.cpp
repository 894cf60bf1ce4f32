#include "compress/group_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <sstream>

#include "backend/torch/torch_engine.h"
#include "codec/quantized_tensor.h"
#include "compress/bit_allocation.h"
#include "compress/hinerv_start.h"
#include "compress/quality.h"
#include "compress/weight_noise.h"
#include "graph/passes.h"
#include "metrics/psnr.h"
#include "network/hinerv/hinerv.h"
#include "synthesis/fnv_video.h"
#include "synthesis/ycbcr_planes.h"
#include "train/data/random_stream.h"
#include "train/run/checkpoint.h"
#include "train/schedule.h"

namespace framelift {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

constexpr const char* settings_key = "settings";
constexpr const char* bits_key = "bits";

// "name number" a line.
std::string text_of(const TensorBits& bits) {
  std::string text;
  for (const auto& [name, number] : bits.of) text += fmt::format("{} {}\n", name, number);
  return text;
}

Result<TensorBits> parse_bits(const std::string& text, int all, const std::string& file) {
  TensorBits bits(all);
  std::istringstream lines(text);
  std::string name;
  for (int number = 0; lines >> name;) {
    if (!(lines >> number) || number < min_quantized_bits || number > max_quantized_bits)
      return fail(ErrorCode::invalid_data, "{}: its bits of {} are impossible", file, name);
    bits.of[name] = number;
  }
  return bits;
}

// Chroma of 4:2:0 has a quarter of the samples. Planes of a quarter of the contrast count that much.
constexpr float chroma_weight = 0.25F, chroma_offset = 0.5F * (1 - chroma_weight);

Result<Graph> with_weighted_chroma(const Graph& graph) {
  GraphBuilder b;
  const std::vector<ValueId> ids =
      append(b, graph, {}, [&](const Value& parameter) { return b.parameter(parameter.name, parameter.shape); });
  const ValueId planes = ids[static_cast<size_t>(graph.outputs[0])];
  const ValueId chroma = b.offset(b.scale(b.slice(planes, 1, 1, 3), chroma_weight), chroma_offset);
  b.output(b.concat({b.slice(planes, 1, 0, 1), chroma}), graph.value(graph.outputs[0]).name);
  return std::move(b).finish();
}

class GroupTrainer {
 public:
  explicit GroupTrainer(const GroupJob& job)
      : job_(job), recipe_(job.recipe), plan_(job.plan), bits_(job.bits.value_or(job.recipe.bits)) {}

  Status prepare();
  Result<TrainedGroup> run();

 private:
  struct Stage {
    TrainingStage stage = TrainingStage::train;
    int begin = 0, epochs = 0;  // of all epochs
  };

  Stage stage_of(int epoch) const;
  Status resume();
  Status begin_stage(TrainingStage stage);
  Status adopt(const Parameters& parameters);
  Status train_epoch(const Stage& stage);
  Status update(const Stage& stage, std::span<const HinervPlace> places, double& loss);
  std::vector<HinervPlace> order(int epoch) const;
  void read_targets(std::span<const HinervPlace> places, const TensorView& targets) const;
  void read_picture(int number, const Region& region, const TensorView& target) const;
  HinervRun run_of(int batch) const;
  Result<const Graph*> patch_graph(int batch, bool weight_inputs);
  Result<Parameters> weight_inputs(TrainingStage stage, double noise, uint64_t key) const;
  Status allocate(const Parameters& parameters);
  Result<Tensor> paint(const Graph& graph, Parameters& weights, int frame);
  Status evaluate(TrainingStage stage);
  Status save();
  void report(const Stage& stage, int64_t batches_done, double loss_sum, int64_t measured);

  int64_t patches() const { return int64_t{plan_.config.frames} * plan_.patches_per_frame(); }
  int64_t batch() const {
    return std::min<int64_t>(recipe_.batch > 0 ? recipe_.batch : plan_.patches_per_frame(), patches());
  }
  int64_t updates_per_epoch() const { return (patches() + batch() - 1) / batch(); }

  const GroupJob& job_;
  const TrainingRecipe& recipe_;
  const HinervPlan& plan_;
  TensorBits bits_;
  TorchEngine* engine_ = nullptr;
  LossOptions loss_;
  std::unique_ptr<Learner> learner_;
  std::map<std::pair<int, bool>, Graph> patch_graphs_;  // by batch, and whether weights have inputs
  Graph frame_graph_, noisy_frame_graph_;
  TrainingProgress progress_;
  bool stopped_ = false;
  Clock::time_point begin_ = Clock::now(), saved_ = Clock::now();
  int64_t updates_done_ = 0;  // since begin_
};

Status GroupTrainer::prepare() {
  FL_TRY(engine_, torch_engine());
  loss_ = hinerv_loss(plan_.patch_height, plan_.patch_width);
  FL_TRY(frame_graph_, build_hinerv(plan_.config, {}));
  FL_TRY(noisy_frame_graph_, with_weight_inputs(frame_graph_));
  Parameters first = initial_hinerv_parameters(frame_graph_, recipe_.seed);
  if (job_.start)
    for (auto& [name, tensor] : first)
      if (const auto known = job_.start->find(name);
          known != job_.start->end() && known->second.shape() == tensor.shape())
        tensor = known->second.clone();
  FL_CHECK(adopt(first));
  return job_.resume && std::filesystem::exists(job_.checkpoint) ? resume() : Status{};
}

// With an optimiser that knows nothing yet.
Status GroupTrainer::adopt(const Parameters& parameters) {
  FL_TRY(learner_, engine_->create_learner(parameters, recipe_.learner));
  return {};
}

Status GroupTrainer::resume() {
  const std::string name = job_.checkpoint.string();
  FL_TRY(Checkpoint checkpoint, read_checkpoint(name));
  if (checkpoint.notes[settings_key] != job_.settings)
    return fail(ErrorCode::invalid_data,
                "{}: was made with other options or another video; give the same ones, or "
                "--overwrite to begin again",
                name);
  if (const Status restored = learner_->restore(checkpoint.parameters, checkpoint.optimiser_state); !restored)
    return fail(restored.error().code, "{}: {}", name, restored.error().message);
  progress_ = checkpoint.progress;
  if (const auto note = checkpoint.notes.find(bits_key); note != checkpoint.notes.end()) {
    FL_TRY(bits_, parse_bits(note->second, recipe_.bits, name));
  }
  return {};
}

GroupTrainer::Stage GroupTrainer::stage_of(int epoch) const {
  if (epoch < recipe_.epochs) return {TrainingStage::train, 0, recipe_.epochs};
  if (epoch < recipe_.epochs + recipe_.prune_epochs)
    return {TrainingStage::prune, recipe_.epochs, recipe_.prune_epochs};
  return {TrainingStage::quantise, recipe_.epochs + recipe_.prune_epochs, recipe_.quantise_epochs};
}

Status GroupTrainer::begin_stage(TrainingStage stage) {
  if (stage == TrainingStage::train) return {};
  Parameters parameters = learner_->parameters();
  if (stage == TrainingStage::prune) prune_weights(parameters, recipe_.prune);
  if (stage == TrainingStage::quantise && recipe_.allocate_bits && !job_.bits) FL_CHECK(allocate(parameters));
  return adopt(parameters);
}

Result<TrainedGroup> GroupTrainer::run() {
  while (progress_.epoch < recipe_.all_epochs()) {
    const Stage stage = stage_of(progress_.epoch);
    // Nothing is saved between this and the first update, so that it is never done twice.
    if (progress_.epoch == stage.begin && progress_.batches == 0) FL_CHECK(begin_stage(stage.stage));
    FL_CHECK(train_epoch(stage));
    if (stopped_) {
      FL_CHECK(save());
      return TrainedGroup{learner_->parameters(), bits_, false};
    }
    ++progress_.epoch;
    progress_.batches = 0;
    const int stage_epoch = progress_.epoch - stage.begin;
    if (stage_epoch % recipe_.evaluate_every == 0 || stage_epoch == stage.epochs) FL_CHECK(evaluate(stage.stage));
    if (seconds_since(saved_) > job_.checkpoint_seconds) FL_CHECK(save());
  }
  return TrainedGroup{learner_->parameters(), bits_, true};
}

// Every patch once, in an order that the seed and the epoch decide.
std::vector<HinervPlace> GroupTrainer::order(int epoch) const {
  std::vector<HinervPlace> places;
  for (int frame = 0; frame < plan_.config.frames; ++frame)
    for (int row = 0; row < plan_.patch_rows(); ++row)
      for (int column = 0; column < plan_.patch_columns(); ++column) places.push_back({frame, row, column});
  RandomStream random{recipe_.seed, key_of("patches"), static_cast<uint64_t>(epoch)};
  for (size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
  return places;
}

Status GroupTrainer::train_epoch(const Stage& stage) {
  const std::vector<HinervPlace> places = order(progress_.epoch);
  double loss_sum = 0;
  int64_t measured = 0;
  while (progress_.batches < updates_per_epoch() && !stopped_) {
    const auto first = static_cast<size_t>(progress_.batches * batch());
    const auto count = std::min<size_t>(static_cast<size_t>(batch()), places.size() - first);
    double loss = 0;
    FL_CHECK(update(stage, std::span(places).subspan(first, count), loss));
    ++progress_.batches;
    ++progress_.step;
    ++updates_done_;
    loss_sum += loss;
    report(stage, progress_.batches, loss_sum, ++measured);
    stopped_ = job_.cancel && job_.cancel->requested();
  }
  return {};
}

void GroupTrainer::report(const Stage& stage, int64_t batches_done, double loss_sum, int64_t measured) {
  if (!job_.on_batch) return;
  const int64_t left = updates_per_epoch() * (recipe_.all_epochs() - progress_.epoch) - batches_done;
  job_.on_batch({stage.stage, progress_.epoch + 1, recipe_.all_epochs(), batches_done, updates_per_epoch(),
                 loss_sum / static_cast<double>(measured),
                 seconds_since(begin_) / static_cast<double>(updates_done_) * static_cast<double>(left)});
}

Schedule schedule_of(TrainingStage stage, double rate, int64_t updates, int epochs) {
  if (stage == TrainingStage::quantise) rate /= 10;
  Schedule schedule{.learning_rate = rate, .final_rate = rate / 100, .cosine = true};
  if (stage == TrainingStage::train) {
    schedule.warm_up_steps = updates * epochs / 10;
    schedule.first_rate = rate / 100;
  }
  return schedule;
}

Status GroupTrainer::update(const Stage& stage, std::span<const HinervPlace> places, double& loss) {
  const int64_t stage_step = (progress_.epoch - stage.begin) * updates_per_epoch() + progress_.batches;
  const bool adjusted = stage.stage != TrainingStage::train;
  FL_TRY(const Graph* graph, patch_graph(static_cast<int>(places.size()), adjusted));
  FL_TRY(Parameters weights, weight_inputs(stage.stage, recipe_.noise, static_cast<uint64_t>(progress_.step)));
  const HinervRun run = run_of(static_cast<int>(places.size()));
  std::vector<Tensor> made;
  std::vector<TensorView> inputs;
  made.reserve(graph->inputs.size());
  for (const ValueId id : graph->inputs) {
    const Value& value = graph->value(id);
    if (const auto found = weights.find(value.name); found != weights.end()) {
      inputs.push_back(found->second.view());
      continue;
    }
    inputs.push_back(made.emplace_back(DType::f32, value.shape).view());
    if (value.name == "target")
      read_targets(places, inputs.back());
    else
      fill_hinerv_input(plan_.config, run, places, value.name, inputs.back());
  }
  FL_TRY(loss, learner_->accumulate(*graph, inputs));
  if (!std::isfinite(loss))
    return fail(ErrorCode::invalid_data,
                "the loss is no finite number any more in epoch {}; give another --seed, or "
                "--precision f32",
                progress_.epoch + 1);
  const double frames_a_batch =
      static_cast<double>(batch()) * plan_.patch_height * plan_.patch_width / plan_.config.height / plan_.config.width;
  const Schedule schedule =
      schedule_of(stage.stage, recipe_.learning_rate * frames_a_batch, updates_per_epoch(), stage.epochs);
  FL_TRY(const UpdateReport done,
         learner_->update(learning_rate_at(schedule, stage_step, updates_per_epoch() * stage.epochs)));
  (void)done;
  return {};
}

void GroupTrainer::read_targets(std::span<const HinervPlace> places, const TensorView& targets) const {
  const int64_t bytes = static_cast<int64_t>(targets.bytes()) / static_cast<int64_t>(places.size());
  TensorView one{DType::f32, {1, 3, plan_.patch_height, plan_.patch_width}, targets.data};
  for (const HinervPlace& place : places) {
    read_picture(
        place.frame,
        {place.column * plan_.patch_width, place.row * plan_.patch_height, plan_.patch_width, plan_.patch_height}, one);
    if (plan_.config.output == HinervOutput::ycbcr_420)
      for (float& v : one.f32().subspan(one.f32().size() / 3)) v = chroma_offset + chroma_weight * v;
    one.data += bytes;
  }
}

void GroupTrainer::read_picture(int number, const Region& region, const TensorView& target) const {
  const Frame& frame = job_.frames[static_cast<size_t>(number)];
  if (plan_.config.output == HinervOutput::ycbcr_420)
    read_ycbcr_planes(frame, region, job_.range, target);
  else
    job_.reader->run(frame, region, target);
}

// A patch that is all of the frame needs no pixels around it.
HinervRun GroupTrainer::run_of(int batch) const {
  if (plan_.patches_per_frame() == 1) return {batch};
  return {batch, plan_.patch_height, plan_.patch_width};
}

Result<const Graph*> GroupTrainer::patch_graph(int batch, bool weight_inputs) {
  const std::pair key(batch, weight_inputs);
  if (const auto found = patch_graphs_.find(key); found != patch_graphs_.end()) return &found->second;
  FL_TRY(Graph graph, build_hinerv(plan_.config, run_of(batch)));
  if (weight_inputs) {
    FL_TRY(graph, with_weight_inputs(graph));
  }
  if (plan_.config.output == HinervOutput::ycbcr_420) {
    FL_TRY(graph, with_weighted_chroma(graph));
  }
  FL_TRY(Graph with, with_loss(graph, loss_));
  return &patch_graphs_.emplace(key, std::move(with)).first->second;
}

Result<Parameters> GroupTrainer::weight_inputs(TrainingStage stage, double noise, uint64_t key) const {
  switch (stage) {
    case TrainingStage::train: break;
    case TrainingStage::prune: return pruned_weight_inputs(learner_->parameters());
    case TrainingStage::quantise: return noisy_weight_inputs(learner_->parameters(), bits_, noise, recipe_.seed, key);
  }
  return Parameters{};
}

Result<Tensor> GroupTrainer::paint(const Graph& graph, Parameters& weights, int frame) {
  const HinervPlace place[] = {{frame, 0, 0}};
  std::vector<Tensor> made;
  std::vector<TensorView> inputs;
  made.reserve(graph.inputs.size());
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    if (const auto found = weights.find(value.name); found != weights.end()) {
      inputs.push_back(found->second.view());
      continue;
    }
    inputs.push_back(made.emplace_back(DType::f32, value.shape).view());
    fill_hinerv_input(plan_.config, {}, place, value.name, inputs.back());
  }
  FL_TRY(auto outputs, learner_->evaluate(graph, inputs));
  return std::move(outputs[0]);
}

// Rounds one tensor at a time, and sees what that does to some frames.
Status GroupTrainer::allocate(const Parameters& parameters) {
  constexpr int most_frames = 4;
  Parameters exact = pruned_weight_inputs(parameters);
  FL_TRY(Parameters rounded, noisy_weight_inputs(parameters, recipe_.bits, 1, recipe_.seed, 0));
  std::vector<int> frames;
  std::vector<Tensor> undamaged;
  const int count = std::min(most_frames, plan_.config.frames);
  for (int i = 0; i < count; ++i) {
    frames.push_back((2 * i + 1) * plan_.config.frames / (2 * count));
    FL_TRY(Tensor painted, paint(noisy_frame_graph_, exact, frames.back()));
    undamaged.push_back(std::move(painted));
  }
  std::vector<TensorSensitivity> found;
  for (const auto& [name, tensor] : parameters) {
    if (!is_quantised(tensor.shape())) continue;
    TensorSensitivity& sensitivity = found.emplace_back();
    sensitivity.name = name;
    sensitivity.weights = std::ranges::count_if(tensor.f32(), [](float w) { return w != 0; });
    swap_weight_inputs(exact, rounded, name);
    for (size_t i = 0; i < frames.size(); ++i) {
      FL_TRY(Tensor painted, paint(noisy_frame_graph_, exact, frames[i]));
      sensitivity.damage += mean_squared_error(painted.view(), undamaged[i].view());
    }
    swap_weight_inputs(exact, rounded, name);
  }
  bits_ = framelift::allocate_bits(found, recipe_.bits);
  return {};
}

// While weights are being rounded, all of them are.
Status GroupTrainer::evaluate(TrainingStage stage) {
  if (!job_.on_evaluation) return {};
  const bool rounded = stage == TrainingStage::quantise;
  const Graph& graph = rounded ? noisy_frame_graph_ : frame_graph_;
  Parameters weights;
  if (rounded) {
    FL_TRY(weights, weight_inputs(stage, 1, 0));
  }
  const Frame& first = job_.frames[0];
  Tensor target(DType::f32, {1, 3, first.height, first.width});
  double sum = 0;
  for (int i = 0; i < plan_.config.frames; ++i) {
    FL_TRY(const Tensor painted, paint(graph, weights, i));
    Tensor picture = upper_left(painted, first.height, first.width);
    read_picture(i, {0, 0, first.width, first.height}, target.view());
    sum += frame_psnr(mean_squared_error(picture.view(), target.view()));
  }
  FL_TRY(const auto stored, store_network(learner_->parameters(), bits_));
  FL_TRY(const auto bytes, encode_tensors(stored));
  const double pixels = double{1} * first.width * first.height * plan_.config.frames;
  job_.on_evaluation({stage, progress_.epoch, recipe_.all_epochs(), sum / plan_.config.frames,
                      8 * static_cast<double>(bytes.size()) / pixels});
  return {};
}

Status GroupTrainer::save() {
  saved_ = Clock::now();
  return write_checkpoint(job_.checkpoint, {learner_->parameters(),
                                            learner_->optimiser_state(),
                                            progress_,
                                            {{settings_key, job_.settings}, {bits_key, text_of(bits_)}}});
}

}  // namespace

const char* to_string(TrainingStage stage) {
  switch (stage) {
    case TrainingStage::train: return "training";
    case TrainingStage::prune: return "pruned";
    case TrainingStage::quantise: return "rounding";
  }
  return "?";
}

TrainingRecipe recipe_of(int epochs) {
  TrainingRecipe recipe;
  recipe.epochs = epochs;
  recipe.prune_epochs = std::max(epochs / 5, 1);
  recipe.quantise_epochs = std::max(epochs / 10, 1);
  recipe.evaluate_every = std::max(epochs / 10, 1);
  return recipe;
}

Result<TrainedGroup> train_group(const GroupJob& job) {
  GroupTrainer trainer(job);
  FL_CHECK(trainer.prepare());
  return trainer.run();
}

}  // namespace framelift
