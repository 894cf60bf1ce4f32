#include "train/data/make_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

#include "decode/picture_files.h"
#include "decode/picture_size.h"
#include "encode/output_file.h"
#include "train/data/rgb_picture.h"
#include "weights/catalogue/sha256.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr ColorInfo srgb{MatrixCoefficients::rgb, TransferCharacteristic::srgb, ColorPrimaries::bt709, ColorRange::full,
                         ChromaLocation::unspecified};
constexpr ColorInfo linear_rgb{MatrixCoefficients::rgb, TransferCharacteristic::linear, ColorPrimaries::bt709,
                               ColorRange::full, ChromaLocation::unspecified};
constexpr int quantiser_to_lambda = 118;  // FFmpeg's FF_QP2LAMBDA

double log_uniform(RandomStream& random, double low, double high) {
  return std::exp(random.uniform(std::log(low), std::log(high)));
}

Result<Tensor> cut(const Tensor& picture, const PictureCrop& crop, int size) {
  const int64_t height = picture.shape()[2], width = picture.shape()[3];
  if (crop.x + int64_t{size} > width || crop.y + int64_t{size} > height)
    return fail(ErrorCode::invalid_data, "the {}x{} crop at {},{} is not inside a picture of {}x{}", size, size, crop.x,
                crop.y, width, height);
  Tensor out(DType::f32, {1, 3, size, size});
  float* to = out.as<float>();
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < size; ++y, to += size)
      std::memcpy(to, picture.as<float>() + (c * height + crop.y + y) * width + crop.x,
                  static_cast<size_t>(size) * sizeof(float));
  return out;
}

Result<Tensor> look(const Tensor& picture, const PairRecipe& pair, int size) {
  if (const auto* view = std::get_if<PanoramaView>(&pair.view)) return view_panorama(picture, *view, size);
  return cut(picture, std::get<PictureCrop>(pair.view), size);
}

// As part of a file name that every system takes.
std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : text.substr(0, 64)) name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' ? c : '_';
  return name;
}

std::string ldr_file(const PairRecipe& pair) { return pair.name + (pair.jpeg ? ".jpg" : ".png"); }

Status write_ldr(const fs::path& path, Tensor& ldr, const std::optional<JpegQuality>& jpeg, bool overwrite) {
  PictureEncoding encoding{{ColorFamily::rgb, 8}, srgb, "", {}, overwrite};
  if (jpeg) {
    encoding.color.matrix = MatrixCoefficients::smpte170m;  // JFIF's
    encoding.color.chroma_location = ChromaLocation::center;
    encoding.pixel_format = jpeg->chroma_420 ? "yuvj420p" : "yuvj444p";
    encoding.encoder_options = {{"flags", "+qscale"},
                                {"global_quality", std::to_string(jpeg->scale * quantiser_to_lambda)}};
  }
  return write_rgb_picture(path.string(), ldr.view(), encoding);
}

Status write_hdr(const fs::path& path, Tensor& hdr, bool overwrite) {
  // Half floats end at 65504, which the sun may exceed.
  return write_rgb_picture(path.string(), hdr.view(),
                           {{ColorFamily::rgb, 32}, linear_rgb, "", {{"type", "float"}}, overwrite});
}

// Makes the pairs of a recipe one by one.
class Maker {
 public:
  Maker(const DatasetJob& job, fs::path from) : job_(job), from_(std::move(from)) {}

  Status prepare() const;
  // `draw` completes a pair when its picture is there; may be empty.
  using Draw = std::function<void(PairRecipe& pair, const Tensor& picture)>;
  Result<MadeDataset> run(DatasetRecipe recipe, const Draw& draw);

 private:
  Status remove_old_pairs() const;
  Status load(SourceRecipe& source);
  Status write(const DatasetRecipe& recipe, size_t done) const;

  const DatasetJob& job_;
  fs::path from_;
  Tensor picture_;
};

Status Maker::remove_old_pairs() const {
  std::error_code error;
  const fs::path old = job_.out / "recipe.json";
  if (!fs::exists(old, error)) return {};
  FL_TRY(const DatasetRecipe recipe, read_recipe(old));
  for (const PairRecipe& pair : recipe.pairs) {
    fs::remove(job_.out / "ldr" / ldr_file(pair), error);
    fs::remove(job_.out / "hdr" / (pair.name + ".exr"), error);
  }
  fs::remove(old, error);
  return {};
}

Status Maker::prepare() const {
  std::error_code error;
  const std::string out = job_.out.string();
  if (fs::exists(job_.out, error) && !fs::is_directory(job_.out, error))
    return fail(ErrorCode::invalid_argument, "{}: is a file; name a folder for the data set", out);
  if (fs::is_directory(job_.out, error) && !fs::is_empty(job_.out, error)) {
    if (!job_.overwrite)
      return fail(ErrorCode::already_exists, "{}: is not empty; name a new folder, or use --overwrite", out);
    FL_CHECK(remove_old_pairs());
  }
  for (const char* sub : {"ldr", "hdr"}) {
    fs::create_directories(job_.out / sub, error);
    if (error) return fail(ErrorCode::io, "{}: cannot be made ({})", (job_.out / sub).string(), error.message());
  }
  return {};
}

Status Maker::load(SourceRecipe& source) {
  const std::string path = (from_ / source.file).string();
  FL_TRY(const std::string sha256, sha256_file(path));
  if (source.sha256.empty()) source.sha256 = sha256;
  if (source.sha256 != sha256)
    return fail(ErrorCode::invalid_data, "{}: is not the picture that the recipe was made with (its SHA-256 is {})",
                path, sha256);
  FL_TRY(RgbPicture picture, read_rgb_picture(path));
  replace_non_finite(picture.rgb.view());
  to_linear_light(picture);
  picture_ = std::move(picture.rgb);
  return {};
}

Status Maker::write(const DatasetRecipe& recipe, size_t done) const {
  if (done == 0) return {};
  DatasetRecipe finished = recipe;
  finished.pairs.resize(done);
  const std::string path = (job_.out / "recipe.json").string();
  FL_TRY(OutputFile file, OutputFile::create(path, "", job_.overwrite));
  std::ofstream stream(file.temporary_path(), std::ios::binary);
  if (!(stream << to_json(finished) << std::flush))
    return fail(ErrorCode::io, "{}: cannot be written; check the free space", path);
  return file.commit();
}

Result<MadeDataset> Maker::run(DatasetRecipe recipe, const Draw& draw) {
  MadeDataset made;
  made.pictures = recipe.sources.size();
  const PairRecipe* before = nullptr;
  for (PairRecipe& pair : recipe.pairs) {
    if (job_.cancel && job_.cancel->requested()) {
      FL_CHECK(write(recipe, made.pairs));
      return fail(ErrorCode::cancelled, "cancelled; {} of {} pairs are in {}", made.pairs, recipe.pairs.size(),
                  job_.out.string());
    }
    SourceRecipe& source = recipe.sources[pair.source];
    if (!before || before->source != pair.source) FL_CHECK(load(source));
    before = &pair;
    if (draw) draw(pair, picture_);
    auto rendered = render_pair(picture_, pair, recipe.size);
    if (!rendered) return fail(rendered.error().code, "{}: {}", source.file, rendered.error().message);
    FL_CHECK(write_hdr(job_.out / "hdr" / (pair.name + ".exr"), rendered->hdr, job_.overwrite));
    FL_CHECK(write_ldr(job_.out / "ldr" / ldr_file(pair), rendered->ldr, pair.jpeg, job_.overwrite));
    ++made.pairs;
    if (job_.on_pair) job_.on_pair(made.pairs, recipe.pairs.size());
  }
  FL_CHECK(write(recipe, made.pairs));
  return made;
}

struct FoundPicture {
  std::string file;  // below the folder
  bool panorama = false;
};

bool is_panorama(PictureSize size, Projection projection) {
  return projection == Projection::panorama ||
         (projection == Projection::automatic && has_panorama_shape(size.width, size.height));
}

// Sorted by name. Pictures that cannot be used are described in `left_out`.
Result<std::vector<FoundPicture>> find_pictures(const DatasetDraw& draw, fs::path& folder,
                                                std::vector<std::string>& left_out) {
  std::error_code error;
  std::vector<std::string> files;
  if (fs::is_directory(draw.from, error)) {
    folder = draw.from;
    fs::recursive_directory_iterator entry(folder, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
      if (entry->is_regular_file(error) && is_picture_name(entry->path()) &&
          !entry->path().filename().string().starts_with('.'))
        files.push_back(entry->path().lexically_relative(folder).generic_string());
    if (error) return fail(ErrorCode::io, "{}: cannot be read ({})", folder.string(), error.message());
    std::ranges::sort(files);
  } else if (fs::exists(draw.from, error)) {
    folder = draw.from.has_parent_path() ? draw.from.parent_path() : fs::path(".");
    files.push_back(draw.from.filename().string());
  } else {
    return fail(ErrorCode::not_found, "{}: no such picture or folder", draw.from.string());
  }
  std::vector<FoundPicture> found;
  for (const std::string& file : files) {
    const std::string path = (folder / file).string();
    const auto size = read_picture_size(path);
    if (!size) {
      left_out.push_back(size.error().message);
      continue;
    }
    const bool panorama = is_panorama(*size, draw.projection);
    if (!panorama && std::min(size->width, size->height) < draw.size)
      left_out.push_back(fmt::format("{}: {}x{} is smaller than {}x{} (--size)", path, size->width, size->height,
                                     draw.size, draw.size));
    else
      found.push_back({file, panorama});
  }
  if (!found.empty()) return found;
  if (left_out.size() == 1) return fail(ErrorCode::invalid_data, "{}", left_out.front());
  return fail(ErrorCode::invalid_data, "{}: holds no usable picture ({} unreadable or smaller than {}x{})",
              draw.from.string(), left_out.size(), draw.size, draw.size);
}

// With fewer pairs than pictures, as many pictures by chance. In their order.
void choose_pictures(std::vector<FoundPicture>& pictures, const DatasetDraw& draw) {
  RandomStream random{draw.seed, key_of("pictures")};
  for (size_t i = pictures.size(); i > 1; --i) std::swap(pictures[i - 1], pictures[random.below(i)]);
  pictures.resize(std::min(pictures.size(), static_cast<size_t>(draw.count)));
  std::ranges::sort(pictures, {}, &FoundPicture::file);
}

// Spread evenly over the pictures, and in their order, so that each is read once.
std::vector<PairRecipe> plan_pairs(const std::vector<FoundPicture>& pictures, const DatasetDraw& draw) {
  std::vector<PairRecipe> pairs(static_cast<size_t>(draw.count));
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].source = i * pictures.size() / pairs.size();
  for (size_t i = 0; i < pairs.size(); ++i)
    pairs[i].name = fmt::format("{:05}_{}", i, plain_name(fs::path(pictures[pairs[i].source].file).stem().string()));
  return pairs;
}

}  // namespace

PairRecipe draw_pair(const Tensor& picture, int size, bool panorama, const CameraRanges& ranges, RandomStream random) {
  PairRecipe pair;
  if (panorama) {
    // No narrower than the panorama has pixels for, as far as 90 degrees allow.
    const double narrowest = std::clamp(360.0 * size / static_cast<double>(picture.shape()[3]), 45.0, 90.0);
    const double yaw = random.uniform(-180, 180), pitch = random.uniform(-30, 30);
    pair.view = PanoramaView{yaw, pitch, random.uniform(narrowest, narrowest + 15)};
  } else {
    const auto place = [&](int64_t side) {
      return static_cast<int>(random.below(static_cast<uint64_t>(side - size) + 1));
    };
    const int x = place(picture.shape()[3]);
    pair.view = PictureCrop{x, place(picture.shape()[2])};
  }
  const double clipped = random.uniform(ranges.clipped_low, ranges.clipped_high);
  for (const size_t channel : {size_t{0}, size_t{2}})
    pair.gain[channel] = std::exp2(random.uniform(-ranges.white_balance_stops, ranges.white_balance_stops));

  const double n = 0.9 + 0.1 * random.normal(), sigma = 0.6 + 0.1 * random.normal();
  if (random.chance(ranges.camera_share)) pair.camera.curve = {std::clamp(n, 0.6, 1.2), std::clamp(sigma, 0.3, 0.9)};
  // From base sensitivity in bright light to a phone at dusk.
  const double shot = log_uniform(random, 1e-5, 1e-3), read = log_uniform(random, 1e-4, 3e-3);
  const uint64_t noise_seed = random.bits();
  if (random.chance(ranges.noise_share)) pair.camera.noise = {shot, read, noise_seed};
  const JpegQuality jpeg{2 + static_cast<int>(random.below(7)), random.chance(0.5)};
  if (random.chance(ranges.jpeg_share)) pair.jpeg = jpeg;

  // Exposure is set for the colours as they are balanced.
  if (auto seen = look(picture, pair, size)) {
    apply_gain(seen->view(), pair.gain);
    const double exposure = exposure_for(seen->view(), clipped);
    for (double& gain : pair.gain) gain *= exposure;
  }
  return pair;
}

Result<RenderedPair> render_pair(const Tensor& picture, const PairRecipe& pair, int size) {
  RenderedPair rendered;
  FL_TRY(rendered.hdr, look(picture, pair, size));
  apply_gain(rendered.hdr.view(), pair.gain);
  rendered.ldr = rendered.hdr.clone();
  photograph(rendered.ldr.view(), pair.camera);
  return rendered;
}

Result<MadeDataset> make_dataset(const DatasetDraw& draw, const DatasetJob& job) {
  fs::path folder;
  std::vector<std::string> left_out;
  FL_TRY(auto pictures, find_pictures(draw, folder, left_out));
  choose_pictures(pictures, draw);
  DatasetRecipe recipe{folder.string(), draw.seed, draw.size, {}, plan_pairs(pictures, draw)};
  for (const FoundPicture& picture : pictures) recipe.sources.push_back({picture.file, ""});
  Maker maker(job, folder);
  FL_CHECK(maker.prepare());
  uint64_t number = 0;
  FL_TRY(MadeDataset made, maker.run(std::move(recipe), [&](PairRecipe& pair, const Tensor& picture) {
    PairRecipe drawn = draw_pair(picture, draw.size, pictures[pair.source].panorama, draw.ranges,
                                 {draw.seed, key_of("pair"), number++});
    drawn.name = std::move(pair.name);
    drawn.source = pair.source;
    pair = std::move(drawn);
  }));
  made.left_out = std::move(left_out);
  return made;
}

Result<MadeDataset> remake_dataset(const DatasetRecipe& recipe, const fs::path& from, const DatasetJob& job) {
  Maker maker(job, from.empty() ? fs::path(recipe.from) : from);
  FL_CHECK(maker.prepare());
  return maker.run(recipe, nullptr);
}

}  // namespace framelift
