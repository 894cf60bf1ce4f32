#include "profile/trace.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace framelift {
namespace {

int64_t nanoseconds(Clock::duration d) { return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count(); }

std::string json_text(std::string_view text) { return nlohmann::json(text).dump(); }

}  // namespace

int Trace::add_track(std::string name) {
  tracks_.push_back(std::move(name));
  return static_cast<int>(tracks_.size()) - 1;
}

int Trace::add_counter(std::string name) {
  counters_.push_back(std::move(name));
  return static_cast<int>(counters_.size()) - 1;
}

void Trace::add(const Event& event) {
  const size_t place = used_.fetch_add(1, std::memory_order_relaxed);
  if (place < events_.size()) events_[place] = event;
}

void Trace::add_span(int track, const char* name, Clock::time_point begin, Clock::time_point end, int64_t frame) {
  add({name, track, nanoseconds(begin - begin_), nanoseconds(end - begin), static_cast<double>(frame)});
}

void Trace::add_value(int counter, Clock::time_point at, double value) {
  add({nullptr, counter, nanoseconds(at - begin_), 0, value});
}

std::string Trace::to_json(const std::vector<std::pair<std::string, std::string>>& facts) const {
  std::string text = "{\"displayTimeUnit\":\"ms\",\"otherData\":{";
  auto out = std::back_inserter(text);
  for (const auto& [key, value] : facts) fmt::format_to(out, "{}:{},", json_text(key), json_text(value));
  fmt::format_to(out, "\"dropped events\":\"{}\"}},\"traceEvents\":[\n", dropped());
  text += R"({"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"framelift"}})";
  for (size_t i = 0; i < tracks_.size(); ++i) {
    fmt::format_to(out, ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{},\"name\":\"thread_name\",\"args\":{{\"name\":{}}}}}",
                   i + 1, json_text(tracks_[i]));
    fmt::format_to(
        out, ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{},\"name\":\"thread_sort_index\",\"args\":{{\"sort_index\":{}}}}}",
        i + 1, i + 1);
  }
  for (size_t i = 0; i < size(); ++i) {
    const Event& e = events_[i];
    const double begin_us = static_cast<double>(e.begin_ns) * 1e-3;
    if (e.name == nullptr) {
      fmt::format_to(out, ",\n{{\"ph\":\"C\",\"pid\":1,\"tid\":0,\"ts\":{:.3f},\"name\":{},\"args\":{{\"value\":{}}}}}",
                     begin_us, json_text(counters_[static_cast<size_t>(e.row)]), e.value);
      continue;
    }
    fmt::format_to(out, ",\n{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"dur\":{:.3f},\"name\":{}", e.row + 1,
                   begin_us, static_cast<double>(e.length_ns) * 1e-3, json_text(e.name));
    if (e.value >= 0) fmt::format_to(out, ",\"args\":{{\"frame\":{:.0f}}}", e.value);
    text += '}';
  }
  return text + "\n]}\n";
}

}  // namespace framelift
