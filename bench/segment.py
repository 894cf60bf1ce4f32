#!/usr/bin/env python3
"""Person masks of 1280x720 video, end to end: framelift beside MediaPipe's and OpenVINO's Python runtimes.

    bench/segment.py FRAMELIFT --model selfie_segmentation.tflite --clip CLIP [--rounds 5] [--frames 300]

The clip is scaled to 1280x720 and repeated until it has as many frames. All three run the same network in float32 and
write a gray mask of the frame's size, once into H.264 and once into nothing. Rounds alternate between the programs.
Needs the peers' environment (.venv-peers), and makes one for MediaPipe in build/bench/mediapipe.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import measure

PEERS = measure.ROOT / "bench/peers"


def clip_of(options, folder):
    clip = folder / "clip.mp4"
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-stream_loop", "-1", "-i", options.clip, "-frames:v",
                    str(options.frames), "-an", "-vf", "scale=1280:720:flags=lanczos:out_range=tv,format=yuv420p", "-c:v",
                    "libx264", "-preset", "fast", "-crf", "18", clip], check=True)
    return clip


def framelift_run(options, clip, folder, encoder):
    output = "null:" if encoder == "none" else folder / "mask.mkv"
    how = [] if encoder == "none" else ["--encoder", encoder, "--crf", "17"]
    measure.capture(options.framelift, "segment", clip, output, "--model", options.model, "--precision", "f32", *how,
                    *options.framelift_option, "--stats", folder / "stats.json", "--overwrite", "--quiet")
    return json.loads((folder / "stats.json").read_text())


def peer_run(python, peer, options, clip, folder, encoder):
    return measure.last_json(measure.capture(python, PEERS / f"segment_{peer}.py", clip, folder / "mask.mkv", "--model",
                                             options.model, "--encoder", encoder))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--clip", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--framelift-option", action="append", default=[], help="one more word for framelift segment")
    options = parser.parse_args()
    options.model, options.clip = options.model.resolve(), options.clip.resolve()
    runs = {"framelift": lambda *job: framelift_run(options, *job),
            "mediapipe": lambda *job: peer_run(measure.peer_python("mediapipe"), "mediapipe", options, *job),
            "openvino": lambda *job: peer_run(measure.PEER_PYTHON, "openvino", options, *job)}
    rows = []
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as name:
        folder = pathlib.Path(name)
        clip = clip_of(options, folder)
        for encoder in ("libx264", "none"):
            results = {program: [] for program in runs}
            for _ in range(options.rounds):
                for program, run in runs.items():
                    results[program].append(run(clip, folder, encoder))
            fps = {program: measure.spread([r["fps"] for r in found]) for program, found in results.items()}
            memory = {program: max(r.get("peak_rss", r.get("peak_resident_bytes")) for r in found)
                      for program, found in results.items()}
            ours = fps["framelift"]["median"]
            stages = {s["name"]: s["mean_ms"] for s in results["framelift"][-1]["stages"]}
            rows.append({"encoder": encoder, "fps": fps, "peak_rss": memory, "stages_ms": stages,
                         "speed_over": {p: ours / fps[p]["median"] for p in fps if p != "framelift"}})
            print(f"{encoder}: " + ", ".join(f"{p} {v['median']:.1f} fps" for p, v in fps.items()), file=sys.stderr)
    measure.save("segment", {"rounds": options.rounds, "frames": options.frames, "size": "1280x720", "jobs": rows,
                             "versions": measure.package_versions(measure.peer_python("mediapipe"), "mediapipe")})


if __name__ == "__main__":
    main()
