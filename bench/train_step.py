#!/usr/bin/env python3
"""A training step of ldr2hdr by `framelift train` (with its data loading) beside plain PyTorch, in turn.

    bench/train_step.py FRAMELIFT --data PAIRS --val PAIRS [--base 32] [--blocks 8] [--batch 2] [--tile 256] [--rounds 3]

PAIRS holds ldr/ and hdr/ (framelift dataset make) with at least 8 pairs of TILE pixels a side or more. framelift's figure
is an epoch's seconds over its batches; the first epoch, in which memory is new, does not count.
"""

import argparse
import csv
import json
import pathlib
import sys
import tempfile

import measure


def ours(o, folder):
    measure.capture(o.framelift, "train", "ldr2hdr", "--base", o.base, "--blocks", o.blocks, "--data", o.data, "--val", o.val, "--out", folder,
                    "--epochs", 3, "--batch", o.batch, "--tile", o.tile, "--grad-clip", 1, "--quiet")
    log = next(pathlib.Path(folder).glob("*/logs/train_log.csv"))
    rows = list(csv.DictReader(log.open()))
    steps = [int(b["step"]) - int(a["step"]) for a, b in zip(rows, rows[1:])]
    seconds = sum(float(row["seconds"]) for row in rows[1:])
    return seconds / sum(steps), sum(float(row["seconds_waited"]) for row in rows[1:]) / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--val", type=pathlib.Path, required=True, help="pairs of which as few as possible: the epoch's time includes them")
    for name, default in (("base", 32), ("blocks", 8), ("batch", 2), ("tile", 256), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    o = parser.parse_args()
    o.data, o.val = o.data.resolve(), o.val.resolve()
    steps, waits, peer = [], [], []
    for _ in range(o.rounds):
        with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
            step, wait = ours(o, folder)
        text = measure.capture(measure.PEER_PYTHON, measure.ROOT / "bench/peers/train_step.py", o.base, o.blocks, o.batch, o.tile, 8)
        steps.append(step)
        waits.append(wait)
        peer.append(json.loads(text.strip().split("\n")[-1])["step_seconds"])
        print(f"framelift {step:.3f} s a step ({wait:.1%} waiting for data), PyTorch {peer[-1]:.3f} s", file=sys.stderr)
    data = {"base": o.base, "blocks": o.blocks, "batch": o.batch, "tile": o.tile, "framelift_step": measure.spread(steps),
            "waiting": measure.spread(waits), "pytorch_step": measure.spread(peer)}
    data["speed_over_pytorch"] = data["pytorch_step"]["median"] / data["framelift_step"]["median"]
    measure.save("train_step", data)


if __name__ == "__main__":
    main()
