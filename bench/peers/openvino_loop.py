#!/usr/bin/env python3
"""The upscaling job as an OpenVINO loop. Settings: loop (latency hint, numpy around it); async (throughput hint,
AsyncInferQueue, 8-bit conversions inside the graph, which is this engine's best)."""

import time

import numpy as np
import openvino as ov

import ncnn_weights
import openvino_network
import video_loop


def to_float(frame):
    x = np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32)
    x /= 255
    return x


def main():
    options = video_loop.arguments(__doc__, ("loop", "async"))
    state, scale = ncnn_weights.read_srvgg(options.model)
    width, height, *_ = video_loop.probe(options.clip)
    model = openvino_network.build(state, scale, height, width)
    is_async = options.setting == "async"
    if is_async:
        model = openvino_network.with_pixels(model)
    compiled = openvino_network.compile_model(model, options.precision, "THROUGHPUT" if is_async else "LATENCY",
                                              options.threads)
    if is_async:
        requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        queue = ov.AsyncInferQueue(compiled, requests + 1)
    else:
        request = compiled.create_infer_request()

    def process_loop(frames, write):
        seconds = 0.0
        for frame in frames:
            x = to_float(frame)
            started = time.perf_counter()
            request.infer([x], share_inputs=True)
            seconds += time.perf_counter() - started
            y = request.get_output_tensor().data
            write(np.rint(np.clip(y[0], 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))
        return seconds

    def process_async(frames, write):
        done, following = {}, 0
        queue.set_callback(lambda request, index: done.__setitem__(index, request.get_output_tensor().data[0].copy()))
        for index, frame in enumerate(frames):
            queue.start_async({0: frame[None]}, index)
            while following in done:
                write(done.pop(following))
                following += 1
        queue.wait_all()
        while following in done:
            write(done.pop(following))
            following += 1
        return None

    def network_alone(frame, count):
        if is_async:
            queue.set_callback(lambda request, index: None)
            for _ in range(count):
                queue.start_async({0: frame[None]}, 0)
            queue.wait_all()
        else:
            x = to_float(frame)
            for _ in range(count):
                request.infer([x], share_inputs=True)

    video_loop.run("openvino", options, scale, process_async if is_async else process_loop, network_alone)


if __name__ == "__main__":
    main()
