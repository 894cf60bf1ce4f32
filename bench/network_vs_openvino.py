#!/usr/bin/env python3
"""The network alone: framelift against OpenVINO's own Python API on the same weights, precision, hint and threads.

    bench/network_vs_openvino.py FRAMELIFT --model FILE.param [--sizes 320x180 640x360] [--rounds 5] [--seconds 4]

Needs the peers' environment (.venv-peers). Rounds alternate between the two programs.
"""

import argparse
import json
import os
import pathlib
import sys
import time

import measure

sys.path.insert(0, str(measure.ROOT / "bench/peers"))


def time_openvino(model_path, size, precision, seconds, hint):
    """Milliseconds a frame, with as many requests in flight as the compiled model asks for."""
    import numpy as np
    import openvino as ov

    import ncnn_weights
    import openvino_network

    width, height = map(int, size.split("x"))
    state, scale = ncnn_weights.read_srvgg(model_path)
    model = openvino_network.build(state, scale, height, width)
    compiled = openvino_network.compile_model(model, precision, hint, len(os.sched_getaffinity(0)))
    requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    queue = ov.AsyncInferQueue(compiled, requests)
    x = np.full((1, 3, height, width), 0.5, np.float32)
    for _ in range(requests):
        queue.start_async({0: x})
    queue.wait_all()
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        queue.start_async({0: x})
        count += 1
    queue.wait_all()
    return {"ms_per_frame": (time.perf_counter() - started) * 1000 / count, "streams": requests}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", nargs="?", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=["320x180", "640x360"])
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--openvino-only", nargs=3, metavar=("SIZE", "PRECISION", "HINT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.openvino_only:
        size, precision, hint = options.openvino_only
        print(json.dumps(time_openvino(options.model, size, precision, options.seconds, hint)))
        return
    if options.framelift is None:
        parser.error("FRAMELIFT is missing")

    rows = []
    for size in options.sizes:
        for precision in options.precisions:
            for hint in ("THROUGHPUT", "LATENCY"):
                ours, theirs = [], []
                for _ in range(options.rounds):
                    ours.append(json.loads(measure.capture(
                        options.framelift, "bench", "network", "--model", options.model, "--size", size, "--precision",
                        precision, "--seconds", options.seconds, "--json", "--mode", hint.lower())))
                    theirs.append(json.loads(measure.capture(
                        measure.PEER_PYTHON, __file__, "--model", options.model, "--seconds", options.seconds,
                        "--openvino-only", size, precision, hint)))
                row = {"size": size, "precision": precision, "hint": hint.lower(),
                       "framelift_ms": measure.spread([r["ms_per_frame"] for r in ours]),
                       "openvino_ms": measure.spread([r["ms_per_frame"] for r in theirs]),
                       "streams": [ours[0]["streams"], theirs[0]["streams"]]}
                row["ratio"] = row["framelift_ms"]["median"] / row["openvino_ms"]["median"]
                rows.append(row)
                print(f"{size} {precision} {hint.lower():10} framelift {row['framelift_ms']['median']:8.2f} ms  OpenVINO "
                      f"{row['openvino_ms']['median']:8.2f} ms  ratio {row['ratio']:.3f}", file=sys.stderr)
    measure.save("network", {"model": options.model.name, "rounds": options.rounds, "rows": rows})


if __name__ == "__main__":
    main()
