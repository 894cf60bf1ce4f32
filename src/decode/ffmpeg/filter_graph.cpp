#include "decode/ffmpeg/filter_graph.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/display.h>
}

#include <cmath>

namespace framelift {

std::string rotation_filters(const std::array<int32_t, 9>& matrix) {
  const double angle = -av_display_rotation_get(matrix.data());
  if (std::isnan(angle)) return "";
  const double theta = angle - 360 * std::floor(angle / 360 + 0.9 / 360);
  if (std::fabs(theta - 90) < 1) return matrix[3] > 0 ? "transpose=cclock_flip" : "transpose=clock";
  if (std::fabs(theta - 270) < 1) return matrix[3] < 0 ? "transpose=clock_flip" : "transpose=cclock";
  if (std::fabs(theta - 180) < 1) {
    if (matrix[0] < 0) return matrix[4] < 0 ? "hflip,vflip" : "hflip";
    return matrix[4] < 0 ? "vflip" : "";
  }
  if (std::fabs(theta) < 1 && matrix[4] < 0) return "vflip";
  return "";
}

Status FilterChain::open(const std::string& filters, const AVFrame& example, AVRational time_base,
                         AVRational frame_rate, AVPixelFormat output) {
  graph_.reset(avfilter_graph_alloc());
  time_base_ = time_base;
  AVRational aspect = example.sample_aspect_ratio;
  if (aspect.num <= 0 || aspect.den <= 0) aspect = {0, 1};
  std::string source =
      fmt::format("video_size={}x{}:pix_fmt={}:time_base={}/{}:pixel_aspect={}/{}", example.width, example.height,
                  example.format, time_base.num, time_base.den, aspect.num, aspect.den);
  if (frame_rate.num > 0 && frame_rate.den > 0)
    source += fmt::format(":frame_rate={}/{}", frame_rate.num, frame_rate.den);
  const std::string chain = fmt::format("{},format=pix_fmts={}", filters, av_get_pix_fmt_name(output));

  int code = avfilter_graph_create_filter(&input_, avfilter_get_by_name("buffer"), "in", source.c_str(), nullptr,
                                          graph_.get());
  if (code >= 0)
    code = avfilter_graph_create_filter(&output_, avfilter_get_by_name("buffersink"), "out", nullptr, nullptr,
                                        graph_.get());
  if (code >= 0) {
    AVFilterInOut* outputs = avfilter_inout_alloc();
    AVFilterInOut* inputs = avfilter_inout_alloc();
    outputs->name = av_strdup("in");
    outputs->filter_ctx = input_;
    inputs->name = av_strdup("out");
    inputs->filter_ctx = output_;
    code = avfilter_graph_parse_ptr(graph_.get(), chain.c_str(), &inputs, &outputs, nullptr);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
  }
  if (code >= 0) code = avfilter_graph_config(graph_.get(), nullptr);
  if (code < 0) {
    graph_.reset();
    return fail(ErrorCode::unsupported, "FFmpeg cannot set up the filters \"{}\" ({})", chain, av_error_text(code));
  }
  return {};
}

int FilterChain::send(AVFrame* frame) { return av_buffersrc_add_frame(input_, frame); }

int FilterChain::receive(AVFrame* frame) {
  int code = av_buffersink_get_frame(output_, frame);
  // bwdif doubles the time base even when it gives one frame for one frame.
  if (code >= 0 && frame->pts != AV_NOPTS_VALUE)
    frame->pts = av_rescale_q(frame->pts, av_buffersink_get_time_base(output_), time_base_);
  return code;
}

int FilterChain::width() const { return av_buffersink_get_w(output_); }
int FilterChain::height() const { return av_buffersink_get_h(output_); }
AVRational FilterChain::sample_aspect_ratio() const { return av_buffersink_get_sample_aspect_ratio(output_); }

}  // namespace framelift
