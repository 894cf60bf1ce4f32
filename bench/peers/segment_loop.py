"""The job of every peer of bench/segment.py: a person mask of each frame of a clip, at the clip's size, encoded.

Decoding and encoding are ffmpeg processes joined by pipes, as the usual Python tools do it. The clock runs from opening
the decoder to the encoder's end, after loading and warm-up. With --encoder none masks are dropped where they are made.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import time

import numpy as np

import video_loop


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, help="the .tflite file, where the peer does not bring it")
    parser.add_argument("--encoder", default="libx264", help="or none")
    parser.add_argument("--frames", type=int, default=0, help="0: all")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as the peer likes")
    return parser.parse_args()


class Job:
    def __init__(self, options):
        self.width, self.height, self.rate, _ = video_loop.probe(options.clip)
        self.options = options

    def _decoder(self):
        limit = ["-frames:v", str(self.options.frames)] if self.options.frames else []
        return subprocess.Popen(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-i", self.options.clip,
                                 "-map", "0:v:0", *limit, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                                stdout=subprocess.PIPE, bufsize=0)

    def _encoder(self):
        if self.options.encoder == "none":
            return None
        return subprocess.Popen(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray",
                                 "-s", f"{self.width}x{self.height}", "-r", self.rate, "-i", "-", "-c:v",
                                 self.options.encoder, *(["-crf", "17"] if self.options.encoder == "libx264" else []),
                                 "-pix_fmt", "gray", self.options.output], stdin=subprocess.PIPE, bufsize=0)

    def frames(self):
        """[height, width, 3] of uint8, one after the other."""
        size = self.width * self.height * 3
        decoder = self._decoder()
        while True:
            data = bytearray(size)
            view, filled = memoryview(data), 0
            while filled < size:
                count = decoder.stdout.readinto(view[filled:])
                if not count:
                    decoder.wait()
                    return
                filled += count
            yield np.frombuffer(data, np.uint8).reshape(self.height, self.width, 3)

    def run(self, engine, process):
        """process(frames, write): `write` takes each frame's mask, [height, width] of uint8, in their order."""
        count = 0
        process([np.zeros((self.height, self.width, 3), np.uint8)] * 3, lambda mask: None)
        started, cpu = time.perf_counter(), time.process_time()
        encoder = self._encoder()

        def write(mask):
            nonlocal count
            count += 1
            view = memoryview(np.ascontiguousarray(mask)).cast("B")
            while encoder and len(view):
                view = view[encoder.stdin.write(view):]

        process(self.frames(), write)
        if encoder:
            encoder.stdin.close()
            if encoder.wait():
                raise RuntimeError("the encoder failed")
        seconds = time.perf_counter() - started
        print(json.dumps({"engine": engine, "frames": count, "seconds": round(seconds, 4), "fps": round(count / seconds, 3),
                          "cpu_seconds": round(time.process_time() - cpu, 3),
                          "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
