#!/usr/bin/env python3
"""Rate and distortion of HiNeRV beside x264, x265 and SVT-AV1: 64 frames of Big Buck Bunny at 320x180.

    bench/hinerv_quality.py FRAMELIFT CLIP [--bpp 0.05] [--effort normal] [--threads 1] [--trained FILE.fnv]

CLIP is scaled down (bicubic) and compressed, which takes a quarter of an hour of one core with --effort normal, unless
--trained is what came out of that before. Results go to bench/results/hinerv_quality.json.
"""

import argparse
import json
import os
import pathlib
import tempfile
import time

import measure

FRAMES = 64


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--bpp", type=float, default=0.05)
    parser.add_argument("--effort", default="normal")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trained", type=pathlib.Path)
    o = parser.parse_args()
    o.framelift, o.clip = o.framelift.resolve(), o.clip.resolve()
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as name:
        folder = pathlib.Path(name)
        small, means = folder / "small.mkv", folder / "means.json"
        measure.capture("ffmpeg", "-v", "error", "-i", o.clip, "-vf", "scale=320:180:flags=bicubic", "-frames:v", FRAMES, "-an", "-c:v", "ffv1",
                        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", small)
        data = {"bpp": o.bpp, "effort": o.effort}
        trained = o.trained.resolve() if o.trained else folder / "trained.fnv"
        if not o.trained:
            before, started = os.times().children_user, time.perf_counter()
            measure.capture(o.framelift, "compress", small, trained, "--bpp", o.bpp, "--effort", o.effort, "--threads", o.threads, "--device", "cpu",
                            "--quiet")
            data |= {"seconds": time.perf_counter() - started, "cpu_seconds": os.times().children_user - before}
        measure.capture(o.framelift, "evaluate", small, trained, "--against", "x264,x265,svtav1", "--json", means, "--quiet")
        data |= json.loads(means.read_text())
    for curve in data["curves"]:
        for file in curve["files"]:
            file["name"] = pathlib.Path(file["name"]).name
    measure.save("hinerv_quality", data)


if __name__ == "__main__":
    main()
