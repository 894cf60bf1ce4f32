#!/usr/bin/env python3
"""HDRTVNet++ (AGCM and LE, condition vector given) alone, in PyTorch or OpenVINO's Python API: milliseconds a frame.

    bench/peers/hdrtvnet.py ENGINE WEIGHTS.pth WIDTHxHEIGHT PRECISION SECONDS     ENGINE: eager, compile, openvino
"""

import json
import os
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import torch_networks  # noqa: E402


class Ensemble(torch.nn.Module):
    def __init__(self, state):
        super().__init__()
        self.names = list(state)
        self.values = torch.nn.ParameterList([torch.nn.Parameter(v, requires_grad=False) for v in state.values()])

    def forward(self, image, condition):
        state = dict(zip(self.names, self.values))
        toned = torch_networks.hdrtvnet_agcm(torch_networks.part_of(state, "AGCM."), image, condition)
        return torch_networks.hdrtvnet_le(torch_networks.part_of(state, "LE."), toned)


def time_calls(run, seconds):
    run()
    count, started = 0, time.perf_counter()
    while count < 2 or time.perf_counter() - started < seconds:
        run()
        count += 1
    return (time.perf_counter() - started) * 1000 / count


def main():
    engine, weights, size, precision, seconds = sys.argv[1:]
    width, height = map(int, size.split("x"))
    threads = len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    network = Ensemble(torch.load(weights, map_location="cpu", weights_only=True)).eval()
    image, condition = torch.rand(1, 3, height, width), torch.rand(1, 6) * 0.1
    if engine == "openvino":
        import openvino as ov

        model = ov.convert_model(network, example_input=(image, condition))
        model.reshape({model.inputs[0]: [1, 3, height, width], model.inputs[1]: [1, 6]})
        compiled = ov.Core().compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads})
        requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        queue = ov.AsyncInferQueue(compiled, requests)
        inputs = {0: image.numpy(), 1: condition.numpy()}

        def run():
            for _ in range(requests):
                queue.start_async(inputs)
            queue.wait_all()

        ms = time_calls(run, float(seconds)) / requests
    else:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        network = network.to(dtype=dtype, memory_format=torch.channels_last)
        image = image.to(dtype).to(memory_format=torch.channels_last)
        condition = condition.to(dtype)
        if engine == "compile":
            import importlib

            importlib.import_module("torch._inductor.config").freezing = True
            network = torch.compile(network)
        ms = time_calls(lambda: network(image, condition), float(seconds))
    print(json.dumps({"ms_per_frame": ms}))


if __name__ == "__main__":
    main()
