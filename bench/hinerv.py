#!/usr/bin/env python3
"""HiNeRV: a training step and decoding beside plain PyTorch, what bf16 costs, and entropy decoding.

    bench/hinerv.py FRAMELIFT --clip 320x180.mkv --large-clip 1280x720.mp4 [--threads 2] [--rounds 3]

framelift's step is the difference between two whole runs of `compress` that differ in their number of epochs. bunny-xs
is trained for moments only: decoding takes as long whatever it shows. Results go to bench/results/hinerv.json.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import measure

FRAMES, EPOCHS = 16, (2, 8)  # of the two runs: one epoch of rounding each


def compress(o, folder, name, clip, frames, epochs, *words):
    path = folder / name
    started = time.perf_counter()
    measure.capture(o.framelift, "compress", clip, path, "--frames", frames, "--epochs", epochs, "--evaluate-every", 10**6, "--prune", 0,
                    "--device", "cpu", "--threads", o.threads, "--quiet", "--overwrite", *words)
    return path, time.perf_counter() - started


def peer(o, mode, path, count):
    text = measure.capture(measure.PEER_PYTHON, measure.ROOT / "bench/peers/hinerv.py", mode, path, o.threads, count)
    return measure.last_json(text)


def training(o, folder):
    ours, theirs = [], []
    for _ in range(o.rounds):
        runs = [compress(o, folder, f"{epochs}.fnv", o.clip, FRAMES, epochs, "--bpp", 0.2) for epochs in EPOCHS]
        ours.append((runs[1][1] - runs[0][1]) / (FRAMES * (EPOCHS[1] - EPOCHS[0])))
        found = peer(o, "train", runs[0][0], 30)
        theirs.append(found["step_seconds"])
        print(f"step: framelift {ours[-1]:.4f} s, PyTorch {theirs[-1]:.4f} s", file=sys.stderr)
    data = {"weights": found["weights"], "framelift_step": measure.spread(ours), "pytorch_step": measure.spread(theirs)}
    data["speed_over_pytorch"] = data["pytorch_step"]["median"] / data["framelift_step"]["median"]
    return data


def decoding(o, path, count):
    ours, theirs = {"f32": [], "bf16": []}, []
    for _ in range(o.rounds):
        for precision, found in ours.items():
            text = subprocess.run([o.framelift, "decompress", path, "null:", "--precision", precision],
                                  capture_output=True, text=True, check=True).stderr
            found.append(float(re.findall(r"([\d.]+) fps", text)[-1]))
        theirs.append(peer(o, "decode", path, count)["fps"])
        print(f"{path.name}: {ours['f32'][-1]} fps, bf16 {ours['bf16'][-1]}, PyTorch {theirs[-1]:.2f}", file=sys.stderr)
    return {**{f"framelift_{p}_fps": measure.spread(f) for p, f in ours.items()}, "pytorch_fps": measure.spread(theirs)}


def psnr(o, clip, path):
    text = measure.capture(o.framelift, "evaluate", clip, path, "--quiet")
    return float(re.search(r"PSNR ([\d.]+) dB", text)[1])


def bf16_loss(o, folder, path, clip):
    """PSNR of R'G'B' that bf16 loses against f32, both as lossless 4:4:4 R'G'B' of 10 bits."""
    found = {}
    for precision in ("f32", "bf16"):
        back = folder / f"{precision}.mkv"
        measure.capture(o.framelift, "decompress", path, back, "--precision", precision, "--encoder", "ffv1", "--pixel-format", "gbrp10le",
                        "--quiet", "--overwrite")
        found[precision] = psnr(o, clip, back)
    return {**{f"{p}_psnr": v for p, v in found.items()}, "loss_db": round(found["f32"] - found["bf16"], 3)}


def entropy(o):
    program = o.framelift.parent / "bench_codec"
    found = json.loads(measure.capture(program, "--benchmark_format=json", "--benchmark_min_time=1"))
    return {b["name"]: {"million_values_per_second": b["items_per_second"] / 1e6, **({"bits_per_value": b["bits_per_value"]} if "bits_per_value" in b else {})}
            for b in found["benchmarks"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--clip", type=pathlib.Path, required=True)
    parser.add_argument("--large-clip", type=pathlib.Path, required=True)
    parser.add_argument("--trained", type=pathlib.Path, help="an .fnv of --clip, for what bf16 costs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    o = parser.parse_args()
    o.framelift, o.clip, o.large_clip = o.framelift.resolve(), o.clip.resolve(), o.large_clip.resolve()
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as name:
        folder = pathlib.Path(name)
        data = {"threads": o.threads, "entropy_coding": entropy(o), "training_320x180": training(o, folder)}
        small, _ = compress(o, folder, "small.fnv", o.clip, 10**6, 1, "--bpp", 0.05)
        data["decoding_320x180"] = decoding(o, o.trained.resolve() if o.trained else small, 60)
        if o.trained:
            data["bf16_320x180"] = bf16_loss(o, folder, o.trained.resolve(), o.clip)
        large, _ = compress(o, folder, "bunny-xs.fnv", o.large_clip, 12, 1, "--size", "bunny-xs")
        data["decoding_bunny_xs_1280x720"] = decoding(o, large, 12)
    measure.save("hinerv", data)


if __name__ == "__main__":
    main()
