#!/usr/bin/env python3
"""Computes what `framelift compare` prints a second time and compares.

    tests/metrics/second_opinion.py FRAMELIFT [--only REGEX]

ffmpeg makes pairs of lossless 4:4:4 clips, some of them from the real clips of the assets folder where that is at hand,
and decodes them to codes; everything after that is written here from the standards and papers, in double precision.
Chroma is not subsampled, since how it is interpolated is no matter of the metrics.
"""

import argparse
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

SHARED = pathlib.Path(os.environ.get("FRAMELIFT_SHARED") or "../shared") / "assets/video"

# Absolute tolerances, and why they are not smaller:
TOLERANCES = {
    "psnr_rgb": 1e-4,  # dB; framelift's RGB is float32, 1e-7 of a signal whose errors are 1e-2 and more
    "psnr_y": 1e-4,
    "ssim": 1e-6,  # the same float32 luma
    "delta_e_itp": 1e-3,  # curves from tables, which promise this
    "pu21_psnr": 1e-3,  # dB; tables again, which promise 0.01 for errors much smaller than these
}
# HLG goes to PQ first, in float32 kernels that promise codes within 3e-6: 720 x 3e-6 for each of the three components.
HLG_TOLERANCES = {**TOLERANCES, "delta_e_itp": 0.007}
FLICKER_TOLERANCE = 1e-4  # per cent; the table of the light curve is within 1e-5 of a value, and steadily so


# ---- colour: H.273, BT.1886, ST 2084, BT.2100

PRIMARIES = {  # x, y of red, green, blue; white is D65
    "bt709": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "smpte170m": ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
KR_KB = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593)}


def signal(planes, bits, full):
    """Codes of Y, Cb, Cr -> Y in 0..1, Cb and Cr in -0.5..0.5."""
    y, u, v = planes.astype(float)
    if full:
        top = 2**bits - 1
        return y / top, (u - 2**(bits - 1)) / top, (v - 2**(bits - 1)) / top
    s = 2**(bits - 8)
    return (y - 16 * s) / (219 * s), (u - 128 * s) / (224 * s), (v - 128 * s) / (224 * s)


def to_rgb(y, u, v, matrix):
    kr, kb = KR_KB[matrix]
    r, b = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    return np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b])


def luminance_weights(primaries):
    """How much each primary gives to Y, so that together they make white."""
    def xyz(x, y):
        return np.array([x / y, 1, (1 - x - y) / y])

    return np.linalg.solve(np.stack([xyz(*p) for p in PRIMARIES[primaries]], axis=1), xyz(0.3127, 0.3290))


def pq_to_nits(code):
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    p = np.clip(code, 0, 1) ** (1 / m2)
    return 10000 * (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)


def nits_to_pq(nits):
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    p = (np.clip(nits, 0, 10000) / 10000) ** m1
    return ((c1 + c2 * p) / (1 + c3 * p)) ** m2


def hlg_to_nits(code):
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    code = np.clip(code, 0, 1)
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    return 1000 * luminance**0.2 * scene  # OOTF for 1000 cd/m2


# ---- metrics


def psnr(a, b, peak=1.0):
    return 10 * np.log10(peak**2 / np.mean((a - b) ** 2))


def ssim(a, b):
    """Wang et al. 2004, with the whole 11x11 window at every position."""
    x = np.arange(11) - 5
    window = np.exp(-(x[:, None] ** 2 + x[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(p):
        return np.einsum("yxij,ij->yx", np.lib.stride_tricks.sliding_window_view(p, (11, 11)), window)

    mu_a, mu_b = mean(a), mean(b)
    aa, bb, ab = mean(a * a) - mu_a**2, mean(b * b) - mu_b**2, mean(a * b) - mu_a * mu_b
    c1, c2 = 0.01**2, 0.03**2
    return np.mean((2 * mu_a * mu_b + c1) * (2 * ab + c2) / ((mu_a**2 + mu_b**2 + c1) * (aa + bb + c2)))


def ictcp(nits):
    to_lms = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096
    to_ictcp = np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096
    return np.einsum("ij,jyx->iyx", to_ictcp, nits_to_pq(np.einsum("ij,jyx->iyx", to_lms, nits)))


def delta_e_itp(a, b):
    i, t, p = ictcp(a) - ictcp(b)
    return np.mean(720 * np.sqrt(i**2 + 0.25 * t**2 + p**2))


def pu21(nits):
    """Mantiuk and Azimi 2021, banding_glare."""
    p = (0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627, 0.09150303166, 0.9099517204, 596.3148142)
    y = np.clip(nits, 0.005, 10000) ** p[3]
    return p[6] * (((p[0] + p[1] * y) / (1 + p[2] * y)) ** p[4] - p[5])


def flicker(source, result):
    """Per cent, of mean luminances without a cut among them."""
    ratio = np.log(result) - np.log(source)
    d = [ratio[t] - ratio[t - 4:t + 5].mean() for t in range(4, len(ratio) - 4)]
    return 100 * np.sqrt(np.mean(np.square(d)))


# ---- clips


def ffmpeg(*words):
    done = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, words)],
                          capture_output=True)
    if done.returncode:
        raise RuntimeError(f"ffmpeg {' '.join(map(str, words))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Kind:
    """Pixel format and colour of a pair of clips."""

    def __init__(self, bits, matrix, transfer, primaries, full=False):
        self.bits, self.matrix, self.transfer, self.primaries, self.full = bits, matrix, transfer, primaries, full
        self.pixel_format = "yuv444p" if bits == 8 else f"yuv444p{bits}le"

    def tags(self):
        return ["-color_range", "pc" if self.full else "tv", "-colorspace", self.matrix, "-color_trc", self.transfer,
                "-color_primaries", self.primaries]

    def read(self, path, width, height):
        """Frames of codes, [3, height, width] each."""
        raw = ffmpeg("-i", path, "-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", self.pixel_format, "-")
        return np.frombuffer(raw, np.uint8 if self.bits == 8 else "<u2").reshape(-1, 3, height, width)

    def hdr(self):
        return {"smpte2084": pq_to_nits, "arib-std-b67": hlg_to_nits}.get(self.transfer)

    def mean_nits(self, rgb):
        rgb = np.clip(rgb[:, ::8], 0, 1)  # every eighth row
        to_nits = self.hdr() or (lambda x: 100 * x**2.4)
        return np.mean(np.tensordot(luminance_weights(self.primaries), to_nits(rgb), 1))


SDR = Kind(8, "bt709", "bt709", "bt709")
SDR_601_FULL = Kind(10, "smpte170m", "smpte170m", "smpte170m", full=True)
PQ = Kind(10, "bt2020nc", "smpte2084", "bt2020")
HLG = Kind(10, "bt2020nc", "arib-std-b67", "bt2020")

NOISE = "noise=c0s=9:c1s=6:c2s=6:allf=t"


def lossless(source, kind, path, *options, tags=True):
    ffmpeg(*source, *options, "-pix_fmt", kind.pixel_format, *(kind.tags() if tags else []), "-c:v", "ffv1", path)
    return path


def synthetic(kind, folder, tags=True, size="96x80", frames=12):
    pattern = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25,format={kind.pixel_format}", "-frames:v", frames]
    a = lossless(pattern, kind, folder / "a.mkv")
    # The second clip's brightness wobbles as well, for the flicker.
    wobble = f"{NOISE},eq=brightness='0.03*sin(2.1*n)':eval=frame" if kind.bits == 8 else NOISE
    return a, lossless(pattern, kind, folder / "b.mkv", "-vf", f"{wobble},format={kind.pixel_format}", tags=tags)


def real(clip, kind, folder, size, frames, *encoder):
    if not (SHARED / clip).exists():
        return None
    a = lossless(["-i", SHARED / clip, "-frames:v", frames, "-an"], kind, folder / "a.mkv", "-vf", f"scale={size}")
    ffmpeg("-i", a, *encoder, folder / "coded.mkv")
    return a, lossless(["-i", folder / "coded.mkv"], kind, folder / "b.mkv")


CASES = {
    "8 bits, BT.709": (SDR, "96x80", lambda f: synthetic(SDR, f)),
    "10 bits, BT.601, full range": (SDR_601_FULL, "96x80", lambda f: synthetic(SDR_601_FULL, f)),
    "a copy that lost its tags": (SDR, "96x80", lambda f: synthetic(SDR, f, tags=False)),
    "PQ": (PQ, "96x80", lambda f: synthetic(PQ, f)),
    "HLG": (HLG, "96x80", lambda f: synthetic(HLG, f)),
    "real SDR, H.264": (SDR, "320x180", lambda f: real(
        "bigbuckbunny.mp4", SDR, f, "320x180", 12, "-c:v", "libx264", "-crf", "30", "-pix_fmt", "yuv420p")),
    "real PQ, HEVC": (PQ, "180x320", lambda f: real(
        "hdr10-av1.mp4", PQ, f, "180x320", 12, "-c:v", "libx265", "-crf", "30", "-pix_fmt", "yuv420p10le",
        "-x265-params", "log-level=error", *PQ.tags())),
}


def expected(kind, a, b):
    """One row a frame, and the flicker."""
    rows, light = [], ([], [])
    to_nits = kind.hdr()
    for frame in zip(a, b):
        ya, yb = (signal(x, kind.bits, kind.full)[0] for x in frame)
        rgb = [to_rgb(*signal(x, kind.bits, kind.full), kind.matrix) for x in frame]
        row = {"psnr_rgb": psnr(*rgb), "psnr_y": psnr(ya, yb), "ssim": ssim(ya, yb)}
        if to_nits:
            nits = [to_nits(x) for x in rgb]
            row["delta_e_itp"] = delta_e_itp(*nits)
            row["pu21_psnr"] = psnr(pu21(nits[0]), pu21(nits[1]), 256)
        rows.append(row)
        for side, x in zip(light, rgb):
            side.append(kind.mean_nits(x))
    return rows, flicker(*light)


def mean(metric, values):
    if "psnr" in metric:
        return -10 * np.log10(np.mean(10 ** (-np.array(values) / 10)))
    return np.mean(values)


def check(program, kind, size, paths, folder):
    """Problems, and what was compared in short."""
    width, height = map(int, size.split("x"))
    rows, added = expected(kind, *(kind.read(path, width, height) for path in paths))
    done = subprocess.run([program, "compare", *paths, "--csv", folder / "out.csv", "--stats", folder / "out.json",
                           "--flicker", "--quiet"], capture_output=True, text=True)
    if done.returncode:
        return [done.stderr.strip()], ""
    with open(folder / "out.csv", newline="") as file:
        found = list(csv.DictReader(file))
    summary = json.loads((folder / "out.json").read_text())
    problems, shown = [], []
    if len(found) != len(rows):
        return [f"{len(found)} frames, expected {len(rows)}"], ""
    if set(found[0]) != {"frame", "time", *rows[0]}:
        return [f"columns {', '.join(found[0])}"], ""
    tolerances = HLG_TOLERANCES if kind is HLG else TOLERANCES
    for metric in rows[0]:
        ours, theirs = [r[metric] for r in rows], [float(f[metric]) for f in found]
        worst = float(np.max(np.abs(np.subtract(ours, theirs))))
        shown.append(f"{metric} {mean(metric, ours):.4f} (largest difference {worst:.1e})")
        if not worst <= tolerances[metric]:
            problems.append(f"{metric}: differs by {worst:.3g}, at most {tolerances[metric]}")
        stated = summary["metrics"][metric]
        if not abs(stated["mean"] - mean(metric, ours)) <= tolerances[metric]:
            problems.append(f"{metric}: mean {stated['mean']}, expected {mean(metric, ours)}")
        lowest = int(np.argmax(theirs) if metric == "delta_e_itp" else np.argmin(theirs))
        if stated["worst_frame"] != lowest or abs(stated["worst"] - theirs[lowest]) > 1e-6:  # printed digits
            problems.append(f"{metric}: worst frame {stated['worst_frame']}, expected {lowest}")
    stated = summary["flicker"]["added"]
    shown.append(f"flicker {added:.4f} (difference {abs(stated - added):.1e})")
    if not abs(stated - added) <= FLICKER_TOLERANCE or summary["flicker"]["frames"] != len(rows) - 8:
        problems.append(f"flicker: {stated} of {summary['flicker']['frames']} frames, expected {added}")
    return problems, ", ".join(shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--only", default="", help="regular expression on the case's name")
    options = parser.parse_args()
    failed = 0
    for name, (kind, size, make) in CASES.items():
        if not re.search(options.only, name):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            paths = make(folder)
            if not paths:
                print(f"{name}: skipped, the clip is not at hand")
                continue
            problems, shown = check(options.program, kind, size, paths, folder)
        print(f"{name}: {'FAILED' if problems else 'same'}: {shown}")
        for problem in problems:
            print(f"    {problem}")
        failed += bool(problems)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
