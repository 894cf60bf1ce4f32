"""HiNeRV (Kwan et al., NeurIPS 2023) in plain PyTorch, channels last, for make_goldens.py and comparisons.

Written from a description of the published network, independent of the C++ code: whole frames go through convolutions
and F.interpolate, patches through interpolation matrices with masks, as the authors train them. `state` holds the
weights by the names of the authors' state dict, `c` the hyper-parameters (see make_goldens.py).
"""

import math

import torch
import torch.nn.functional as F


def levels(frames, channels, count):
    """Frames and channels of a stack of grids. The authors' grids end at one frame; shorter videos repeat that."""
    return [(max(int(frames / 2**i), 1), int(channels / 0.5**i)) for i in range(count)]


def base_levels(c):
    return levels(c["base_frames"] or c["frames"], c["base_channels"], c["base_levels"])


def stage_levels(c, i):
    return levels(c["frames"], max(int(c["grid_channels"] * 0.5**i), 1), c["grid_levels"])


def stage_channels(c):
    sizes, least = [c["channels"]], min(c["channels"], c.get("least_channels", 1))
    for _ in c["scales"]:
        sizes.append(max(int(sizes[-1] // 2), least) if len(sizes) > 1 else sizes[-1])
    return list(zip(sizes, sizes[1:]))


def shapes(c):
    """Every parameter's name and shape."""
    height, width = (c[k] // math.prod(c["scales"]) for k in ("height", "width"))
    result = {}
    for i, (t, depth) in enumerate(base_levels(c)):
        result[f"encoding.grids.{i}.weight"] = (t * height * width, depth)
    k = c["stem_kernel"]
    result["decoder.stem.conv.weight"] = (c["channels"], sum(d for _, d in base_levels(c)), k, k)
    result["decoder.stem.conv.bias"] = (c["channels"],)
    for i, (c1, c2) in enumerate(stage_channels(c)):
        block = f"decoder.blocks.{i}"
        for level, (t, depth) in enumerate(stage_levels(c, i)):
            result[f"{block}.1.enc.grids.{level}.weight"] = (t, c["scales"][i] ** 2 * depth)
        result[f"{block}.1.enc.linear.weight"] = (c1, sum(d for _, d in stage_levels(c, i)))
        result[f"{block}.1.enc.linear.bias"] = (c1,)
        for j in range(c["depths"][i]):
            inputs, hidden, k = c1 if j == 0 else c2, int(c2 * c["exps"][i]), c["kernels"][i]
            result[f"{block}.{j + 2}.dconv.weight"] = (inputs, 1, k, k)
            result[f"{block}.{j + 2}.fc1.weight"] = (hidden, inputs)
            result[f"{block}.{j + 2}.fc2.weight"] = (c2, hidden)
    result["decoder.head.linear.weight"] = (3, stage_channels(c)[-1][1])
    result["decoder.head.linear.bias"] = (3,)
    return result


def norm(x):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


def conv(x, weight, bias=None, groups=1):
    y = F.conv2d(x.movedim(-1, 1), weight, bias, padding=weight.shape[-1] // 2, groups=groups)
    return y.movedim(1, -1)


def base_grid(state, c):
    """[T, H, W, C]: all levels, stretched to the video's frames."""
    height, width = (c[k] // math.prod(c["scales"]) for k in ("height", "width"))
    parts = []
    for i, (t, depth) in enumerate(base_levels(c)):
        grid = state[f"encoding.grids.{i}.weight"].reshape(t, height * width * depth)
        stretched = F.interpolate(grid.T[None], size=c["frames"], mode="linear", align_corners=False)[0].T
        parts.append(stretched.reshape(c["frames"], height, width, depth))
    return torch.cat(parts, -1)


def table(state, c, stage, frames):
    """[N, s, s, C]: what a stage adds by the place inside the enlarged pixel."""
    s = c["scales"][stage]
    block = f"decoder.blocks.{stage}.1.enc"
    dtype = state[f"{block}.linear.bias"].dtype
    time = torch.tensor([0.0 if c["frames"] == 1 else -1 + 1 / c["frames"] + 2 * t / c["frames"] for t in frames], dtype=dtype)
    parts = []
    for level, (t, depth) in enumerate(stage_levels(c, stage)):
        grid = state[f"{block}.grids.{level}.weight"].T[None, :, :, None]  # [1, s * s * C, T, 1]
        where = torch.stack([torch.zeros_like(time), time], -1)[None, :, None]  # (x, y)
        sampled = F.grid_sample(grid, where, mode="bilinear", padding_mode="border", align_corners=False)
        parts.append(sampled[0, :, :, 0].T.reshape(len(frames), s, s, depth))
    return F.linear(torch.cat(parts, -1), state[f"{block}.linear.weight"], state[f"{block}.linear.bias"])


def convnext(state, name, x, mask):
    y = norm(conv(x, state[f"{name}.dconv.weight"], groups=x.shape[-1]))
    y = F.linear(F.gelu(F.linear(y, state[f"{name}.fc1.weight"])), state[f"{name}.fc2.weight"])
    y = y * mask
    return x + y if x.shape == y.shape else y


def head(state, x):
    y = torch.sigmoid(F.linear(x, state["decoder.head.linear.weight"], state["decoder.head.linear.bias"]))
    return y.movedim(-1, 1)


def whole_frames(state, c, frames):
    """[N, 3, H, W]"""
    x = conv(base_grid(state, c)[frames], state["decoder.stem.conv.weight"], state["decoder.stem.conv.bias"])
    for i, s in enumerate(c["scales"]):
        if c["upsample_norm"]:
            x = norm(x)
        x = F.interpolate(x.movedim(-1, 1), scale_factor=s, mode="bilinear", align_corners=False).movedim(1, -1)
        cells = table(state, c, i, frames)
        x = x + cells.repeat(1, x.shape[1] // s, x.shape[2] // s, 1)
        for j in range(c["depths"][i]):
            x = convnext(state, f"decoder.blocks.{i}.{j + 2}", x, 1)
    return head(state, x)


def paddings(c):
    """Per stage, then of the stem, counted from the last stage backwards."""
    pad, result = 0, []
    for s, depth, k in reversed(list(zip(c["scales"], c["depths"], c["kernels"]))):
        pad += depth * ((k - 1) // 2)
        result.append(pad)
        pad = round(pad / s) + (s > 1)  # Python rounds halves to even
    return result[::-1], pad + (c["stem_kernel"] - 1) // 2


def span(index, patch, pad, size, dtype):
    """Pixels of one axis that a padded patch covers, and 1 where they lie in the frame."""
    pixels = torch.arange(index * patch - pad, (index + 1) * patch + pad)
    return pixels, ((pixels >= 0) & (pixels < size)).to(dtype)


def hat(inputs, outputs, size_in, s, mask):
    """[outputs, inputs]: bilinear weights between two padded patches along one axis."""
    source = ((outputs.to(mask.dtype) + 0.5) / s - 0.5).clamp(0, size_in - 1)
    return (1 - (source[:, None] - inputs[None]).abs()).clamp(min=0) * mask[:, None]


def patch(state, c, size, frame, row, column):
    """[3, size, size]"""
    dtype = state["decoder.head.linear.bias"].dtype
    stage_pads, pad = paddings(c)
    total = math.prod(c["scales"])
    height, width, cell = c["height"] // total, c["width"] // total, size // total
    ys, mask_y = span(row, cell, pad, height, dtype)
    xs, mask_x = span(column, cell, pad, width, dtype)
    mask = mask_y[:, None, None] * mask_x[None, :, None]
    grid = base_grid(state, c)[frame]
    x = (grid[ys.clamp(0, height - 1)][:, xs.clamp(0, width - 1)] * mask)[None]
    x = conv(x, state["decoder.stem.conv.weight"], state["decoder.stem.conv.bias"]) * mask
    for i, s in enumerate(c["scales"]):
        if c["upsample_norm"]:
            x = norm(x)
        cell *= s
        out_ys, mask_y = span(row, cell, stage_pads[i], height * s, dtype)
        out_xs, mask_x = span(column, cell, stage_pads[i], width * s, dtype)
        down, across = hat(ys, out_ys, height, s, mask_y), hat(xs, out_xs, width, s, mask_x)
        x = torch.einsum("oi,nijc,pj->nopc", down, x, across)
        ys, xs, height, width = out_ys, out_xs, height * s, width * s
        mask = mask_y[:, None, None] * mask_x[None, :, None]
        x = x + table(state, c, i, [frame])[:, ys % s][:, :, xs % s] * mask
        for j in range(c["depths"][i]):
            x = convnext(state, f"decoder.blocks.{i}.{j + 2}", x, mask)
    p = stage_pads[-1]
    return head(state, x[:, p : p + size, p : p + size])[0]
