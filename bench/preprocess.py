#!/usr/bin/env python3
"""A picture on its way into a network: 1920x1080 yuv420p to 512x512 planes of R, G, B in float, 0 to 1.

    bench/preprocess.py BIN_FOLDER [--rounds 9]

Ours (src/postprocess/network_input_bench.cpp), on one thread as a job's preprocess stage has it: in one pass over memory;
through a 16-bit picture of the network's size; and as a chain of float tensors, whose filter reads 4 pixels. The others
are bilinear (networks that find classes) or Lanczos with three lobes, over the source's scale, so that every source pixel
counts. OpenCV (bench/peers/preprocess_opencv.py): cvtColor, resize, and float planes, with one thread and two. Of its
filters, INTER_LINEAR reads 4 source pixels for each that it makes and skips the rest, INTER_LANCZOS4 64; INTER_AREA reads
all of them. Rounds alternate between the programs.
"""

import argparse
import json
import pathlib

import measure

OURS = {"one pass, bilinear": "resize_and_convert/bilinear", "one pass, lanczos": "resize_and_convert/lanczos",
        "16-bit picture, bilinear": "resize_then_convert/bilinear", "16-bit picture, lanczos": "resize_then_convert/lanczos",
        "float chain": "convert_then_resize"}


def ours(options):
    text = measure.capture(options.binaries / "bench_postprocess", f"--benchmark_filter=^({'|'.join(OURS.values())})$",
                           "--benchmark_format=json", "--benchmark_min_time=0.2")
    found = {b["name"]: b["real_time"] for b in json.loads(text)["benchmarks"]}
    return {("framelift", way, 1): found[name] for way, name in OURS.items()}


def opencv(python, threads):
    found = measure.last_json(measure.capture(python, measure.ROOT / "bench/peers/preprocess_opencv.py", "--threads",
                                              str(threads), "--seconds", "0.2"))
    return {("OpenCV", way, threads): ms for way, ms in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    python = measure.peer_python("opencv")
    found = {}
    for _ in range(options.rounds):
        for row in (ours(options), opencv(python, 1), opencv(python, 2)):
            for key, ms in row.items():
                found.setdefault(key, []).append(ms)
    fused = measure.spread(found["framelift", "one pass, bilinear", 1])["median"]
    rows = [{"program": program, "way": way, "threads": threads, "ms": measure.spread(ms),
             "over_one_pass": measure.spread(ms)["median"] / fused} for (program, way, threads), ms in found.items()]
    for row in rows:
        print(f"{row['program']:10} {row['way']:26} {row['threads']} threads {row['ms']['median']:8.3f} ms "
              f"({row['ms']['min']:.3f}-{row['ms']['max']:.3f}), {row['over_one_pass']:.2f} of ours in one pass")
    measure.save("preprocess", {"rounds": options.rounds, "picture": "1920x1080 yuv420p to 512x512 float", "rows": rows,
                                "versions": measure.package_versions(python, "opencv-python-headless")})


if __name__ == "__main__":
    main()
