#!/usr/bin/env python3
"""The upscaling job as a loop around ncnn's Python package (CPU, Winograd on)."""

import time

import ncnn
import numpy as np

import ncnn_weights
import video_loop


def main():
    options = video_loop.arguments(__doc__, ("loop",))
    _, scale = ncnn_weights.read_srvgg(options.model)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = options.threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = options.precision == "bf16"
    if net.load_param(str(options.model)) or net.load_model(str(options.model.with_suffix(".bin"))):
        raise SystemExit(f"{options.model}: ncnn cannot load it")

    def prepare(frame):
        height, width, _ = frame.shape
        mat = ncnn.Mat.from_pixels(np.ascontiguousarray(frame), ncnn.Mat.PixelType.PIXEL_RGB, width, height)
        mat.substract_mean_normalize([], [1 / 255.0] * 3)
        return mat

    def infer(mat):
        extractor = net.create_extractor()
        extractor.input("data", mat)
        return extractor.extract("output")[1]

    def process(frames, write):
        seconds = 0.0
        for frame in frames:
            mat = prepare(frame)
            started = time.perf_counter()
            y = infer(mat)
            seconds += time.perf_counter() - started
            write(np.rint(np.clip(np.array(y), 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))
        return seconds

    def network_alone(frame, count):
        mat = prepare(frame)
        for _ in range(count):
            infer(mat)

    video_loop.run("ncnn", options, scale, process, network_alone)


if __name__ == "__main__":
    main()
