#include "network/hinerv/config_text.h"

#include <algorithm>
#include <set>

#include "base/parse_number.h"

namespace framelift {
namespace {

constexpr const char* network_key = "network";
constexpr const char* network_name = "hinerv";

// Calls f(key, number) for each number of the configuration: one list for writing and reading.
template <class Config, class F>
void for_each_number(Config& c, F f) {
  f("channels", c.channels);
  f("least-channels", c.least_channels);
  f("stem-kernel", c.stem_kernel);
  f("base-frames", c.base_frames);
  f("base-channels", c.base_channels);
  f("base-levels", c.base_levels);
  f("grid-channels", c.grid_channels);
  f("grid-levels", c.grid_levels);
}

// And f(key, member) for what each stage has.
template <class F>
void for_each_list(F f) {
  f("scales", &HinervStage::scale);
  f("depths", &HinervStage::depth);
  f("expansions", &HinervStage::expansion);
  f("kernels", &HinervStage::kernel);
}

constexpr const char* norm_key = "upsample-norm";
constexpr const char* output_key = "output";
constexpr const char* ycbcr_420_name = "ycbcr-420";

class Reader {
 public:
  Reader(const HinervTexts& texts, std::string_view file) : texts_(texts), file_(file) {}

  Result<HinervConfig> read() {
    HinervConfig config;
    FL_TRY(const std::string_view name, text(network_key));
    if (name != network_name)
      return fail(ErrorCode::unsupported, "{}: holds a network '{}', which this version does not know", file_, name);
    Status status;
    for_each_number(config, [&](const char* key, int& number) {
      if (status) status = read_number(key, number);
    });
    for_each_list([&](const char* key, auto member) {
      if (status) status = read_list(key, member, config.stages);
    });
    int norm = 0;
    if (status) status = read_number(norm_key, norm);
    FL_CHECK(status);
    config.upsample_norm = norm != 0;
    if (std::ranges::find(texts_, output_key, &HinervTexts::value_type::first) != texts_.end()) {
      FL_TRY(const std::string_view output, text(output_key));
      if (output != ycbcr_420_name)
        return fail(ErrorCode::unsupported, "{}: its network paints '{}', which this version does not know", file_,
                    output);
      config.output = HinervOutput::ycbcr_420;
    }
    for (const auto& [key, value] : texts_)
      if (!used_.contains(key))
        return fail(ErrorCode::unsupported, "{}: its network has a setting '{}', which this version does not know",
                    file_, key);
    return config;
  }

 private:
  Result<std::string_view> text(std::string_view key) {
    const std::string* found = nullptr;
    for (const auto& [name, value] : texts_)
      if (name == key) {
        if (found) return fail(ErrorCode::invalid_data, "{}: its network has the setting '{}' twice", file_, key);
        found = &value;
      }
    if (!found) return fail(ErrorCode::invalid_data, "{}: its network lacks the setting '{}'", file_, key);
    used_.emplace(key);
    return std::string_view(*found);
  }

  template <class Number>
  Status set_number(std::string_view key, std::string_view text, Number& number) const {
    if (const auto parsed = parse_number<Number>(text)) {
      number = *parsed;
      return {};
    }
    return fail(ErrorCode::invalid_data, "{}: its network's setting '{}' is no number", file_, key);
  }

  Status read_number(const char* key, int& number) {
    FL_TRY(const std::string_view value, text(key));
    return set_number(key, value, number);
  }

  template <class Member>
  Status read_list(const char* key, Member member, std::vector<HinervStage>& stages) {
    FL_TRY(std::string_view rest, text(key));
    std::vector<std::string_view> parts;
    for (size_t comma = 0; comma != std::string_view::npos; rest.remove_prefix(std::min(comma + 1, rest.size()))) {
      comma = rest.find(',');
      parts.push_back(rest.substr(0, comma));
    }
    if (stages.empty()) stages.resize(parts.size());
    if (stages.size() != parts.size())
      return fail(ErrorCode::invalid_data, "{}: its network's '{}' do not fit its other stages", file_, key);
    for (size_t i = 0; i < parts.size(); ++i) FL_CHECK(set_number(key, parts[i], stages[i].*member));
    return {};
  }

  const HinervTexts& texts_;
  std::string_view file_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace

HinervTexts hinerv_texts(const HinervConfig& config) {
  HinervTexts texts{{network_key, network_name}};
  for_each_number(config, [&](const char* key, int number) { texts.emplace_back(key, fmt::format("{}", number)); });
  for_each_list([&](const char* key, auto member) {
    std::string list;
    for (const HinervStage& stage : config.stages) list += (list.empty() ? "" : ",") + fmt::format("{}", stage.*member);
    texts.emplace_back(key, std::move(list));
  });
  texts.emplace_back(norm_key, config.upsample_norm ? "1" : "0");
  if (config.output == HinervOutput::ycbcr_420) texts.emplace_back(output_key, ycbcr_420_name);
  return texts;
}

Result<HinervConfig> parse_hinerv_texts(const HinervTexts& texts, int frames, int height, int width,
                                        std::string_view file) {
  FL_TRY(HinervConfig config, Reader(texts, file).read());
  config.frames = frames;
  config.height = height;
  config.width = width;
  if (const Status valid = check_hinerv(config); !valid)
    return fail(valid.error().code, "{}: {}", file, valid.error().message);
  return config;
}

}  // namespace framelift
