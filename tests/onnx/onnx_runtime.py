#!/usr/bin/env python3
"""Exported networks in ONNX Runtime: checked by onnx's own checker, run, and compared with the reference.

    onnx_runtime.py ONNX_VALUES     (in the root of the source tree; tests/onnx/onnx_values.cpp)

Needs .venv-peers (`make peers-venv`); without it the test is skipped (exit code 77).
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / ".venv-peers/bin/python"
if os.environ.get("FRAMELIFT_IN_PEERS") is None:
    if not PEERS.exists():
        print("skipped: no .venv-peers; run make peers-venv")
        sys.exit(77)
    os.environ["FRAMELIFT_IN_PEERS"] = "1"
    os.execv(PEERS, [str(PEERS), *sys.argv])

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, str(ROOT / "tools"))
import safetensors_io


def largest_difference(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    tensors, metadata = safetensors_io.load(path.with_suffix(".safetensors"))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = {name.removeprefix("input/"): t for name, t in tensors.items() if name.startswith("input/")}
    (output,) = session.run(None, inputs)
    expected = tensors["output"]
    if output.shape != expected.shape:
        return np.inf, 0.0, session
    return float(np.abs(output.astype(np.float64) - expected).max(initial=0)), float(metadata["tolerance"]), session


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        for path in sorted(pathlib.Path(folder).glob("*.onnx")):
            difference, tolerance, session = largest_difference(path)
            good = difference <= tolerance
            failed += not good
            shapes = "; ".join(f"{i.name} {i.shape}" for i in [*session.get_inputs(), *session.get_outputs()])
            print(f"{'ok' if good else 'WRONG':5} {path.stem:34} {difference:.1e} (at most {tolerance:.1e})  {shapes}")
    print(f"{failed} wrong")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
