#include "pipeline/batching/batch_queue.h"

#include <algorithm>
#include <tuple>

namespace framelift {

Status check_policy(const BatchPolicy& p) {
  if (p.max_batch < 1) return fail(ErrorCode::invalid_argument, "a batch has at least 1 request, not {}", p.max_batch);
  if (p.lanes < 1) return fail(ErrorCode::invalid_argument, "at least 1 batch runs at a time, not {}", p.lanes);
  if (p.max_queued < 1) return fail(ErrorCode::invalid_argument, "at least 1 request can wait");
  if (p.timeout.count() < 0) return fail(ErrorCode::invalid_argument, "the timeout is below 0");
  for (const int size : p.preferred)
    if (size < 1 || size > p.max_batch)
      return fail(ErrorCode::invalid_argument, "preferred batch size {} is not in 1..{}", size, p.max_batch);
  return {};
}

int BatchQueue::Stream::priority() const { return std::ranges::max(waiting, {}, &Request::priority).priority; }
BatchQueue::Time BatchQueue::Stream::deadline() const {
  return std::ranges::min(waiting, {}, &Request::deadline).deadline;
}

BatchQueue::BatchQueue(const BatchPolicy& policy) : policy_(policy) {
  if (policy_.preferred.empty()) policy_.preferred = {policy_.max_batch};
  std::ranges::sort(policy_.preferred);
}

bool BatchQueue::add(const Request& request) {
  if (size_ >= policy_.max_queued) return false;
  streams_[request.stream].waiting.push_back(request);
  ++size_;
  return true;
}

std::vector<uint64_t> BatchQueue::take_expired(Time now) {
  std::vector<uint64_t> expired;
  for (auto stream = streams_.begin(); stream != streams_.end();) {
    auto& waiting = stream->second.waiting;
    for (const Request& r : waiting)
      if (r.deadline <= now) expired.push_back(r.id);
    std::erase_if(waiting, [&](const Request& r) { return r.deadline <= now; });
    stream = waiting.empty() ? streams_.erase(stream) : std::next(stream);
  }
  size_ -= expired.size();
  return expired;
}

int BatchQueue::ready() const {
  if (!policy_.one_per_stream) return static_cast<int>(std::min<size_t>(size_, static_cast<size_t>(policy_.max_batch)));
  const auto free = [&](const auto& stream) { return !busy_.contains(stream.first); };
  return std::min(static_cast<int>(std::ranges::count_if(streams_, free)), policy_.max_batch);
}

BatchQueue::Time BatchQueue::oldest() const {
  Time oldest = never;
  for (const auto& [id, stream] : streams_)
    if (!busy_.contains(id)) oldest = std::min(oldest, stream.waiting.front().arrived);
  return oldest;
}

std::vector<uint64_t> BatchQueue::take_batch(Time now, bool flush) {
  const int count = ready();
  if (count == 0) return {};
  int size = 0;
  for (const int preferred : policy_.preferred)
    if (preferred <= count) size = preferred;
  if (flush || now - oldest() >= policy_.timeout) size = count;

  std::vector<uint64_t> batch;
  while (static_cast<int>(batch.size()) < size) {
    auto best = streams_.end();
    const auto rank = [](const Stream& s) {
      return std::tuple(-s.priority(), s.deadline(), s.waiting.front().arrived, s.waiting.front().id);
    };
    for (auto stream = streams_.begin(); stream != streams_.end(); ++stream)
      if (!busy_.contains(stream->first) && (best == streams_.end() || rank(stream->second) < rank(best->second)))
        best = stream;
    batch.push_back(best->second.waiting.front().id);
    best->second.waiting.pop_front();
    --size_;
    if (policy_.one_per_stream) busy_.insert(best->first);
    if (best->second.waiting.empty()) streams_.erase(best);
  }
  return batch;
}

BatchQueue::Time BatchQueue::next_time() const {
  Time next = never;
  if (const Time first = oldest(); first != never) next = first + policy_.timeout;
  for (const auto& [id, stream] : streams_) next = std::min(next, stream.deadline());
  return next;
}

}  // namespace framelift
