#include "train/data/recipe.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

namespace framelift {
namespace {

using Json = nlohmann::ordered_json;
constexpr int version = 1;
constexpr int largest_size = 16384;

Json json_of(const PairRecipe& pair) {
  Json json{{"name", pair.name}, {"source", pair.source}};
  if (const auto* crop = std::get_if<PictureCrop>(&pair.view))
    json["crop"] = {{"x", crop->x}, {"y", crop->y}};
  else if (const auto* view = std::get_if<PanoramaView>(&pair.view))
    json["view"] = {
        {"yaw", view->yaw_degrees}, {"pitch", view->pitch_degrees}, {"field_of_view", view->field_of_view_degrees}};
  json["gain"] = pair.gain;
  const auto& [noise, curve] = pair.camera;
  json["noise"] = {{"shot", noise.shot}, {"read", noise.read}, {"seed", noise.seed}};
  json["curve"] = {{"n", curve.n}, {"sigma", curve.sigma}};
  if (pair.jpeg) json["jpeg"] = {{"scale", pair.jpeg->scale}, {"chroma_420", pair.jpeg->chroma_420}};
  return json;
}

// A relative path that stays below its folder.
bool stays_inside(const std::string& text) {
  const std::filesystem::path path(text);
  if (text.empty() || path.is_absolute()) return false;
  for (const auto& part : path)
    if (part == ".." || part == ".") return false;
  return true;
}

// Reads members of a JSON object; the first thing that is wrong is kept.
class Reader {
 public:
  Reader(const Json& json, std::string where, std::string& error)
      : json_(json), where_(std::move(where)), error_(error) {}

  double number(const char* key, double low, double high) const {
    const Json* value = member(key);
    const double number = value && value->is_number() ? value->get<double>() : NAN;
    if (number >= low && number <= high) return number;
    wrong(key);
    return low;
  }
  uint64_t integer(const char* key, uint64_t low, uint64_t high) const {
    const Json* value = member(key);
    if (value && value->is_number_unsigned())
      if (const auto number = value->get<uint64_t>(); number >= low && number <= high) return number;
    wrong(key);
    return low;
  }
  int small(const char* key, int low, int high) const {
    return static_cast<int>(integer(key, static_cast<uint64_t>(low), static_cast<uint64_t>(high)));
  }
  bool flag(const char* key) const {
    const Json* value = member(key);
    if (!value || !value->is_boolean()) wrong(key);
    return value && value->is_boolean() && value->get<bool>();
  }
  std::string text(const char* key) const {
    const Json* value = member(key);
    if (value && value->is_string()) return value->get<std::string>();
    wrong(key);
    return "";
  }
  std::array<double, 3> gains(const char* key) const {
    std::array<double, 3> values{1, 1, 1};
    const Json* list = member(key);
    bool good = list && list->is_array() && list->size() == values.size();
    for (size_t i = 0; good && i < values.size(); ++i) {
      good = (*list)[i].is_number() && (*list)[i] > 0 && std::isfinite((*list)[i].get<double>());
      if (good) values[i] = (*list)[i].get<double>();
    }
    if (!good) wrong(key);
    return values;
  }
  Reader object(const char* key) const {
    static const Json empty = Json::object();
    const Json* value = member(key);
    if (!value || !value->is_object()) wrong(key);
    return {value && value->is_object() ? *value : empty, where_ + key + ".", error_};
  }
  template <class Function>
  void each(const char* key, Function function) const {
    const Json* list = member(key);
    if (!list || !list->is_array()) return wrong(key);
    for (size_t i = 0; i < list->size() && error_.empty(); ++i)
      function(Reader((*list)[i], fmt::format("{}{}[{}].", where_, key, i), error_));
  }
  bool has(const char* key) const { return json_.is_object() && json_.contains(key); }
  void wrong(const char* key) const {
    if (error_.empty()) error_ = where_ + key;
  }

 private:
  const Json* member(const char* key) const { return has(key) ? &json_.at(key) : nullptr; }

  const Json& json_;
  std::string where_;
  std::string& error_;
};

PairRecipe pair_from(const Reader& r, size_t sources) {
  PairRecipe pair;
  pair.name = r.text("name");
  if (!stays_inside(pair.name) || pair.name.find('/') != std::string::npos) r.wrong("name");
  pair.source = r.integer("source", 0, sources - 1);
  if (r.has("view")) {
    const Reader v = r.object("view");
    pair.view = PanoramaView{v.number("yaw", -360, 360), v.number("pitch", -90, 90), v.number("field_of_view", 1, 179)};
  } else {
    const Reader c = r.object("crop");
    pair.view = PictureCrop{c.small("x", 0, 1 << 24), c.small("y", 0, 1 << 24)};
  }
  pair.gain = r.gains("gain");
  const Reader noise = r.object("noise"), curve = r.object("curve");
  pair.camera.noise = {noise.number("shot", 0, 1), noise.number("read", 0, 1), noise.integer("seed", 0, ~uint64_t{0})};
  pair.camera.curve = {curve.number("n", 0.01, 100), curve.number("sigma", 0, 1e6)};
  if (r.has("jpeg")) {
    const Reader jpeg = r.object("jpeg");
    pair.jpeg = JpegQuality{jpeg.small("scale", 1, 31), jpeg.flag("chroma_420")};
  }
  return pair;
}

}  // namespace

std::string to_json(const DatasetRecipe& recipe) {
  Json sources = Json::array(), pairs = Json::array();
  for (const SourceRecipe& source : recipe.sources)
    sources.push_back({{"file", source.file}, {"sha256", source.sha256}});
  for (const PairRecipe& pair : recipe.pairs) pairs.push_back(json_of(pair));
  const Json json{{"framelift_dataset", version}, {"from", recipe.from}, {"seed", recipe.seed},
                  {"size", recipe.size},          {"sources", sources},  {"pairs", pairs}};
  // File names need not be UTF-8.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<DatasetRecipe> read_recipe(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return fail(ErrorCode::not_found, "{}: cannot be read; give the recipe.json of a data set", path.string());
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object())
    return fail(ErrorCode::invalid_data, "{}: is no JSON, or damaged", path.string());
  std::string error;
  const Reader r(json, "", error);
  r.small("framelift_dataset", version, version);
  DatasetRecipe recipe;
  recipe.from = r.text("from");
  recipe.seed = r.integer("seed", 0, ~uint64_t{0});
  recipe.size = r.small("size", 1, largest_size);
  r.each("sources", [&](const Reader& s) {
    recipe.sources.push_back({s.text("file"), s.text("sha256")});
    if (!stays_inside(recipe.sources.back().file)) s.wrong("file");
  });
  if (recipe.sources.empty()) r.wrong("sources");
  std::set<std::string> names;
  r.each("pairs", [&](const Reader& p) {
    recipe.pairs.push_back(pair_from(p, recipe.sources.size()));
    if (!names.insert(recipe.pairs.back().name).second) p.wrong("name");
  });
  if (recipe.pairs.empty()) r.wrong("pairs");
  if (!error.empty())
    return fail(ErrorCode::invalid_data, "{}: {} is missing or makes no sense; is it the recipe.json of a data set?",
                path.string(), error);
  return recipe;
}

}  // namespace framelift
