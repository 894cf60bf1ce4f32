"""SRVGGNetCompact as an OpenVINO model, built with its Python API from a state dict."""

import numpy as np
import openvino as ov
from openvino import opset13 as ops


def build(state, scale, height, width):
    """f32 [1,3,h,w] in, f32 [1,3,h*scale,w*scale] out."""
    x = ops.parameter([1, 3, height, width], np.float32, name="image")
    last = max(int(key.split(".")[1]) for key in state)
    y = x
    for index in range(0, last + 1, 2):
        weight, bias = state[f"body.{index}.weight"], state[f"body.{index}.bias"]
        y = ops.convolution(y, ops.constant(weight), [1, 1], [1, 1], [1, 1], [1, 1])
        y = ops.add(y, ops.constant(bias.reshape(1, -1, 1, 1)))
        if index != last:
            y = ops.prelu(y, ops.constant(state[f"body.{index + 1}.weight"]))
    y = ops.depth_to_space(y, "depth_first", scale)
    scales = ops.constant(np.array([scale, scale], np.float32))
    up = ops.interpolate(x, scales, "nearest", "scales", axes=ops.constant(np.array([2, 3])),
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    return ov.Model([ops.result(ops.add(y, up))], [x], "srvgg")


def with_pixels(model):
    """The same model with 8-bit packed pictures in and out ([1,h,w,3] u8), converted inside the graph."""
    pre = ov.preprocess.PrePostProcessor(model)
    pre.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    pre.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    pre.input().model().set_layout(ov.Layout("NCHW"))
    model = pre.build()
    result = model.get_results()[0]
    y = result.input_value(0)
    y = ops.round(ops.multiply(ops.clamp(y, 0.0, 1.0), ops.constant(np.float32(255))), "half_to_even")
    y = ops.convert(ops.transpose(y, ops.constant(np.array([0, 2, 3, 1]))), "u8")
    return ov.Model([ops.result(y)], model.get_parameters(), "srvgg_u8")


def compile_model(model, precision, hint, threads):
    config = {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
    return ov.Core().compile_model(model, "CPU", config)
