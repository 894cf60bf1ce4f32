#!/usr/bin/env python3
"""Runs every micro-benchmark (bench_* programs beside framelift) and keeps their medians in bench/results/kernels.json.

    bench/kernels.py BIN_FOLDER
"""

import json
import pathlib
import sys

import measure


def main():
    programs = sorted(p for p in pathlib.Path(sys.argv[1]).glob("bench_*") if p.is_file())
    if not programs:
        raise SystemExit(f"bench: no bench_* programs in {sys.argv[1]}; configure with FRAMELIFT_BENCH=ON")
    benchmarks = []
    for program in programs:
        text = measure.capture(program, "--benchmark_format=json", "--benchmark_repetitions=5",
                               "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.1")
        benchmarks += json.loads(text)["benchmarks"]
    benchmarks = [b for b in benchmarks if b.get("aggregate_name") == "median"]
    for b in benchmarks:
        counters = " ".join(f"{name} {b[name]:.2f}" for name in ("GB/s", "memcpy", "ratio") if name in b)
        print(f"{b['name']:60} {b['real_time']:10.3f} {b['time_unit']} {counters}")
    measure.save("kernels", {"benchmarks": benchmarks})


if __name__ == "__main__":
    main()
