#!/usr/bin/env python3
"""Does it pay to run LE's convolutions that read the same tensor as one? Variants of the same network in OpenVINO, timed in turn.

    bench/merged_convolutions.py LE.pth WIDTHxHEIGHT PRECISION [ROUNDS]      (with .venv-peers/bin/python)

plain: every convolution by itself. trunk: the three stride-2 ones that read the condition trunk as one, then split.
pairs: SFT's scale and shift layers as one each (block-diagonal in the second), then split. unsplit: SFT's first layers as
one, the second ones reading all of it with zero weights for the other half, so that nothing is split.
All variants give the plain one's result within rounding, which is checked.
"""

import sys
import time

import numpy as np
import openvino as ov
import torch
from openvino import opset13 as op

KINDS = ("scale", "shift")


def constant(array):
    return op.constant(np.ascontiguousarray(array))


def convolution(x, weight, bias, stride=1):
    pad = weight.shape[-1] // 2
    y = op.convolution(x, constant(weight), [stride] * 2, [pad] * 2, [pad] * 2, [1, 1])
    return op.add(y, constant(bias.reshape(1, -1, 1, 1)))


def leaky(x):
    return op.prelu(x, constant(np.array([0.1], np.float32)))


def split(x, sizes):
    return op.variadic_split(x, constant(np.int64(1)), constant(np.array(sizes, np.int64))).outputs()


def build(state, height, width, variant):
    image = op.parameter([1, 3, height, width], np.float32)

    def conv(name, x, stride=1):
        return convolution(x, state[name + ".weight"], state[name + ".bias"], stride)

    def joined(names, part):
        return np.concatenate([state[f"{name}.{part}"] for name in names])

    def trunk(name, x, strides, start=0):
        for i in range(start, 3):
            x = conv(f"{name}.{2 * i}", x, strides[i])
            x = leaky(x) if i < 2 else x
        return x

    def sft(name, x, c):
        first = [f"{name}.SFT_{kind}_conv0" for kind in KINDS]
        second = [f"{name}.SFT_{kind}_conv1" for kind in KINDS]
        weights = [state[layer + ".weight"] for layer in second]
        biases = [state[second[0] + ".bias"] + 1, state[second[1] + ".bias"]]
        if variant == "plain" or variant == "trunk":
            gain, shift = (convolution(leaky(conv(a, c)), w, b) for a, w, b in zip(first, weights, biases))
        else:
            hidden = leaky(convolution(c, joined(first, "weight"), joined(first, "bias")))
            zeros = np.zeros_like(weights[0])
            rows = [np.concatenate(pair, 1) for pair in ((weights[0], zeros), (zeros, weights[1]))]
            if variant == "pairs":
                gain, shift = split(convolution(hidden, np.concatenate(rows), np.concatenate(biases)), [32, 32])
            else:
                gain, shift = (convolution(hidden, w, b) for w, b in zip(rows, biases))
        return op.add(op.multiply(x, gain), shift)

    def block(name, x, c):
        y = op.relu(conv(name + ".conv1", sft(name + ".sft1", x, c)))
        return op.add(conv(name + ".conv2", sft(name + ".sft2", y, c)), x)

    def up(name, x):
        return op.relu(op.depth_to_space(conv(name + ".0", x), "depth_first", 2))

    shared = image
    for i in range(3):
        shared = leaky(conv(f"cond_first.{2 * i}", shared))
    strides = ((2, 1, 1), (2, 2, 1), (2, 2, 2))
    c1 = trunk("CondNet1", shared, (1, 1, 1))
    if variant == "trunk":
        names = [f"CondNet{k}.0" for k in (2, 3, 4)]
        parts = split(leaky(convolution(shared, joined(names, "weight"), joined(names, "bias"), 2)), [64] * 3)
        c2, c3, c4 = (trunk(f"CondNet{k + 2}", parts[k], strides[k], 1) for k in range(3))
    else:
        c2, c3, c4 = (trunk(f"CondNet{k + 2}", shared, strides[k]) for k in range(3))
    f0 = op.relu(conv("HR_conv1", sft("SFT_layer1", op.relu(conv("conv_first", image)), c1)))
    f1 = block("recon_trunk1.0", op.relu(conv("down_conv1", f0, 2)), c2)
    f2 = block("recon_trunk2.0", op.relu(conv("down_conv2", f1, 2)), c3)
    f3 = y = op.relu(conv("down_conv3", f2, 2))
    for i in range(4):
        y = block(f"recon_trunk3.{i}", y, c4)
    y = block("recon_trunk4.0", op.add(up("up_conv1", op.add(y, f3)), f2), c3)
    y = op.add(up("up_conv3", block("recon_trunk5.0", op.add(up("up_conv2", y), f1), c2)), f0)
    y = op.relu(conv("HR_conv2", sft("SFT_layer2", y, c1)))
    return ov.Model([op.result(op.add(image, conv("conv_last", y)))], [image], variant)


def main():
    weights, size, precision = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 9
    width, height = map(int, size.split("x"))
    state = {k: v.numpy() for k, v in torch.load(weights, map_location="cpu", weights_only=True).items()}
    x = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    requests, times, plain = {}, {}, None
    for variant in ("plain", "trunk", "pairs", "unsplit"):
        model = build(state, height, width, variant)
        requests[variant] = ov.Core().compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
        times[variant] = []
        y = requests[variant].infer({0: x})[0].copy()
        plain = y if plain is None else plain
        difference = np.abs(y - plain).max()
        if difference > (1e-5 if precision == "f32" else 2e-2):
            raise SystemExit(f"{variant} differs from plain by {difference}")
    for _ in range(rounds):
        for variant, request in requests.items():
            started = time.perf_counter()
            request.infer({0: x})
            times[variant].append(time.perf_counter() - started)
    reference = np.median(times["plain"])
    for variant, values in times.items():
        print(f"{size} {precision} {variant:8} {1000 * np.median(values):7.1f} ms, {reference / np.median(values):.2f} of plain's speed")


if __name__ == "__main__":
    main()
