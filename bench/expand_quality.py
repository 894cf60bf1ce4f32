#!/usr/bin/env python3
"""Quality of 8-bit pictures to linear HDR on scenes that the shipped weights have not seen, beside classical baselines.

    bench/expand_quality.py FRAMELIFT --panoramas FOLDER [--model MODEL]... [--pairs N] [--out FILE.json]

FOLDER: what tools/fetch_hdr_panoramas.sh fetches. `interior` and `sunset` are held out; the highlight curve's three
numbers are fitted on the other six scenes, as a model's weights are. PU21-PSNR ("banding_glare", peak 256, R, G and B
together, SDR white 203 cd/m2) is computed here, not by framelift. Networks without an absolute scale (ExpandNet) are
scaled so that the median of what is not clipped agrees with the inverse curve's; the others count as they come.
"""

import argparse
import itertools
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import OpenEXR

HELD_OUT = ("interior", "sunset")
WHITE_NITS = 203
UNCLIPPED = 0.7  # light below which a curve or a network only has to follow the picture


def read_exr(path):
    channels = OpenEXR.File(str(path), separate_channels=True).channels()
    return np.stack([channels[c].pixels for c in "RGB"]).astype(np.float32)


def inverse_srgb(code):
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def highlight_curve(light, knee, gain, power):
    """The inverse curve, and above the knee of the brightest component a gain that rises to `gain` at white."""
    t = np.clip((light.max(0) - knee) / (1 - knee), 0, 1)
    return light * (1 + (gain - 1) * t**power)


def pu21(light):
    y = np.clip(light.astype(np.float64) * WHITE_NITS, 0.005, 10000) ** 0.9062562627
    return 596.3148142 * (((0.353487901 + 0.3734658629 * y) / (1 + 8.277049286e-05 * y)) ** 0.09150303166 - 0.9099517204)


def pu21_psnr(a, b):
    return float(10 * np.log10(256**2 / np.mean((pu21(a) - pu21(b)) ** 2)))


class Pairs:
    """Pairs made from some of the panoramas, with the 8-bit pictures as light by sRGB's curve."""

    def __init__(self, framelift, panoramas, scenes, count, seed, folder):
        source = folder / "scenes"
        source.mkdir(parents=True)
        for scene in scenes:
            (source / f"{scene}.exr").symlink_to((panoramas / f"{scene}.exr").resolve())
        run(framelift, "dataset", "make", folder / "pairs", "--from", source, "--count", count, "--size", 512, "--seed", seed,
            "--panorama", "--quiet")
        self.pictures = sorted((folder / "pairs/ldr").iterdir())
        recipe = json.loads((folder / "pairs/recipe.json").read_text())
        self.srgb = np.array([p["curve"]["sigma"] <= 0 for p in recipe["pairs"]])
        self.targets = [read_exr(folder / "pairs/hdr" / f"{p.stem}.exr") for p in self.pictures]
        self.light = [inverse_srgb(codes(p)) for p in self.pictures]

    def scores(self, results):
        return np.array([pu21_psnr(result, target) for result, target in zip(results, self.targets)])


def codes(path):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gbrp", "-"], check=True,
                         capture_output=True).stdout
    side = int(round((len(raw) / 3) ** 0.5))
    g, b, r = np.frombuffer(raw, np.uint8).reshape(3, side, side)
    return np.stack([r, g, b]).astype(np.float32) / 255


def run(*words):
    result = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{words[0]} {words[1]}: {result.stderr[-1000:]}")


def fitted_curve(pairs):
    """The knee, gain and power that are best on these pairs."""
    candidates = itertools.product((0.5, 0.6, 0.7, 0.8, 0.9), (1.5, 2, 3, 4, 6, 8, 12), (1, 2, 4))
    return max(candidates, key=lambda c: pairs.scores([highlight_curve(x, *c) for x in pairs.light]).mean())


def expanded(framelift, model, pairs, folder):
    run(framelift, "expand", *pairs.pictures, "--out", folder, "--model", model, "--quiet", "--encoder-option", "type=float")
    return [read_exr(folder / f"{p.stem}.exr") for p in pairs.pictures]


def scaled_to(light, result):
    """Without an absolute scale: the median of what is not clipped is that of the picture's own light."""
    follows = (light.max(0) < UNCLIPPED) & (light.min(0) > 0.01) & (result.min(0) > 0)
    return result * np.median(light[:, follows] / result[:, follows]) if follows.any() else result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--panoramas", type=pathlib.Path, required=True)
    parser.add_argument("--model", action="append", default=[], help="default expand-small")
    parser.add_argument("--unscaled", action="append", default=[], help="a model without an absolute scale")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--out", type=pathlib.Path)
    o = parser.parse_args()
    scenes = sorted(p.stem for p in o.panoramas.glob("*.exr"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        held = Pairs(o.framelift, o.panoramas, HELD_OUT, o.pairs, 7, folder / "held")
        seen = Pairs(o.framelift, o.panoramas, [s for s in scenes if s not in HELD_OUT], o.pairs, 8, folder / "seen")
        curve = fitted_curve(seen)
        results = {"inverse sRGB": held.light, "highlight curve": [highlight_curve(x, *curve) for x in held.light]}
        for i, model in enumerate(o.model or ["expand-small"]):
            results[model] = expanded(o.framelift, model, held, folder / f"model{i}")
        for i, model in enumerate(o.unscaled):
            results[model] = [scaled_to(x, y) for x, y in
                              zip(held.light, expanded(o.framelift, model, held, folder / f"unscaled{i}"))]
        table = []
        base = held.scores(results["inverse sRGB"])
        for name, pictures in results.items():
            scores = held.scores(pictures)
            row = {"method": pathlib.Path(name).stem if "/" in name else name, "pu21_psnr": scores.mean(),
                   **{scene: scores[[scene in p.stem for p in held.pictures]].mean() for scene in HELD_OUT},
                   "sRGB curve": scores[held.srgb].mean(), "camera's curve": scores[~held.srgb].mean(),
                   "better than inverse sRGB": float((scores > base).mean())}
            table.append({k: v if isinstance(v, str) else round(float(v), 2) for k, v in row.items()})
    print(f"{o.pairs} pairs of {' and '.join(HELD_OUT)}; highlight curve: knee {curve[0]}, gain {curve[1]}, power {curve[2]}")
    print("| " + " | ".join(table[0]) + " |\n" + "|---" * len(table[0]) + "|")
    for row in table:
        print("| " + " | ".join(str(v) for v in row.values()) + " |")
    if o.out:
        o.out.write_text(json.dumps({"pairs": o.pairs, "held_out": HELD_OUT, "highlight_curve": curve, "rows": table}, indent=1))


if __name__ == "__main__":
    main()
