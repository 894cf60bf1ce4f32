#!/usr/bin/env python3
"""A network alone in PyTorch, on a GPU (or, to try this script, the CPU): milliseconds a frame.

    bench/peers/torch_gpu.py NETWORK WEIGHTS.safetensors WIDTHxHEIGHT SETTING DEVICE SECONDS

NETWORK: srvgg or hdrtvnet. SETTING: eager, compile (torch.compile) or graphs (torch.compile, mode="reduce-overhead", which
replays CUDA graphs). f16 and channels last on a GPU, f32 on the CPU. Both ways are timed: the frame stays on the card, or
comes from pinned memory as 8-bit RGB and goes back there as 8-bit (srvgg) or 16-bit (hdrtvnet) RGB, two frames at a time.
"""

import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import safetensors_io  # noqa: E402
import torch_networks  # noqa: E402


class Network(torch.nn.Module):
    def __init__(self, kind, state):
        super().__init__()
        self.kind, self.names = kind, list(state)
        self.values = torch.nn.ParameterList([torch.nn.Parameter(v, requires_grad=False) for v in state.values()])

    def forward(self, image, condition):
        state = dict(zip(self.names, self.values))
        if self.kind == "srvgg":
            return torch_networks.srvgg_compact(state, image, 4)
        toned = torch_networks.hdrtvnet_agcm(torch_networks.part_of(state, "AGCM."), image, condition)
        return torch_networks.hdrtvnet_le(torch_networks.part_of(state, "LE."), toned)


class Lane:
    """A stream with its pinned frames; host() waits for what it began last."""

    def __init__(self, network, kind, image, condition, device):
        self.network, self.condition, self.device = network, condition, device
        self.top, self.codes = (255, torch.uint8) if kind == "srvgg" else (1023, torch.int16)
        self.dtype, height, width, scale = image.dtype, image.shape[2], image.shape[3], 4 if kind == "srvgg" else 1
        pin = device == "cuda"
        self.source = torch.randint(0, 255, (height, width, 3), dtype=torch.uint8)
        self.result = torch.empty((height * scale, width * scale, 3), dtype=self.codes)
        if pin:
            self.source, self.result = self.source.pin_memory(), self.result.pin_memory()
        self.stream = torch.cuda.Stream() if pin else None

    def start(self):
        if self.stream is None:
            return self.run()
        self.stream.synchronize()
        with torch.cuda.stream(self.stream):
            self.run()

    def run(self):
        x = self.source.to(self.device, non_blocking=True).permute(2, 0, 1)[None].to(self.dtype).div_(255)
        y = self.network(x, self.condition)
        y = y.clamp(0, 1).mul(self.top).round().to(self.codes)[0].permute(1, 2, 0)
        self.result.copy_(y.contiguous(), non_blocking=True)


def timed(run, wait, seconds):
    for _ in range(3):
        run()
    wait()
    count, started = 0, time.perf_counter()
    while count < 3 or time.perf_counter() - started < seconds:
        for _ in range(4):
            run()
        wait()
        count += 4
    return (time.perf_counter() - started) * 1000 / count


def main():
    kind, weights, size, setting, device, seconds = sys.argv[1:]
    width, height = map(int, size.split("x"))
    torch.set_grad_enabled(False)
    torch.backends.cudnn.benchmark = True
    gpu = device == "cuda"
    dtype = torch.float16 if gpu else torch.float32
    state = {name: torch.from_numpy(array.copy()).to(device, dtype) for name, array in safetensors_io.load(weights)[0].items()}
    state = {name: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v for name, v in state.items()}
    network = Network(kind, state).eval()
    if setting != "eager":
        network = torch.compile(network, mode="reduce-overhead" if setting == "graphs" else None)
    image = torch.rand(1, 3, height, width, device=device).to(dtype).to(memory_format=torch.channels_last)
    condition = (torch.rand(1, 6, device=device) * 0.1).to(dtype)
    wait = torch.cuda.synchronize if gpu else lambda: None
    began = time.perf_counter()
    network(image, condition)
    wait()
    figures = {"first_call_seconds": time.perf_counter() - began,
               "resident_ms": timed(lambda: network(image, condition), wait, float(seconds))}
    # CUDA graphs of torch.compile belong to one stream.
    lanes = [Lane(network, kind, image, condition, device) for _ in range(1 if setting == "graphs" else 2)]
    turn = iter(range(10**9))
    figures["copied_ms"] = timed(lambda: lanes[next(turn) % len(lanes)].start(), wait, float(seconds))
    if gpu:
        figures.update(device=torch.cuda.get_device_name(0), torch=torch.__version__,
                       peak_gpu_mib=torch.cuda.max_memory_allocated() >> 20)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
