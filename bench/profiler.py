#!/usr/bin/env python3
"""What --profile costs: the same job with and without it, alternating.

    bench/profiler.py FRAMELIFT --model MODEL [--rounds 7] [--frames 200] [--size 320x180]
"""

import argparse
import json
import pathlib
import statistics
import tempfile

import measure


def job(options, folder, *words):
    measure.capture(options.framelift, "upscale", f"test:{options.size}", "null:", "--model", options.model, "--frames",
                    str(options.frames), "--warm-up", "4", "--stats", folder / "stats.json", "--overwrite", "--quiet", *words)
    stats = json.loads((folder / "stats.json").read_text())
    return {"fps": stats["fps"], "cpu_seconds": stats["cpu_seconds"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--size", default="320x180")
    options = parser.parse_args()
    runs = {"off": [], "on": []}
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as name:
        folder = pathlib.Path(name)
        job(options, folder)
        for turn in range(options.rounds):
            for setting in ("off", "on") if turn % 2 == 0 else ("on", "off"):
                runs[setting].append(job(options, folder, *(["--profile", folder / "trace.json"] if setting == "on" else [])))
    rows = {setting: {key: measure.spread([r[key] for r in found]) for key in found[0]} for setting, found in runs.items()}
    overhead = {"wall": rows["off"]["fps"]["median"] / rows["on"]["fps"]["median"] - 1,
                "cpu": rows["on"]["cpu_seconds"]["median"] / rows["off"]["cpu_seconds"]["median"] - 1,
                "wall_of_pairs": statistics.median(a["fps"] / b["fps"] - 1 for a, b in zip(runs["off"], runs["on"]))}
    print(", ".join(f"{key} {value:+.2%}" for key, value in overhead.items()))
    measure.save("profiler", {"model": pathlib.Path(options.model).name, "size": options.size, "frames": options.frames,
                              "rounds": options.rounds, **rows, "overhead": overhead})


if __name__ == "__main__":
    main()
