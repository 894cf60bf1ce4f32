#!/usr/bin/env python3
"""framelift on an NVIDIA GPU beside PyTorch on the same one: eager and torch.compile; f16, channels last.

    bench/gpu.py FRAMELIFT --out FILE.json [--seconds 3] [--deadline SECONDS] [--dry]

Networks: general-x4v3 at 1280x720, HDRTVNet++ (AGCM and LE) at 1920x1080 and 3840x2160; their weights follow a formula
(tools/formula_goldens.py), since speed does not depend on them. Figures are milliseconds a frame:
  resident  the layers alone, frames stay on the card
  tensors   f32 tensors to the card and back (framelift bench network)
  copied    whole frames: PyTorch from pinned 8-bit RGB and back; framelift a whole job (test pattern to null:)
Written after every figure, so that a run cut short leaves what it measured. Runs with the python that has PyTorch.
--dry: on the CPU, in f32, at tiny sizes: tries the script, measures nothing worth keeping.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import formula_goldens  # noqa: E402
import safetensors_io  # noqa: E402


def general_x4v3():
    channels = [3] + [64] * 33 + [48]
    for i, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
        for name, shape in ((f"body.{2 * i}.weight", (outputs, inputs, 3, 3)), (f"body.{2 * i}.bias", (outputs,))):
            yield name, formula_goldens.formula_tensor(name, shape)
        if i < 33:
            yield f"body.{2 * i + 1}.weight", formula_goldens.formula_tensor(f"body.{2 * i + 1}.slope", (outputs,))


def hdrtvnet():
    shapes = formula_goldens
    return {**shapes.formula_state(shapes.agcm_shapes(), "AGCM."), **shapes.formula_state(shapes.le_shapes(), "LE.")}


class Run:
    def __init__(self, options):
        self.o = options
        self.deadline = time.monotonic() + options.deadline
        self.device, self.precision = ("cpu", "f32") if options.dry else ("cuda", "f16")
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
        self.data = {"dry": options.dry, "commit": commit.stdout.strip() or "unknown", "device": self.device,
                     "precision": self.precision, "cases": []}

    def save(self):
        self.o.out.parent.mkdir(parents=True, exist_ok=True)
        self.o.out.write_text(json.dumps(self.data, indent=1) + "\n")

    # The program's output as JSON, or what went wrong.
    def call(self, *command, stats=None):
        left = self.deadline - time.monotonic()
        if left < 5:
            return {"error": "no time left"}
        try:
            result = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=ROOT, timeout=left)
        except subprocess.TimeoutExpired:
            return {"error": "no time left"}
        if result.returncode != 0:
            return {"error": (result.stderr.strip().split("\n") or ["?"])[-1][-300:]}
        text = stats.read_text() if stats else result.stdout
        return json.loads(text[text.index("{"):])

    def framelift(self, case, weights, folder):
        engine = ["--backend", "torch", "--device", self.device, "--precision", self.precision, "--model", weights]
        figures = {}
        for name, extra in (("resident", ["--resident"]), ("tensors", [])):
            row = self.call(self.o.framelift, "bench", "network", *engine, "--size", case["size"], "--seconds",
                            self.o.seconds, "--json", *extra)
            figures[name + "_ms"] = row.get("ms_per_frame")
            if "error" in row:
                figures[name + "_error"] = row["error"]
        frames = max(8, int(1000 * self.o.seconds / (figures["tensors_ms"] or 100)))
        stats = folder / f"stats{len(self.data['cases'])}.json"
        row = self.call(self.o.framelift, case["verb"], f"test:{case['size']}:{frames}", "null:", *engine, "--warm-up", 8,
                        "--quiet", "--stats", stats, stats=stats)
        figures["copied_ms"] = 1000 / row["fps"] if row.get("fps") else None
        figures["job"] = row
        return figures

    def measure(self, case, folder):
        weights = folder / f"{case['network']}.safetensors"
        if not weights.exists():
            safetensors_io.save(weights, dict(general_x4v3() if case["network"] == "srvgg" else hdrtvnet()))
        self.data["cases"].append(case)
        case["framelift"] = self.framelift(case, weights, folder)
        self.save()
        for setting in ("eager", "compile", "graphs"):
            if self.o.dry and setting == "graphs":
                continue  # CUDA's
            case[setting] = self.call(sys.executable, ROOT / "bench/peers/torch_gpu.py", case["network"], weights,
                                      case["size"], setting, self.device, self.o.seconds)
            for way in ("resident_ms", "copied_ms"):
                ours, theirs = case["framelift"].get(way), case[setting].get(way)
                if ours and theirs:
                    case[setting]["framelift_speed_" + way[:-3]] = theirs / ours
            self.save()
        print(json.dumps({name: case[name].get("resident_ms") for name in ("framelift", "eager", "compile")}), case["size"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--deadline", type=float, default=420, help="seconds from now; what does not fit is left out")
    parser.add_argument("--dry", action="store_true")
    run = Run(parser.parse_args())
    run.o.framelift, run.o.out = run.o.framelift.resolve(), run.o.out.resolve()
    sizes = ("16x16", "24x16", "32x24") if run.o.dry else ("1280x720", "1920x1080", "3840x2160")
    with tempfile.TemporaryDirectory(prefix="framelift-gpu-") as folder:
        for (network, name, verb), size in zip((("srvgg", "general-x4v3", "upscale"), ("hdrtvnet", "HDRTVNet++", "hdr"),
                                                ("hdrtvnet", "HDRTVNet++", "hdr")), sizes):
            run.measure({"network": network, "name": name, "verb": verb, "size": size}, pathlib.Path(folder))
    run.save()
    print(f"wrote {run.o.out}")
    missing = [c for c in run.data["cases"] if not c["framelift"].get("resident_ms") or not c["eager"].get("resident_ms")]
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
