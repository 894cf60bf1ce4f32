"""`framelift decompress`: videos out of HiNeRV networks, and what is wrong with files that hold none."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import numpy as np  # noqa: E402
import safetensors_io  # noqa: E402
from sandbox import GOLDEN, MODEL, ROOT, Skip, Wrong, case  # noqa: E402

NETWORK = GOLDEN / "hinerv.weights.zip"
SIZE = ("--size", "36x24")
# How far engines may be from the golden, in 8-bit codes: 2e-5 of white beside the rounding itself.
TOLERANCE = 0.5 + 255 * 2e-5


def decompress(s, *options, network=NETWORK, output=None):
    return ["decompress", network, output or s.output, "--quiet", *options]


def pixels(path, width, height):
    """[3, height, width] as a picture file has them."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(height, width, 3).transpose(2, 0, 1).astype(np.float64)


def expect_frames(s, network, options, golden, width, height):
    """Frames 0 and 5 as PNG are the golden's, rounded."""
    words = decompress(s, "--size", f"{width}x{height}", *options, network=network, output=s.dir / "%02d.png")
    if s.execute(words).returncode != 0:
        raise Wrong(f"exit code {s.code}")
    for frame, expected in zip((0, 5), golden):
        difference = np.abs(pixels(s.dir / f"{frame + 1:02d}.png", width, height) - 255 * expected).max()
        if difference > TOLERANCE:
            raise Wrong(f"frame {frame} differs by {difference} codes")


@case("decompress: frames as PNG are the network's, rounded to 8 bits")
def _(s):
    golden = safetensors_io.load(GOLDEN / "hinerv_archive.golden.safetensors")[0]["frames"]
    expect_frames(s, NETWORK, [], golden, 36, 24)


@case("decompress: files of the authors' program")
def _(s):
    shared = pathlib.Path(os.environ.get("FRAMELIFT_SHARED") or ROOT.parent / "shared") / "assets/golden/hinerv_tiny"
    if not shared.is_dir():
        raise Skip("needs the folder of real assets")
    goldens = safetensors_io.load(shared / "golden.safetensors")[0]
    for name in ("Q6", "Q8"):
        golden = goldens[f"{name}.decoded.frame_mode.out.frames_0_5"][:, :, 0]
        expect_frames(s, shared / f"{name}.zip", ["--overwrite"], golden, 180, 120)


@case("decompress: to video, with a frame rate")
def _(s):
    s.must_work(decompress(s, *SIZE, "--frame-rate", "30000/1001"), frames=7, size=(36, 24))


@case("decompress: some frames from the middle")
def _(s):
    s.must_work(decompress(s, *SIZE, "--first-frame", "2", "--frames", "3"), frames=3)


@case("decompress: size unknown")
def _(s):
    s.must_fail(decompress(s), ["hinerv.weights.zip", "--size WIDTHxHEIGHT"])


@case("decompress: a size that does not fit")
def _(s):
    s.must_fail(decompress(s, "--size", "42x24"), "check --size")


@case("decompress: a size that the scales do not divide")
def _(s):
    s.must_fail(decompress(s, "--size", "37x24"), "37x24 is no multiple of 6")


@case("decompress: frames beyond the end")
def _(s):
    s.must_fail(decompress(s, *SIZE, "--first-frame", "7"), "7 frames")


@case("decompress: a network that makes pictures of pictures")
def _(s):
    s.must_fail(decompress(s, network=MODEL), "holds no video")


@case("decompress: truncated network")
def _(s):
    path = s.dir / "cut.zip"
    path.write_bytes(NETWORK.read_bytes()[:9000])
    s.must_fail(decompress(s, *SIZE, network=path), "cut.zip")


@case("decompress: output exists")
def _(s):
    s.output.write_bytes(b"mine")
    s.must_fail(decompress(s, *SIZE), "overwrite")
