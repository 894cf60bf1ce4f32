#include <framelift/framelift.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <limits>
#include <new>
#include <sstream>

#include "network/model_store.h"
#include "network/network.h"
#include "pipeline/batching/dynamic_batcher.h"
#include "pipeline/mask/mask_text.h"
#include "pipeline/video_job.h"

using namespace framelift;

struct framelift_network {
  Network network;
};

struct framelift_engine {
  Shape input, output;  // of one picture
  std::unique_ptr<DynamicBatcher> batcher;
  std::atomic<int64_t> calls = 0;
};

namespace {

thread_local std::string last_error;

framelift_status status_of(const Error& error) {
  last_error = error.message;
  switch (error.code) {
    case ErrorCode::invalid_argument: return FRAMELIFT_INVALID_ARGUMENT;
    case ErrorCode::not_found: return FRAMELIFT_NOT_FOUND;
    case ErrorCode::already_exists: return FRAMELIFT_ALREADY_EXISTS;
    case ErrorCode::invalid_data: return FRAMELIFT_INVALID_DATA;
    case ErrorCode::unsupported: return FRAMELIFT_UNSUPPORTED;
    case ErrorCode::io: return FRAMELIFT_IO;
    case ErrorCode::out_of_memory: return FRAMELIFT_OUT_OF_MEMORY;
    case ErrorCode::cancelled: return FRAMELIFT_CANCELLED;
    case ErrorCode::internal: return FRAMELIFT_INTERNAL;
  }
  return FRAMELIFT_INTERNAL;
}

// The boundary that no exception crosses.
template <class F>
framelift_status guarded(F&& body) {
  try {
    const Status status = body();
    return status ? FRAMELIFT_OK : status_of(status.error());
  } catch (const std::bad_alloc&) {
    return status_of({ErrorCode::out_of_memory, "out of memory"});
  } catch (const std::exception& e) {
    return status_of({ErrorCode::internal, e.what()});
  }
}

// A structure of a caller's version completed with the defaults of this one.
template <class Options>
Result<Options> complete(const Options* given, Options defaults) {
  if (!given) return defaults;
  if (given->struct_size < sizeof(size_t) || given->struct_size > 16 * sizeof(Options))
    return fail(ErrorCode::invalid_argument, "struct_size is not set; start from the _INIT macro");
  std::memcpy(&defaults, given, std::min(given->struct_size, sizeof(Options)));
  return defaults;
}

template <class... Pointers>
Status require(const char* function, const Pointers*... pointers) {
  if (((pointers == nullptr) || ...)) return fail(ErrorCode::invalid_argument, "{}: an argument is NULL", function);
  return {};
}

Result<CompileOptions> compile_options(const char* precision, int threads) {
  CompileOptions options;
  FL_TRY(options.precision, parse_precision(precision ? precision : "auto"));
  options.threads = threads;
  return options;
}

// Who waits while a batch runs leaves with the next one; nobody waits for company.
Result<BatchPolicy> batch_policy(int max_batch) {
  if (max_batch < 0 || max_batch > 64)
    return fail(ErrorCode::invalid_argument, "max_batch {}: a batch has 1 to 64 pictures", max_batch);
  BatchPolicy policy;
  policy.max_batch = std::max(max_batch, 1);
  policy.timeout = {};
  policy.max_queued = std::numeric_limits<size_t>::max();
  return policy;
}

// As `framelift segment` does with its defaults.
Status make_masks(const framelift_video_options& o, VideoJob& job) {
  MaskOptions mask;
  FL_TRY(mask.output, parse_mask_output(o.mask_output ? o.mask_output : "mask"));
  if (o.mask_background) FL_CHECK(parse_background(o.mask_background, mask));
  std::istringstream names(o.mask_classes ? o.mask_classes : "");
  for (std::string name; std::getline(names, name, ',');) mask.classes.push_back(name);
  if (mask.output == MaskOutput::alpha && job.sink.encoder.empty()) choose_alpha_encoder(job.sink);
  job.mask = std::move(mask);
  job.scale = 1;
  job.fit = Fit::stretch;
  return {};
}

}  // namespace

extern "C" {

const char* framelift_version(void) { return FRAMELIFT_VERSION; }
const char* framelift_last_error(void) { return last_error.c_str(); }

framelift_status framelift_network_open(const char* name_or_path, framelift_network** network) {
  return guarded([&]() -> Status {
    FL_CHECK(require("framelift_network_open", name_or_path, network));
    FL_TRY(Network loaded, open_model(name_or_path));
    *network = new framelift_network{std::move(loaded)};
    return {};
  });
}

void framelift_network_close(framelift_network* network) { delete network; }
int framelift_network_scale(const framelift_network* network) { return network ? network->network.contract.scale : 0; }
int framelift_network_alignment(const framelift_network* network) {
  return network ? network->network.contract.alignment : 0;
}

framelift_status framelift_engine_create(const framelift_network* network, int width, int height,
                                         const framelift_engine_options* options, framelift_engine** engine) {
  return guarded([&]() -> Status {
    FL_CHECK(require("framelift_engine_create", network, engine));
    FL_TRY(const auto o, complete(options, framelift_engine_options FRAMELIFT_ENGINE_OPTIONS_INIT));
    const int alignment = network->network.contract.alignment;
    if (width < 1 || height < 1 || width % alignment != 0 || height % alignment != 0)
      return fail(ErrorCode::invalid_argument, "{}x{} pixels: both must be positive multiples of {}", width, height,
                  alignment);
    FL_TRY(CompileOptions compile, compile_options(o.precision, o.threads));
    compile.latency = true;  // one picture at a time
    FL_TRY(Backend * backend, find_backend(o.backend ? o.backend : "auto", network->network, compile));
    FL_TRY(const Graph graph, network->network.build(1, height, width));
    auto made = std::make_unique<framelift_engine>();
    made->input = graph.value(graph.inputs.front()).shape;
    made->output = graph.value(graph.outputs.front()).shape;
    FL_TRY(BatchPolicy policy, batch_policy(o.max_batch));
    std::vector<int> sizes{policy.max_batch};
    for (int size = 1; size < policy.max_batch; size *= 2) sizes.push_back(size);
    FL_TRY(auto runner, network_batches(network->network, *backend, compile, height, width, sizes, policy.lanes));
    FL_TRY(made->batcher, DynamicBatcher::create(policy, std::move(runner)));
    *engine = made.release();
    return {};
  });
}

void framelift_engine_destroy(framelift_engine* engine) { delete engine; }

framelift_status framelift_engine_run(framelift_engine* engine, const float* source, float* target) {
  return guarded([&]() -> Status {
    FL_CHECK(require("framelift_engine_run", engine, source, target));
    const auto result = std::make_shared<std::promise<Status>>();
    DynamicBatcher::Request request;
    request.stream = engine->calls++;  // no call waits for another's result
    // Only read.
    request.input = {DType::f32, engine->input, reinterpret_cast<std::byte*>(const_cast<float*>(source))};
    request.output = {DType::f32, engine->output, reinterpret_cast<std::byte*>(target)};
    request.done = [result](const BatchResult& r) { result->set_value(r.status); };
    FL_CHECK(engine->batcher->submit(std::move(request)));
    return result->get_future().get();
  });
}

framelift_status framelift_process_video(const framelift_network* network, const char* input, const char* output,
                                         const framelift_video_options* options) {
  return guarded([&]() -> Status {
    FL_CHECK(require("framelift_process_video", network, input, output));
    FL_TRY(const auto o, complete(options, framelift_video_options FRAMELIFT_VIDEO_OPTIONS_INIT));
    VideoJob job;
    job.network = &network->network;
    job.source.path = input;
    job.source.max_frames = o.max_frames;
    job.sink.path = output;
    job.sink.overwrite = o.overwrite != 0;
    if (o.encoder) job.sink.encoder = o.encoder;
    if (o.crf >= 0) job.sink.crf = o.crf;
    job.memory_bytes = o.memory_bytes;
    if (network->network.contract.output != OutputKind::picture) FL_CHECK(make_masks(o, job));
    FL_TRY(job.compile, compile_options(o.precision, o.threads));
    FL_TRY(job.backend, find_backend(o.backend ? o.backend : "auto", *job.network, job.compile));
    Cancellation cancel;
    job.cancel = &cancel;
    if (o.on_progress)
      job.on_progress = [&](const Progress& p) {
        const framelift_progress shown{p.frames, p.total_frames, p.fps, p.seconds_left, p.limiting_stage};
        if (o.on_progress(&shown, o.user) != 0) cancel.request();
      };
    FL_TRY(const JobReport report, process_video(job));
    return {};
  });
}

}  // extern "C"
