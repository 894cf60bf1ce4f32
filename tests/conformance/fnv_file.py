#!/usr/bin/env python3
"""Compares what framelift reads in .fnv files with tools/fnv_reference.py, an independent reader.

    fnv_file.py FNV_VALUES GOLDEN

FNV_VALUES is the program of fnv_values.cpp; GOLDEN a file it wrote once. Checked: the golden file and a fresh one, every
number of both; and that both are the same but for zlib streams, which differ between versions of zlib.
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import fnv_reference  # noqa: E402


def read(program, path):
    result = subprocess.run([program, str(path)], check=True, capture_output=True, text=True)
    return result.stdout.splitlines()


def bodies(data):
    """Without those that hold zlib streams, or offsets that depend on their sizes."""
    return [(kind, body) for _, kind, body in fnv_reference.sections(data) if kind not in ("NETW", "INDX", "TAIL")]


def main():
    program, golden = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder) / "fresh.fnv"
        subprocess.run([program, "--write", str(fresh)], check=True)
        for path in (golden, fresh):
            ours, reference = read(program, path), fnv_reference.describe(path.read_bytes())
            for mine, theirs in zip(ours, reference):
                assert mine == theirs, f"{path}: framelift reads\n  {mine[:300]}\nthe reference\n  {theirs[:300]}"
            assert len(ours) == len(reference) > 60 and ours[-1] == "complete", f"{path}: {len(ours)} lines"
            print(f"{path.name}: {len(ours)} lines are the same")
        assert bodies(golden.read_bytes()) == bodies(fresh.read_bytes()), "the encoder's bytes have changed"


if __name__ == "__main__":
    main()
