#!/usr/bin/env python3
"""A network as an OpenVINO file, and pictures as arrays, for bench/peers/int8_nncf.py.

    bench/peers/int8_models.py WEIGHTS OUT.xml
    bench/peers/int8_models.py pictures WEIGHTS OUT.npz WIDTHxHEIGHT COUNT CLIP...
"""

import pathlib
import subprocess
import sys

import numpy as np
import openvino as ov

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ncnn_weights  # noqa: E402
import openvino_network  # noqa: E402


def is_srvgg(weights):
    return weights.endswith(".param")


def hdrtvnet(weights):
    import torch

    import hdrtvnet as peer

    return peer.Ensemble(torch.load(weights, map_location="cpu", weights_only=True)).eval()


def save(weights, out):
    if is_srvgg(weights):
        state, scale = ncnn_weights.read_srvgg(weights)
        model = openvino_network.build(state, scale, 64, 64)
    else:
        import torch

        model = ov.convert_model(hdrtvnet(weights), example_input=(torch.rand(1, 3, 64, 64), torch.rand(1, 6)))
    ov.save_model(model, out, compress_to_fp16=False)


def read_frames(clip, count):
    """Evenly spread frames as float R, G, B [3,h,w]."""
    facts = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries",
                            "stream=width,height,nb_read_packets", "-of", "csv=p=0", clip], capture_output=True, text=True, check=True)
    width, height, frames = map(int, facts.stdout.strip().split(",")[:3])
    step = max(frames // count, 1)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-map", "0:v:0", "-vf", f"select=not(mod(n-{step // 2}\\,{step}))", "-vsync", "0",
                          "-frames:v", str(count), "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    return [p.transpose(2, 0, 1).astype(np.float32) / 255 for p in pictures]


def pictures(weights, out, size, count, clips):
    width, height = map(int, size.split("x"))
    random = np.random.default_rng(1)
    arrays = {"x0": []}
    if not is_srvgg(weights):
        arrays["x1"] = []
        import torch
        import torch.nn.functional as F

        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
        import torch_networks

        state = torch_networks.part_of(torch.load(weights, map_location="cpu", weights_only=True), "AGCM.")
    for clip in clips:
        for picture in read_frames(clip, max(int(count) // len(clips), 1)):
            top = random.integers(picture.shape[1] - height + 1)
            left = random.integers(picture.shape[2] - width + 1)
            arrays["x0"].append(picture[:, top:top + height, left:left + width])
            if "x1" in arrays:
                reduced = F.interpolate(torch.from_numpy(picture)[None], scale_factor=0.25, mode="bilinear")
                arrays["x1"].append(torch_networks.hdrtvnet_condition(state, reduced)[0].numpy())
    np.savez(out, **{name: np.stack(values) for name, values in arrays.items()})


if __name__ == "__main__":
    if sys.argv[1] == "pictures":
        pictures(*sys.argv[2:6], sys.argv[6:])
    else:
        save(*sys.argv[1:3])
