#!/usr/bin/env python3
"""Makes tests/golden/: small synthetic weight files and what PyTorch computes from them (see tests/golden/README.md).

Needs torch and numpy (`make peers-venv`, then .venv-peers/bin/python tools/make_goldens.py). Weights come from numpy's
seeded generator; the networks run in float64 and their results are stored as float32, so that the files say what the
network means, not how one machine rounds. All files come out the same on every run, except that PyTorch's legacy format
(rrdb_x1, rrdb_x4_oldkeys) numbers its storages by memory address.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import formula_goldens  # noqa: E402
import safetensors_io  # noqa: E402
import torch_networks  # noqa: E402

LICENCE = "CC0-1.0 (synthetic)"


def conv_weights(rng, state, name, inputs, outputs, gain=1.0):
    bound = gain * np.sqrt(2.0 / (inputs * 9))
    state[name + ".weight"] = (rng.standard_normal((outputs, inputs, 3, 3)) * bound).astype(np.float32)
    state[name + ".bias"] = (rng.standard_normal(outputs) * 0.05).astype(np.float32)


def srvgg_weights(seed, features, convs, scale):
    rng, state = np.random.default_rng(seed), {}
    conv_weights(rng, state, "body.0", 3, features)
    for i in range(convs + 1):
        state[f"body.{2 * i + 1}.weight"] = rng.uniform(-0.2, 0.5, features).astype(np.float32)
        last = i == convs
        conv_weights(rng, state, f"body.{2 * i + 2}", features, 3 * scale * scale if last else features, 0.3 if last else 1)
    return state


def rrdb_weights(seed, features, blocks, growth, scale):
    rng, state = np.random.default_rng(seed), {}
    conv_weights(rng, state, "conv_first", 3 * {4: 1, 2: 4, 1: 16}[scale], features)
    for b in range(blocks):
        for r in range(1, 4):
            for k in range(1, 6):
                conv_weights(rng, state, f"body.{b}.rdb{r}.conv{k}", features + (k - 1) * growth,
                             features if k == 5 else growth)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        conv_weights(rng, state, name, features, features)
    conv_weights(rng, state, "conv_last", features, 3, 0.3)
    return state


def esrgan_old_weights(seed, features, blocks, growth, doublings):
    """The names ESRGAN's first release used: model.1.sub.B.RDBr.convK.0, and a tail numbered by its layers."""
    new = rrdb_weights(seed, features, blocks, growth, 4)
    ups = ["conv_up1", "conv_up2"][:doublings]
    tail = {name: 3 * (i + 1) for i, name in enumerate(ups)}
    tail["conv_hr"] = 3 * doublings + 2
    tail["conv_last"] = 3 * doublings + 4
    state = {}
    for key, value in new.items():
        name, kind = key.rsplit(".", 1)
        if name == "conv_first":
            old = "model.0"
        elif name == "conv_body":
            old = f"model.1.sub.{blocks}"
        elif name.startswith("body."):
            _, block, r, k = name.split(".")
            old = f"model.1.sub.{block}.{r.upper()}.{k}.0"
        elif name in tail:
            old = f"model.{tail[name]}"
        else:
            continue
        state[f"{old}.{kind}"] = value
    return state


def to_torch(state, dtype):
    return collections.OrderedDict((k, torch.from_numpy(np.array(v)).to(dtype)) for k, v in state.items())


# ---- ncnn: the layer order and layer names that the usual converters write


class NcnnWriter:
    def __init__(self):
        self.layers, self.blobs, self.data, self.count = [], [], b"", 0

    def blob(self):
        self.count += 1
        return f"b{self.count}"

    def layer(self, kind, inputs, outputs, *params):
        name = f"{kind}_{len(self.layers)}"
        self.layers.append(" ".join([f"{kind:<24} {name:<24} {len(inputs)} {len(outputs)}", *inputs, *outputs, *params]))
        self.blobs += outputs

    def convolution(self, x, state, name, leaky=False):
        weight, bias = state[name + ".weight"], state[name + ".bias"]
        y = self.blob()
        activation = ["9=2", "-23310=1,2.000000e-01"] if leaky else []
        self.layer("Convolution", [x], [y], f"0={weight.shape[0]}", "1=3", "4=1", "5=1", f"6={weight.size}", *activation)
        raw = weight.astype("<f2").tobytes()
        self.data += struct.pack("<I", 0x01306B47) + raw + b"\0" * (-len(raw) % 4) + bias.astype("<f4").tobytes()
        return y

    def split(self, x, count):
        parts = [f"{x}_s{i}" for i in range(count)]
        self.layer("Split", [x], parts)
        return parts

    def one(self, kind, inputs, *params):
        y = self.blob()
        self.layer(kind, inputs, [y], *params)
        return y

    def rename_last(self, name):
        old = self.blobs[-1]
        self.layers[-1] = " ".join(name if word == old else word for word in self.layers[-1].split(" "))
        self.blobs[-1] = name

    def save(self, path):
        text = f"7767517\n{len(self.layers)} {len(self.blobs)}\n" + "\n".join(self.layers) + "\n"
        pathlib.Path(path).with_suffix(".param").write_text(text)
        pathlib.Path(path).with_suffix(".bin").write_bytes(self.data)


def write_ncnn_srvgg(path, state, scale):
    net = NcnnWriter()
    net.layer("Input", [], ["data"])
    shortcut, y = net.split("data", 2)
    last = max(int(key.split(".")[1]) for key in state)
    for index in range(0, last + 1, 2):
        y = net.convolution(y, state, f"body.{index}")
        if index != last:
            slopes = state[f"body.{index + 1}.weight"]
            y = net.one("PReLU", [y], f"0={slopes.size}")
            net.data += slopes.astype("<f4").tobytes()
    y = net.one("PixelShuffle", [y], f"0={scale}")
    up = net.one("Interp", [shortcut], "0=1", f"1={scale:e}", f"2={scale:e}")
    net.one("BinaryOp", [y, up])
    net.rename_last("output")
    net.save(path)


def write_ncnn_rrdb(path, state):
    net = NcnnWriter()
    net.layer("Input", [], ["data"])
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("body."))
    first, y = net.split(net.convolution("data", state, "conv_first"), 2)
    scaled_sum = ("0=1", "-23301=2,2.000000e-01,1.000000e+00")
    for b in range(blocks):
        block_input, y = net.split(y, 2)
        for r in range(1, 4):
            features = [net.split(y, 6)]
            for k in range(1, 5):
                parts = [f[k - 1 - i] for i, f in enumerate(features)]
                x = parts[0] if k == 1 else net.one("Concat", parts)
                x = net.convolution(x, state, f"body.{b}.rdb{r}.conv{k}", leaky=True)
                features.append(net.split(x, 5 - k) if k < 4 else [x])
            x = net.one("Concat", [f[4 - i] for i, f in enumerate(features)])
            x = net.convolution(x, state, f"body.{b}.rdb{r}.conv5")
            y = net.one("Eltwise", [x, features[0][5]], *scaled_sum)
        y = net.one("Eltwise", [y, block_input], *scaled_sum)
    y = net.one("BinaryOp", [first, net.convolution(y, state, "conv_body")])
    for name in ("conv_up1", "conv_up2"):
        y = net.one("Interp", [y], "0=1", "1=2.000000e+00", "2=2.000000e+00")
        y = net.convolution(y, state, name, leaky=True)
    net.convolution(net.convolution(y, state, "conv_hr", leaky=True), state, "conv_last")
    net.rename_last("output")
    net.save(path)


# ---- cases


def network_cases():
    """(case, file name, writer, state as stored, forward in float64, (h, w), architecture, hyper-parameters)."""

    def half(state, only_weights=False):
        return {k: v.astype(np.float16).astype(np.float32) if v.ndim == 4 or not only_weights else v
                for k, v in state.items()}

    def pth(wrap, **options):
        return lambda path, state: torch.save(wrap(to_torch(state, torch.float32)), path, **options)

    def safetensors(dtype=np.float32):
        return lambda path, state: safetensors_io.save(path, {k: v.astype(dtype) for k, v in state.items()},
                                                       {"format": "pt", "licence": LICENCE})

    def srvgg(scale):
        return lambda state, x: torch_networks.srvgg_compact(state, x, scale)

    def rrdb(scale):
        return lambda state, x: torch_networks.rrdb(state, x, scale)

    compact, dense = "srvgg-compact", "rrdbnet"
    yield ("srvgg_x4", "pth", pth(lambda s: {"params": s}), srvgg_weights(1, 8, 3, 4), srvgg(4), (9, 13), compact,
           {"features": 8, "convs": 3, "scale": 4})
    yield ("srvgg_x2", "safetensors", safetensors(), srvgg_weights(2, 8, 2, 2), srvgg(2), (17, 23), compact,
           {"features": 8, "convs": 2, "scale": 2})
    yield ("srvgg_x3_f16", "safetensors", safetensors(np.float16), half(srvgg_weights(3, 6, 1, 3)), srvgg(3), (11, 7),
           compact, {"features": 6, "convs": 1, "scale": 3})
    yield ("srvgg_x1", "pth", pth(lambda s: s), srvgg_weights(4, 4, 2, 1), srvgg(1), (10, 15), compact,
           {"features": 4, "convs": 2, "scale": 1})
    yield ("srvgg_x2_ncnn", "param", lambda path, state: write_ncnn_srvgg(path, state, 2),
           half(srvgg_weights(5, 6, 2, 2), True), srvgg(2), (13, 9), compact, {"features": 6, "convs": 2, "scale": 2})
    yield ("rrdb_x4", "pth", pth(lambda s: {"params_ema": s}), rrdb_weights(6, 6, 1, 3, 4), rrdb(4), (9, 11), dense,
           {"features": 6, "blocks": 1, "growth": 3, "scale": 4})
    yield ("rrdb_x2", "safetensors", safetensors(), rrdb_weights(7, 4, 2, 2, 2), rrdb(2), (14, 18), dense,
           {"features": 4, "blocks": 2, "growth": 2, "scale": 2})
    yield ("rrdb_x1", "pth",
           pth(lambda s: {"params": {"conv_first.bias": s["conv_first.bias"] * 0}, "params_ema": s, "iter": 5, "note": "x1"},
               _use_new_zipfile_serialization=False),
           rrdb_weights(8, 4, 1, 2, 1), rrdb(1), (16, 20), dense, {"features": 4, "blocks": 1, "growth": 2, "scale": 1})
    yield ("rrdb_x4_oldkeys", "pth", pth(lambda s: s, _use_new_zipfile_serialization=False),
           esrgan_old_weights(9, 4, 1, 2, 2), torch_networks.esrgan_old, (7, 9), dense,
           {"features": 4, "blocks": 1, "growth": 2, "scale": 4})
    yield ("rrdb_x2_oldkeys", "pth", pth(lambda s: s), esrgan_old_weights(10, 4, 1, 2, 1), torch_networks.esrgan_old,
           (9, 7), dense, {"features": 4, "blocks": 1, "growth": 2, "scale": 2})
    yield ("rrdb_x4_ncnn", "param", write_ncnn_rrdb, half(rrdb_weights(11, 4, 1, 2, 4), True), rrdb(4), (6, 10), dense,
           {"features": 4, "blocks": 1, "growth": 2, "scale": 4})


def make_networks(out):
    entries = []
    for case, extension, write, state, forward, (h, w), architecture, hyper in network_cases():
        weights = out / f"{case}.weights.{extension}"
        write(weights, state)
        image = np.random.default_rng(1000 + len(entries)).uniform(0, 1, (1, 3, h, w)).astype(np.float32)
        result = forward(to_torch(state, torch.float64), torch.from_numpy(image).double())
        golden = out / f"{case}.golden.safetensors"
        safetensors_io.save(golden, {"input": image, "output": result.numpy().astype(np.float32)})
        entries.append({"case": case, "weights": weights.name, "golden": golden.name, "architecture": architecture,
                        "hyper": hyper})
        print(f"{case:16} {list(image.shape)} -> {list(result.shape)}  output {result.min():.3f} .. {result.max():.3f}")
    return entries


def make_interpolation(out):
    """Deep network interpolation: strength * a + (1 - strength) * b, tensor by tensor."""
    strength = 0.25
    a, b = (srvgg_weights(seed, 4, 1, 2) for seed in (20, 21))
    mixed = {k: strength * a[k].astype(np.float64) + (1 - strength) * b[k].astype(np.float64) for k in a}
    image = np.random.default_rng(22).uniform(0, 1, (1, 3, 8, 9)).astype(np.float32)
    result = torch_networks.srvgg_compact(to_torch(mixed, torch.float64), torch.from_numpy(image).double(), 2)
    for name, state in (("a", a), ("b", b)):
        safetensors_io.save(out / f"interpolate_{name}.weights.safetensors", state)
    safetensors_io.save(out / "interpolate.golden.safetensors",
                        {"input": image, "output": result.numpy().astype(np.float32)}, {"strength": str(strength)})
    return [{"case": "interpolate", "weights": "interpolate_a.weights.safetensors",
             "weights_b": "interpolate_b.weights.safetensors", "strength": strength,
             "golden": "interpolate.golden.safetensors", "architecture": "srvgg-compact",
             "hyper": {"features": 4, "convs": 1, "scale": 2}}]


# ---- single ops


def op_cases(rng):
    """(case, attributes, inputs, function of float64 tensors)."""

    def random(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    def conv2d(case, x, weight, stride=(1, 1), dilation=(1, 1), groups=1, pad=(0, 0, 0, 0), bias=True):
        top, left, bottom, right = pad
        attributes = {"op": "conv2d", "stride": stride, "dilation": dilation, "groups": groups, "pad": pad}

        def run(x, w, b=None):
            return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride, 0, dilation, groups)

        inputs = [random(*x), random(*weight)] + ([random(weight[0])] if bias else [])
        return case, attributes, inputs, run

    yield conv2d("conv_3x3_same", (1, 3, 7, 9), (5, 3, 3, 3), pad=(1, 1, 1, 1))
    yield conv2d("conv_3x3_valid_no_bias", (1, 4, 6, 5), (3, 4, 3, 3), bias=False)
    yield conv2d("conv_1x1_batch2", (2, 6, 4, 5), (7, 6, 1, 1))
    yield conv2d("conv_stride2", (1, 3, 9, 11), (4, 3, 3, 3), stride=(2, 2), pad=(1, 1, 1, 1))
    yield conv2d("conv_stride_2x3", (1, 2, 8, 10), (3, 2, 3, 3), stride=(2, 3), pad=(1, 1, 1, 1))
    yield conv2d("conv_dilation2", (1, 3, 9, 8), (4, 3, 3, 3), dilation=(2, 2), pad=(2, 2, 2, 2))
    yield conv2d("conv_dilation_1x3", (1, 2, 6, 11), (2, 2, 3, 3), dilation=(1, 3), pad=(1, 3, 1, 3))
    yield conv2d("conv_groups2", (1, 4, 6, 7), (6, 2, 3, 3), groups=2, pad=(1, 1, 1, 1))
    yield conv2d("conv_depthwise", (1, 5, 7, 6), (5, 1, 3, 3), groups=5, pad=(1, 1, 1, 1))
    yield conv2d("conv_depthwise_stride2_dilation2", (2, 3, 11, 9), (3, 1, 3, 3), stride=(2, 2), dilation=(2, 2), groups=3,
                 pad=(2, 2, 2, 2))
    yield conv2d("conv_asymmetric_pad", (1, 3, 6, 7), (4, 3, 3, 3), stride=(2, 2), pad=(0, 1, 2, 1))
    yield conv2d("conv_pad_top_right_only", (1, 2, 5, 5), (3, 2, 3, 3), pad=(2, 0, 0, 1))
    yield conv2d("conv_kernel_5x2", (1, 2, 8, 6), (3, 2, 5, 2), pad=(2, 0, 2, 1))
    yield conv2d("conv_1x1_picture", (1, 3, 1, 1), (2, 3, 3, 3), pad=(1, 1, 1, 1))

    yield "prelu_per_channel", {"op": "prelu"}, [random(2, 5, 3, 4), random(5)], F.prelu
    yield "prelu_shared", {"op": "prelu"}, [random(1, 4, 3, 5), random(1)], F.prelu
    yield "leaky_relu", {"op": "leaky_relu", "slope": 0.2}, [random(1, 3, 4, 5)], lambda x: F.leaky_relu(x, 0.2)
    yield "relu", {"op": "relu"}, [random(1, 3, 4, 5)], F.relu
    yield "clamp", {"op": "clamp", "low": -0.5, "high": 0.75}, [random(1, 3, 4, 5)], lambda x: x.clamp(-0.5, 0.75)
    yield "add", {"op": "add"}, [random(1, 3, 4, 5), random(1, 3, 4, 5)], torch.add
    yield "add_broadcast", {"op": "add"}, [random(2, 3, 4, 5), random(1, 3, 1, 1)], torch.add
    yield "mul_broadcast_both", {"op": "mul"}, [random(1, 3, 1, 5), random(2, 1, 4, 1)], torch.mul
    yield "mul_scalar", {"op": "mul"}, [random(1, 3, 4, 5), random(1)], torch.mul
    yield "concat_channels", {"op": "concat", "axis": 1}, [random(1, c, 3, 4) for c in (2, 1, 3)], (
        lambda *parts: torch.cat(parts, 1))
    yield "concat_width", {"op": "concat", "axis": 3}, [random(1, 2, 3, w) for w in (1, 4)], (
        lambda *parts: torch.cat(parts, 3))
    for r in (1, 2, 3, 4):
        yield (f"pixel_shuffle_{r}", {"op": "pixel_shuffle", "factor": r}, [random(1, 2 * r * r, 3, 5)],
               lambda x, r=r: F.pixel_shuffle(x, r))
    for r in (2, 4):
        yield (f"pixel_unshuffle_{r}", {"op": "pixel_unshuffle", "factor": r}, [random(1, 3, 2 * r, 3 * r)],
               lambda x, r=r: F.pixel_unshuffle(x, r))
    for mode in ("nearest", "bilinear"):
        options = {} if mode == "nearest" else {"align_corners": False}
        for y, x in ((2, 2), (3, 3), (4, 4), (1, 2), (3, 2)):
            yield (f"{mode}_{y}x{x}", {"op": "resize", "mode": mode, "scale": (y, x)}, [random(1, 2, 4, 5)],
                   lambda v, m=mode, s=(y, x), o=options: F.interpolate(v, scale_factor=s, mode=m, **o))
    yield ("average_pool_3_2_1", {"op": "average_pool2d", "kernel": 3, "stride": 2, "pad": 1}, [random(2, 3, 7, 10)],
           lambda x: F.avg_pool2d(x, 3, 2, 1))
    yield ("max_pool_2", {"op": "max_pool2d", "kernel": 2, "stride": 2}, [random(1, 3, 7, 8)], lambda x: F.max_pool2d(x, 2))
    yield ("max_pool_3_1", {"op": "max_pool2d", "kernel": 3, "stride": 1}, [random(2, 2, 5, 6)],
           lambda x: F.max_pool2d(x, 3, 1))
    yield ("global_average_pool", {"op": "global_average_pool"}, [random(2, 3, 5, 7)], lambda x: x.mean((2, 3), keepdim=True))
    yield ("instance_norm", {"op": "instance_norm", "epsilon": 1e-5}, [random(2, 3, 5, 7), random(3), random(3)],
           lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=1e-5))
    yield ("batch_norm", {"op": "batch_norm", "epsilon": 1e-3},
           [random(2, 3, 5, 7), random(3), random(3), random(3), random(3) ** 2],
           lambda x, w, b, mean, var: F.batch_norm(x, mean, var, w, b, eps=1e-3))
    for case, k, s, p in (("conv_transpose_4_2_1", 4, 2, 1), ("conv_transpose_2_2_0", 2, 2, 0),
                          ("conv_transpose_3_1_1", 3, 1, 1)):
        yield (case, {"op": "conv_transpose2d", "stride": (s, s), "pad": (p, p, p, p)},
               [random(2, 4, 5, 6), random(4, 3, k, k), random(3)],
               lambda x, w, b, s=s, p=p: F.conv_transpose2d(x, w, b, stride=s, padding=p))
    for case, function in (("softplus", F.softplus), ("selu", F.selu), ("sigmoid", torch.sigmoid), ("abs", torch.abs)):
        yield case, {"op": case}, [10 * random(1, 3, 4, 5)], function
    yield "log1p", {"op": "log1p"}, [random(1, 3, 4, 5) ** 2], torch.log1p
    yield "pow", {"op": "pow", "exponent": 0.3}, [random(1, 3, 4, 5) ** 2], lambda x: x**0.3
    yield "mean", {"op": "mean"}, [random(2, 3, 4, 5)], lambda x: x.mean().reshape(1)
    yield "sub_broadcast", {"op": "sub"}, [random(1, 3, 4, 5), random(3, 1, 1)], torch.sub
    yield "div", {"op": "div"}, [random(1, 3, 4, 5), 1 + random(1, 3, 4, 5) ** 2], torch.div
    yield "linear", {"op": "linear"}, [random(2, 3, 6), random(5, 6), random(5)], F.linear
    yield "gelu", {"op": "gelu"}, [3 * random(1, 3, 4, 5)], F.gelu
    yield ("layer_norm", {"op": "layer_norm", "epsilon": 1e-6}, [random(2, 5, 3, 4)],
           lambda x: F.layer_norm(x.movedim(1, 3), (5,), eps=1e-6).movedim(3, 1))
    yield "matmul_broadcast", {"op": "matmul"}, [random(2, 1, 3, 4), random(5, 4, 6)], torch.matmul
    yield "permute", {"op": "permute", "order": (2, 0, 3, 1)}, [random(2, 3, 4, 5)], lambda x: x.permute(2, 0, 3, 1)
    yield ("crop", {"op": "crop", "edges": (1, 2, 0, 3)}, [random(2, 3, 6, 7)], lambda x: x[:, :, 1:, 2:4])
    yield "repeat", {"op": "repeat", "rows": 2, "columns": 3}, [random(2, 3, 4, 5)], lambda x: x.repeat(1, 1, 2, 3)
    yield ("bilinear_1x1_picture", {"op": "resize", "mode": "bilinear", "scale": (4, 4)}, [random(1, 2, 1, 1)],
           lambda v: F.interpolate(v, scale_factor=(4, 4), mode="bilinear", align_corners=False))
    yield "hard_swish", {"op": "hard_swish"}, [4 * random(1, 3, 4, 5)], F.hardswish
    for align in (False, True):
        for case, size, x in (("larger", (9, 13), (2, 3, 4, 5)), ("smaller", (3, 4), (1, 2, 7, 10)),
                              ("mixed", (11, 1), (1, 2, 3, 6))):
            yield (f"resize_to_{case}{'_corners' if align else ''}", {"op": "resize_to", "size": size, "align_corners": align},
                   [random(*x)], lambda v, s=size, a=align: F.interpolate(v, s, mode="bilinear", align_corners=a))
    for case, k, s, p in (("max_pool_3_2_1", 3, 2, 1), ("max_pool_2_1_1", 2, 1, 1)):
        yield (case, {"op": "max_pool2d", "kernel": k, "stride": s, "pad": p}, [random(2, 3, 7, 10) - 3],
               lambda x, k=k, s=s, p=p: F.max_pool2d(x, k, s, p))


def make_ops(out):
    tensors, metadata = {}, {}
    for case, attributes, inputs, run in op_cases(np.random.default_rng(7)):
        result = run(*(torch.from_numpy(x).double() for x in inputs))
        for i, x in enumerate(inputs):
            tensors[f"{case}/input{i}"] = x
        tensors[f"{case}/output"] = result.numpy().astype(np.float32)
        metadata[case] = json.dumps(attributes)
    safetensors_io.save(out / "ops.golden.safetensors", tensors, metadata)
    print(f"ops: {len(metadata)} cases")


# ---- training: losses and picture metrics


def gaussian_window(size):
    x = torch.arange(size, dtype=torch.float64) - size // 2
    one = torch.exp(-x**2 / (2 * 1.5**2))
    one = one / one.sum()
    return torch.outer(one, one).expand(3, 1, size, size)


def similarity_maps(x, y, size):
    """Luminance and contrast-structure of Wang et al. (2004), where the two-dimensional window lies inside."""
    def mean(v):
        return F.conv2d(v, gaussian_window(size), groups=3)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean((x - mx.mean()) ** 2), mean((y - my.mean()) ** 2), mean((x - mx.mean()) * (y - my.mean()))
    vx, vy = vx - (mx - mx.mean()) ** 2, vy - (my - my.mean()) ** 2
    vxy = vxy - (mx - mx.mean()) * (my - my.mean())
    return (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4), (2 * vxy + 9e-4) / (vx + vy + 9e-4)


def ms_ssim(x, y, size):
    value = 1
    for i, exponent in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        luminance, contrast = similarity_maps(x, y, size)
        term = (contrast if i < 4 else luminance * contrast).mean((2, 3))
        value = value * term.clamp(min=1e-4) ** exponent
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return value.mean()


def hybrid(p, t, alpha):
    p, t = p.clamp(min=0), t.clamp(min=0)
    return alpha * F.l1_loss(p, t) + (1 - alpha) * F.l1_loss(torch.log1p(p + 1e-6), torch.log1p(t + 1e-6))


def picture_metrics(p, t, mode):
    p, t = np.maximum(p, 0).astype(np.float64), np.maximum(t, 0).astype(np.float64)
    if mode == "log":
        p, t = np.log1p(p), np.log1p(t)
    if mode in ("log", "percentile"):
        white = np.percentile(np.concatenate([p.ravel(), t.ravel()]), 99.5)
        p, t = np.clip(p / white, 0, 1), np.clip(t / white, 0, 1)
    elif mode == "linear-clip":
        p, t = np.clip(p, 0, 1), np.clip(t, 0, 1)
    else:
        p, t = np.log1p(p) / np.log1p(p.max()), np.log1p(t) / np.log1p(t.max())
    luminance, contrast = similarity_maps(torch.from_numpy(p), torch.from_numpy(t), 11)
    return 10 * np.log10(1 / ((p - t) ** 2).mean()), float((luminance * contrast).mean())


def pu21(light, white):
    """By Mantiuk and Azimi's "banding_glare" coefficients (2021); `light` a double tensor, 1 = white cd/m2."""
    y = (light * white).clamp(0.005, 10000) ** 0.9062562627
    return 596.3148142 * (((0.353487901 + 0.3734658629 * y) / (1 + 8.277049286e-05 * y)) ** 0.09150303166 - 0.9099517204)


def pu21_psnr(p, t, white):
    p, t = (torch.from_numpy(x).double() for x in (p, t))
    return 10 * torch.log10(256**2 / ((pu21(p, white) - pu21(t, white)) ** 2).mean())


def make_training(out):
    """Two pictures, the second like the first; each loss with its gradient by the prediction, and the metrics."""
    rng = np.random.default_rng(31)
    coarse = rng.gamma(0.7, 0.6, (2, 3, 24, 24)).repeat(8, 2).repeat(8, 3)[:, :, :178, :180]
    target = coarse * rng.uniform(0.9, 1.1, coarse.shape)
    prediction = 0.9 * target + rng.normal(0, 0.08, target.shape)
    # Stored as bytes: (code - 8) / 64.
    codes = [np.clip(np.round(64 * x + 8), 0, 255).astype(np.uint8) for x in (prediction, target)]
    prediction, target = ((c.astype(np.float32) - 8) / 64 for c in codes)
    tensors, values = {"prediction": codes[0], "target": codes[1]}, {}
    t = torch.from_numpy(target).double()
    for name, loss in (("l1", F.l1_loss), ("hybrid", lambda p, t: hybrid(p, t, 0.3)),
                       ("pu21", lambda p, t: F.l1_loss(pu21(p, 203), pu21(t, 203)) / 256),
                       ("ms-ssim 5", lambda p, t: 0.84 * (1 - ms_ssim(p, t, 5)) + 0.16 * F.l1_loss(p, t)),
                       ("ms-ssim 11", lambda p, t: 0.84 * (1 - ms_ssim(p, t, 11)) + 0.16 * F.l1_loss(p, t))):
        p = torch.from_numpy(prediction).double().requires_grad_()
        value = loss(p, t)
        value.backward()
        values[name] = repr(value.item())
        # By every 1000th element, times their number, so that they are of unit size.
        tensors[f"gradient {name}"] = (p.grad * p.numel()).numpy().ravel()[::1000].astype(np.float32)
    for mode in ("linear-clip", "percentile", "log", "tone-mapped"):
        values[f"psnr {mode}"], values[f"ssim {mode}"] = map(repr, map(float, picture_metrics(prediction[:1], target[:1], mode)))
    values["pu21 psnr"] = repr(float(pu21_psnr(prediction[:1], target[:1], 203)))
    safetensors_io.save(out / "training.golden.safetensors", tensors, values)
    print("training:", values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/golden")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    entries = make_networks(out) + make_interpolation(out)
    make_ops(out)
    make_training(out)
    hdr = formula_goldens.make_hdr(out)
    expand = formula_goldens.make_expand(out)
    hinerv = formula_goldens.make_hinerv(out)
    segmentation = formula_goldens.make_segmentation(out)
    files = sorted(p for p in out.iterdir() if p.suffix in (".safetensors", ".pth", ".param", ".bin", ".zip"))
    manifest = {"made_by": f"tools/make_goldens.py, torch {torch.__version__.split('+')[0]}, numpy {np.__version__}",
                "networks": entries, "hdr": hdr, "expand": expand, "hinerv": hinerv, "segmentation": segmentation,
                "ops": "ops.golden.safetensors",
                "sha256": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(files)} files, {sum(p.stat().st_size for p in files)} bytes")


if __name__ == "__main__":
    main()
