#!/usr/bin/env python3
"""Resident memory of a short and of a long job (200 and 1000 frames): it must not grow with the video's length.

    bench/memory_flat.py FRAMELIFT [--model tests/golden/srvgg_x2.weights.safetensors]
"""

import argparse
import json
import pathlib
import sys
import tempfile

import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, default=measure.ROOT / "tests/golden/srvgg_x2.weights.safetensors")
    parser.add_argument("--frames", type=int, nargs=2, default=[200, 1000])
    parser.add_argument("--tolerance", type=float, default=0.02)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
        clip, stats = pathlib.Path(folder) / "clip.mkv", pathlib.Path(folder) / "stats.json"
        measure.capture("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-frames:v",
                        max(options.frames), "-c:v", "libx264", "-preset", "ultrafast", clip)
        for frames in options.frames:
            measure.capture(options.framelift, "upscale", clip, pathlib.Path(folder) / f"{frames}.mkv", "--model",
                            options.model, "--frames", frames, "--preset", "ultrafast", "--quiet", "--stats", stats)
            s = json.loads(stats.read_text())
            rows.append({"frames": s["frames"], "peak_resident_bytes": s["peak_resident_bytes"],
                         "end_resident_bytes": s.get("end_resident_bytes"), "fps": s["fps"],
                         "allocations_per_frame": s.get("allocations_per_frame")})
    growth = rows[1]["peak_resident_bytes"] / rows[0]["peak_resident_bytes"] - 1
    for row in rows:
        print(f"{row['frames']:6} frames: peak {row['peak_resident_bytes'] / 2**20:8.1f} MiB")
    print(f"growth {growth:+.2%} (limit {options.tolerance:.0%})")
    measure.save("memory", {"rows": rows, "growth": growth, "tolerance": options.tolerance})
    sys.exit(growth > options.tolerance)


if __name__ == "__main__":
    main()
