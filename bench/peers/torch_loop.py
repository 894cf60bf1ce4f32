#!/usr/bin/env python3
"""The upscaling job as a plain PyTorch loop (channels_last). Settings: eager; compile (torch.compile, frozen weights)."""

import importlib
import pathlib
import sys
import time

import numpy as np
import torch

import ncnn_weights
import video_loop

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import torch_networks  # noqa: E402


def main():
    options = video_loop.arguments(__doc__, ("eager", "compile"))
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    arrays, scale = ncnn_weights.read_srvgg(options.model)
    dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
    state = {}
    for name, array in arrays.items():
        tensor = torch.from_numpy(array).to(dtype)
        state[name] = tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.names = list(state)
            self.values = torch.nn.ParameterList([torch.nn.Parameter(v, requires_grad=False) for v in state.values()])

        def forward(self, x):
            return torch_networks.srvgg_compact(dict(zip(self.names, self.values)), x, scale)

    network = Network().eval()
    if options.setting == "compile":
        importlib.import_module("torch._inductor.config").freezing = True
        network = torch.compile(network)

    def prepare(frame):
        x = torch.from_numpy(frame).permute(2, 0, 1)[None]  # a channels_last view of the packed picture
        return x.to(dtype).div_(255)

    def process(frames, write):
        seconds = 0.0
        for frame in frames:
            x = prepare(frame)
            started = time.perf_counter()
            y = network(x)
            seconds += time.perf_counter() - started
            y = y.float().clamp_(0, 1).mul_(255).round_().to(torch.uint8)
            write(y[0].permute(1, 2, 0).contiguous().numpy())
        return seconds

    def network_alone(frame, count):
        x = prepare(np.ascontiguousarray(frame))
        for _ in range(count):
            network(x)

    video_loop.run("pytorch", options, scale, process, network_alone)


if __name__ == "__main__":
    main()
