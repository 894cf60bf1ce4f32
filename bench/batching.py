#!/usr/bin/env python3
"""The dynamic batcher beside static batches of the same network, as src/pipeline/batching/batching_bench.cpp runs them.

    bench/batching.py BIN_FOLDER [--rounds 5]

As many callers as a batch holds, or twice as many, ask again as soon as they have a result; a request waits for company
for 2 ms at most. Kept are requests a second beside the fastest static batch's, and the time that 99 % of the requests
stay below beside the wait and the slowest batch. Of twice as many callers half wait for another batch's end, too.
"""

import argparse
import json
import pathlib

import measure

TIMEOUT_MS = 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    text = measure.capture(options.binaries / "bench_pipeline", "--benchmark_filter=batches", "--benchmark_format=json",
                           f"--benchmark_repetitions={options.rounds}", "--benchmark_min_time=0.5",
                           "--benchmark_enable_random_interleaving=true")
    runs = [b for b in json.loads(text)["benchmarks"] if b["run_type"] == "iteration"]
    rows = {name: measure.spread([b["items_per_second"] for b in runs if b["run_name"] == name])
            for name in dict.fromkeys(b["run_name"] for b in runs)}
    static = max((v["median"], k) for k, v in rows.items() if k.startswith("static"))
    dynamic = {}
    for name in (k for k in rows if k.startswith("dynamic")):
        found = [b for b in runs if b["run_name"] == name]
        figures = {key: measure.spread([b[key] for b in found]) for key in ("p99_ms", "slowest_batch_ms", "mean_batch")}
        ratio = rows[name]["median"] / static[0]
        dynamic[name] = {**figures, "of_best_static": ratio}
        print(f"{name} / {static[1]}: {ratio:.3f}; p99 {figures['p99_ms']['median']:.1f} ms, wait and slowest batch "
              f"{TIMEOUT_MS + figures['slowest_batch_ms']['median']:.1f} ms, {figures['mean_batch']['median']:.2f} a batch")
    measure.save("batching", {"rounds": options.rounds, "timeout_ms": TIMEOUT_MS, "requests_per_second": rows,
                              "best_static": static[1], "dynamic": dynamic})


if __name__ == "__main__":
    main()
