#!/usr/bin/env python3
"""SDR to HDR: HDRTVNet++ alone against its peers, and whole jobs with AGCM at 1920x1080 without decoder and encoder.

    bench/hdr.py FRAMELIFT --weights FOLDER --clip CLIP [--rounds 3] [--seconds 3]

FOLDER holds AGCM.pth and Ensemble_AGCM_LE.pth. Needs the peers' environment (.venv-peers). Rounds alternate between the
programs. The jobs read raw frames of the clip at 1920x1080 and write to null:.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import measure

PEERS = ("openvino", "eager", "compile")


def network_rows(options):
    weights = options.weights / "Ensemble_AGCM_LE.pth"
    for size in options.sizes:
        for precision in ("f32", "bf16"):
            times = {name: [] for name in ("framelift", *PEERS)}
            for _ in range(options.rounds):
                text = measure.capture(options.framelift, "bench", "network", "--model", weights, "--size", size,
                                       "--precision", precision, "--seconds", options.seconds, "--json")
                times["framelift"].append(json.loads(text)["ms_per_frame"])
                for peer in PEERS:
                    text = measure.capture(measure.PEER_PYTHON, measure.ROOT / "bench/peers/hdrtvnet.py", peer, weights,
                                           size, precision, options.seconds)
                    times[peer].append(json.loads(text.strip().split("\n")[-1])["ms_per_frame"])
            row = {"size": size, "precision": precision,
                   **{f"{name}_ms": measure.spread(values) for name, values in times.items()}}
            ours = row["framelift_ms"]["median"]
            row["speed_over"] = {peer: row[f"{peer}_ms"]["median"] / ours for peer in PEERS}
            print(f"{size} {precision}: " + ", ".join(f"{k} {statistics.median(v):.0f} ms" for k, v in times.items()),
                  file=sys.stderr)
            yield row


JOBS = (("AGCM, exact, f32", ("AGCM.pth", "--precision", "f32")),
        ("AGCM, exact, bf16", ("AGCM.pth", "--precision", "bf16")),
        ("AGCM, table", ("AGCM.pth", "--backend", "lut")),
        ("BT.2446 A, table", ("bt2446a",)))


def job_rows(options):
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
        raw, stats = pathlib.Path(folder) / "clip.y4m", pathlib.Path(folder) / "stats.json"
        subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-i", options.clip, "-frames:v",
                        str(options.frames), "-vf", "scale=1920:1080:flags=lanczos", "-pix_fmt", "yuv420p", raw], check=True)
        results = {name: [] for name, _ in JOBS}
        for _ in range(options.rounds):
            for name, (model, *rest) in JOBS:
                path = options.weights / model if model.endswith(".pth") else model
                measure.capture(options.framelift, "hdr", raw, "null:", "--model", path, *rest, "--stats", stats, "--overwrite",
                                "--quiet")
                results[name].append(json.loads(stats.read_text()))
        for name, _ in JOBS:
            runs = results[name]
            print(f"1920x1080 {name}: {statistics.median(r['fps'] for r in runs):.1f} fps", file=sys.stderr)
            yield {"job": name, "fps": measure.spread([r["fps"] for r in runs]),
                   "stages_ms": {s["name"]: statistics.median(next(t["mean_ms"] for t in r["stages"] if t["name"] == s["name"])
                                                              for r in runs) for s in runs[0]["stages"]},
                   "peak_rss": max(r["peak_resident_bytes"] for r in runs)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--clip", type=pathlib.Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=["640x360", "1280x720"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    options.weights, options.clip = options.weights.resolve(), options.clip.resolve()
    jobs = list(job_rows(options))
    measure.save("hdr", {"rounds": options.rounds, "frames": options.frames, "networks": list(network_rows(options)),
                         "jobs": jobs})


if __name__ == "__main__":
    main()
