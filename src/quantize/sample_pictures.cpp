#include "quantize/sample_pictures.h"

#include <algorithm>
#include <optional>

#include "pipeline/frame_network.h"
#include "preprocess/reduce.h"
#include "train/data/clip_frames.h"
#include "train/data/random_stream.h"

namespace framelift {
namespace {

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
    FL_TRY(const ClipFrames clip, read_clip_frames(path, {wanted, options_.begin, options_.end, options_.consecutive}));
    FL_TRY(const PictureReader reader, clip.reader(network_.contract.input_color));
    const VideoInfo& info = clip.info;
    std::optional<FrameNetwork> frame_network;
    if (network_.contract.frame_reduction) {
      CompileOptions compile;
      compile.threads = options_.threads;
      FL_TRY(frame_network,
             FrameNetwork::create(network_, backend_, compile, info.width, info.height, Reduction::bicubic, 0));
    }
    RandomStream random{options_.seed, key_of(path)};
    const int top = place(random, info.height), left = place(random, info.width, true);
    for (size_t i = 0; i < clip.frames.size(); ++i) {
      const Frame& frame = clip.frames[i];
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
      result_.names.push_back(clip.name(i));
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
