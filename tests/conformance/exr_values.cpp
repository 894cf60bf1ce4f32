// Reads a picture with framelift's source and writes it as OpenEXR with framelift's sink, for exr_files.py.
//   exr_values IN OUT.exr KEY=VALUE...    (encoder options)
// Prints the size, the format and the primaries in one line, then the planes as raw floats.
#include <cstdio>

#include "decode/source.h"
#include "encode/sink.h"

namespace framelift {
namespace {

Status copy(const char* in, const char* out, char** options, int count) {
  SourceOptions from;
  from.path = in;
  FL_TRY(const auto source, open_source(from));
  FL_TRY(Frame frame, source->next());
  fmt::print("{} {} {} {}\n", frame.width, frame.height, to_string(frame.format),
             static_cast<int>(frame.color.primaries));
  for (int p = 0; p < frame.format.plane_count(); ++p)
    for (int y = 0; y < frame.height; ++y)
      std::fwrite(frame.planes[static_cast<size_t>(p)].row<float>(y), sizeof(float), static_cast<size_t>(frame.width),
                  stdout);
  SinkOptions to;
  to.path = out;
  to.overwrite = true;
  to.width = frame.width;
  to.height = frame.height;
  to.source_format = frame.format;
  to.color = frame.color;
  to.attributes = source->info().attributes;
  for (int i = 0; i < count; ++i) {
    const std::string option = options[i];
    const size_t equals = option.find('=');
    to.encoder_options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  FL_TRY(const auto sink, open_sink(to));
  FL_CHECK(sink->write(std::move(frame)));
  return sink->finish();
}

}  // namespace
}  // namespace framelift

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto status = framelift::copy(argv[1], argv[2], argv + 3, argc - 3);
  if (!status) fmt::print(stderr, "{}\n", status.error().message);
  return status ? 0 : 1;
}
