"""Inputs, outputs and options that `framelift hdr` meets."""

import json
import subprocess
import sys

from output_cases import small_disk
from sandbox import ROOT, Wrong, case, ffmpeg

sys.path.insert(0, str(ROOT / "tests/conformance"))
from hdr_support import save_identity_network  # noqa: E402

PQ = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084")


def hdr(s, *options, source=None, output=None):
    model = s.dir / "models/identity.safetensors"
    if not model.exists():
        model.parent.mkdir(exist_ok=True)
        save_identity_network(model)
    return ["hdr", source or s.input, output or s.output, "--model", model, "--quiet", *options]


def clip_of_size(s, size, frames=3):
    """Odd sizes need 4:4:4."""
    width, height = size
    path = s.dir / "sized.mkv"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=128x96:r=25,format=yuv444p,crop={width}:{height}:exact=1", "-frames:v",
           frames, "-c:v", "ffv1", path)
    return path


def stream(path):
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_streams", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["streams"][0]


def must_be_pq(path):
    found = stream(path)
    if found["color_transfer"] != "smpte2084" or "10" not in found["pix_fmt"]:
        raise Wrong(f"{found['color_transfer']} {found['pix_fmt']}, expected PQ in 10 bits")
    kinds = {data.get("side_data_type") for data in found.get("side_data_list", [])}
    if not {"Mastering display metadata", "Content light level metadata"} <= kinds:
        raise Wrong(f"static metadata is missing: {kinds}")


# ---- inputs
def refused_input(name, says, *tags):
    @case(f"hdr input: {name}")
    def _(s):
        s.clip("64x48", 3, "in.mp4", *tags)
        s.must_fail(hdr(s), [says, "--force"])


refused_input("PQ already", "HDR already .PQ.", *PQ)
refused_input("HLG already", "HDR already .HLG.", *PQ[:4], "-color_trc", "arib-std-b67")
refused_input("SDR with BT.2020 colours", "BT.2020", *PQ[:4], "-color_trc", "bt709")


@case("hdr input: PQ already, --force (works)")
def _(s):
    s.clip("64x48", 3, "in.mp4", *PQ)
    s.must_work(hdr(s, "--force"), frames=3, size=(64, 48))


def sized(width, height):
    @case(f"hdr input: {width}x{height} (works)")
    def _(s):
        s.must_work(hdr(s, source=clip_of_size(s, (width, height))), frames=3, size=(width, height))
        must_be_pq(s.output)


for size in ((63, 47), (17, 17), (16, 16), (15, 33), (1, 1)):
    sized(*size)


@case("hdr input: 16x16, below what the encoder takes")
def _(s):
    s.must_fail(hdr(s, "--encoder", "libsvtav1", source=clip_of_size(s, (16, 16))), ["libsvtav1", "16x16"])


@case("hdr input: video of one frame (works)")
def _(s):
    s.clip("64x48", 1)
    s.must_work(hdr(s), frames=1, size=(64, 48))
    must_be_pq(s.output)


@case("hdr input: picture to video (works)")
def _(s):
    path = s.dir / "in.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "1", path)
    s.must_work(hdr(s, source=path), frames=1, size=(64, 48))
    must_be_pq(s.output)


# ---- outputs
def picture_to(name):
    def run(s, check):
        path, s.output = s.dir / "in.png", s.dir / name
        ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "1", path)
        check(s, hdr(s, source=path))
    return run


@case("hdr output: 16-bit PNG that says it is PQ (works)")
def _(s):
    picture_to("out.png")(s, lambda s, words: s.must_work(words, frames=1, size=(64, 48)))
    data = s.output.read_bytes()
    # PNG, third edition: BT.2020, PQ, RGB, full range.
    if stream(s.output)["pix_fmt"] != "rgb48be" or b"cICP\x09\x10\x00\x01" not in data:
        raise Wrong("no cICP chunk, or not 16 bits")


@case("hdr output: JPEG")
def _(s):
    picture_to("out.jpg")(s, lambda s, words: s.must_fail(words, ["out.jpg", "10 bits", r"\.png"]))


@case("hdr output: TIFF")
def _(s):
    picture_to("out.tif")(s, lambda s, words: s.must_fail(words, ["out.tif", "PQ", r"\.png"]))


@case("hdr output: container of 8-bit video")
def _(s):
    s.clip("64x48", 3)
    s.must_fail(hdr(s, output=s.dir / "out.avi"), ["out.avi", "10 bits", r"\.mkv"])


def refused_encoder(name, says, *words):
    @case(f"hdr output: {name}")
    def _(s):
        s.clip("64x48", 3)
        s.must_fail(hdr(s, *words), says)


refused_encoder("encoder without 10 bits", ["mpeg4", "10 bits", "libx265"], "--encoder", "mpeg4")
refused_encoder("8-bit pixel format", ["yuv420p", "10 bits", "--pixel-format"], "--pixel-format", "yuv420p")
refused_encoder("8-bit pixel format for HLG", ["HLG", "10 bits"], "--pixel-format", "yuv420p", "--transfer", "hlg")


@case("output: 8 bits for 10-bit PQ that is upscaled")
def _(s):
    s.clip("64x48", 3, "in.mkv", "-vf", "format=yuv420p10le", "-pix_fmt", "yuv420p10le", *PQ)
    s.must_fail(s.upscale("--pixel-format", "yuv420p", source=s.dir / "in.mkv"), ["PQ", "10 bits"])


@case("hdr output: disk full")
def _(s):
    s.clip("160x120", 50)
    with small_disk(s) as folder:
        for words in (("--encoder", "ffv1"), ("--encoder", "libx265", "--crf", "0")):
            s.must_fail(hdr(s, *words, output=folder / "out.mkv"), "space")


@case("hdr output: pipe (works, says once what it lacks)")
def _(s):
    s.clip("64x48", 3)
    done = subprocess.run([str(s.binary), *map(str, hdr(s, "--format", "matroska", output="-"))], capture_output=True,
                          cwd=s.dir, env=s.environment(), stdin=subprocess.DEVNULL)
    s.code, s.message = done.returncode, done.stderr.decode(errors="replace").strip()
    s.output.write_bytes(done.stdout)
    if s.code != 0 or s.message.count("MaxCLL") != 1 or "warning" not in s.message:
        raise Wrong("not one warning")
    found = stream(s.output)
    if found["color_transfer"] != "smpte2084" or found.get("side_data_list"):
        raise Wrong(f"expected tags and no metadata: {found['color_transfer']} {found.get('side_data_list')}")


@case("hdr output: pipe with everything given (works)")
def _(s):
    s.clip("64x48", 3)
    words = hdr(s, "--format", "matroska", "--max-cll", "500,50", "--mastering-display", "bt2020-4000", output="-")
    done = subprocess.run([str(s.binary), *map(str, words)], capture_output=True, cwd=s.dir, env=s.environment(),
                          stdin=subprocess.DEVNULL)
    s.code, s.message = done.returncode, done.stderr.decode(errors="replace").strip()
    s.output.write_bytes(done.stdout)
    if s.code != 0 or s.message:
        raise Wrong("expected silence")
    must_be_pq(s.output)


# ---- options
def refused_option(name, says, *words):
    @case(f"hdr option: {name}")
    def _(s):
        s.clip("64x48", 3)
        s.must_fail(hdr(s, *words), says)


refused_option("mastering display that is none", ["nosuch", "p3-d65-1000"], "--mastering-display", "nosuch")
refused_option("mastering display cut off", ["WP", "not in that form"], "--mastering-display",
               "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)")
refused_option("mastering display with a peak of 0", ["peak"], "--mastering-display", "p3-d65-0")
refused_option("MaxCLL that is no pair", ["MaxCLL,MaxFALL", "1000,400"], "--max-cll", "1000")
refused_option("MaxFALL above MaxCLL", ["400,1000"], "--max-cll", "400,1000")
refused_option("MaxCLL with HLG", ["HLG"], "--max-cll", "1000,400", "--transfer", "hlg")
