"""The job every peer does: decode a clip, run the network on each frame, encode. Engines fill in the network.

Decoding and encoding are ffmpeg processes joined by pipes, as the usual Python tools do it; they run beside the network,
so a peer is not slowed by them more than the machine's cores make it. The clock runs from opening the decoder to the
encoder's end, after loading and one warm-up run: a peer's start-up and compilation are not counted against it.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import time

import numpy as np


def arguments(description, settings):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="ncnn .param file of an SRVGGNetCompact")
    parser.add_argument("--setting", choices=settings, default=settings[0])
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--frames", type=int, default=0, help="0: all")
    parser.add_argument("--encoder", default="libx264")
    parser.add_argument("--crf", default="18")
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--pixel-format", default="yuv420p")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--network-frames", type=int, default=24, help="frames to time the network alone on, afterwards")
    return parser.parse_args()


def probe(clip):
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                          "stream=width,height,avg_frame_rate,color_space", "-of", "json", clip], check=True, capture_output=True)
    stream = json.loads(out.stdout)["streams"][0]
    return stream["width"], stream["height"], stream["avg_frame_rate"], stream.get("color_space", "unknown")


class Clip:
    """Frames of a clip as [h, w, 3] uint8 arrays, and where the upscaled ones go."""

    def __init__(self, options, scale):
        self.width, self.height, rate, matrix = probe(options.clip)
        limit = ["-frames:v", str(options.frames)] if options.frames else []
        base = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"]
        self._decoder = base + ["-i", options.clip, "-map", "0:v:0", *limit, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        # Raw RGB carries no tags: without this the encoder would write BT.601 numbers for a BT.709 clip.
        color = (["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_primaries", "bt709",
                  "-color_trc", "bt709"] if matrix == "bt709" else [])
        self._encoder = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y",
                         "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{self.width * scale}x{self.height * scale}",
                         "-r", rate, "-i", "-", "-i", options.clip, "-map", "0:v", "-map", "1:a?", "-c:a", "copy",
                         "-c:v", options.encoder, "-crf", options.crf, "-preset", options.preset, "-pix_fmt",
                         options.pixel_format, *color, options.output]

    def __enter__(self):
        self.decoder = subprocess.Popen(self._decoder, stdout=subprocess.PIPE, bufsize=0)
        self.encoder = subprocess.Popen(self._encoder, stdin=subprocess.PIPE, bufsize=0)
        return self

    def __exit__(self, *_):
        self.encoder.stdin.close()
        self.decoder.stdout.close()
        codes = self.encoder.wait(), self.decoder.wait()
        if codes[0]:
            raise RuntimeError(f"the encoder failed with exit code {codes[0]}")

    def frames(self):
        size = self.width * self.height * 3
        while True:
            data = bytearray(size)
            view, filled = memoryview(data), 0
            while filled < size:
                count = self.decoder.stdout.readinto(view[filled:])
                if not count:
                    return
                filled += count
            yield np.frombuffer(data, np.uint8).reshape(self.height, self.width, 3)

    def write(self, frame):
        view = memoryview(np.ascontiguousarray(frame)).cast("B")
        while len(view):
            view = view[self.encoder.stdin.write(view):]


def run(engine, options, scale, process, network_alone):
    """process(frames, write) upscales every frame and returns the seconds spent in the network, or None if it overlaps;
    network_alone(frame, count) runs only the network `count` times, as busily as process does."""
    clip = Clip(options, scale)
    example = np.random.default_rng(0).integers(0, 256, (clip.height, clip.width, 3), np.uint8)
    network_alone(example, 2)
    count = 0

    def counted(frames):
        nonlocal count
        for frame in frames:
            count += 1
            yield frame

    cpu_before = time.process_time()
    started = time.perf_counter()
    with clip:
        network_seconds = process(counted(clip.frames()), clip.write)
    seconds = time.perf_counter() - started
    cpu_seconds = time.process_time() - cpu_before
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started = time.perf_counter()
    network_alone(example, options.network_frames)
    network_ms = (time.perf_counter() - started) * 1000 / options.network_frames
    print(json.dumps({
        "engine": engine, "setting": options.setting, "precision": options.precision, "frames": count,
        "seconds": round(seconds, 4), "fps": round(count / seconds, 4),
        "network_seconds": network_seconds and round(network_seconds, 4), "network_alone_ms": round(network_ms, 3),
        "cpu_seconds": round(cpu_seconds, 3), "codec_cpu_seconds": round(children.ru_utime + children.ru_stime, 3),
        "peak_rss": peak_rss}))
