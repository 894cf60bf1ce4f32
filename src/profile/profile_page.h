// One page about where a job's time and memory went.
#pragma once

#include <string>

#include "profile/profile.h"
#include "profile/statistics.h"

namespace framelift {

// "The network is busy 97 % of the time ...", and what may help.
std::string bottleneck_sentence(const JobReport& report);

// HTML in one file without scripts, fonts or links. The profile's monitor has stopped.
std::string profile_page(const JobReport& report, const Profile& profile);

}  // namespace framelift
