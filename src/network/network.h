// Networks as data: what goes in, what comes out, how the graph is built, which weights it takes.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "color/color_info.h"
#include "graph/graph.h"
#include "graph/quantization.h"
#include "network/segmentation/class_labels.h"
#include "weights/weight_file.h"

namespace framelift {

// How the whole frame is reduced for a network that sees it at once; one of both is set.
struct FrameReduction {
  int factor = 0;  // to this part of its size (a quarter: 4), by the method that the job chooses
  int edge = 0;    // to edge x edge pixels whatever its shape, bilinearly without a low-pass
};

// What the values of a network's output are.
enum class OutputKind : uint8_t {
  picture,
  scores,       // one plane per class of NetworkContract::classes; softmax makes probabilities of them
  probability,  // one plane: the probability of the second of two classes
};

// What preprocess must deliver and postprocess receives. No code downstream asks for a network's name.
struct NetworkContract {
  // Input: RGB planes in NCHW order, float, 0 = black, 1 = white of the source's transfer (no linearisation).
  int channels = 3;
  int scale = 1;  // output pixels per input pixel, each axis
  std::optional<FrameReduction>
      frame_reduction;  // of what Architecture::build_frame_graph takes; nothing: no such graph
  // Transfer and primaries that the network was made for, in values from 0 to 1 exactly; nothing: whatever the source
  // has.
  std::optional<ColorInfo> input_color;
  // What the output means, as RGB; nothing: the same as the input.
  std::optional<ColorInfo> output_color;
  float output_gain = 1;  // the output times this is what output_color says
  int alignment = 1;      // input width and height must be multiples of this; the pipeline pads by reflection and crops
  // Input pixels that neighbouring tiles share and blend over, for networks whose receptive field is larger than
  // useful; 0: tiles carry the receptive field and equal the untiled picture.
  int blend_overlap = 0;
  // The only size of picture that the network takes; 0: any.
  int fixed_width = 0, fixed_height = 0;
  OutputKind output = OutputKind::picture;
  std::vector<ClassLabel> classes;  // of networks whose output is no picture
};

// Whether colours of a contract are linear light.
inline bool is_linear(const std::optional<ColorInfo>& color) {
  return color && color->transfer == TransferCharacteristic::linear;
}

// From a BT.709 picture to PQ with BT.2020 primaries, pixel for pixel.
NetworkContract sdr_to_hdr_contract();

// From a BT.709 picture, given with `transfer` (linear, srgb), to linear light with the same primaries, pixel for
// pixel. 1 is SDR white.
NetworkContract sdr_to_linear_contract(TransferCharacteristic transfer);
// SDR whites that 1 of such a network's output stands for when its weights do not say.
inline constexpr float default_scale_hdr = 4;

// From a BT.709 picture to scores of the same size for so many classes, at most max_classes; of 1: to a probability.
inline constexpr int max_classes = 256;  // what a class mask of 8 bits holds
NetworkContract segmentation_contract(int planes);

// Integers that fix an architecture's shape: {"features", 64}, {"convs", 32}, {"scale", 4}, ...
using HyperParameters = std::map<std::string, int, std::less<>>;

// A network's graph for `batch` pictures of one size.
using GraphOfSize = std::function<Result<Graph>(int batch, int height, int width)>;

// What a file that holds its network itself says of it.
struct FileNetwork {
  NetworkContract contract;
  Parameters parameters;
  GraphOfSize build, build_frame_graph;  // as those of Architecture; the second is empty where there is none
  std::string summary;                   // one line: what was read and what was guessed; may be empty
};

// One network family. Static data, listed in registry.cpp.
struct Architecture {
  const char* name;         // "srvgg-compact"
  const char* description;  // one line for people
  // Hyper-parameters read off tensor names and shapes; `not_found` when the file is another architecture's.
  Result<HyperParameters> (*detect)(const WeightFile& file);
  // The file's tensors under the names that build() uses (upstream's state-dict keys), as float32, shapes checked.
  Result<Parameters> (*parameters)(const WeightFile& file, const HyperParameters& hyper);
  NetworkContract (*contract)(const HyperParameters& hyper);
  // Graph for an input of `height` x `width` (multiples of the alignment): input "image" [batch,3,H,W], output
  // "image" [batch,3,H*scale,W*scale], or "scores" [batch,planes,H,W] of segmentation networks.
  // Networks that depend on the whole frame take further inputs, the outputs of the frame graph by name.
  Result<Graph> (*build)(const HyperParameters& hyper, int batch, int height, int width);
  // What is computed once per frame, never per tile: from the reduced frame "picture" [batch,3,H,W] to small vectors.
  // Null for networks without.
  Result<Graph> (*build_frame_graph)(const HyperParameters& hyper, int batch, int height, int width) = nullptr;
  // In place of the four above, for files that hold the network itself.
  Result<FileNetwork> (*open)(const WeightFile& file, const HyperParameters& hyper) = nullptr;
};

// Those that weight files hold.
const std::vector<const Architecture*>& architectures();

// A network with its weights: ready to build and compile. Move-only.
struct Network {
  std::string name;  // "general-x4v3", or the file's stem
  const Architecture* architecture = nullptr;
  HyperParameters hyper;
  NetworkContract contract;
  Parameters parameters;                        // with the scales of quantised layers
  QuantizedLayers quantized_layers;             // those that compute with 8-bit integers
  std::map<std::string, std::string> metadata;  // licence, source, ...

  FileNetwork from_file;  // of architectures that open files; its contract and parameters are the two above

  // With FakeQuantize where layers are quantised. Errors: also invalid_argument, for a size that a network of one fixed
  // size does not take.
  Result<Graph> build(int batch, int height, int width) const;
  Result<Graph> build_frame_graph(int batch, int height, int width) const;
  // For a small picture whose edges are multiples of `alignments` times the alignment, or of the one size it takes.
  Result<Graph> build_sample(int alignments) const;
  int64_t parameter_count() const;
  Network clone() const;
};

// Detects a file's architecture and checks every tensor (name, shape, NaN/Inf).
Result<Network> make_network(const WeightFile& file);

// Reads a weight file of any format, then make_network().
Result<Network> load_network(const std::filesystem::path& path);

// Networks that are part of the program, by name: those that need no weights ("bt2446a", "bt2446c"), and those whose
// weights the project trained itself ("expand-small").
struct BuiltInNetwork {
  const char* name;
  const Architecture* architecture = nullptr;  // with `hyper`, of a network without weights
  HyperParameters hyper;
  std::span<const std::byte> weights;  // a safetensors file, static
};
const std::vector<BuiltInNetwork>& built_in_networks();

// The first backend that runs the network with these options for "auto", else the one of that name if it does; the
// error says why not.
Result<Backend*> find_backend(std::string_view name, const Network& network, const CompileOptions& options);

// Deep network interpolation (Wang et al., CVPR 2019): weights strength*a + (1-strength)*b of two networks of one
// shape.
Result<Network> interpolate(const Network& a, const Network& b, float strength);

}  // namespace framelift
