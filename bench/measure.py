"""What the benchmark scripts share: facts about the machine, running programs, medians, result files."""

import json
import os
import pathlib
import platform
import re
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
PEER_PYTHON = ROOT / ".venv-peers/bin/python"


def capture(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=ROOT)
    if result.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed ({result.returncode}):\n{result.stderr[-2000:]}")
    return result.stdout


def peer_python(name):
    """Of an environment of the peer's own, in build/bench/NAME, made when it is not there."""
    folder = ROOT / "build/bench" / name
    python = folder / "bin/python"
    if not python.exists():
        capture(PEER_PYTHON, "-m", "venv", folder)
        capture(folder / "bin/pip", "install", "-q", "--no-deps", "-r", ROOT / f"bench/peers/requirements-{name}.txt")
    return python


def last_json(text):
    return json.loads(text[text.index("{"):] if text.lstrip().startswith("{\n") else text.strip().split("\n")[-1])


def cpu_model():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def package_versions(python, *names):
    code = f"import importlib.metadata as m; print('\\n'.join(m.version(n) for n in {names!r}))"
    return dict(zip(names, capture(python, "-c", code).split()))


def machine():
    flags = set(re.search(r"^flags\s*:(.*)$", open("/proc/cpuinfo").read(), re.M).group(1).split())
    commit = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True,
                            cwd=ROOT).stdout.strip()
    return {
        "commit": commit,
        "cpu": cpu_model(),
        "threads": len(os.sched_getaffinity(0)),
        "instruction_sets": sorted(flags & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"}),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "versions": {"ffmpeg": capture("ffmpeg", "-version").split()[2],
                     **package_versions(PEER_PYTHON, "openvino", "torch", "ncnn", "numpy")},
    }


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def save(name, data):
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **data}, indent=1) + "\n")
    print(f"wrote {path.relative_to(ROOT)}")


def load(name):
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
