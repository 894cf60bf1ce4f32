#!/usr/bin/env python3
"""What the OpenEXR project's own Python package makes of pictures, as JSON.

    read_exr.py A.exr           header, and each channel's type, range and number of values that are not finite
    read_exr.py A.exr B.exr     the same of A, and the largest difference of each channel from B
"""

import json
import sys

import numpy as np
import OpenEXR


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    return str(value)


def read(path):
    file = OpenEXR.File(path, separate_channels=True)
    return file.header(), {name: c.pixels for name, c in file.channels().items()}


def main():
    header, channels = read(sys.argv[1])
    result = {"header": {k: plain(v) for k, v in header.items() if k != "channels"}, "channels": {}}
    for name, pixels in channels.items():
        result["channels"][name] = {
            "type": str(pixels.dtype), "size": list(pixels.shape[::-1]), "min": float(pixels.min()),
            "max": float(pixels.max()), "not_finite": int(np.count_nonzero(~np.isfinite(pixels)))}
    if len(sys.argv) > 2:
        other = read(sys.argv[2])[1]
        result["difference"] = {name: float(np.abs(pixels.astype(np.float64) - other[name]).max())
                                for name, pixels in channels.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
