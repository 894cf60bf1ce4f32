#!/usr/bin/env python3
"""The network of `expand` at 1920x1080 (1088 lines, as jobs run it) against OpenVINO's own Python API.

    bench/expand.py FRAMELIFT [--rounds 5] [--seconds 5]

Needs the peers' environment (.venv-peers). Rounds alternate between the two programs.
"""

import argparse
import json
import pathlib
import sys

import measure

WEIGHTS = measure.ROOT / "models/expand-small.safetensors"


def rows(options):
    for precision in ("f32", "bf16"):
        ours, theirs = [], []
        for _ in range(options.rounds):
            text = measure.capture(options.framelift, "bench", "network", "--model", "expand-small", "--size", "1920x1080",
                                   "--precision", precision, "--seconds", options.seconds, "--json")
            ours.append(json.loads(text)["ms_per_frame"])
            text = measure.capture(measure.PEER_PYTHON, measure.ROOT / "bench/peers/expand.py", WEIGHTS, "1920x1088", precision,
                                   options.seconds)
            theirs.append(json.loads(text.strip().split("\n")[-1])["ms_per_frame"])
        row = {"precision": precision, "framelift_ms": measure.spread(ours), "openvino_ms": measure.spread(theirs)}
        row["speed_over_openvino"] = row["openvino_ms"]["median"] / row["framelift_ms"]["median"]
        print(f"{precision}: framelift {row['framelift_ms']['median']:.0f} ms, OpenVINO {row['openvino_ms']['median']:.0f} ms",
              file=sys.stderr)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    measure.save("expand", {"size": "1920x1080", "rounds": options.rounds, "rows": list(rows(options))})


if __name__ == "__main__":
    main()
