#!/usr/bin/env python3
"""The gain-map network of `expand` alone in OpenVINO's Python API: milliseconds a picture.

    bench/peers/expand.py WEIGHTS.safetensors WIDTHxHEIGHT PRECISION SECONDS
"""

import json
import os
import pathlib
import sys
import time

import openvino as ov
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import safetensors_io  # noqa: E402
import torch_networks  # noqa: E402


class GainMap(torch.nn.Module):
    def __init__(self, state):
        super().__init__()
        self.names = list(state)
        self.values = torch.nn.ParameterList([torch.nn.Parameter(v.float(), requires_grad=False) for v in state.values()])

    def forward(self, image):
        return torch_networks.gainmap(dict(zip(self.names, self.values)), image)


def main():
    weights, size, precision, seconds = sys.argv[1:]
    width, height = map(int, size.split("x"))
    image = torch.rand(1, 3, height, width)
    state = {name: torch.from_numpy(value.astype("float32")) for name, value in safetensors_io.load(weights)[0].items()}
    model = ov.convert_model(GainMap(state).eval(), example_input=image[..., :64, :64])
    model.reshape([1, 3, height, width])
    compiled = ov.Core().compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0))})
    queue = ov.AsyncInferQueue(compiled)
    inputs = {0: image.numpy()}

    def run():
        for _ in range(len(queue)):
            queue.start_async(inputs)
        queue.wait_all()

    run()
    count, started = 0, time.perf_counter()
    while count < 2 or time.perf_counter() - started < float(seconds):
        run()
        count += 1
    print(json.dumps({"ms_per_frame": (time.perf_counter() - started) * 1000 / count / len(queue)}))


if __name__ == "__main__":
    main()
