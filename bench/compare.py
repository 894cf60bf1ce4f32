#!/usr/bin/env python3
"""The whole job (decode, upscale x4, encode) by framelift and by its peers, interleaved; medians and ratios.

    bench/compare.py FRAMELIFT CLIP --model FILE.param [--rounds 3] [--frames 48] [--only REGEX]

Every program gets the same clip, network, encoder, CRF and preset. Each round runs all of them once, in an order that
rotates, so that a slow minute of the machine does not hit one of them alone. framelift's clock starts when the first
frame is asked for, a peer's after its model is compiled and warm (see bench/peers/video_loop.py).
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import measure

# (engine, setting, precision, script)
PEERS = [
    ("pytorch", "eager", "f32", "torch_loop.py"),
    ("pytorch", "eager", "bf16", "torch_loop.py"),
    ("pytorch", "compile", "f32", "torch_loop.py"),
    ("pytorch", "compile", "bf16", "torch_loop.py"),
    ("openvino", "loop", "f32", "openvino_loop.py"),
    ("openvino", "loop", "bf16", "openvino_loop.py"),
    ("openvino", "async", "f32", "openvino_loop.py"),
    ("openvino", "async", "bf16", "openvino_loop.py"),
    ("ncnn", "loop", "f32", "ncnn_loop.py"),
    ("ncnn", "loop", "bf16", "ncnn_loop.py"),
]
OURS = [("framelift", "default", "auto"), ("framelift", "default", "f32"), ("framelift", "default", "bf16")]


def run_framelift(options, precision, output):
    stats = output.with_suffix(".json")
    measure.capture(options.framelift, "upscale", options.clip, output, "--model", options.model, "--precision",
                    precision, "--encoder", options.encoder, "--crf", options.crf, "--preset", options.preset,
                    "--frames", options.frames, "--overwrite", "--quiet", "--stats", stats)
    s = json.loads(stats.read_text())
    stages = {stage["name"]: stage for stage in s.get("stages", [])}
    own = sum(stages[name].get("cpu_seconds", 0) for name in ("preprocess", "postprocess") if name in stages)
    return {"frames": s["frames"], "seconds": s["seconds"], "fps": s["fps"], "network_seconds": s["network_seconds"],
            "cpu_seconds": s["cpu_seconds"], "peak_rss": s["peak_resident_bytes"], "ran_as": s["precision"],
            "bottleneck": s["bottleneck"], "own_cpu_share": own / s["cpu_seconds"],
            "busy_cores": s["cpu_seconds"] / s["seconds"],
            "allocations_per_frame": s.get("allocations_per_frame"), "low_1_percent_fps": s["low_1_percent_fps"]}


def run_peer(options, script, setting, precision, output):
    text = measure.capture(measure.PEER_PYTHON, measure.ROOT / "bench/peers" / script, options.clip, output, "--model",
                           options.model, "--setting", setting, "--precision", precision, "--frames", options.frames,
                           "--encoder", options.encoder, "--crf", options.crf, "--preset", options.preset)
    result = json.loads(text.strip().split("\n")[-1])
    return {k: v for k, v in result.items() if k not in ("engine", "setting", "precision")}


def psnr(a, b):
    """Between two encoded results: that everyone did the same job. Infinity as None."""
    result = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-i", a, "-i", b, "-lavfi", "[0:v][1:v]psnr", "-f",
                             "null", "-"], capture_output=True, text=True)
    found = re.search(r"average:(\S+)", result.stderr)
    if not found:
        raise SystemExit(f"bench: {a} and {b} cannot be compared:\n{result.stderr[-1000:]}")
    return None if found.group(1) == "inf" else float(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--encoder", default="libx264")
    parser.add_argument("--crf", default="18")
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--only", default="", help="regular expression on 'engine setting precision'")
    parser.add_argument("--name", default="pipeline")
    options = parser.parse_args()

    jobs = [(*job, None) for job in OURS] + PEERS
    jobs = [job for job in jobs if re.search(options.only, " ".join(job[:3]))]
    runs = {job: [] for job in jobs}
    outputs = {}
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
        # One run of framelift fills its cache of compiled networks, as any but the first job finds it.
        for precision in {job[2] for job in jobs if job[0] == "framelift"}:
            run_framelift(options, precision, pathlib.Path(folder) / "warm.mkv")
        for round_number in range(options.rounds):
            shift = round_number * len(jobs) // options.rounds
            for job in jobs[shift:] + jobs[:shift]:
                engine, setting, precision, script = job
                output = outputs[job] = pathlib.Path(folder) / f"{engine}_{setting}_{precision}.mkv"
                result = (run_framelift(options, precision, output) if script is None
                          else run_peer(options, script, setting, precision, output))
                runs[job].append(result)
                print(f"round {round_number + 1}: {engine:10} {setting:8} {precision:5} {result['fps']:8.3f} fps",
                      file=sys.stderr)
        reference = next((outputs[job] for job in jobs if job[0] == "framelift" and job[2] == "f32"), None)
        rows = []
        for job in jobs:
            results = runs[job]
            rows.append({
                "engine": job[0], "setting": job[1], "precision": job[2],
                **{key: value for key, value in results[-1].items()
                   if key in ("frames", "ran_as", "bottleneck", "allocations_per_frame")},
                **{key: measure.spread([r[key] for r in results]) for key in
                   ("fps", "seconds", "network_seconds", "network_alone_ms", "cpu_seconds", "peak_rss", "busy_cores",
                    "own_cpu_share") if results[0].get(key) is not None},
                "psnr_vs_framelift_f32": psnr(outputs[job], reference) if reference else None})
    measure.save(options.name, {
        "clip": options.clip.name, "model": options.model.name, "frames": options.frames, "rounds": options.rounds,
        "encoder": f"{options.encoder} crf {options.crf} preset {options.preset}", "rows": rows})


if __name__ == "__main__":
    main()
