"""The OpenCV side of bench/preprocess.py: a 1920x1080 I420 picture to 512x512 planes of R, G, B in float, 0 to 1.

Every buffer is made once. Prints milliseconds a picture, the median of as many as fit into --seconds, as JSON.
"""

import argparse
import json
import statistics
import time

import cv2
import numpy as np

WIDTH, HEIGHT, EDGE = 1920, 1080, 512


def picture():
    """That of src/postprocess/network_input_bench.cpp: Y above U above V, as OpenCV takes them."""
    def plane(width, height):
        return ((16 + (np.arange(width)[None, :] * 7 + np.arange(height)[:, None] * 13) % 200)).astype(np.uint8)

    y, c = plane(WIDTH, HEIGHT), plane(WIDTH // 2, HEIGHT // 2)
    return np.concatenate([y, c.reshape(-1, WIDTH), c.reshape(-1, WIDTH)])


def chain(interpolation):
    frame = picture()
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    small = np.empty((EDGE, EDGE, 3), np.uint8)
    tensor = np.empty((3, EDGE, EDGE), np.float32)
    eight = [np.empty((EDGE, EDGE), np.uint8) for _ in range(3)]

    def run():
        cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420, rgb)
        cv2.resize(rgb, (EDGE, EDGE), small, interpolation=interpolation)
        cv2.split(small, eight)
        for part, plane in zip(eight, tensor):
            np.multiply(part, np.float32(1 / 255), out=plane)
    return run


def blob(interpolation):
    """OpenCV's own way from a picture to a tensor, which makes a new one each time."""
    frame = picture()
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    small = np.empty((EDGE, EDGE, 3), np.uint8)

    def run():
        cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420, rgb)
        cv2.resize(rgb, (EDGE, EDGE), small, interpolation=interpolation)
        cv2.dnn.blobFromImage(small, 1 / 255)
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)
    found = {}
    for way in (chain, blob):
        for name, interpolation in (("linear", cv2.INTER_LINEAR), ("area", cv2.INTER_AREA), ("lanczos", cv2.INTER_LANCZOS4)):
            run, times = way(interpolation), []
            for _ in range(10):
                run()
            end = time.perf_counter() + options.seconds
            while time.perf_counter() < end:
                begin = time.perf_counter()
                run()
                times.append(1e3 * (time.perf_counter() - begin))
            found[f"{way.__name__} {name}"] = statistics.median(times)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
