"""What the tests of HDR output share: networks made on the spot, decoding by ffmpeg, and light levels measured with numpy
from the decoded samples. Nothing here is framelift's: formulas are those of ST 2084, BT.2020, BT.2100 and CTA-861.3."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import safetensors_io  # noqa: E402

SKIPPED = 77  # the exit code that ctest counts as neither passed nor failed


def save_identity_network(path):
    """HDRTVNet++'s AGCM with weights under which every pixel comes out as it went in: three of the 64 features carry R,
    G and B through both ReLUs, and the condition modulates nothing."""
    tensors = {}

    def layer(name, outputs, inputs, kernel=True):
        tensors[name + ".weight"] = np.zeros((outputs, inputs) + ((1, 1) if kernel else ()), np.float32)
        tensors[name + ".bias"] = np.zeros(outputs, np.float32)

    for index, (inputs, outputs) in {0: (3, 16), 4: (16, 32), 8: (32, 64), 12: (64, 128), 16: (128, 128),
                                     20: (128, 6)}.items():
        layer(f"classifier.model.{index}", outputs, inputs)
    for index, features in {3: 16, 7: 32, 11: 64, 15: 128}.items():
        tensors[f"classifier.model.{index}.weight"] = np.ones(features, np.float32)
        tensors[f"classifier.model.{index}.bias"] = np.zeros(features, np.float32)
    for which, features in {"first": 64, "HR": 64, "last": 3}.items():
        layer(f"cond_scale_{which}", features, 6, False)
        layer(f"cond_shift_{which}", features, 6, False)
    for name, outputs, inputs in (("conv_first", 64, 3), ("HRconv", 64, 64), ("conv_last", 3, 64)):
        layer(name, outputs, inputs)
        tensors[name + ".weight"][range(3), range(3), 0, 0] = 1
    safetensors_io.save(path, tensors)


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise RuntimeError(f"{Path(str(command[0])).name}: exit code {done.returncode}: {lines[-1]}")
    return done


def ffmpeg(*words, **options):
    return run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *words], **options)


def encoders():
    text = run(["ffmpeg", "-hide_banner", "-encoders"]).stdout.decode()
    return set(re.findall(r"^ V\S* (\S+)", text, re.M))


def ffprobe(path, *words):
    return json.loads(run(["ffprobe", "-v", "error", "-of", "json", *words, f"file:{path}"]).stdout)


def video_stream(path):
    return ffprobe(path, "-select_streams", "v:0", "-show_streams")["streams"][0]


class Pictures:
    """The decoded frames of a file: planes of codes, in the format the decoder gives."""

    def __init__(self, path, pixel_format=None):
        stream = video_stream(path)
        self.width, self.height = stream["width"], stream["height"]
        self.format = pixel_format or stream["pix_fmt"]
        words = ["-pix_fmt", pixel_format] if pixel_format else []
        raw = ffmpeg("-i", path, "-map", "0:v:0", *words, "-f", "rawvideo", "-").stdout
        match = re.fullmatch(r"yuv(a?)(420|422|444)p(\d*)(?:le)?|gbrp(\d+)le", self.format)
        if not match:
            raise RuntimeError(f"{path}: no reader for {self.format}")
        self.rgb = match[2] is None
        self.bits = int(match[4] if self.rgb else match[3] or 8)
        self.shift = (0, 0) if self.rgb else {"420": (1, 1), "422": (1, 0), "444": (0, 0)}[match[2]]
        codes = np.frombuffer(raw, "<u2" if self.bits > 8 else np.uint8)
        sizes = [(self.height, self.width)]
        chroma = ((self.height + self.shift[1]) >> self.shift[1], (self.width + self.shift[0]) >> self.shift[0])
        sizes += [chroma, chroma] + ([sizes[0]] if match[1] else [])
        length = sum(h * w for h, w in sizes)
        if not len(codes) or len(codes) % length:
            raise RuntimeError(f"{path}: {len(codes)} samples are no frames of {length}")
        self.frames = []
        for frame in codes.reshape(-1, length):
            planes, at = [], 0
            for h, w in sizes[:3]:
                planes.append(frame[at:at + h * w].reshape(h, w))
                at += h * w
            self.frames.append(planes)

    def to_rgb(self, planes):
        """R'G'B' of BT.2020 (black 0, white 1), limited range; chroma sits on the top left pixel (H.273 type 2)."""
        if self.rgb:  # full range, planes G, B, R
            return [planes[i].astype(float) / (2**self.bits - 1) for i in (2, 0, 1)]
        step = 2 ** (self.bits - 8)
        y = (planes[0].astype(float) - 16 * step) / (219 * step)
        cb, cr = ((linear_upsample(p.astype(float), self.shift, y.shape) - 128 * step) / (224 * step)
                  for p in planes[1:])
        r, b = y + 1.4746 * cr, y + 1.8814 * cb
        return [r, (y - 0.2627 * r - 0.0593 * b) / 0.6780, b]


def linear_upsample(plane, shift, shape):
    """Co-sited: sample k is pixel 2k, pixels between are the mean of their neighbours, the last one repeats."""
    for axis, subsampled in ((1, shift[0]), (0, shift[1])):
        if subsampled:
            after = np.concatenate([np.take(plane, range(1, plane.shape[axis]), axis),
                                    np.take(plane, [-1], axis)], axis)
            plane = np.stack([plane, (plane + after) / 2], axis + 1)
            plane = plane.reshape(plane.shape[0], -1) if axis == 1 else plane.reshape(-1, plane.shape[2])
            plane = np.take(plane, range(shape[axis]), axis)
    return plane


def pq_eotf(code):
    """SMPTE ST 2084, equation 5.1: code 0..1 to cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    p = np.clip(code, 0, 1) ** (1 / m2)
    return 10000 * (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)


def light_levels(pictures):
    """(MaxCLL, MaxFALL) in cd/m2, and the largest code, of PQ pictures."""
    max_code = max_mean = 0
    for planes in pictures.frames:
        largest = np.maximum.reduce(pictures.to_rgb(planes))
        max_code = max(max_code, float(np.clip(largest, 0, 1).max()))
        max_mean = max(max_mean, float(pq_eotf(largest).mean()))
    return float(pq_eotf(max_code)), max_mean
