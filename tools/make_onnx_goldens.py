#!/usr/bin/env python3
"""Makes tests/golden/onnx/: small networks as PyTorch's exporters write them, and what PyTorch computes from them.

Needs .venv-peers (`make peers-venv`): torch, onnx and onnxscript as bench/peers/requirements.txt pins them. Weights come
from a seeded generator, outputs are computed in float64 and stored as float32. The cases are chosen for what exporters
write, not for what the networks do:

- compact_dynamic: the present exporter (dynamo), sizes open: convolutions, PReLU, PixelShuffle, nearest enlargement.
- mask_fixed: the exporter before it (TorchScript), operator set 11, one size: batch normalisation (folded), max pooling,
  transposed convolution, squeeze-and-excitation with hard sigmoid, bilinear enlargement, sigmoid of one plane.
- restore_dynamic: TorchScript, operator set 17, sizes open, so that they are computed by the graph: pixel unshuffling by
  reshape and transpose, a gate of two halves of the channels, GELU written out, reflection padding, layer normalisation
  over channels, resizing to the size of another picture, tanh.
- external: compact_dynamic with half the channels and its tensors in a file beside it, as the exporter does by default.
"""

import argparse
import logging
import pathlib
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import safetensors_io


class Compact(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.first = nn.Conv2d(3, features, 3, 1, 1)
        self.slope = nn.PReLU(features)
        self.second = nn.Conv2d(features, 12, 3, 1, 1)

    def forward(self, image):
        x = self.second(self.slope(self.first(image)))
        return F.pixel_shuffle(x, 2) + F.interpolate(image, scale_factor=2, mode="nearest")


class Mask(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.1))
        self.deep = nn.Sequential(nn.Conv2d(8, 16, 3, 1, 2, dilation=2), nn.Hardswish())
        self.squeeze, self.excite = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.up = nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1)
        self.leave = nn.Conv2d(16, 1, 3, 1, 1)

    def forward(self, image):
        x = self.enter(image)
        y = self.deep(F.max_pool2d(x, 2))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        y = self.up(y * gate)
        half = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear", align_corners=False)
        return torch.sigmoid(self.leave(torch.cat([y, x + half], 1)))


class ChannelNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Restore(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(12, 8, 3)
        self.norm = ChannelNorm(8)
        self.widen, self.narrow = nn.Conv2d(8, 16, 1), nn.Conv2d(8, 8, 1)
        self.leave = nn.Conv2d(8, 3, 3, 1, 1)
        self.gain = nn.Parameter(torch.full((1, 8, 1, 1), 0.5))

    def forward(self, image):
        n, c, h, w = image.shape
        x = image.view(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, c * 4, h // 2, w // 2)
        x = self.enter(F.pad(x, (1, 1, 1, 1), mode="reflect"))
        a, b = self.widen(F.gelu(self.norm(x))).chunk(2, 1)
        x = x + self.narrow(a * b) * self.gain
        x = F.interpolate(x, size=(h, w), mode="bilinear", align_corners=False)
        return image + torch.tanh(self.leave(x))


def prepare(module, seed):
    """The module in eval mode, with weights of a size that keeps values near 1, and statistics that are not trivial."""
    torch.manual_seed(seed)
    for name, tensor in list(module.named_parameters()) + list(module.named_buffers()):
        if not tensor.dtype.is_floating_point:
            continue
        if tensor.dim() > 1:
            value = torch.randn_like(tensor) * (1.0 / tensor[0].numel()) ** 0.5
        else:
            value = 0.6 + 0.4 * torch.rand_like(tensor) if name.endswith(("weight", "var")) else 0.2 * torch.randn_like(tensor)
        tensor.data.copy_(value)
    return module.eval()


def golden(out, case, module, sizes):
    tensors, rng = {}, np.random.default_rng(11)
    for height, width in sizes:
        image = rng.random((1, 3, height, width), dtype=np.float32)
        result = module.double()(torch.from_numpy(image).double())
        tensors[f"{height}x{width}/input"] = image
        tensors[f"{height}x{width}/output"] = result.detach().numpy().astype(np.float32)
    module.float()
    safetensors_io.save(out / f"{case}.golden.safetensors", tensors, {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/golden/onnx")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)

    compact, sample = prepare(Compact(12), 1), torch.zeros(1, 3, 20, 24)
    open_sizes = {"image": {2: torch.export.Dim("height", min=2, max=8192), 3: torch.export.Dim("width", min=2, max=8192)}}
    torch.onnx.export(compact, (sample,), out / "compact_dynamic.onnx", input_names=["image"], output_names=["upscaled"],
                      dynamo=True, dynamic_shapes=open_sizes, external_data=False, verbose=False)
    golden(out, "compact_dynamic", compact, [(20, 24), (7, 13)])

    mask = prepare(Mask(), 2)
    torch.onnx.export(mask, (torch.zeros(1, 3, 32, 48),), out / "mask_fixed.onnx", input_names=["in"], output_names=["mask"],
                      dynamo=False, opset_version=11)
    golden(out, "mask_fixed", mask, [(32, 48), (36, 20)])

    restore = prepare(Restore(), 3)
    axes = {2: "height", 3: "width"}
    torch.onnx.export(restore, (torch.zeros(1, 3, 32, 48),), out / "restore_dynamic.onnx", input_names=["in"],
                      output_names=["out"], dynamo=False, opset_version=17, dynamic_axes={"in": axes, "out": axes})
    golden(out, "restore_dynamic", restore, [(32, 48), (18, 26)])

    small = prepare(Compact(6), 4)
    torch.onnx.export(small, (sample,), out / "external.onnx", input_names=["image"], output_names=["upscaled"], dynamo=True,
                      dynamic_shapes=open_sizes, external_data=True, verbose=False)
    golden(out, "external", small, [(20, 24)])
    for path in sorted(out.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
