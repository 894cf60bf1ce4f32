#!/usr/bin/env python3
"""OpenEXR files, real and made here, against the OpenEXR project's Python package and numpy.

    exr_files.py FRAMELIFT EXR_VALUES [FOLDER OF PICTURES]    (the programs; EXR_VALUES is made from exr_values.cpp)

1. Every sample that framelift reads is the package's, in the display window; damaged files are refused.
2. Every file that framelift writes is read by the package with the same samples and attributes.
3. `framelift tonemap` makes what numpy makes of the same samples, with the formulas written out here again.

Exits 1 where something differs, 77 without the folder of pictures (what is made here is tested all the same).
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import OpenEXR

SKIPPED = 77
COMPRESSIONS = {"zip": "ZIP", "zips": "ZIPS", "piz": "PIZ", "none": "NO"}
BT709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
BT2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
ACES_AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767)
failures = 0


def check(good, what):
    global failures
    if not good:
        failures += 1
        print(f"FAILED: {what}", flush=True)


def same(a, b):
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True)


def expected_planes(path):
    """What the package says: planes of float32 over the display window, their names, the header."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        header, channels = dict(file.header()), {name: c.pixels for name, c in file.channels().items()}
    names = (["Y"] if "Y" in channels else ["R", "G", "B"]) + (["A"] if "A" in channels else [])
    (data_left, data_top), (data_right, data_bottom) = header["dataWindow"]
    (left, top), (right, bottom) = header["displayWindow"]
    planes = np.zeros((len(names), bottom - top + 1, right - left + 1), np.float32)
    x0, x1, y0, y1 = max(left, data_left), min(right, data_right), max(top, data_top), min(bottom, data_bottom)
    for plane, name in zip(planes, names):
        if x0 <= x1 and y0 <= y1:
            plane[y0 - top:y1 - top + 1, x0 - left:x1 - left + 1] = channels[name][
                y0 - data_top:y1 - data_top + 1, x0 - data_left:x1 - data_left + 1].astype(np.float32)
    return planes, names, header


def check_reading_and_writing(path, values, folder):
    planes, names, header = expected_planes(path)
    for compression in COMPRESSIONS:
        copy = folder / f"copy_{compression}.exr"
        done = run(values, path, copy, "type=float", f"compression={compression}")
        check(done.returncode == 0, f"{path.name}: {done.stderr.decode()}")
        line, _, data = done.stdout.partition(b"\n")
        width, height, _, _ = line.decode().split()
        found = np.frombuffer(data, np.float32).reshape(-1, int(height), int(width))
        check(same(found, planes), f"{path.name}: samples read differ")
        again, names_again, header_again = expected_planes(copy)
        check(names_again == names and same(again, planes), f"{path.name}: samples written with {compression} differ")
        check(header_again["compression"] == getattr(OpenEXR, COMPRESSIONS[compression] + "_COMPRESSION"),
              f"{path.name}: not {compression}")
        check(np.allclose(header_again["chromaticities"], header.get("chromaticities", BT709), atol=1e-6),
              f"{path.name}: chromaticities {header_again['chromaticities']}")
        check(header_again.get("whiteLuminance") == header.get("whiteLuminance"), f"{path.name}: white luminance")
    half = folder / "half.exr"
    check(run(values, path, half).returncode == 0, f"{path.name}: half")
    limited = np.clip(np.nan_to_num(planes, nan=0, posinf=65504, neginf=-65504), -65504, 65504).astype(np.float16)
    check(same(expected_planes(half)[0], limited.astype(np.float32)), f"{path.name}: halves written differ")


# ---- tone mapping
def rgb_to_xyz(c):
    xy = np.array(c, np.float64).reshape(4, 2)
    xyz = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])
    return xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])


def to_bt709(c):
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    white = [bradford @ rgb_to_xyz(p).sum(1) for p in (c, BT709)]
    adapt = np.linalg.inv(bradford) @ np.diag(white[1] / white[0]) @ bradford
    return np.linalg.inv(rgb_to_xyz(BT709)) @ adapt @ rgb_to_xyz(c)


LUMINANCE = rgb_to_xyz(BT709)[1]


def gamut_mapped(rgb, c):
    """rgb: (3, n). Saturation beyond 0.9 is compressed so that the farthest primary lands on 1."""
    matrix = to_bt709(c)

    def saturation(x):
        y = LUMINANCE @ x
        return np.where(y > 0, 1 - x.min(0) / np.where(y > 0, y, 1), 0)

    limit = saturation(matrix).max()
    rgb = matrix @ rgb
    if limit <= 1 + 1e-9:
        return rgb
    y, d = LUMINANCE @ rgb, saturation(rgb)
    bend = (limit - 0.9) * 0.1 / (limit - 1)
    beyond = np.maximum(d - 0.9, 0)
    keep = np.where(d > 0.9, (0.9 + beyond / (1 + beyond / bend)) / np.where(d > 0.9, d, 1), 1)
    return y + keep * (rgb - y)


def srgb(x):
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def pq(nits):
    y = (nits / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def pq_inverse(x):
    y = x ** (1 / 78.84375)
    return 10000 * (np.maximum(y - 0.8359375, 0) / (18.8515625 - 18.6875 * y)) ** (1 / 0.1593017578125)


def eetf(nits, source, target):
    e1 = np.minimum(pq(nits) / pq(source), 1)
    top = min(pq(target) / pq(source), 1)
    knee = 1.5 * top - 0.5
    t = np.maximum(e1 - knee, 0) / (1 - knee) if knee < 1 else 0 * e1
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return np.where(e1 <= knee, nits, pq_inverse(spline * pq(source)))


def rendered(planes, header, curve, exposure):
    rgb = np.repeat(planes[:1], 3, 0) if len(planes) in (1, 2) else planes[:3]
    rgb = np.where(np.isfinite(rgb), rgb, 0).astype(np.float64).reshape(3, -1) * 2.0**exposure
    rgb = np.maximum(gamut_mapped(rgb, header.get("chromaticities", BT709)), 0)
    largest, y = rgb.max(), LUMINANCE @ rgb
    if curve == "log":
        signal = np.log1p(rgb) / np.log1p(largest)
    elif curve == "reinhard":
        white = max(y.max(), 1)
        signal = srgb(rgb * (1 + y / white**2) / (1 + y))
    elif curve == "aces":
        signal = srgb(rgb * (2.51 * rgb + 0.03) / (rgb * (2.43 * rgb + 0.59) + 0.14))
    elif curve == "bt2390":
        white = header.get("whiteLuminance", 203)
        nits = rgb.max(0) * white
        mapped = eetf(nits, np.clip(largest * white, 203, 10000), 203) / 203
        signal = srgb(rgb * np.where(nits > 0, mapped / np.where(nits > 0, rgb.max(0), 1), 1))
    else:
        signal = srgb(rgb)
    return 255 * np.clip(signal, 0, 1).reshape(3, *planes.shape[1:])


def check_tone_mapping(path, framelift, folder):
    planes, _, header = expected_planes(path)
    for curve in ("log", "reinhard", "aces", "bt2390", "none"):
        for exposure in (0, -1.5):
            out = folder / "out.png"
            done = run(framelift, "tonemap", path, out, "--curve", curve, "--exposure", exposure, "--overwrite")
            check(done.returncode == 0, f"{path.name} {curve}: {done.stderr.decode()}")
            raw = run("ffmpeg", "-v", "error", "-i", out, "-f", "rawvideo", "-pix_fmt", "gbrp", "-").stdout
            found = np.frombuffer(raw, np.uint8).astype(np.float64).reshape(3, *planes.shape[1:])[[2, 0, 1]]
            expected = rendered(planes, header, curve, exposure)
            # Dither of +-0.5 and rounding by up to 0.5; samples were float32 before.
            worst, mean = np.abs(found - expected).max(), (found - expected).mean()
            check(worst <= 1.001, f"{path.name} {curve} {exposure}: off by {worst:.3f} codes")
            # The dither has mean 0; what is left is that of one picture.
            check(abs(mean) < 0.05, f"{path.name} {curve} {exposure}: mean off by {mean:.3f} codes")


def made_files(folder):
    """Wide gamuts, which the real files do not have, a data window beyond the picture, and white luminance."""
    random = np.random.default_rng(1)
    for name, chromaticities in (("bt2020", BT2020), ("aces", ACES_AP0)):
        light = 2 ** random.uniform(-6, 5, (50, 60, 3)).astype(np.float32)
        light[:8] = np.eye(3, dtype=np.float32)[random.integers(0, 3, (8, 60))]  # the primaries themselves
        header = {"compression": OpenEXR.PIZ_COMPRESSION, "type": OpenEXR.scanlineimage,
                  "chromaticities": chromaticities, "whiteLuminance": 100.0,
                  "dataWindow": (np.array([-5, -3], np.int32), np.array([54, 46], np.int32)),
                  "displayWindow": (np.array([0, 0], np.int32), np.array([59, 39], np.int32))}
        path = folder / f"{name}.exr"
        channels = {c: np.ascontiguousarray(light[:, :, i]) for i, c in enumerate("RGB")}
        with OpenEXR.File(header, channels) as file:
            file.write(str(path))
        yield path


def main():
    framelift, values = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    assets = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    have_assets = assets is not None and assets.is_dir()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = list(made_files(folder))
        if have_assets:
            files += sorted(p for p in assets.glob("*.exr") if not p.name.startswith("damaged"))
            for path in sorted(assets.glob("damaged*.exr")):
                done = run(values, path, folder / "none.exr")
                check(done.returncode == 1 and path.name in done.stderr.decode(), f"{path.name} is not refused")
        for path in files:
            check_reading_and_writing(path, values, folder)
            check_tone_mapping(path, framelift, folder)
            print(f"{path.name}: compared", flush=True)
    if failures:
        sys.exit(1)
    sys.exit(0 if have_assets else SKIPPED)


if __name__ == "__main__":
    main()
