"""Plain PyTorch forward passes of the networks framelift runs, from a state dict with upstream's keys.

Written from the published architectures (Real-ESRGAN's SRVGGNetCompact, ESRGAN's RRDBNet), independent of the C++
code: make_goldens.py compares the two. The same code serves the PyTorch peer of the benchmarks.
"""

import torch
import torch.nn.functional as F


def conv(state, name, x):
    return F.conv2d(x, state[name + ".weight"], state[name + ".bias"], padding=1)


def srvgg_compact(state, x, scale):
    """Convolutions at body.0, body.2, ...; PReLU slopes between them; pixel shuffle; plus the nearest-upscaled input."""
    last = max(int(key.split(".")[1]) for key in state)
    y = x
    for index in range(0, last + 1, 2):
        y = conv(state, f"body.{index}", y)
        if index != last:
            y = F.prelu(y, state[f"body.{index + 1}.weight"])
    y = F.pixel_shuffle(y, scale)
    return y + F.interpolate(x, scale_factor=scale, mode="nearest")


def rrdb(state, x, scale):
    """RRDBNet: x4 in the trunk; x2 and x1 feed it a pixel-unshuffled input."""

    def leaky(value):
        return F.leaky_relu(value, 0.2)

    def dense_block(name, value):
        features = [value]
        for k in range(1, 5):
            features.append(leaky(conv(state, f"{name}.conv{k}", torch.cat(features, 1))))
        return conv(state, f"{name}.conv5", torch.cat(features, 1)) * 0.2 + value

    if scale in (1, 2):
        x = F.pixel_unshuffle(x, 4 // scale)
    first = conv(state, "conv_first", x)
    y = first
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("body."))
    for block in range(blocks):
        z = y
        for r in range(1, 4):
            z = dense_block(f"body.{block}.rdb{r}", z)
        y = z * 0.2 + y
    y = first + conv(state, "conv_body", y)
    for up in ("conv_up1", "conv_up2"):
        y = leaky(conv(state, up, F.interpolate(y, scale_factor=2, mode="nearest")))
    return conv(state, "conv_last", leaky(conv(state, "conv_hr", y)))


def esrgan_old(state, x):
    """ESRGAN's first release: the same network under other keys, with one upscaling convolution per doubling."""

    def leaky(value):
        return F.leaky_relu(value, 0.2)

    def dense_block(name, value):
        features = [value]
        for k in range(1, 5):
            features.append(leaky(conv(state, f"{name}.conv{k}.0", torch.cat(features, 1))))
        return conv(state, f"{name}.conv5.0", torch.cat(features, 1)) * 0.2 + value

    first = conv(state, "model.0", x)
    y = first
    trunk = max(int(key.split(".")[3]) for key in state if key.startswith("model.1.sub."))
    for block in range(trunk):
        z = y
        for r in range(1, 4):
            z = dense_block(f"model.1.sub.{block}.RDB{r}", z)
        y = z * 0.2 + y
    y = first + conv(state, f"model.1.sub.{trunk}", y)
    tail = sorted({int(key.split(".")[1]) for key in state} - {0, 1})
    for index in tail[:-2]:  # upscaling convolutions; the last two are conv_hr and conv_last
        y = leaky(conv(state, f"model.{index}", F.interpolate(y, scale_factor=2, mode="nearest")))
    return conv(state, f"model.{tail[-1]}", leaky(conv(state, f"model.{tail[-2]}", y)))
