#!/usr/bin/env python3
"""What training with integers adds to calibration: PSNR against the float network, before and after.

    bench/qat.py FRAMELIFT --learn CLIP... --val CLIP --check CLIP --models WEIGHTS... [--epochs 20] [--charts FOLDER]

Each model is quantised from parts of the clips of --learn (mode full), then trained with itself as floats for its teacher
on tiles of the same clips. --val chooses the epoch, --check judges both; neither is learnt from. Results go to
bench/results/qat.json (other models there stay), curves of PSNR over epochs on --val to FOLDER. Takes ten minutes a model and core.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import measure


def run(o, folder, *words):
    result = subprocess.run([str(w) for w in (o.framelift, *words)], capture_output=True, text=True,
                            env={**os.environ, "FRAMELIFT_MODELS": str(folder / "models")})
    if result.returncode != 0:
        raise SystemExit(f"bench: framelift {' '.join(map(str, words))}: {result.stderr}")


def judge(o, folder, name, *words):
    report = folder / "report.json"
    run(o, folder, "quantize", name, "--check", o.check, "--check-pictures", 12, "--report", report, "--quiet", "--force", "--overwrite",
        *words)
    found = json.loads(report.read_text())
    return {k: found[k] for k in ("psnr", "psnr_y", "ssim", "delta_e_itp", "added_flicker_percent", "objections") if k in found}


def learn(o, folder, weights):
    name, runs = pathlib.Path(weights).stem, folder / "runs"
    run(o, folder, "models", "import", weights, "--name", name)
    settings = {k: getattr(o, k) for k in ("epochs", "frames", "pictures", "batch", "tile", "lr")}
    row = {"network": name, "settings": settings, "calibrated": judge(o, folder, name, "--pictures", o.pictures, "--calibrate", *o.learn)}
    run(o, folder, "train", "--from", f"{name}.int8-full", "--teacher", name, "--data", *o.learn, "--val", o.val, "--frames", o.frames,
        "--batch", o.batch, "--tile", o.tile, "--epochs", o.epochs, "--lr", o.lr, "--schedule", "cosine", "--threads", o.threads,
        "--metrics-mode", "linear-clip", "--out", runs, "--tag", name)
    (folder_of_run,) = runs.glob(f"*_{name}")
    log = [json.loads(line) for line in (folder_of_run / "logs/train_log.jsonl").read_text().splitlines()]
    row["epochs"] = [{k: e[k] for k in ("epoch", "train_loss", "val_loss", "psnr", "seconds")} for e in log]
    row["trained"] = judge(o, folder, name, "--from", folder_of_run / "model.safetensors")
    row["gain"] = row["trained"]["psnr"] - row["calibrated"]["psnr"]
    if o.charts:
        o.charts.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder_of_run / "psnr.svg", o.charts / f"qat_{name}.svg")
    print(f"{name}: {row['calibrated']['psnr']:.2f} dB calibrated, {row['trained']['psnr']:.2f} dB trained", file=sys.stderr, flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--learn", nargs="+", required=True)
    parser.add_argument("--val", required=True)
    parser.add_argument("--check", required=True)
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--charts", type=pathlib.Path)
    for name, value in (("epochs", 20), ("frames", 60), ("pictures", 16), ("batch", 2), ("tile", 96), ("threads", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--lr", type=float, default=3e-5)
    o = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
        rows = [learn(o, pathlib.Path(folder), w) for w in o.models]
    clips = {"learn": [pathlib.Path(c).name for c in o.learn], "val": pathlib.Path(o.val).name, "check": pathlib.Path(o.check).name}
    known = (measure.load("qat") or {}).get("networks", [])
    others = [r for r in known if r["network"] not in {row["network"] for row in rows}]
    measure.save("qat", {**clips, "networks": others + rows})


if __name__ == "__main__":
    main()
