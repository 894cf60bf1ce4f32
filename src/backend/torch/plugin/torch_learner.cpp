// Training by libtorch's autograd and its fused Adam.
#include "backend/torch/plugin/torch_learner.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

#include <cmath>
#include <cstring>

#include "backend/torch/plugin/device.h"
#include "backend/torch/plugin/torch_graph.h"

namespace framelift {
namespace {

constexpr const char* step_key = "step";
constexpr const char* scale_key = "loss_scale";
constexpr const char* first_moment = "adam.exp_avg.";
constexpr const char* second_moment = "adam.exp_avg_sq.";

// Dynamic loss scaling for f16 (Micikevicius et al., 2018): halved when gradients overflow, doubled after so many
// steps without.
constexpr double first_loss_scale = 65536;
constexpr int steps_until_doubled = 2000;

bool is_statistic(std::string_view name) { return name.ends_with(".running_mean") || name.ends_with(".running_var"); }

Tensor to_framelift(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  Tensor result(DType::f32, Shape(std::span<const int64_t>(plain.sizes().data(), plain.sizes().size())));
  std::memcpy(result.data(), plain.data_ptr(), plain.nbytes());
  return result;
}

// Layers in reduced precision where libtorch knows that they bear it.
class Autocast {
 public:
  Autocast(Precision precision, at::DeviceType device) : device_(device), active_(precision != Precision::f32) {
    if (!active_) return;
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, precision == Precision::f16 ? at::kHalf : at::kBFloat16);
    at::autocast::set_autocast_cache_enabled(true);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (!active_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_;
  bool active_;
};

class TorchLearner final : public Learner {
 public:
  TorchLearner(const LearnerOptions& options, at::Device device) : options_(options), device_(device) {
    if (options.threads > 0) at::set_num_threads(options.threads);
  }

  Status adopt(const Parameters& parameters) {
    return guarded([&]() -> Status {
      for (const auto& [name, tensor] : parameters) {
        at::Tensor made = to_torch(view_of(tensor), at::kFloat, device_);
        all_[name] = made;
        if (is_statistic(name)) continue;
        made.requires_grad_(true);
        names_.push_back(name);
        weights_.push_back(made);
        first_.push_back(at::zeros_like(made));
        second_.push_back(at::zeros_like(made));
        steps_.push_back(at::zeros({}, at::TensorOptions().dtype(at::kFloat).device(device_)));
      }
      return {};
    });
  }

  Result<double> accumulate(const Graph& graph, std::span<const TensorView> inputs, double weight) override {
    FL_CHECK(expect_torch_ops(graph));
    return guarded([&]() -> Result<double> {
      at::Tensor loss;
      {
        const Autocast autocast(options_.precision, device_.type());
        loss = run_graph(graph, all_, on_device(inputs), true).at(0).to(at::kFloat);
      }
      const double scale = options_.precision == Precision::f16 ? loss_scale_ : 1;
      (loss.sum() * (weight * scale)).backward();
      return loss.item<double>();
    });
  }

  Result<UpdateReport> update(double learning_rate) override {
    return guarded([&]() -> Result<UpdateReport> {
      const at::NoGradGuard no_grad;
      UpdateReport report;
      std::vector<at::Tensor> gradients;
      for (at::Tensor& weight : weights_) {
        if (!weight.grad().defined()) weight.mutable_grad() = at::zeros_like(weight);
        gradients.push_back(weight.grad());
      }
      if (options_.precision == Precision::f16) at::_foreach_mul_(gradients, 1 / loss_scale_);
      const at::Tensor norm = at::stack(at::_foreach_norm(gradients)).norm();
      report.gradient_norm = norm.item<double>();
      if (options_.precision == Precision::f16) report.skipped = !adjust_loss_scale(report.gradient_norm);
      if (!report.skipped) {
        const double clip = options_.gradient_clip;
        if (clip > 0 && report.gradient_norm > clip) at::_foreach_mul_(gradients, clip / (report.gradient_norm + 1e-6));
        at::_foreach_add_(steps_, 1);
        step(gradients, learning_rate);
      }
      for (at::Tensor& weight : weights_) weight.mutable_grad() = at::Tensor();
      return report;
    });
  }

  Result<std::vector<Tensor>> evaluate(const Graph& graph, std::span<const TensorView> inputs) override {
    FL_CHECK(expect_torch_ops(graph));
    return guarded([&]() -> Result<std::vector<Tensor>> {
      const at::NoGradGuard no_grad;
      const Autocast autocast(options_.precision, device_.type());
      std::vector<Tensor> results;
      for (const at::Tensor& output : run_graph(graph, all_, on_device(inputs), false))
        results.push_back(to_framelift(output));
      return results;
    });
  }

  Parameters parameters() const override {
    Parameters copies;
    for (const auto& [name, tensor] : all_) copies.emplace(name, to_framelift(tensor));
    return copies;
  }

  Parameters optimiser_state() const override {
    Parameters state;
    for (size_t i = 0; i < names_.size(); ++i) {
      state.emplace(first_moment + names_[i], to_framelift(first_[i]));
      state.emplace(second_moment + names_[i], to_framelift(second_[i]));
    }
    const float steps = steps_.empty() ? 0 : steps_[0].item<float>();
    state.emplace(step_key, Tensor::filled({1}, steps));
    state.emplace(scale_key, Tensor::filled({2}, static_cast<float>(loss_scale_)));
    state.at(scale_key).f32()[1] = static_cast<float>(steps_since_overflow_);
    return state;
  }

  Status restore(const Parameters& parameters, const Parameters& state) override {
    return guarded([&]() -> Status {
      const at::NoGradGuard no_grad;
      for (auto& [name, tensor] : all_) FL_CHECK(copy_into(tensor, parameters, name));
      for (size_t i = 0; i < names_.size(); ++i) {
        FL_CHECK(copy_into(first_[i], state, first_moment + names_[i]));
        FL_CHECK(copy_into(second_[i], state, second_moment + names_[i]));
        FL_CHECK(copy_into(steps_[i], state, step_key));
      }
      const auto scale = state.find(scale_key);
      if (scale == state.end() || scale->second.elements() != 2)
        return fail(ErrorCode::invalid_data, "tensor {} is missing", scale_key);
      loss_scale_ = scale->second.f32()[0];
      steps_since_overflow_ = static_cast<int>(scale->second.f32()[1]);
      return {};
    });
  }

 private:
  std::vector<at::Tensor> on_device(std::span<const TensorView> inputs) const {
    std::vector<at::Tensor> tensors;
    for (const TensorView& input : inputs) tensors.push_back(to_torch(input, at::kFloat, device_));
    return tensors;
  }

  static Status copy_into(at::Tensor tensor, const Parameters& from, const std::string& name) {
    const auto found = from.find(name);
    if (found == from.end()) return fail(ErrorCode::invalid_data, "tensor {} is missing", name);
    if (found->second.elements() != tensor.numel())
      return fail(ErrorCode::invalid_data, "tensor {} has shape {}, which does not fit", name,
                  to_string(found->second.shape()));
    const auto sizes = tensor.sizes();
    tensor.copy_(to_torch(view_of(found->second), at::kFloat, tensor.device()).reshape(sizes));
    return {};
  }

  void step(const std::vector<at::Tensor>& gradients, double learning_rate) {
    const LearnerOptions& o = options_;
    if (o.decoupled_decay)
      at::_fused_adamw_(weights_, gradients, first_, second_, {}, steps_, learning_rate, o.beta1, o.beta2,
                        o.weight_decay, o.epsilon, /*amsgrad=*/false, /*maximize=*/false);
    else
      at::_fused_adam_(weights_, gradients, first_, second_, {}, steps_, learning_rate, o.beta1, o.beta2,
                       o.weight_decay, o.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }

  // Whether this step counts.
  bool adjust_loss_scale(double gradient_norm) {
    if (!std::isfinite(gradient_norm)) {
      loss_scale_ /= 2;
      steps_since_overflow_ = 0;
      return false;
    }
    if (++steps_since_overflow_ >= steps_until_doubled) {
      loss_scale_ *= 2;
      steps_since_overflow_ = 0;
    }
    return true;
  }

  LearnerOptions options_;
  at::Device device_;
  TorchTensors all_;  // shares its tensors with weights_
  std::vector<std::string> names_;
  std::vector<at::Tensor> weights_, first_, second_, steps_;
  double loss_scale_ = first_loss_scale;
  int steps_since_overflow_ = 0;
};

}  // namespace

Result<std::unique_ptr<Learner>> create_torch_learner(const Parameters& initial, const LearnerOptions& options) {
  FL_TRY(const at::Device device, parse_device(options.device));
  LearnerOptions complete = options;
  if (complete.precision == Precision::automatic) complete.precision = Precision::f32;
  if (complete.precision == Precision::f16 && device.is_cpu())
    return fail(ErrorCode::unsupported, "no training in f16 on the cpu; use bf16 or f32");
  auto learner = std::make_unique<TorchLearner>(complete, device);
  FL_CHECK(learner->adopt(initial));
  return learner;
}

Result<DoubleGradients> torch_gradients(const Graph& graph, const Parameters& parameters,
                                        std::span<const TensorView> inputs) {
  FL_CHECK(expect_torch_ops(graph));
  return guarded([&]() -> Result<DoubleGradients> {
    TorchTensors leaves;
    for (const auto& [name, tensor] : parameters) {
      leaves[name] = to_torch(view_of(tensor), at::kDouble, at::kCPU);
      if (!is_statistic(name)) leaves[name].requires_grad_(true);
    }
    std::vector<at::Tensor> in;
    for (const TensorView& input : inputs) in.push_back(to_torch(input, at::kDouble, at::kCPU).requires_grad_(true));
    const at::Tensor value = run_graph(graph, leaves, in, true).at(0).sum();
    value.backward();
    DoubleGradients result;
    result.value = value.item<double>();
    const auto note = [&](const std::string& name, const at::Tensor& tensor) {
      auto& numbers = result.gradients[name];
      numbers.resize(static_cast<size_t>(tensor.numel()));
      if (!tensor.grad().defined()) return;  // nothing depends on it
      const at::Tensor gradient = tensor.grad().contiguous();
      std::memcpy(numbers.data(), gradient.data_ptr(), gradient.nbytes());
    };
    for (const auto& [name, tensor] : leaves)
      if (tensor.requires_grad()) note(name, tensor);
    for (size_t i = 0; i < in.size(); ++i) note(graph.value(graph.inputs[i]).name, in[i]);
    return result;
  });
}

}  // namespace framelift
