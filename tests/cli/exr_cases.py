"""OpenEXR pictures in and out, and `framelift tonemap`."""

import subprocess

from output_cases import small_disk
from sandbox import Skip, Wrong, case, ffmpeg


def picture(s, name="in.exr", size="32x24", frames=1, *options):
    path = s.dir / name
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25", "-frames:v", frames, "-pix_fmt", "gbrpf32le", *options, path)
    return path


def tonemap(s, *options, source=None, output=None):
    return ["tonemap", source or s.dir / "in.exr", output or s.output, *options]


def refused(name, says, prepare):
    """prepare(s) returns the input; upscale and tonemap must both refuse it."""
    @case(f"exr input: {name}")
    def _(s):
        source = prepare(s)
        s.must_fail(s.upscale(source=source, output=s.dir / "out.exr"), says)
        s.must_fail(tonemap(s, source=source, output=s.dir / "out.png"), says)


def cut(s, share):
    path = picture(s, size="320x240")
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * share)])
    return path


def written(s, name, data):
    (s.dir / name).write_bytes(data)
    return s.dir / name


refused("missing", "in.exr", lambda s: s.dir / "in.exr")
refused("empty", ["in.exr", "empty"], lambda s: written(s, "in.exr", b""))
refused("text", ["in.exr", "OpenEXR"], lambda s: written(s, "in.exr", b"This is not a picture.\n" * 100))
refused("magic number only", ["in.exr", "damaged"], lambda s: written(s, "in.exr", b"\x76\x2f\x31\x01"))
refused("cut in the header", ["in.exr", "damaged"], lambda s: cut(s, 0.001))
refused("cut in the pixels", ["in.exr", "damaged"], lambda s: cut(s, 0.5))
refused("no file of the number pattern", "%04d", lambda s: s.dir / "a_%04d.exr")
refused("no file of the pattern", r"a_\*", lambda s: s.dir / "a_*.exr")


@case("exr input: a damaged picture in the middle of a sequence")
def _(s):
    picture(s, "s/%04d.exr", "32x24", 5)
    (s.dir / "s/0003.exr").write_bytes(b"\x76\x2f\x31\x01 no more")
    s.must_fail(s.upscale(source=s.dir / "s/%04d.exr"), ["0003.exr", "damaged"])


@case("exr: picture to picture (works)")
def _(s):
    picture(s)
    s.output = s.dir / "out.exr"
    s.must_work(s.upscale(source=s.dir / "in.exr"), frames=1, size=(64, 48))


@case("exr: sequence to video and PNG to OpenEXR (works)")
def _(s):
    picture(s, "s/%04d.exr", "32x24", 5)
    s.must_work(s.upscale(source=s.dir / "s/%04d.exr"), frames=5, size=(64, 48))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x24", "-frames:v", 1, s.dir / "in.png")
    s.output = s.dir / "out.exr"
    s.must_work(s.upscale("--encoder-option", "compression=piz", "--encoder-option", "type=float",
                          source=s.dir / "in.png"), frames=1, size=(64, 48))


def refused_output(name, says, *options, output="out.exr"):
    @case(f"exr output: {name}")
    def _(s):
        picture(s)
        s.must_fail(s.upscale(*options, source=s.dir / "in.exr", output=s.dir / output), says)


refused_output("folder missing", ["none", "create it"], output="none/out.exr")
refused_output("unknown compression", ["lzw", "zips"], "--encoder-option", "compression=lzw")
refused_output("unknown type", ["uint", "half"], "--encoder-option", "type=uint")
refused_output("unknown option", ["quality", "compression"], "--encoder-option", "quality=3")
refused_output("an encoder", ["--encoder-option"], "--encoder", "libx264")
refused_output("the input itself", ["is the input"], "--overwrite", output="in.exr")


@case("exr output: exists already")
def _(s):
    picture(s)
    picture(s, "out.exr")
    for words in (s.upscale(source=s.dir / "in.exr", output=s.dir / "out.exr"),
                  tonemap(s, output=s.dir / "out.exr")):
        s.must_fail(words, ["out.exr", "--overwrite|linear"])


@case("exr output: video into one picture")
def _(s):
    s.clip(frames=3)
    s.must_fail(s.upscale(output=s.dir / "out.exr"), ["out.exr", "%04d"])


@case("exr output: video to sequence (works)")
def _(s):
    s.clip(frames=3)
    (s.dir / "s").mkdir()
    s.execute(s.upscale(output=s.dir / "s/%03d.exr"))
    names = sorted(p.name for p in (s.dir / "s").iterdir())
    if s.code != 0 or names != ["001.exr", "002.exr", "003.exr"]:
        raise Wrong(f"exit code {s.code}, {names}")


@case("exr output: disk full")
def _(s):
    picture(s, "in.exr", "800x600", 1, "-vf", "noise=alls=100:allf=t")
    with small_disk(s) as folder:
        s.must_fail(s.upscale("--encoder-option", "compression=none", "--encoder-option", "type=float",
                              source=s.dir / "in.exr", output=folder / "out.exr"), "space")


# ---- tonemap
@case("tonemap: PNG, JPEG, sequence and video (works)")
def _(s):
    picture(s)
    picture(s, "s/%04d.exr", "32x24", 3)
    for curve, name in (("log", "a.png"), ("aces", "a.jpg"), ("bt2390", "a.tif")):
        s.output = s.dir / name
        s.must_work(tonemap(s, "--curve", curve, "--exposure", -0.5), frames=1, size=(32, 24))
    s.output = s.dir / "a.mkv"
    s.must_work(tonemap(s, "--curve", "reinhard", source=s.dir / "s"), frames=3, size=(32, 24))


@case("tonemap: folder to folder, one picture damaged")
def _(s):
    picture(s, "s/a.exr")
    picture(s, "s/b.exr")
    written(s, "s/bad.exr", b"\x76\x2f\x31\x01")
    s.execute(tonemap(s, source=s.dir / "s", output=s.dir / "out"))
    names = sorted(p.name for p in (s.dir / "out").iterdir())
    if s.code != 1 or "bad.exr" not in s.message or "1 of 3" not in s.message or names != ["a.png", "b.png"]:
        raise Wrong(f"exit code {s.code}, {names}")


@case("tonemap: input that is no light")
def _(s):
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x24", "-frames:v", 1, s.dir / "in.png")
    s.must_fail(tonemap(s, source=s.dir / "in.png", output=s.dir / "out.png"), ["in.png", "linear"])


@case("tonemap: output that is linear")
def _(s):
    picture(s)
    s.must_fail(tonemap(s, output=s.dir / "out.exr"), ["out.exr", r"\.png"])


@case("tonemap: unknown curve, exposure that is no number")
def _(s):
    picture(s)
    s.must_fail(tonemap(s, "--curve", "filmic", output=s.dir / "out.png"), "curve")
    s.must_fail(tonemap(s, "--exposure", "bright", output=s.dir / "out.png"), "exposure")


@case("exr input: Radiance .hdr, which FFmpeg 5.1 does not read")
def _(s):
    if b" hdr " in subprocess.run(["ffmpeg", "-hide_banner", "-decoders"], capture_output=True).stdout:
        raise Skip("this FFmpeg reads it")
    data = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 8\n" + bytes([128, 128, 128, 129] * 8)
    s.must_fail(tonemap(s, source=written(s, "in.hdr", data), output=s.dir / "out.png"), "in.hdr")
