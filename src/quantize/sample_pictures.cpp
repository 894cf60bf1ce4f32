#include "quantize/sample_pictures.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "color/resolve.h"
#include "decode/source.h"
#include "pipeline/frame_network.h"
#include "preprocess/picture_reader.h"
#include "preprocess/reduce.h"
#include "train/data/random_stream.h"

namespace framelift {
namespace {

Result<PictureReader> reader_for(const Network& network, const VideoInfo& info) {
  const ColorInfo color = resolve_color(info.color, info.width, info.height, info.format.family == ColorFamily::rgb);
  FL_TRY(auto to_tensor, FrameToTensor::create(info.format, color));
  std::optional<ColorConverter> convert;
  const auto& wanted = network.contract.input_color;
  if (wanted && info.color.transfer != TransferCharacteristic::unspecified) {
    FL_TRY(convert, ColorConverter::create(color, *wanted));
  }
  return PictureReader(std::move(to_tensor), std::move(convert), wanted.has_value());
}

// A clip's frames that are wanted, as many as there are.
Result<std::vector<Frame>> pick_frames(Source& source, const SampleOptions& options, int wanted,
                                       const std::string& path) {
  std::vector<Frame> all;
  const int64_t length = source.info().still ? 1 : std::max<int64_t>(source.info().frame_count, 1);
  const auto first = static_cast<int64_t>(options.begin * static_cast<double>(length));
  const auto last = std::max(first + 1, static_cast<int64_t>(options.end * static_cast<double>(length)));
  const int64_t step = options.consecutive ? 1 : std::max<int64_t>((last - first) / wanted, 1);
  for (int64_t i = 0; static_cast<int>(all.size()) < wanted; ++i) {
    FL_TRY(Frame frame, source.next());
    if (frame.empty()) break;
    if (i >= first && i < last && (i - first) % step == step / 2) all.push_back(std::move(frame));
  }
  if (all.empty())
    return fail(ErrorCode::invalid_argument, "{}: has no frame to learn from; name another clip or picture", path);
  return all;
}

class Sampler {
 public:
  Sampler(const Network& network, Backend& backend, const SampleOptions& options, bool with_truth)
      : network_(network),
        backend_(backend),
        options_(options),
        reduction_(with_truth && network.contract.scale > 1 ? network.contract.scale : 1) {}

  Result<SamplePictures> run() {
    if (options_.sources.empty()) return fail(ErrorCode::invalid_argument, "no clip or picture is given");
    // The size that fits all sources, so that one compiled network takes all parts.
    FL_CHECK(agree_on_size());
    const auto count = static_cast<int>(options_.sources.size());
    for (int k = 0; k < count; ++k) {
      const int wanted = std::max(1, (options_.pictures + k) / count);
      FL_CHECK(add_source(options_.sources[static_cast<size_t>(k)], wanted));
    }
    return std::move(result_);
  }

 private:
  Status agree_on_size() {
    const NetworkContract& contract = network_.contract;
    if (contract.fixed_width > 0) {
      width_ = contract.fixed_width;
      height_ = contract.fixed_height;
      return {};
    }
    width_ = options_.width;
    height_ = options_.height;
    for (const std::string& path : options_.sources) {
      SourceOptions source;
      source.path = path;
      source.apply_rotation = true;
      FL_TRY(const auto opened, open_source(source));
      width_ = std::min(width_, opened->info().width / reduction_);
      height_ = std::min(height_, opened->info().height / reduction_);
    }
    width_ -= width_ % contract.alignment;
    height_ -= height_ % contract.alignment;
    if (width_ < 1 || height_ < 1)
      return fail(ErrorCode::invalid_argument, "the pictures are too small for model {}", network_.name);
    return {};
  }

  Status add_source(const std::string& path, int wanted) {
    SourceOptions opening;
    opening.path = path;
    opening.apply_rotation = true;
    FL_TRY(const auto source, open_source(opening));
    const VideoInfo& info = source->info();
    FL_TRY(const PictureReader reader, reader_for(network_, info));
    std::optional<FrameNetwork> frame_network;
    if (network_.contract.frame_reduction) {
      CompileOptions compile;
      compile.threads = options_.threads;
      FL_TRY(frame_network,
             FrameNetwork::create(network_, backend_, compile, info.width, info.height, Reduction::bicubic, 0));
    }
    FL_TRY(const auto frames, pick_frames(*source, options_, wanted, path));
    RandomStream random{options_.seed, key_of(path)};
    const int top = place(random, info.height), left = place(random, info.width, true);
    for (const Frame& frame : frames) {
      SampleInputs inputs;
      const auto read = [&](const Region& region) {
        Tensor part(DType::f32, {1, 3, region.height, region.width});
        reader.run(frame, region, part.view());
        return part;
      };
      if (network_.contract.fixed_width > 0) {
        Tensor whole = read({0, 0, frame.width, frame.height});
        Reducer fit = Reducer::to_size(frame.height, frame.width, height_, width_, Reduction::bicubic);
        inputs.emplace_back(DType::f32, Shape{1, 3, height_, width_});
        fit.run(whole.view(), inputs[0].view());
      } else {
        const int y = options_.consecutive ? top : place(random, info.height);
        const int x = options_.consecutive ? left : place(random, info.width, true);
        inputs.push_back(read({x, y, width_ * reduction_, height_ * reduction_}));
      }
      if (reduction_ > 1) {
        Reducer reduce =
            Reducer::to_size(height_ * reduction_, width_ * reduction_, height_, width_, Reduction::bicubic);
        Tensor small(DType::f32, {1, 3, height_, width_});
        reduce.run(inputs[0].view(), small.view());
        for (float& v : small.f32()) v = std::clamp(v, 0.0f, 1.0f);  // cubic interpolation overshoots
        result_.truth.push_back(std::move(inputs[0]));
        inputs[0] = std::move(small);
      }
      if (frame_network) {
        FL_CHECK(frame_network->run(reader, frame));
        const TensorView vector = frame_network->vector();
        inputs.push_back(Tensor::from_f32(vector.shape, vector.f32()));
      }
      result_.inputs.push_back(std::move(inputs));
      result_.names.push_back(fmt::format("{} at {:.2f} s", std::filesystem::path(path).filename().string(),
                                          static_cast<double>(frame.pts.value_or(0)) * info.time_base.value()));
    }
    return {};
  }

  // The first row or column of a part.
  int place(RandomStream& random, int size, bool along_x = false) const {
    const int part = (along_x ? width_ : height_) * reduction_;
    return size > part ? static_cast<int>(random.below(static_cast<uint64_t>(size) - static_cast<uint64_t>(part) + 1))
                       : 0;
  }

  const Network& network_;
  Backend& backend_;
  const SampleOptions& options_;
  const int reduction_;  // of the pictures before the network
  int width_ = 0, height_ = 0;
  SamplePictures result_;
};

}  // namespace

Result<SamplePictures> read_samples(const Network& network, Backend& backend, const SampleOptions& options,
                                    bool with_truth) {
  return Sampler(network, backend, options, with_truth).run();
}

}  // namespace framelift
