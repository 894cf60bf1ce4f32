#!/usr/bin/env python3
"""How near `bench model --auto` comes to an exhaustive sweep over batch, streams and threads.

    bench/tuning.py FRAMELIFT --model MODEL=WxH [--model ...] [--rounds 3]

Every round measures each setting once, in another order, and ends with a search that remembers nothing. The search's
choice is judged by its speed in the sweep, of which each measurement counts beside its round's mean, because hosts have
slow and fast minutes: median over rounds, beside the fastest setting's.
"""

import argparse
import json
import os
import pathlib
import random
import statistics

import measure


def settings(cores, batches):
    threads = sorted({max(cores // 2, 1), cores})
    return [(b, s, t) for t in threads for s in (2**i for i in range(t.bit_length())) if s <= t for b in batches]


def bench(options, model, size, *more):
    return json.loads(measure.capture(options.framelift, "bench", "model", "--model", model, "--size", size, "--precision",
                                      "f32", "--no-cache", "--json", *more))


def judge(options, model, size):
    speeds, choices = {s: [] for s in settings(len(os.sched_getaffinity(0)), options.batches)}, []
    for _ in range(options.rounds):
        for batch, streams, threads in random.sample(list(speeds), len(speeds)):
            row = bench(options, model, size, "--batch", str(batch), "--streams", str(streams), "--threads", str(threads),
                        "--seconds", str(options.seconds))
            speeds[batch, streams, threads].append(row["fps"])
        found = bench(options, model, size, "--auto", "--batch", str(max(options.batches)))
        choices.append((found["batch"], found["streams"], found["threads"]))
        print(f"{model} {size}: {found['reason']}", flush=True)
    means = [statistics.mean(found[r] for found in speeds.values()) for r in range(options.rounds)]
    medians = {s: statistics.median(fps / mean for fps, mean in zip(found, means)) for s, found in speeds.items()}
    fastest = max(medians, key=medians.get)
    rows = [{"batch": b, "streams": s, "threads": t, "fps": measure.spread(speeds[b, s, t]), "of_mean": medians[b, s, t]}
            for b, s, t in speeds]
    chosen = [{"batch": b, "streams": s, "threads": t, "of_fastest": medians[b, s, t] / medians[fastest]}
              for b, s, t in choices]
    print(f"{model} {size}: the fastest is {fastest}, {statistics.median(speeds[fastest]):.1f} fps; chosen "
          + ", ".join(f"{c} {r['of_fastest']:.3f}" for c, r in zip(choices, chosen)), flush=True)
    return {"model": pathlib.Path(model).name, "size": size, "sweep": rows, "chosen": chosen}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--batches", type=lambda text: [int(b) for b in text.split(",")], default=[1, 2, 4])
    options = parser.parse_args()
    measure.save("tuning", {"rounds": options.rounds, "jobs": [judge(options, *m.split("=")) for m in options.model]})


if __name__ == "__main__":
    main()
