"""Writes a network in the compressed form of HiNeRV's own program (Q6.zip), for make_goldens.py.

From a description of the format, independent of the C++ reader: weights quantised with a scale per row, pruned ones left
out, arithmetic-coded one file per tensor; tables, scales, masks and biases in a torch.save dictionary.
"""

import io
import zipfile
import zlib

import numpy as np
import torch


def encode(symbols, cdf):
    """torchac's arithmetic coder with 16-bit probabilities. cdf: float32, from 0 to 1."""
    count = len(cdf) - 1
    begins = np.round(cdf * np.float32(65536 - count)).astype(np.int64) + np.arange(count + 1)
    begins[-1] = 65536
    low, high, pending, bits = 0, 0xFFFFFFFF, 0, []

    def put(bit):
        nonlocal pending
        bits.extend([bit] + [1 - bit] * pending)
        pending = 0

    for s in symbols:
        span = high - low + 1
        high = low - 1 + (span * int(begins[s + 1]) >> 16)
        low = low + (span * int(begins[s]) >> 16)
        while True:
            if high < 0x80000000 or low >= 0x80000000:
                put(low >> 31)
                low, high = (low << 1) & 0xFFFFFFFF, (high << 1 | 1) & 0xFFFFFFFF
            elif low >= 0x40000000 and high < 0xC0000000:
                pending += 1
                low, high = (low << 1) & 0x7FFFFFFF, (high << 1 | 0x80000001) & 0xFFFFFFFF
            else:
                break
    pending += 1
    put(0 if low < 0x40000000 else 1)
    bits += [0] * (-len(bits) % 8)
    return np.packbits(bits).tobytes()


assert encode([0, 1, 1, 0, 1, 0, 0, 1], np.array([0, 0.5, 1], np.float32)) == bytes.fromhex("6940")


def coded(integers):
    """A tensor's entry in the dictionary, and its stream."""
    if integers.size == 0:
        return {"dim": None, "sym": None, "cdf": None, "bits_length": 0, "shape": None, "offset": None}, None
    offset = integers.min()
    symbols, indices, counts = np.unique(integers - offset, return_inverse=True, return_counts=True)
    cdf = (np.concatenate([[0], np.cumsum(counts)]).astype(np.float32) / np.float32(counts.sum())).astype(np.float32)
    stream = encode(indices.ravel(), cdf)
    entry = {"dim": None, "sym": torch.from_numpy(symbols), "cdf": torch.from_numpy(cdf), "bits_length": len(stream),
             "shape": torch.Size(integers.shape), "offset": torch.tensor(offset)}
    return entry, stream


def quantise(weight, bits):
    """Integers and scales. One scale per index of all axes but the longest, if that is long enough to be worth it."""
    axis = int(np.argmax(weight.shape))
    axis = axis if weight.shape[axis] > 20 else None
    largest = np.abs(weight).max(axis, keepdims=axis is not None)
    scale = np.asarray(2 * largest / (2**bits - 1) + 1e-6, np.float32)
    integers = np.clip(np.round(weight / scale), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int32)
    return integers, axis, scale.astype(np.float16)


def write(path, weights, masks, bits):
    """weights: {name: float32 array}; masks: {name: bool array} of those that are pruned. What decoding must give."""
    side, files, decoded = {"quant_config": {"quant_level": bits}}, {}, {}
    for name, weight in weights.items():
        if weight.ndim < 2:
            side[name] = torch.from_numpy(weight).half()
            decoded[name] = side[name].float().numpy()
            continue
        key = name.removesuffix(".weight") + ".parametrizations.weight.original"
        integers, axis, scale = quantise(weight, bits)
        side["quant_config"][key] = {"axis": axis, "scale": torch.from_numpy(scale)}
        side[key.removesuffix("original") + "0.bitwidth"] = torch.tensor(float(bits)).half()
        kept = integers
        if name in masks:
            integers = integers * masks[name]
            side[key + "_mask"], stream = coded(masks[name].astype(np.int8))
            files[key + "_mask.bit"] = stream
            kept = kept.ravel()[masks[name].ravel()]
        side[key], stream = coded(kept)
        if stream is not None:
            files[key + ".bit"] = stream
        decoded[name] = integers.astype(np.float32) * scale.astype(np.float32)
    saved = io.BytesIO()
    torch.save(side, saved)
    files["model_compressed.pth.tar"] = zlib.compress(saved.getvalue(), 0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return decoded
