// A run as one page to look at.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/run/history.h"

namespace framelift {

// The charts of a run: file name in the run folder, and the SVG.
struct RunChart {
  std::string file_name;
  std::string svg;
};
std::vector<RunChart> run_charts(const History& history);

struct ReportPicture {
  std::string caption;
  std::filesystem::path png;
};

// A self-contained HTML page: figures, charts, pictures (embedded), and the configuration as it is in config.json.
// Pictures that cannot be read are left out.
std::string report_page(const std::string& title, const History& history, const std::vector<RunChart>& charts,
                        const std::vector<ReportPicture>& pictures, const std::string& config_json);

}  // namespace framelift
