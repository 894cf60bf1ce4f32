"""Inputs, outputs and options of `framelift expand`."""

import sys

from output_cases import small_disk
from sandbox import MODEL, ROOT, Wrong, case, ffmpeg, frame_count

sys.path.insert(0, str(ROOT / "tools"))
import numpy as np  # noqa: E402
import safetensors_io  # noqa: E402


def network(s):
    """A residual encoder-decoder with small random weights."""
    path = s.dir / "models/tiny.safetensors"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        rng, tensors = np.random.default_rng(1), {}

        def layer(name, *shape, outputs=None):
            tensors[name + ".weight"] = (0.2 * rng.standard_normal(shape)).astype(np.float32)
            tensors[name + ".bias"] = np.zeros(outputs or shape[0], np.float32)

        layer("enc1", 2, 3, 3, 3)
        layer("enc2", 4, 2, 3, 3)
        layer("enc3", 8, 4, 3, 3)
        for i in (1, 2):
            layer(f"bottleneck.0.conv{i}", 8, 8, 3, 3)
            for key, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
                tensors[f"bottleneck.0.bn{i}.{key}"] = np.full(8, value, np.float32)
        layer("dec3", 8, 4, 4, 4, outputs=4)
        layer("dec2", 4, 2, 4, 4, outputs=2)
        layer("dec1", 3, 2, 3, 3)
        safetensors_io.save(path, tensors)
    return path


def picture(s, name="in.png", size="40x30"):
    path = s.dir / name
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25", "-frames:v", 1, path)
    return path


def expand(s, *words, out="out"):
    return ["expand", *words, "--out", s.dir / out, "--model", network(s), "--quiet"]


def must_make(s, words, names, size):
    """Exactly these files, OpenEXR or 16-bit RGB PNG, beside what was there."""
    before = s.files()
    s.execute(words)
    if s.code != 0:
        raise Wrong(f"exit code {s.code}")
    made = {str(p.relative_to(s.dir)) for p in s.files() - before if p.is_file()}
    if made != set(names):
        raise Wrong(f"made {sorted(made)}, expected {sorted(names)}")
    for name in names:
        if frame_count(s.dir / name) != (1, *size):
            raise Wrong(f"{name}: {frame_count(s.dir / name)}")
        header = (s.dir / name).read_bytes()[:26]
        if name.endswith(".exr"):
            if header[:4] != bytes([0x76, 0x2F, 0x31, 0x01]):
                raise Wrong(f"{name}: no OpenEXR file")
        elif header[24:26] != bytes([16, 2]):
            raise Wrong(f"{name}: bit depth {header[24]}, colour type {header[25]}, expected 16-bit RGB")


# ---- what works
@case("expand: a picture into a file (works)")
def _(s):
    must_make(s, expand(s, picture(s), out="hdr.png"), ["hdr.png"], (40, 30))


@case("expand: pictures and a folder into a folder (works)")
def _(s):
    inputs = [picture(s, "a.png"), picture(s, "b.jpg")]
    picture(s, "more/c.png")
    must_make(s, expand(s, *inputs, s.dir / "more"), ["out/a.exr", "out/b.exr", "out/c.exr"], (40, 30))


@case("expand: a video (works)")
def _(s):
    s.clip("40x30", 3)
    must_make(s, expand(s, s.input), [f"out/in.{n:06}.exr" for n in (1, 2, 3)], (40, 30))


@case("expand: a numbered sequence (works)")
def _(s):
    for n in (4, 5):
        picture(s, f"shot/{n:04}.png")
    must_make(s, expand(s, s.dir / "shot/%04d.png"), ["out/0001.exr", "out/0002.exr"], (40, 30))


@case("expand: tiles that blend (works)")
def _(s):
    words = expand(s, picture(s, size="200x150"), "--tile", "64", "--overlap", "16", "--scale-hdr", "2")
    must_make(s, words, ["out/in.exr"], (200, 150))


@case("expand: one of three pictures is damaged (the others are made)")
def _(s):
    inputs = [picture(s, f"{name}.png") for name in "abc"]
    inputs[1].write_bytes(inputs[1].read_bytes()[:60])
    s.execute(expand(s, s.dir, out="out"))
    made = sorted(p.name for p in (s.dir / "out").iterdir())
    if s.code != 1 or made != ["a.exr", "c.exr"] or "b.png" not in s.message or "1 of 3" not in s.message:
        raise Wrong(f"exit code {s.code}, made {made}")


# ---- what is refused
@case("expand: a model that is not installed")
def _(s):
    s.must_fail(["expand", picture(s), "--out", s.dir / "out", "--model", "expand-huge"],
                ["expand-huge", "not installed", "weight file"])


@case("expand: a model that makes no linear light")
def _(s):
    s.must_fail(["expand", picture(s), "--out", s.dir / "out", "--model", MODEL], ["no linear light", "ldr2hdr"])


@case("upscale: a model that makes linear light")
def _(s):
    s.clip()
    s.must_fail(s.upscale(model=network(s)), ["linear light", "framelift expand"])


@case("expand: missing input")
def _(s):
    s.must_fail(expand(s, s.dir / "none.png"), ["none.png", "no such file"])


@case("expand: folder without pictures")
def _(s):
    (s.dir / "empty").mkdir()
    s.must_fail(expand(s, s.dir / "empty"), ["empty", "no pictures"])


@case("expand: damaged picture")
def _(s):
    path = picture(s)
    path.write_bytes(path.read_bytes()[:60])
    s.must_fail(expand(s, path, out="hdr.png"), "in.png")


@case("expand: several inputs for one file")
def _(s):
    s.must_fail(expand(s, picture(s, "a.png"), picture(s, "b.png"), out="hdr.png"), ["hdr.png", "2 inputs", "folder"])


@case("expand: a video for one file")
def _(s):
    s.clip("40x30", 3)
    s.must_fail(expand(s, s.input, out="hdr.png"), ["many pictures", "%06d"])


@case("expand: a folder for one file")
def _(s):
    picture(s, "more/a.png")
    picture(s, "more/b.png")
    s.must_fail(expand(s, s.dir / "more", out="hdr.png"), ["many pictures", "%06d"])


@case("expand: two inputs of one name")
def _(s):
    s.must_fail(expand(s, picture(s, "a.png"), picture(s, "more/a.jpg")), [r"a\.png and .*a\.jpg", r"out/a\.exr"])


@case("expand: output exists")
def _(s):
    target = picture(s, "hdr.png")
    s.must_fail(expand(s, picture(s), out="hdr.png"), ["hdr.png", "--overwrite"])
    before = target.read_bytes()
    must_make(s, expand(s, s.dir / "in.png", "--overwrite", out="hdr.png"), [], (40, 30))
    if target.read_bytes() == before:
        raise Wrong("--overwrite wrote nothing")


@case("expand: output is the input")
def _(s):
    s.must_fail(expand(s, picture(s, "in.png"), "--overwrite", out="in.png"), "in.png")


@case("expand: HDR input")
def _(s):
    s.clip("40x30", 1, "in.mp4", "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084")
    s.must_fail(expand(s, s.input, out="%06d.png"), ["HDR already", "--force"])


@case("expand: overlap that fills the tile")
def _(s):
    s.must_fail(expand(s, picture(s, size="200x150"), "--tile", "32", "--overlap", "32", out="hdr.png"), ["--overlap"])


@case("expand: scale that is none")
def _(s):
    for scale in ("0", "-1", "nan", "x"):
        s.must_fail(expand(s, picture(s), "--scale-hdr", scale), "--scale-hdr")


@case("expand: disk full")
def _(s):
    source = s.dir / "noise.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x480:r=25,noise=alls=90", "-frames:v", 1, source)
    with small_disk(s) as folder:
        words = ["expand", source, "--out", folder / "hdr.png", "--model", network(s), "--quiet", "--scale-hdr", "0.5"]
        s.must_fail(words, "space")
