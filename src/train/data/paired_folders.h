// Training pairs from two folders of pictures.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/data/dataset.h"

namespace framelift {

// What the two folders hold, and what the samples become. In all pictures NaN counts as 0, +infinity as 10, -infinity
// as 0.
enum class PairKind : uint8_t {
  // ldr/ and hdr/. 8-bit sRGB, whatever its tags say, becomes linear light in 0..1. Targets, linear (EXR) as a rule,
  // become light in BT.709 primaries divided by `scale_hdr`.
  ldr_to_hdr,
  // sdr/ and hdr/. SDR frames and PQ-coded HDR frames, both as they are.
  sdr_to_hdr,
  // lr/ and hr/, as they are. Targets are a whole number of times as large.
  super_resolution,
};

struct PairFolders {
  std::filesystem::path input, target;
  PairKind kind = PairKind::ldr_to_hdr;
};

// The folders of a data set under their usual names. Errors: not_found, naming those that are looked for;
// invalid_argument when there is more than one such pair.
Result<PairFolders> find_pair_folders(const std::filesystem::path& folder);

struct PairRules {
  int minimum_side = 1024;  // of the target, in pixels: pairs with a shorter side are left out
  double scale_hdr = 4;     // of ldr_to_hdr, above 0
  bool decode_all = false;  // read every picture whole when opening, to find the damaged ones
};

// Why a picture or pair is not part of the data set.
enum class PairProblem : uint8_t {
  unpaired,       // no picture of that name in the other folder
  ambiguous,      // several pictures of that name in one folder
  size_mismatch,  // input and target do not fit together
  too_small,      // a side below PairRules::minimum_side
  unreadable,     // no picture, or damaged
};
inline constexpr std::array pair_problems{PairProblem::unpaired, PairProblem::ambiguous, PairProblem::size_mismatch,
                                          PairProblem::too_small, PairProblem::unreadable};
// "unpaired", "size mismatch", ...
const char* to_string(PairProblem problem);

struct LeftOut {
  std::string name;  // of the pair
  PairProblem problem;
  std::string detail;  // one line that names the file
};

// Pictures in both folders and all folders below them, paired by their path without extension ("scene1/0001"). Files
// without a picture's extension, hidden files and links to folders are passed over. Samples are sorted by name.
// load() fails, naming the file, when a picture cannot be decoded or has changed since.
class PairedFolders final : public Dataset {
 public:
  // Looks at the head of every file only, unless `rules.decode_all`. Errors: not_found (a folder), invalid_data (no
  // pair is left; the message counts why).
  static Result<std::unique_ptr<PairedFolders>> open(const PairFolders& folders, const PairRules& rules = {});

  size_t size() const override { return pairs_.size(); }
  const std::string& name(size_t i) const override { return pairs_[i].name; }
  Result<Sample> load(size_t i) const override;

  const PairFolders& folders() const { return folders_; }
  const PairRules& rules() const { return rules_; }
  const std::vector<LeftOut>& left_out() const { return left_out_; }
  size_t count(PairProblem problem) const;

 private:
  struct Pair {
    std::string name;
    std::filesystem::path input, target;
  };
  PairedFolders(PairFolders folders, PairRules rules) : folders_(std::move(folders)), rules_(rules) {}
  Status find_pairs();
  Status check_sizes(const Pair& pair, PairProblem& problem) const;
  Result<Sample> read(const Pair& pair) const;

  PairFolders folders_;
  PairRules rules_;
  std::vector<Pair> pairs_;
  std::vector<LeftOut> left_out_;
};

}  // namespace framelift
