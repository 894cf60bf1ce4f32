"""Reads an SRVGGNetCompact from ncnn's .param/.bin into a state dict {"body.N.weight": array, ...} of float32 arrays."""

import pathlib

import numpy as np

FP16_FLAG = 0x01306B47


def read_srvgg(param_path):
    """Returns (state dict, scale)."""
    param_path = pathlib.Path(param_path)
    data = param_path.with_suffix(".bin").read_bytes()
    lines = param_path.read_text().split("\n")
    if lines[0].strip() != "7767517":
        raise ValueError(f"{param_path}: not an ncnn .param file")
    state, scale, index, offset, channels = {}, None, 0, 0, 3
    for line in lines[2:]:
        words = line.split()
        if not words:
            continue
        inputs, outputs = int(words[2]), int(words[3])
        options = dict(word.split("=", 1) for word in words[4 + inputs + outputs:])
        if words[0] == "Convolution":
            count, out = int(options["6"]), int(options["0"])
            half = int.from_bytes(data[offset:offset + 4], "little") == FP16_FLAG
            offset += 4
            size = count * (2 if half else 4)
            weight = np.frombuffer(data, "<f2" if half else "<f4", count, offset).astype(np.float32)
            offset += size + -size % 4
            state[f"body.{index}.weight"] = weight.reshape(out, channels, 3, 3)
            state[f"body.{index}.bias"] = np.frombuffer(data, "<f4", out, offset).copy()
            offset += 4 * out
            channels = out
        elif words[0] == "PReLU":
            count = int(options["0"])
            state[f"body.{index}.weight"] = np.frombuffer(data, "<f4", count, offset).copy()
            offset += 4 * count
        elif words[0] == "PixelShuffle":
            scale = int(options["0"])
            continue
        else:
            continue
        index += 1
    if offset != len(data) or scale is None:
        raise ValueError(f"{param_path}: not an SRVGGNetCompact, or its .bin does not belong to it")
    return state, scale
