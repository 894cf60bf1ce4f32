#!/usr/bin/env python3
"""Person masks by OpenVINO's Python API reading the .tflite file itself, as busy as it can be: throughput hint, requests in
flight, and resizing to the network's size, enlarging the mask and the way from and to bytes all inside its graph."""

import numpy as np
import openvino as ov
from openvino import opset13 as op
from openvino.frontend import ConversionExtension
from openvino.preprocess import ColorFormat, PrePostProcessor, ResizeAlgorithm

import segment_loop


def transposed_convolution(node):
    """MediaPipe's operator, which OpenVINO has no translation for: 2x2 with stride 2, and a bias."""
    x, weight, bias = (node.get_input(i) for i in range(3))
    pictures = op.transpose(x, [0, 3, 1, 2])
    enlarged = op.convolution_backprop_data(pictures, op.transpose(weight, [3, 0, 1, 2]), strides=[2, 2], pads_begin=[0, 0],
                                            pads_end=[0, 0], dilations=[1, 1])
    return op.add(op.transpose(enlarged, [0, 2, 3, 1]), bias).outputs()


def read(path, height, width):
    core = ov.Core()
    core.add_extension(ConversionExtension("Convolution2DTransposeBias", transposed_convolution))
    model = core.read_model(path)
    around = PrePostProcessor(model)
    around.input().tensor().set_element_type(ov.Type.u8).set_shape([1, height, width, 3]).set_layout(
        ov.Layout("NHWC")).set_color_format(ColorFormat.RGB)
    around.input().model().set_layout(ov.Layout("NHWC"))
    around.input().preprocess().convert_element_type(ov.Type.f32).resize(ResizeAlgorithm.RESIZE_LINEAR).scale(255.0)
    model = around.build()
    mask = op.interpolate(model.get_results()[0].input_value(0), [height, width], "linear_onnx", "sizes", axes=[1, 2])
    codes = op.convert(op.round(op.multiply(mask, np.float32(255)), "half_to_even"), "u8")
    return core, ov.Model([op.result(codes)], model.get_parameters(), "person mask")


def main():
    options = segment_loop.arguments(__doc__)
    job = segment_loop.Job(options)
    core, model = read(options.model, job.height, job.width)
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    if options.threads:
        settings["INFERENCE_NUM_THREADS"] = options.threads
    compiled = core.compile_model(model, "CPU", settings)
    queue = ov.AsyncInferQueue(compiled, compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1)

    def process(frames, write):
        done, following = {}, 0
        queue.set_callback(lambda request, index: done.__setitem__(index, request.get_output_tensor().data.copy()))
        for index, frame in enumerate(frames):
            queue.start_async({0: frame[None]}, index)
            while following in done:
                write(done.pop(following))
                following += 1
        queue.wait_all()
        while following in done:
            write(done.pop(following))
            following += 1

    job.run("openvino", process)


if __name__ == "__main__":
    main()
