#!/usr/bin/env python3
"""A network quantised by NNCF, run by OpenVINO: its PSNR against the float network, and its speed.

    bench/peers/int8_nncf.py quantize MODEL.xml CALIBRATION.npz CHECK.npz RANGES OUT.xml    RANGES: default, minmax
    bench/peers/int8_nncf.py time MODEL.xml PRECISION THREADS SECONDS

The .npz files hold lists of inputs: x0 [N,3,h,w], and x1 [N,6] where the network has a second one.
"""

import json
import sys
import time

import numpy as np
import openvino as ov


def samples(path):
    arrays = np.load(path)
    return [[arrays[k][i:i + 1] for k in sorted(arrays.files)] for i in range(len(arrays["x0"]))]


def compiled(model, precision, hint, threads):
    return ov.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": precision,
                                                  "INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False})


def outputs(model, precision, inputs):
    request = compiled(model, precision, "LATENCY", 0).create_infer_request()
    return [np.clip(list(request.infer(x).values())[0].copy(), 0, 1) for x in inputs]


def reshaped(path, inputs):
    model = ov.Core().read_model(path)
    model.reshape({port: list(x.shape) for port, x in zip(model.inputs, inputs)})
    return model


def quantize(path, calibration, check, ranges, out):
    import nncf

    learnt, judged = samples(calibration), samples(check)
    model = reshaped(path, learnt[0])
    advanced = nncf.AdvancedQuantizationParameters()
    if ranges == "minmax":
        minmax = nncf.quantization.advanced_parameters.RangeEstimatorParameters(
            min=nncf.quantization.range_estimator.StatisticsCollectorParameters(
                statistics_type=nncf.quantization.range_estimator.StatisticsType.MIN,
                aggregator_type=nncf.quantization.range_estimator.AggregatorType.MIN),
            max=nncf.quantization.range_estimator.StatisticsCollectorParameters(
                statistics_type=nncf.quantization.range_estimator.StatisticsType.MAX,
                aggregator_type=nncf.quantization.range_estimator.AggregatorType.MAX))
        advanced.activations_range_estimator_params = minmax
    started = time.perf_counter()
    quantized = nncf.quantize(model, nncf.Dataset(learnt), preset=nncf.QuantizationPreset.MIXED,
                              subset_size=len(learnt), advanced_parameters=advanced)
    seconds = time.perf_counter() - started
    exact = outputs(reshaped(path, judged[0]), "f32", judged)
    quantized.reshape({port: list(x.shape) for port, x in zip(quantized.inputs, judged[0])})
    found = outputs(quantized, "f32", judged)
    error = np.mean([np.mean((a - b) ** 2) for a, b in zip(exact, found)])
    ov.save_model(quantized, out, compress_to_fp16=False)
    print(json.dumps({"psnr": float(-10 * np.log10(error)), "quantize_seconds": seconds}))


def measure(path, precision, threads, seconds, width, height):
    model = ov.Core().read_model(path)
    shapes = [[1, 3, height, width], [1, 6]][:len(model.inputs)]
    model.reshape(dict(zip(model.inputs, shapes)))
    network = compiled(model, precision, "THROUGHPUT", threads)
    queue = ov.AsyncInferQueue(network, network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    inputs = {i: np.full(shape, 0.5, np.float32) for i, shape in enumerate(shapes)}
    for _ in range(len(queue)):
        queue.start_async(inputs)
    queue.wait_all()
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        queue.start_async(inputs)
        count += 1
    queue.wait_all()
    print(json.dumps({"ms_per_frame": (time.perf_counter() - started) * 1000 / count}))


if __name__ == "__main__":
    if sys.argv[1] == "quantize":
        quantize(*sys.argv[2:])
    else:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), *map(int, sys.argv[6].split("x")))
