#!/usr/bin/env python3
"""A HiNeRV network in plain PyTorch (tools/torch_hinerv.py), eager, for the same job as framelift: JSON with
"step_seconds" or "fps".

    bench/peers/hinerv.py train FILE.fnv THREADS STEPS
    bench/peers/hinerv.py decode FILE.fnv THREADS FRAMES

train: forward, loss (0.7 L1 + 0.3 (1 - MS-SSIM), window 5), backward, clip, fused Adam on one whole frame. decode: frame
after frame. The file tells the network's shape; weights are noise, on which speed does not depend.
"""

import json
import pathlib
import statistics
import sys
import time

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import fnv_reference  # noqa: E402
import torch_hinerv  # noqa: E402


def configuration(path):
    texts, head, frames = {}, {}, 0
    for _, kind, body in fnv_reference.sections(path.read_bytes()):
        lines = []
        if kind == "HEAD":
            fnv_reference.read_head(body, lambda *words: lines.append(words))
            head = {words[0]: words[1:] for words in lines}
        elif kind == "NETW" and not texts:
            fnv_reference.read_network(body, 0, lambda *words: lines.append(words))
            texts = {words[2]: words[4] for words in lines if words[0] == "network"}
        elif kind == "GRUP" and frames == 0:
            fields = fnv_reference.Fields(body)
            fields.varint()
            frames = fields.varint()
    numbers = lambda key, kind: [kind(word) for word in texts[key].split(",")]
    return {"frames": frames, "width": head["picture"][2], "height": head["picture"][3],
            "scales": numbers("scales", int), "depths": numbers("depths", int), "exps": numbers("expansions", float),
            "kernels": numbers("kernels", int), "upsample_norm": texts["upsample-norm"] == "1",
            **{key.replace("-", "_"): int(texts[key]) for key in
               ("channels", "least-channels", "stem-kernel", "base-frames", "base-channels", "base-levels", "grid-channels", "grid-levels")}}


def ms_ssim(x, y, window):
    """Wang, Simoncelli and Bovik (2003), five scales; filters that keep to the picture."""
    c1, c2, exponents = 0.01**2, 0.03**2, (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    filtered = lambda p: F.conv2d(F.conv2d(p, window[:, :, :, None], groups=3), window[:, :, None, :], groups=3)
    result = 1
    for scale, exponent in enumerate(exponents):
        if scale:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        mx, my = filtered(x), filtered(y)
        vx, vy, cov = filtered(x * x) - mx * mx, filtered(y * y) - my * my, filtered(x * y) - mx * my
        similar = (2 * cov + c2) / (vx + vy + c2)
        if scale + 1 == len(exponents):
            similar = similar * (2 * mx * my + c1) / (mx * mx + my * my + c1)
        result = result * similar.mean((2, 3)).clamp(min=1e-4) ** exponent
    return result.mean()


def main():
    mode, path, threads, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    c = configuration(path)
    state = {name: (torch.rand(shape) - 0.5) * 0.2 for name, shape in torch_hinerv.shapes(c).items()}
    weights = sum(w.numel() for w in state.values())
    if mode == "decode":
        with torch.inference_mode():
            torch_hinerv.whole_frames(state, c, [0])
            started = time.perf_counter()
            for i in range(count):
                torch_hinerv.whole_frames(state, c, [i % c["frames"]])
            print(json.dumps({"weights": weights, "fps": count / (time.perf_counter() - started)}))
        return
    for weight in state.values():
        weight.requires_grad_()
    optimiser = torch.optim.Adam(state.values(), lr=2e-3, fused=True)
    gaussian = torch.exp(-(torch.arange(5.0) - 2) ** 2 / (2 * 1.5**2))
    window = (gaussian / gaussian.sum()).repeat(3, 1, 1)
    target = torch.rand(1, 3, c["height"], c["width"]).to(memory_format=torch.channels_last)
    times = []
    for step in range(count + 3):
        started = time.perf_counter()
        optimiser.zero_grad()
        picture = torch_hinerv.whole_frames(state, c, [step % c["frames"]])
        loss = 0.7 * (picture - target).abs().mean() + 0.3 * (1 - ms_ssim(picture, target, window))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(state.values(), 1.0)
        optimiser.step()
        loss.item()
        times.append(time.perf_counter() - started)
    print(json.dumps({"weights": weights, "step_seconds": statistics.median(times[3:])}))


if __name__ == "__main__":
    main()
