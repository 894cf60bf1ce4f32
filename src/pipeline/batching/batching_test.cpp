#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>

#include "pipeline/batching/dynamic_batcher.h"

namespace framelift {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Ids = std::vector<uint64_t>;

const BatchQueue::Time start{};

BatchPolicy policy(int max_batch, std::vector<int> preferred = {}) {
  BatchPolicy p;
  p.max_batch = max_batch;
  p.preferred = std::move(preferred);
  p.timeout = milliseconds(5);
  return p;
}

TEST(BatchPolicy, RefusesWhatMakesNoSense) {
  EXPECT_TRUE(check_policy({}));
  BatchPolicy p = policy(0);
  EXPECT_FALSE(check_policy(p));
  p = policy(4, {5});
  EXPECT_FALSE(check_policy(p));
  p = policy(4, {0});
  EXPECT_FALSE(check_policy(p));
  p = policy(4);
  p.lanes = 0;
  EXPECT_FALSE(check_policy(p));
  p = policy(4);
  p.timeout = microseconds(-1);
  EXPECT_FALSE(check_policy(p));
  p = policy(4);
  p.max_queued = 0;
  EXPECT_FALSE(check_policy(p));
  p = policy(4);
  p.timeout = microseconds(0);
  EXPECT_TRUE(check_policy(p));
}

TEST(BatchQueue, AFullBatchLeavesAtOnceAndAPartWhenTheOldestHasWaited) {
  BatchQueue queue(policy(3));
  for (uint64_t id = 0; id < 2; ++id) queue.add({id, 0, 0, BatchQueue::never, start});
  EXPECT_EQ(queue.take_batch(start), Ids{});
  EXPECT_EQ(queue.next_time(), start + milliseconds(5));
  queue.add({2, 0, 0, BatchQueue::never, start + milliseconds(1)});
  queue.add({3, 0, 0, BatchQueue::never, start + milliseconds(2)});
  EXPECT_EQ(queue.take_batch(start + milliseconds(2)), (Ids{0, 1, 2}));
  EXPECT_EQ(queue.take_batch(start + milliseconds(6)), Ids{});
  EXPECT_EQ(queue.take_batch(start + milliseconds(7)), Ids{3});
  EXPECT_EQ(queue.next_time(), BatchQueue::never);
}

TEST(BatchQueue, PreferredSizesLeaveAtOnce) {
  BatchQueue queue(policy(8, {4, 2}));
  for (uint64_t id = 0; id < 7; ++id) queue.add({id, 0, 0, BatchQueue::never, start});
  EXPECT_EQ(queue.take_batch(start).size(), 4u);
  EXPECT_EQ(queue.take_batch(start).size(), 2u);
  EXPECT_EQ(queue.take_batch(start).size(), 0u);
  EXPECT_EQ(queue.take_batch(start, true).size(), 1u);  // flushed
}

TEST(BatchQueue, WithoutTimeoutNobodyWaits) {
  BatchPolicy p = policy(8);
  p.timeout = microseconds(0);
  BatchQueue queue(p);
  queue.add({0, 0, 0, BatchQueue::never, start});
  EXPECT_EQ(queue.take_batch(start), Ids{0});
}

TEST(BatchQueue, PriorityThenDeadlineThenAgeButStreamsKeepTheirOrder) {
  BatchQueue queue(policy(6));
  queue.add({0, 1, 0, BatchQueue::never, start});
  queue.add({1, 2, 0, start + milliseconds(90), start});
  queue.add({2, 3, 0, start + milliseconds(50), start});
  queue.add({3, 4, 7, BatchQueue::never, start});
  queue.add({4, 5, 1, BatchQueue::never, start});
  queue.add({5, 5, 9, BatchQueue::never, start});  // hurries 4, which goes before it
  EXPECT_EQ(queue.take_batch(start), (Ids{4, 5, 3, 2, 1, 0}));
}

TEST(BatchQueue, DeadlinesPass) {
  BatchQueue queue(policy(4));
  queue.add({0, 0, 0, start + milliseconds(2), start});
  queue.add({1, 0, 0, BatchQueue::never, start});
  EXPECT_EQ(queue.next_time(), start + milliseconds(2));
  EXPECT_EQ(queue.take_expired(start + milliseconds(1)), Ids{});
  EXPECT_EQ(queue.take_expired(start + milliseconds(2)), Ids{0});
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.next_time(), start + milliseconds(5));
}

TEST(BatchQueue, OneOfAStreamAtATime) {
  BatchPolicy p = policy(4, {1, 2});
  p.one_per_stream = true;
  BatchQueue queue(p);
  for (uint64_t id = 0; id < 3; ++id) queue.add({id, 7, 0, BatchQueue::never, start});
  queue.add({3, 8, 0, BatchQueue::never, start});
  EXPECT_EQ(queue.take_batch(start), (Ids{0, 3}));
  EXPECT_EQ(queue.take_batch(start, true), Ids{});
  queue.end_run(7);
  EXPECT_EQ(queue.take_batch(start), Ids{1});
}

TEST(BatchQueue, TakesSoManyAndNoMore) {
  BatchPolicy p = policy(2);
  p.max_queued = 3;
  BatchQueue queue(p);
  for (uint64_t id = 0; id < 3; ++id) EXPECT_TRUE(queue.add({id, 0, 0, BatchQueue::never, start}));
  EXPECT_FALSE(queue.add({3, 0, 0, BatchQueue::never, start}));
}

// Doubles every value after a while; counts what it is asked.
class Doubling final : public BatchRunner {
 public:
  explicit Doubling(int longest_us) : longest_us_(longest_us) {}
  Status run(int, std::span<const Item> items) override {
    thread_local std::mt19937 random(std::random_device{}());
    if (longest_us_ > 0) std::this_thread::sleep_for(microseconds(random() % static_cast<unsigned>(longest_us_)));
    for (const Item& item : items) {
      item.output.f32()[0] = 2 * item.input.f32()[0];
      if (item.state == nullptr) continue;
      if (item.state->empty()) item.state->push_back(Tensor::filled({1}, 0));
      float& sum = item.state->front().f32()[0];
      sum += item.input.f32()[0];
      item.output.f32()[0] = sum;
    }
    if (fail_) return fail(ErrorCode::internal, "no luck");
    return {};
  }
  std::atomic<bool> fail_{false};

 private:
  int longest_us_;
};

struct Call {
  Tensor input = Tensor::filled({1}, 0), output = Tensor::filled({1}, -1);
  std::atomic<int> results{0};
  BatchResult result;
};

DynamicBatcher::Request request(Call& call, int64_t stream, std::function<void()> then = {}) {
  DynamicBatcher::Request r;
  r.stream = stream;
  r.input = call.input.view();
  r.output = call.output.view();
  r.done = [&call, then = std::move(then)](const BatchResult& result) {
    call.result = result;
    ++call.results;
    if (then) then();
  };
  return r;
}

// Many callers at once: nothing is lost, nothing comes twice, and each stream's results come in order.
void many_callers(bool one_per_stream) {
  constexpr int callers = 4, calls = 300;
  BatchPolicy p = policy(8, {2, 4, 8});
  p.timeout = microseconds(200);
  p.lanes = 3;
  p.one_per_stream = one_per_stream;
  auto batcher = DynamicBatcher::create(p, std::make_unique<Doubling>(300)).value();
  std::vector<std::vector<Call>> all(callers);
  std::vector<std::vector<int>> order(callers);
  for (auto& calls_of : all) calls_of = std::vector<Call>(calls);
  {
    std::vector<std::jthread> threads;
    for (int caller = 0; caller < callers; ++caller)
      threads.emplace_back([&, caller] {
        std::mt19937 random(static_cast<unsigned>(caller));
        for (int i = 0; i < calls; ++i) {
          Call& call = all[static_cast<size_t>(caller)][static_cast<size_t>(i)];
          call.input.f32()[0] = static_cast<float>(i);
          auto r = request(call, caller, [&, caller, i] { order[static_cast<size_t>(caller)].push_back(i); });
          r.priority = static_cast<int>(random() % 3);
          ASSERT_TRUE(batcher->submit(std::move(r)));
          if (random() % 8 == 0) std::this_thread::sleep_for(microseconds(random() % 400));
        }
      });
  }
  batcher->drain();
  for (int caller = 0; caller < callers; ++caller) {
    const auto c = static_cast<size_t>(caller);
    ASSERT_EQ(order[c].size(), static_cast<size_t>(calls));
    EXPECT_TRUE(std::ranges::is_sorted(order[c]));
    float sum = 0;
    for (int i = 0; i < calls; ++i) {
      Call& call = all[c][static_cast<size_t>(i)];
      sum += static_cast<float>(i);
      EXPECT_EQ(call.results, 1);
      EXPECT_TRUE(call.result.status);
      EXPECT_EQ(call.output.f32()[0], one_per_stream ? sum : static_cast<float>(2 * i));
      EXPECT_GE(call.result.batch, 1);
    }
  }
  const auto statistics = batcher->statistics();
  EXPECT_EQ(statistics.requests, callers * calls);
  EXPECT_EQ(statistics.latency.count(), callers * calls);
  int64_t requests = 0, batches = 0;
  for (size_t size = 0; size < statistics.batches_of_size.size(); ++size) {
    requests += static_cast<int64_t>(size) * statistics.batches_of_size[size];
    batches += statistics.batches_of_size[size];
  }
  EXPECT_EQ(requests, callers * calls);
  EXPECT_EQ(batches, statistics.batches);
  if (one_per_stream) {
    EXPECT_EQ(statistics.batches_of_size[8], 0);  // there are four streams
  }
}

TEST(DynamicBatcher, LosesNothingAndKeepsOrder) { many_callers(false); }
TEST(DynamicBatcher, StreamsHaveAState) { many_callers(true); }

TEST(DynamicBatcher, PassedDeadlinesDoNotRun) {
  BatchPolicy p = policy(4);
  p.timeout = std::chrono::seconds(60);
  auto batcher = DynamicBatcher::create(p, std::make_unique<Doubling>(0)).value();
  Call late, kept;
  auto r = request(late, 1);
  r.deadline = Clock::now() + milliseconds(10);
  ASSERT_TRUE(batcher->submit(std::move(r)));
  ASSERT_TRUE(batcher->submit(request(kept, 2)));
  while (late.results == 0) std::this_thread::yield();
  EXPECT_EQ(late.result.status.error().code, ErrorCode::cancelled);
  EXPECT_EQ(late.result.batch, 0);
  EXPECT_EQ(late.output.f32()[0], -1);
  batcher->drain();  // long before its timeout
  EXPECT_TRUE(kept.result.status);
  EXPECT_EQ(batcher->statistics().expired, 1);
}

TEST(DynamicBatcher, StoppingAnswersEverybody) {
  BatchPolicy p = policy(4);
  p.timeout = std::chrono::seconds(60);
  p.max_queued = 3;
  auto batcher = DynamicBatcher::create(p, std::make_unique<Doubling>(0)).value();
  std::vector<Call> calls(3);
  for (Call& call : calls) ASSERT_TRUE(batcher->submit(request(call, 1)));
  Call refused;
  EXPECT_EQ(batcher->submit(request(refused, 1)).error().code, ErrorCode::out_of_memory);
  batcher->stop();
  for (Call& call : calls) EXPECT_EQ(call.result.status.error().code, ErrorCode::cancelled);
  EXPECT_EQ(batcher->submit(request(refused, 1)).error().code, ErrorCode::cancelled);
  EXPECT_EQ(refused.results, 0);
}

TEST(DynamicBatcher, FailuresReachTheirRequests) {
  BatchPolicy p = policy(2);
  p.timeout = microseconds(0);
  auto runner = std::make_unique<Doubling>(0);
  Doubling& doubling = *runner;
  auto batcher = DynamicBatcher::create(p, std::move(runner)).value();
  Call bad, good;
  doubling.fail_ = true;
  ASSERT_TRUE(batcher->submit(request(bad, 1)));
  batcher->drain();
  EXPECT_EQ(bad.result.status.error().message, "no luck");
  doubling.fail_ = false;
  ASSERT_TRUE(batcher->submit(request(good, 1)));
  batcher->drain();
  EXPECT_TRUE(good.result.status);
}

TEST(DynamicBatcher, ResultsMayAskForMore) {
  BatchPolicy p = policy(2);
  p.timeout = microseconds(0);
  auto batcher = DynamicBatcher::create(p, std::make_unique<Doubling>(0)).value();
  std::vector<Call> calls(50);
  std::function<void(size_t)> next = [&](size_t i) {
    if (i < calls.size()) {
      ASSERT_TRUE(batcher->submit(request(calls[i], 1, [&, i] { next(i + 1); })));
    }
  };
  next(0);
  batcher->drain();
  EXPECT_EQ(calls.back().results, 1);
}

TEST(NetworkBatches, GiveWhatSingleRunsGive) {
  const auto network = load_network("tests/golden/srvgg_x2.weights.safetensors");
  ASSERT_TRUE(network) << network.error().message;
  Backend& backend = *backends().back();  // the reference
  BatchPolicy p = policy(4, {1, 2, 4});
  p.lanes = 2;
  p.timeout = milliseconds(2);
  auto runner = network_batches(*network, backend, {}, 8, 10, {4, 1, 2, 2}, p.lanes);
  ASSERT_TRUE(runner) << runner.error().message;
  auto batcher = DynamicBatcher::create(p, std::move(*runner)).value();
  const auto single = backend.compile(*network->build(1, 8, 10), network->parameters, {}).value();
  const auto expected = single->create_request().value();

  std::mt19937 random(3);
  std::vector<Tensor> inputs, outputs;
  for (int i = 0; i < 11; ++i) {
    inputs.emplace_back(DType::f32, single->inputs()[0].shape);
    outputs.emplace_back(DType::f32, single->outputs()[0].shape);
    for (float& v : inputs.back().f32()) v = std::uniform_real_distribution<float>(0, 1)(random);
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    DynamicBatcher::Request r;
    r.stream = static_cast<int64_t>(i);
    r.input = inputs[i].view();
    r.output = outputs[i].view();
    r.done = [](const BatchResult& result) { EXPECT_TRUE(result.status); };
    ASSERT_TRUE(batcher->submit(std::move(r)));
  }
  batcher->drain();
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::ranges::copy(inputs[i].f32(), expected->input(0).f32().begin());
    ASSERT_TRUE(expected->start());
    ASSERT_TRUE(expected->wait());
    EXPECT_TRUE(std::ranges::equal(outputs[i].f32(), expected->output(0).f32())) << i;
  }
}

}  // namespace
}  // namespace framelift
