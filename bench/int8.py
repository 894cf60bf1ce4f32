#!/usr/bin/env python3
"""8-bit integers: speed and PSNR of framelift's models beside its own f32 and bf16, and beside NNCF's.

    bench/int8.py FRAMELIFT --calibrate CLIP... --check CLIP --hdr WEIGHTS.pth --upscale FILE.param... [--rounds 3]

Needs the peers' environment (.venv-peers), and makes one for NNCF in build/bench/nncf. Both quantisers learn from the
same number of parts of the same clips, of the same size, and are judged against their own float network on parts of
the other clip. Speeds are of the network alone with every stream busy, by turns; ratios are within a round. Results:
bench/results/int8.json, where networks that were not measured this time stay.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import measure

PEERS = measure.ROOT / "bench/peers"


def run(o, folder, *words):
    result = subprocess.run([str(w) for w in (o.framelift, *words)], capture_output=True, text=True,
                            env={**os.environ, "FRAMELIFT_MODELS": str(folder / "models")})
    if result.returncode != 0:
        raise SystemExit(f"bench: framelift {' '.join(map(str, words))}: {result.stderr}")
    return result.stdout


def ours(o, folder, weights, name, mode, pictures):
    report = folder / f"{name}.{mode}.json"
    run(o, folder, "quantize", name, "--mode", mode, "--pictures", pictures, "--check-pictures", 12, "--calibrate", *o.calibrate,
        "--check", o.check, "--report", report, "--quiet", "--force")
    found = json.loads(report.read_text())
    suffix = "int8" if mode == "auto" else f"int8-{mode}"
    kernels = collections.Counter(k["kernel"] for k in found["kernels"])
    return {"bytes": (folder / f"models/{name}.{suffix}.safetensors").stat().st_size, "kernels": kernels} | {key: found[key] for key in ("psnr", "psnr_y", "ssim", "delta_e_itp", "integer_share_of_multiply_adds", "layers",
                                        "color_shift_10_bit", "objections", "speed_over") if key in found}


def theirs(o, folder, weights, name, pictures, ranges):
    model, learnt, judged = folder / f"{name}.xml", folder / f"{name}.learn.npz", folder / f"{name}.check.npz"
    if not model.exists():
        measure.capture(measure.PEER_PYTHON, PEERS / "int8_models.py", weights, model)
        make = [measure.PEER_PYTHON, PEERS / "int8_models.py", "pictures", weights]
        measure.capture(*make, learnt, "192x128", pictures, *o.calibrate)
        measure.capture(*make, judged, "384x256", 12, o.check)
    return measure.last_json(measure.capture(measure.peer_python("nncf"), PEERS / "int8_nncf.py", "quantize", model, learnt, judged, ranges,
                                             folder / f"{name}.{ranges}.xml"))


def times(o, folder, name, size, precisions, peer):
    found = {p: [] for p in precisions}
    found["nncf"] = []
    for _ in range(o.rounds):
        for precision in precisions:
            text = run(o, folder, "bench", "network", "--model", name, "--size", size, "--precision", precision, "--seconds",
                       o.seconds, "--json", "--no-cache")
            found[precision].append(json.loads(text)["ms_per_frame"])
        found["nncf"].append(measure.last_json(measure.capture(
            measure.peer_python("nncf"), PEERS / "int8_nncf.py", "time", peer, "bf16", len(os.sched_getaffinity(0)), o.seconds, size))["ms_per_frame"])
        print(name, {k: round(v[-1], 1) for k, v in found.items()}, file=sys.stderr)
    over = {k: statistics.median(a / b for a, b in zip(found[k], found["int8-full"])) for k in ("f32", "bf16", "nncf")}
    return {"ms": {key: measure.spread(values) for key, values in found.items()}, "int8_speed_over": over}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--calibrate", nargs="+", required=True)
    parser.add_argument("--check", required=True)
    parser.add_argument("--upscale", nargs="*", default=[])
    parser.add_argument("--hdr")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    o = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
        folder = pathlib.Path(folder)
        jobs = [(w, "640x360") for w in o.upscale] + ([(o.hdr, "1280x720")] if o.hdr else [])
        for weights, size in jobs:
            file = pathlib.Path(weights)
            name = f"m{len(rows)}"
            run(o, folder, "models", "import", weights, "--name", name)
            parameters = int(re.search(r"^parameters\s+(\d+)", run(o, folder, "models", "info", name), re.M).group(1))
            row = {"network": file.stem, "size": size, "pictures": o.pictures,
                   "bytes": {"published": file.stat().st_size, "f32": 4 * parameters}}
            row["framelift"] = {m: ours(o, folder, weights, name, m, o.pictures) for m in ("full", "mixed", "auto")}
            row["nncf"] = {r: theirs(o, folder, weights, name, o.pictures, r) for r in ("default", "minmax")}
            best = max(row["nncf"], key=lambda r: row["nncf"][r]["psnr"])
            row |= times(o, folder, name, size, ["f32", "bf16", "int8-full", "int8-mixed", "int8"], folder / f"{name}.{best}.xml")
            rows.append(row)
            print(json.dumps(row["int8_speed_over"]), {m: round(v["psnr"], 2) for m, v in row["framelift"].items()},
                  {r: round(v["psnr"], 2) for r, v in row["nncf"].items()}, file=sys.stderr)
    known = (measure.load("int8") or {}).get("networks", [])
    rows = [r for r in known if r["network"] not in {row["network"] for row in rows}] + rows
    measure.save("int8", {"calibrate": [pathlib.Path(c).name for c in o.calibrate], "check": pathlib.Path(o.check).name, "networks": rows})


if __name__ == "__main__":
    main()
