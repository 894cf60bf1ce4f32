// Python's view of framelift.hpp; framelift/__init__.py says what each does.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <framelift/framelift.hpp>

#include <functional>
#include <optional>

namespace nb = nanobind;
using namespace framelift::api;

namespace {

using Planes = nb::ndarray<float, nb::shape<3, -1, -1>, nb::c_contig, nb::device::cpu>;
using ConstPlanes = nb::ndarray<const float, nb::shape<3, -1, -1>, nb::c_contig, nb::device::cpu>;

PyObject* error_type = nullptr;

void check(const Outcome& outcome) {
  if (outcome) return;
  nb::object error = nb::handle(error_type)(outcome.message(), static_cast<int>(outcome.code()));
  PyErr_SetObject(error_type, error.ptr());
  throw nb::python_error();
}

void run(Engine& engine, int scale, ConstPlanes source, Planes target) {
  if (target.shape(1) != source.shape(1) * scale || target.shape(2) != source.shape(2) * scale)
    throw nb::value_error("the target has the wrong size");
  Outcome outcome;
  {
    nb::gil_scoped_release release;
    outcome = engine.run(source.data(), target.data());
  }
  check(outcome);
}

// What the callback of a job needs: Python's function, and what it threw.
struct Progress {
  std::function<bool(int64_t, int64_t, double, double, const char*)> function;
  std::optional<nb::python_error> error;

  static int call(const framelift_progress* p, void* user) {
    auto& self = *static_cast<Progress*>(user);
    nb::gil_scoped_acquire acquire;
    try {
      return self.function(p->frames, p->total_frames, p->fps, p->seconds_left, p->limiting_stage) ? 1 : 0;
    } catch (nb::python_error& e) {
      self.error.emplace(std::move(e));
      return 1;
    }
  }
};

void process_video(const Network& network, const std::string& input, const std::string& output,
                   const std::string& backend, const std::string& precision, int threads,
                   const std::optional<std::string>& encoder, std::optional<double> crf, bool overwrite,
                   int64_t max_frames, int64_t memory_bytes, const std::optional<std::string>& mask_output,
                   const std::optional<std::string>& mask_classes, const std::optional<std::string>& mask_background,
                   std::function<bool(int64_t, int64_t, double, double, const char*)> on_progress) {
  framelift_video_options options = FRAMELIFT_VIDEO_OPTIONS_INIT;
  options.backend = backend.c_str();
  options.precision = precision.c_str();
  options.threads = threads;
  options.encoder = encoder ? encoder->c_str() : nullptr;
  options.crf = crf.value_or(-1);
  options.overwrite = overwrite ? 1 : 0;
  options.max_frames = max_frames;
  options.memory_bytes = memory_bytes;
  const auto text = [](const std::optional<std::string>& given) { return given ? given->c_str() : nullptr; };
  options.mask_output = text(mask_output);
  options.mask_classes = text(mask_classes);
  options.mask_background = text(mask_background);
  Progress progress{std::move(on_progress), {}};
  if (progress.function) {
    options.on_progress = Progress::call;
    options.user = &progress;
  }
  Outcome outcome;
  {
    nb::gil_scoped_release release;
    outcome = network.process_video(input, output, options);
  }
  if (progress.error) throw std::move(*progress.error);
  check(outcome);
}

}  // namespace

NB_MODULE(_native, m) {
  m.def("version", [] { return std::string(framelift_version()); });
  m.def("set_error_type", [](nb::handle type) { error_type = type.inc_ref().ptr(); });
  nb::class_<Network>(m, "Network")
      .def("__init__",
           [](Network* self, const std::string& name) {
             new (self) Network();
             check(self->open(name));
           })
      .def_prop_ro("scale", &Network::scale)
      .def_prop_ro("alignment", &Network::alignment)
      .def("process_video", &process_video, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(),
           nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none(),
           nb::arg().none());
  nb::class_<Engine>(m, "Engine")
      .def("__init__",
           [](Engine* self, const Network& network, int width, int height, const std::string& backend,
              const std::string& precision, int threads, int max_batch) {
             new (self) Engine();
             framelift_engine_options options = FRAMELIFT_ENGINE_OPTIONS_INIT;
             options.backend = backend.c_str();
             options.precision = precision.c_str();
             options.threads = threads;
             options.max_batch = max_batch;
             check(self->create(network, width, height, options));
           })
      .def("run", &run);
}
