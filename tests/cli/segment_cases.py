"""Segmentation: what is asked for wrongly, what the outputs are, and hostile .tflite files."""

import json
import math
import re
import struct
import subprocess

from sandbox import MODEL, ROOT, Wrong, case

TFLITE = ROOT / "tests/fuzz/corpus/tflite"  # tools/make_tflite.py; "small" finds persons in pictures of 8x8, badly
PERSON = TFLITE / "small"


def segment(s, *options, source=None, output=None, model=PERSON):
    return ["segment", source or s.input, output or s.output, "--model", model, "--quiet", *options]


def option_case(name, says, *words, model=PERSON):
    @case(f"segment: {name}")
    def _(s):
        s.clip()
        (s.dir / "in_text.png").write_text("no picture")
        s.must_fail(segment(s, *words, model=model), says)


@case("segment: only options that can apply are offered")
def _(s):
    help_text = s.execute(["segment", "--help"]).stdout
    for option in ("--denoise", "--tile", "--overlap"):
        if s.code or option in help_text:
            raise Wrong(f"{option} is offered")


option_case("a class the model does not have", ["zebra", "background, person"], "--classes", "person,zebra")
option_case("a class's name misspelt", "did you mean person", "--classes", "persom")
option_case("a class number beyond the last", "\"2\"", "--classes", "2")
option_case("unknown output", "output", "--output", "hologram")
option_case("another input size than the file's", "8x8 pixels", "--input-size", "16x16")
option_case("tiles", "tile", "--tile", "4")
option_case("a background that is no colour", "#12", "--output", "composite", "--background", "#12")
option_case("a blur that is no number", "blur:much", "--output", "composite", "--background", "blur:much")
option_case("a background that is not there", "none.png", "--output", "composite", "--background", "none.png")
option_case("a background that is no picture", "in_text.png", "--output", "composite", "--background", "in_text.png")
option_case("alpha into a codec without", ["alpha", "ffv1"], "--output", "alpha", "--encoder", "libx264")
option_case("a lookahead below 0", "lookahead", "--lookahead", "-1")
option_case("a mask every 0 frames", "every", "--every", "0")
option_case("an unknown stereo layout", "vr", "--vr", "anaglyph")
option_case("a border option without --vr", "vr", "--no-wrap")
option_case("exact numbers into limited range", "numbers", "--output", "classes", "--encoder", "libx264",
            "--pixel-format", "yuv420p10le")
option_case("a model of pictures", ["pictures", "segment|upscale"], model=MODEL)


def eye_case(layout, size, says):
    @case(f"segment: {layout} frames of {size} are no two pictures")
    def _(s):
        s.clip(size, 2)
        s.must_fail(segment(s, "--vr", layout), says)


eye_case("sbs", "50x38", ["in.mp4", "multiple of 4"])
eye_case("tb", "50x38", ["in.mp4", "multiple of 4"])


@case("segment: alpha to an .mp4, whose codecs have none")
def _(s):
    s.clip()
    s.must_fail(segment(s, "--output", "alpha", output=s.dir / "out.mp4"), ["alpha", "prores_ks|ffv1"])


def safetensors(path, shapes):
    header, at = {}, 0
    for key, shape in shapes.items():
        end = at + 4 * math.prod(shape)
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(at))


def classes_case(count, says):
    @case(f"segment: a DeepLabV3+ file of {count} classes")
    def _(s):
        s.clip()
        path = s.dir / "many.safetensors"
        safetensors(path, {"backbone.low_level_features.0.0.weight": [32, 3, 3, 3],
                           "classifier.classifier.3.weight": [count, 256, 1, 1], "classifier.classifier.3.bias": [count]})
        s.must_fail(segment(s, model=path), ["many.safetensors", says])


classes_case(300, "300 classes")
classes_case(1, "1 classes")
classes_case(21, "missing|no tensor|has no")


@case("segment: a model of masks in another verb")
def _(s):
    s.clip()
    s.must_fail(s.upscale(model=PERSON), ["masks", "framelift segment"])


def hostile_case(name, says):
    @case(f"segment: .tflite file {name}")
    def _(s):
        s.clip()
        s.must_fail(segment(s, model=TFLITE / name), [re.escape(name), says])


hostile_case("cut", "truncated|beyond")
hostile_case("bad_root", "beyond")
hostile_case("unknown_op", "operator 2: code 99")
hostile_case("unknown_custom", "operator 3: Mystery")
hostile_case("huge_stride", "operator 1")
hostile_case("wrong_size", "operator 1")


# ---- what comes out: the source's size, whatever the network sees


def pixel_format(path):
    result = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=pix_fmt",
                             "-of", "csv=p=0", str(path)], capture_output=True, text=True)
    return result.stdout.strip().strip(",")


def output_case(kind, extension, wanted, *words):
    @case(f"segment: {kind} as .{extension}")
    def _(s):
        s.clip("50x38", 4)
        s.output = s.dir / f"out.{extension}"
        s.must_work(segment(s, "--output", kind, *words), 1 if extension in ("png", "exr") else 4, (50, 38))
        found = pixel_format(s.output)
        if not re.fullmatch(wanted, found):
            raise Wrong(f"pixel format {found}, expected {wanted}")


output_case("mask", "mkv", "gray", "--encoder", "ffv1")
output_case("classes", "mkv", "gray", "--encoder", "ffv1")
output_case("alpha", "mov", "yuva444p1[02]le")
output_case("alpha", "mkv", "yuva420p")
output_case("overlay", "mp4", "yuv420p")
output_case("composite", "mp4", "yuv420p", "--background", "blur")
output_case("mask", "png", "gray", "--frames", "1")
output_case("alpha", "exr", "gbrapf32le", "--frames", "1")
output_case("alpha", "webm", "yuv420p")  # ffprobe reads the colours; alpha is a stream of its own beside them
output_case("mask", "mp4", "yuvj?420p|gray", "--lookahead", "3", "--every", "2")


def gray_codes(path, frames):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                         capture_output=True).stdout
    size = len(raw) // frames
    return [raw[i * size:(i + 1) * size] for i in range(frames)]


def alpha_case(extension, *decoder):
    @case(f"segment: the alpha of .{extension} is the mask")
    def _(s):
        s.clip("52x36", 3)
        s.output = s.dir / "mask.mkv"
        s.must_work(segment(s, "--encoder", "ffv1"), 3)
        mask = b"".join(gray_codes(s.output, 3))
        s.output = s.dir / f"cut_out.{extension}"
        s.must_work(segment(s, "--output", "alpha"), 3)
        raw = subprocess.run(["ffmpeg", "-v", "error", *decoder, "-i", str(s.output), "-vf", "alphaextract", "-f", "rawvideo",
                              "-pix_fmt", "gray", "-"], capture_output=True).stdout
        if len(raw) != len(mask):
            raise Wrong(f"{len(raw)} samples of alpha, expected {len(mask)}")
        differences = [abs(a - b) for a, b in zip(mask, raw)]
        # ProRes and VP9 are lossy; what they lose is at edges, and little on the whole.
        if max(differences) > (0 if extension == "mkv" else 64) or sum(differences) > 2 * len(mask):
            raise Wrong(f"alpha differs from the mask by up to {max(differences)} codes, {sum(differences) / len(mask)} on average")


alpha_case("mkv")
alpha_case("mov")
alpha_case("webm", "-c:v", "libvpx-vp9")


@case("segment: hard edges and class numbers are whole")
def _(s):
    s.clip("50x38", 2)
    s.output = s.dir / "mask.mkv"
    s.must_work(segment(s, "--edges", "hard", "--encoder", "ffv1"), 2, (50, 38))
    mask = gray_codes(s.output, 2)
    if not set(b"".join(mask)) <= {0, 255}:
        raise Wrong("a hard mask has grays")
    s.output = s.dir / "classes.mkv"
    s.must_work(segment(s, "--output", "classes", "--encoder", "ffv1"), 2, (50, 38))
    if not set(b"".join(gray_codes(s.output, 2))) <= {0, 1}:
        raise Wrong("classes other than the model's two")
