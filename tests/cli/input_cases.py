"""Bad and odd input videos."""

import hashlib

from sandbox import case, ffmpeg


@case("input: missing file")
def _(s):
    s.must_fail(s.upscale(), "in.mp4")


@case("input: empty file")
def _(s):
    s.input.write_bytes(b"")
    s.must_fail(s.upscale(), "in.mp4")


@case("input: text file named .mp4")
def _(s):
    s.input.write_text("This is not a video.\n" * 100)
    s.must_fail(s.upscale(), "in.mp4")


@case("input: random bytes")
def _(s):
    s.input.write_bytes(hashlib.shake_256(b"framelift").digest(100_000))
    s.must_fail(s.upscale(), "in.mp4")


@case("input: MP4 truncated before its index")
def _(s):
    data = s.clip(frames=50).read_bytes()
    s.input.write_bytes(data[:len(data) // 2])
    s.must_fail(s.upscale(), "in.mp4")


@case("input: a folder without pictures")
def _(s):
    (s.dir / "folder").mkdir()
    s.must_fail(s.upscale(source=s.dir / "folder"), "folder")


@case("input: audio only")
def _(s):
    path = s.dir / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", path)
    s.must_fail(s.upscale(source=path), ["sound.m4a", "video"])


@case("input: subtitles only, no video stream")
def _(s):
    (s.dir / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    path = s.dir / "subs.mkv"
    ffmpeg("-i", s.dir / "a.srt", path)
    s.must_fail(s.upscale(source=path), ["subs.mkv", "video"])


@case("input: video with 0 frames")
def _(s):
    path = s.dir / "none.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x24:r=25", "-frames:v", "0", "-c:v", "mpeg4", path)
    s.must_fail(s.upscale(source=path), "none.avi")


@case("input: y4m header without frames")
def _(s):
    path = s.dir / "none.y4m"
    path.write_bytes(b"YUV4MPEG2 W32 H24 F25:1 Ip A1:1 C420jpeg\n")
    s.must_fail(s.upscale(source=path), "none.y4m")


@case("input: 1x1 picture (works)")
def _(s):
    path = s.dir / "dot.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=2x2,format=rgb24,crop=1:1", "-frames:v", "1", path)
    s.output = s.dir / "out.png"
    s.must_work(s.upscale(source=path), frames=1, size=(2, 2))


@case("input: 1x1 video (works)")
def _(s):
    path = s.dir / "dot.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=2x2:r=25,format=yuv444p,crop=1:1", "-frames:v", "3", "-c:v", "ffv1", "-pix_fmt", "yuv444p", path)
    s.must_work(s.upscale(source=path), frames=3, size=(2, 2))


@case("input: 16384 wide (works)")
def _(s):
    s.clip("16384x16", 2, "wide.mkv")
    s.output = s.dir / "out.png"
    s.must_work(s.upscale("--frames", 1, source=s.dir / "wide.mkv"), frames=1, size=(32768, 32))


@case("input: 16384 wide, beyond the encoder's limit")
def _(s):
    s.clip("16384x16", 2, "wide.mkv")
    s.must_fail(s.upscale("--encoder", "libx264", source=s.dir / "wide.mkv"), "libx264|32768|size|width|large")


@case("input: damaged frames mid-stream (works, skips or conceals them)")
def _(s):
    data = bytearray(s.clip("64x48", 50, "in.mkv", "-g", "5").read_bytes())
    noise = hashlib.shake_256(b"noise").digest(len(data))
    for start in range(len(data) // 3, len(data) // 3 * 2, 400):
        data[start:start + 40] = noise[start:start + 40]
    path = s.dir / "damaged.mkv"
    path.write_bytes(data)
    s.must_work(s.upscale(source=path), frames=range(5, 51), size=(128, 96))


@case("input: Matroska truncated mid-stream (works as far as it goes)")
def _(s):
    data = s.clip("64x48", 50, "in.mkv", "-g", "5").read_bytes()
    path = s.dir / "cut.mkv"
    path.write_bytes(data[:len(data) // 2])
    s.must_work(s.upscale(source=path), frames=range(5, 50), size=(128, 96))


@case("input: rawvideo without a size")
def _(s):
    (s.dir / "in.raw").write_bytes(b"\0" * 4000)
    s.must_fail(s.upscale("--input-format", "rawvideo", source=s.dir / "in.raw"), "size")


@case("input: unknown --input-format")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--input-format", "nosuch"), "nosuch")
