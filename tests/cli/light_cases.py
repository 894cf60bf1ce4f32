"""What `framelift expand` writes, as other programs read it: OpenEXR's Python package, oiiotool, ffprobe."""

import json
import re
import shutil
import struct
import subprocess

import numpy as np

from expand_cases import expand, picture
from sandbox import ROOT, Skip, Wrong, case, ffmpeg

SIZES = [(1, 1), (7, 5), (1000, 1000), (1025, 1023), (4097, 3)]


def peers_python(module):
    """The Python of the peers' environment, when it has this package."""
    python = ROOT / ".venv-peers/bin/python"
    if not python.exists() or subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
        raise Skip(f"needs {module} in .venv-peers (tools/setup.sh --peers)")
    return python


def read_exr(*files):
    result = subprocess.run([peers_python("OpenEXR"), ROOT / "tests/cli/read_exr.py", *files], capture_output=True,
                            text=True)
    if result.returncode:
        raise Wrong(f"OpenEXR's Python package refuses {files[0].name}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def oiio_info(path):
    if not shutil.which("oiiotool"):
        raise Skip("needs oiiotool (Debian: openimageio-tools)")
    result = subprocess.run(["oiiotool", "--info", "-v", "--stats", path], capture_output=True, text=True)
    if result.returncode or "error" in (result.stdout + result.stderr).lower():
        raise Wrong(f"oiiotool refuses {path.name}: {result.stderr.strip()}")
    return result.stdout


def noise(s, width, height):
    path = s.dir / f"{width}x{height}.ppm"
    rng = np.random.default_rng(width)
    wave = 128 + 110 * np.sin(np.arange(width) / 40)[None, :, None] * np.cos(np.arange(height) / 30)[:, None, None]
    pixels = np.clip(wave + rng.integers(-12, 13, (height, width, 3)), 0, 255).astype(np.uint8)
    path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + pixels.tobytes())
    return path


def made(s, words, name):
    s.execute(words)
    if s.code != 0 or not (s.dir / name).exists():
        raise Wrong(f"exit code {s.code}, {name} {'is there' if (s.dir / name).exists() else 'is missing'}")
    return s.dir / name


# The tiny network sees fewer than 32 pixels around each pixel: tiles that share 128 leave that many to the neighbour,
# so that tiled and untiled differ by no more than the order in which the engine sums.
@case("expand: any size, tiled as untiled, read by OpenEXR's Python package (works)")
def _(s):
    peers_python("OpenEXR")
    for size in SIZES:
        source, float_type = noise(s, *size), ("--encoder-option", "type=float", "--confidence")
        untiled = made(s, expand(s, source, *float_type, out=f"a{size[0]}.exr"), f"a{size[0]}.exr")
        for name, *tiles in (("b", "--overlap", 0), ("c", "--overlap", 128)):
            name = f"{name}{size[0]}.exr"
            tiled = made(s, expand(s, source, *float_type, "--tile", 320, *tiles, out=name), name)
            found = read_exr(tiled, untiled)
            for channel, values in found["channels"].items():
                if values["size"] != list(size) or values["not_finite"] or values["type"] != "float32":
                    raise Wrong(f"{name}: {channel} {values}")
                if found["difference"][channel] > 1e-4 * max(values["max"], 1):
                    raise Wrong(f"{name}: {channel} differs from untiled by {found['difference'][channel]}")
            if set(found["channels"]) != {"R", "G", "B", "confidence"}:
                raise Wrong(f"{name}: channels {set(found['channels'])}")
            if not 0 <= found["channels"]["confidence"]["min"] <= found["channels"]["confidence"]["max"] <= 1:
                raise Wrong(f"{name}: confidence outside 0..1")


@case("expand: any size, read by oiiotool (works)")
def _(s):
    for width, height in SIZES:
        path = made(s, expand(s, noise(s, width, height), out=f"{width}.exr"), f"{width}.exr")
        text = oiio_info(path)
        if not re.search(rf"{width} x +{height}, 3 channel, half openexr", text) or "NanCount: 0 0 0" not in text:
            raise Wrong(text)


@case("expand: attributes (works)")
def _(s):
    path = made(s, expand(s, picture(s), "--confidence", "--scale-hdr", 3, out="hdr.exr"), "hdr.exr")
    text = oiio_info(path)
    for line in ("channel list: R, G, B, confidence", "chromaticities: 0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329",
                 "whiteLuminance: 203", 'software: "framelift ', 'framelift.model: "tiny"', 'framelift.scaleHdr: "3"'):
        if line not in text:
            raise Wrong(f"no {line} in {text}")
    header = read_exr(path)["header"]
    if header["whiteLuminance"] != 203 or not header["software"].startswith("framelift "):
        raise Wrong(str(header))


@case("expand: metadata of a video (works)")
def _(s):
    s.clip("40x30", 2, "in.mp4", "-metadata", "title=The title")
    text = oiio_info(made(s, expand(s, s.input), "out/in.000001.exr"))
    if 'title: "The title"' not in text or "framesPerSecond: 25/1" not in text or "major_brand" in text:
        raise Wrong(text)


# ---- previews
@case("expand: previews are what tonemap makes (works)")
def _(s):
    s.clip("40x30", 2)
    names = ["in.000001.exr", "in.000002.exr", "still.exr"]
    s.execute(expand(s, s.input, picture(s, "still.png"), "--preview"))
    found = sorted(p.name for p in (s.dir / "out").iterdir())
    expected = sorted(names + [name.replace(".exr", ".preview.png") for name in names])
    if s.code != 0 or found != expected:
        raise Wrong(f"exit code {s.code}, {found}")
    for name in names:
        s.execute(["tonemap", s.dir / "out" / name, s.dir / (name + ".png")])
        if (s.dir / (name + ".png")).read_bytes() != (s.dir / "out" / name.replace(".exr", ".preview.png")).read_bytes():
            raise Wrong(f"the preview of {name} is another picture")


@case("expand: preview that would replace something")
def _(s):
    picture(s, "a.preview.png")
    source = picture(s, "a.png")
    s.must_fail(expand(s, source, "--preview", out="a.exr"), ["a.preview.png", "--overwrite"])
    s.must_fail(expand(s, source, s.dir / "a.preview.png", "--preview", "--overwrite", out="."), "a.preview.png")
    s.must_fail(expand(s, source, "--preview", out="b.png"), ["--preview", "OpenEXR"])


# ---- confidence
@case("expand: confidence where there is no channel for it")
def _(s):
    s.must_fail(expand(s, picture(s), "--confidence", out="hdr.png"), ["hdr.png", "--confidence", r"\.exr"])
    s.clip("40x30", 2)
    words = ("--confidence", "--encoder", "prores_ks", "--pixel-format", "yuva444p10le")
    s.must_fail(expand(s, s.input, *words, out="hdr.mov"), ["hdr.mov", "--confidence", r"\.exr"])


@case("expand: confidence of bars")
def _(s):
    s.must_fail(expand(s, picture(s), "--confidence", "--input-size", "64x32", "--keep-bars", out="hdr.exr"),
                ["--confidence", "--keep-bars"])


# ---- input that is light already
def pfm(s, name="in.pfm"):
    values = np.float32([[0.25, 1, 60000, np.nan, np.inf, -3]])
    rgb = np.repeat(values[:, :, None], 3, axis=2) * np.float32([1, 0.5, 2])
    path = s.dir / name
    path.write_bytes(b"PF\n6 1\n-1.0\n" + rgb.astype("<f4").tobytes())
    return path, rgb


def floats_of(path, width, height):
    """R, G, B as FFmpeg reads them."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-"],
                         capture_output=True).stdout
    return np.moveaxis(np.frombuffer(raw, "<f4").reshape(3, height, width)[[2, 0, 1]], 0, 2)


@case("expand: 32-bit floats with NaN and infinities stay as they are (works)")
def _(s):
    source, values = pfm(s)
    path = made(s, expand(s, source, out="hdr.exr"), "hdr.exr")
    if "linear light already" not in s.message or "in.pfm" not in s.message:
        raise Wrong("no message")
    if not np.array_equal(floats_of(path, 6, 1), values, equal_nan=True):
        raise Wrong(f"{floats_of(path, 6, 1)}")
    # And what is made of such an OpenEXR file: the same file, and a picture to look at.
    again = made(s, expand(s, path, "--preview", out="again.exr"), "again.exr")
    if again.read_bytes() != path.read_bytes():
        raise Wrong("an OpenEXR file was not copied")
    s.execute(s.upscale(source=path, output=s.dir / "large.exr"))
    if s.code != 0:
        raise Wrong(f"upscale: exit code {s.code}")


@case("expand: a folder of pictures, one of them light already (works)")
def _(s):
    picture(s, "in/a.png")
    light = made(s, expand(s, pfm(s)[0], out="in/b.exr"), "in/b.exr")
    made(s, expand(s, s.dir / "in"), "out/a.exr")
    if (s.dir / "out/b.exr").read_bytes() != light.read_bytes():
        raise Wrong("b.exr was not copied")


@case("expand: a sequence that is light already (works)")
def _(s):
    (s.dir / "in").mkdir()
    for n in (3, 4, 5):
        made(s, expand(s, pfm(s)[0], out=f"in/{n:04}.exr"), f"in/{n:04}.exr")
    s.execute(expand(s, s.dir / "in/%04d.exr", "--frames", 2))
    found = sorted(p.name for p in (s.dir / "out").iterdir())
    if s.code != 0 or found != ["0001.exr", "0002.exr"]:
        raise Wrong(f"exit code {s.code}, {found}")
    if not np.array_equal(floats_of(s.dir / "out/0002.exr", 6, 1), pfm(s)[1], equal_nan=True):
        raise Wrong("values changed")


@case("expand: light that the output cannot keep")
def _(s):
    s.must_fail(expand(s, pfm(s)[0], out="hdr.png"), ["in.pfm", "linear light", r"\.exr", "tonemap"])


@case("expand: a damaged picture of light")
def _(s):
    (s.dir / "in.exr").write_bytes(b"\x76\x2f\x31\x01" + struct.pack("<I", 2) + b"channels\0" * 3)
    s.must_fail(expand(s, s.dir / "in.exr", out="hdr.exr"), ["in.exr", "damaged"])


@case("expand: 16-bit codes are expanded (works)")
def _(s):
    path = s.dir / "deep.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=40x30:r=25", "-frames:v", 1, "-pix_fmt", "rgb48be", path)
    made(s, expand(s, path, out="hdr.exr"), "hdr.exr")
    if "linear light already" in s.message:
        raise Wrong("taken for light")


# ---- video
def video(name, encoder, pixel_format):
    @case(f"expand: video to {encoder} is PQ with its sound (works)")
    def _(s):
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-f", "lavfi", "-i", "sine", "-t", "0.2", "-pix_fmt",
               "yuv420p", s.input)
        s.output = s.dir / name
        s.must_work(expand(s, s.input, "--encoder", encoder, out=name), frames=5, size=(64, 48))
        shown = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_frames", s.output],
                               capture_output=True, text=True).stdout
        for line in (f"pix_fmt={pixel_format}", "color_transfer=smpte2084", "color_primaries=bt2020",
                     "color_space=bt2020nc", "codec_type=audio", "side_data_type=Content light level metadata",
                     "side_data_type=Mastering display metadata"):
            if line not in shown:
                raise Wrong(f"no {line}")


video("hdr.mov", "prores_ks", "yuv444p12le")  # what FFmpeg's decoder makes of ProRes 4444
video("hdr.mkv", "ffv1", "yuv444p12le")
