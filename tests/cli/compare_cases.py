"""Bad and odd calls of `framelift compare`."""

import json

from sandbox import Wrong, case, ffmpeg


def compare(s, *options, a=None, b=None):
    return ["compare", a or s.input, b or s.dir / "b.mp4", "--quiet", *options]


def two_clips(s, frames=8, size="32x24"):
    s.clip()
    s.clip(size, frames, "b.mp4", "-crf", "40")


def hdr_clip(s):
    path = s.dir / "hdr.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x24:r=25", "-frames:v", "8", "-pix_fmt", "yuv420p10le", "-c:v", "ffv1",
           "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", path)
    return path


def must_compare(s, words, says=""):
    result = s.execute(words)
    if s.code != 0:
        raise Wrong(f"exit code {s.code}")
    if says not in s.message:
        raise Wrong(f"no word of {says} on stderr")
    return result.stdout


@case("compare: missing file")
def _(s):
    s.clip()
    s.must_fail(compare(s), "b.mp4")


@case("compare: missing reference")
def _(s):
    s.clip(name="b.mp4")
    s.must_fail(compare(s), "in.mp4")


@case("compare: empty file")
def _(s):
    s.clip()
    (s.dir / "b.mp4").write_bytes(b"")
    s.must_fail(compare(s), "b.mp4")


@case("compare: a text")
def _(s):
    s.clip()
    (s.dir / "b.mp4").write_text("This is not a video.\n" * 100)
    s.must_fail(compare(s), "b.mp4")


@case("compare: other size")
def _(s):
    two_clips(s, size="64x48")
    s.must_fail(compare(s, "--csv", s.dir / "out.csv"), ["b.mp4", "64x48", "32x24", "scale"])


@case("compare: other size, flicker alone (works)")
def _(s):
    two_clips(s, 12, "64x48")
    if "PSNR" in must_compare(s, compare(s, "--flicker"), "flicker alone"):
        raise Wrong("PSNR of pictures of two sizes")


@case("compare: other size, flicker alone, but a CSV of every frame")
def _(s):
    two_clips(s, size="64x48")
    s.must_fail(compare(s, "--flicker", "--csv", s.dir / "out.csv"), ["b.mp4", "64x48"])


@case("compare: SDR with HDR")
def _(s):
    s.clip()
    s.must_fail(compare(s, b=hdr_clip(s)), ["hdr.mkv", "SDR", "--flicker"])


@case("compare: SDR with HDR, flicker alone (works)")
def _(s):
    s.clip()
    must_compare(s, compare(s, "--flicker", b=hdr_clip(s)), "flicker alone")


@case("compare: other length (works as far as both go)")
def _(s):
    two_clips(s, 5)
    must_compare(s, compare(s, "--stats", s.dir / "out.json"), "5 frames")
    if json.loads((s.dir / "out.json").read_text())["frames"] != 5:
        raise Wrong("the summary does not say 5 frames")


@case("compare: existing CSV, no --overwrite")
def _(s):
    two_clips(s)
    (s.dir / "out.csv").write_text("precious")
    s.must_fail(compare(s, "--csv", s.dir / "out.csv"), ["out.csv", "--overwrite"])
    if (s.dir / "out.csv").read_text() != "precious":
        raise Wrong("the existing file was changed")
    must_compare(s, compare(s, "--csv", s.dir / "out.csv", "--overwrite"))
    lines = (s.dir / "out.csv").read_text().split("\n")
    if lines[0] != "frame,time,psnr_rgb,psnr_y,ssim" or len(lines) != 10:  # 8 frames, and what follows the last line
        raise Wrong("not a CSV file of 8 frames")


@case("compare: existing summary, a video is damaged")
def _(s):
    s.clip()
    (s.dir / "b.mp4").write_bytes(b"no video")
    (s.dir / "out.json").write_text("precious")
    s.must_fail(compare(s, "--stats", s.dir / "out.json", "--overwrite"), "b.mp4")
    if (s.dir / "out.json").read_text() != "precious":
        raise Wrong("the existing file was changed")


@case("compare: CSV over one of the videos")
def _(s):
    two_clips(s)
    for name in ("in.mp4", "b.mp4"):
        before = (s.dir / name).read_bytes()
        s.must_fail(compare(s, "--csv", s.dir / name, "--overwrite"), [name, "input"])
        if (s.dir / name).read_bytes() != before:
            raise Wrong("a video was changed")


@case("compare: folder of the CSV missing")
def _(s):
    two_clips(s)
    s.must_fail(compare(s, "--csv", s.dir / "none/out.csv"), "none")


@case("compare: one file for CSV and summary")
def _(s):
    two_clips(s)
    s.must_fail(compare(s, "--csv", s.dir / "out", "--stats", s.dir / "out"), "--csv")


@case("compare: both from stdin")
def _(s):
    s.must_fail(compare(s, a="-", b="-"), "stdin")


@case("compare: start beyond the end")
def _(s):
    two_clips(s)
    s.must_fail(compare(s, "--start", "1000"), "--start|no frame")
