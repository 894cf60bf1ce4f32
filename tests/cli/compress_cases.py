"""`framelift compress` and `evaluate`: files from beginning to end, interruptions, and what is refused."""

import csv
import json
import os
import re
import signal
import subprocess
import time
import xml.etree.ElementTree

from sandbox import Skip, Wrong, case, ffmpeg


def compress(s, *options, epochs=2, source=None, output="out.fnv"):
    return ["compress", source or s.input, s.dir / output, "--bpp", 4, "--epochs", epochs, "--threads", 1, "--device", "cpu",
            *options]


def run(s, words, expected=0):
    result = s.execute(words)
    if "torch engine" in s.message and s.code != 0:
        raise Skip("needs the torch engine")
    if s.code != expected:
        raise Wrong(f"exit code {s.code}")
    return result


def frame_times(path):
    """[(pts in seconds, duration in seconds)] as ffprobe has them."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time",
                           "-of", "csv=p=0", str(path)], capture_output=True, text=True, check=True).stdout
    return sorted(round(float(line.split(",")[0]), 3) for line in text.split())


def color_tags(path):
    return subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                           "stream=color_range,color_space,color_transfer,color_primaries,pix_fmt", "-of", "csv=p=0",
                           str(path)], capture_output=True, text=True, check=True).stdout.strip()


@case("compress: there and back, with uneven times and colour tags")
def _(s):
    s.clip("40x24", 6, "in.mp4", "-vf", "setpts='(N*N+2*N)*0.01/TB'", "-fps_mode", "passthrough", "-colorspace", "bt709",
           "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv", "-bf", "0")
    run(s, compress(s))
    s.must_work(["decompress", s.dir / "out.fnv", s.output, "--quiet"], frames=6, size=(40, 24))
    if frame_times(s.output) != frame_times(s.input):
        raise Wrong(f"times are {frame_times(s.output)}, were {frame_times(s.input)}")
    if color_tags(s.output) != color_tags(s.input):
        raise Wrong(f"tags are {color_tags(s.output)}, were {color_tags(s.input)}")


@case("compress: other verbs read .fnv, and evaluate says what it is worth")
def _(s):
    s.clip("40x24", 4)
    said = run(s, compress(s)).stderr
    fnv = s.dir / "out.fnv"
    result = run(s, ["evaluate", s.input, fnv, "--quiet", "--csv", s.dir / "frames.csv"])
    found = re.search(r"out.fnv: (\d+) frames, (\d+) bytes, ([\d.]+) bits per pixel\n  PSNR ([\d.]+) dB", result.stdout)
    if not found or int(found[1]) != 4 or int(found[2]) != fnv.stat().st_size:
        raise Wrong(f"evaluate says {result.stdout}")
    if f"PSNR {found[4]} dB" not in said.rsplit("bits per pixel", 1)[1]:
        raise Wrong("compress and evaluate differ")
    with open(s.dir / "frames.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    mean = sum(float(row["psnr_rgb"]) for row in rows) / len(rows)
    if len(rows) != 4 or abs(mean - float(found[4])) > 0.0051:
        raise Wrong(f"{len(rows)} rows with a mean of {mean}")
    # What evaluate measures of the planes is what comes out of decompress.
    run(s, ["decompress", fnv, s.dir / "back.mkv", "--quiet", "--encoder", "ffv1"])
    ffmpeg("-i", s.dir / "back.mkv", "-i", s.input, "-lavfi", f"psnr=stats_file={s.dir / 'psnr.log'}", "-f", "null", "-")
    for row, line in zip(rows, (s.dir / "psnr.log").read_text().splitlines()):
        theirs = float(re.search(r"psnr_y:([\d.]+)", line)[1])
        if abs(theirs - float(row["psnr_y"])) > 0.006:  # they print two decimals
            raise Wrong(f"PSNR of luma {row['psnr_y']}, ffmpeg says {theirs}")
    run(s, ["compare", s.input, fnv, "--quiet"])
    s.must_work(s.upscale(source=fnv), frames=4, size=(80, 48))


@case("compress: interrupted and resumed")
def _(s):
    s.clip("40x24", 6)
    process = subprocess.Popen([str(s.binary), *map(str, compress(s, epochs=100000))], stderr=subprocess.DEVNULL,
                               cwd=s.dir, env=s.environment())
    folder = s.dir / "out.fnv.work"
    deadline = time.monotonic() + 60
    while not folder.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is not None:
        raise Skip("needs the torch engine")
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    if process.wait(60) != 130:
        raise Wrong(f"exit code {process.returncode}")
    if (s.dir / "out.fnv").exists() or not (folder / "group_0000.safetensors").exists():
        raise Wrong("not saved")
    s.must_fail(compress(s), ["--resume", "--overwrite"])
    s.must_fail(compress(s, "--resume"), "other options")
    run(s, compress(s, "--overwrite"))
    if folder.exists():
        raise Wrong("work folder left behind")


@case("compress: interrupted between groups, the same file as without")
def _(s):
    s.clip("40x24", 6)
    options = ["--group", 3, "--quiet"]
    run(s, compress(s, *options, epochs=60, output="whole.fnv"))
    parts = [str(s.binary), *map(str, compress(s, *options, epochs=60, output="parts.fnv"))]
    process = subprocess.Popen(parts, stderr=subprocess.DEVNULL, cwd=s.dir, env=s.environment())
    first_group = s.dir / "parts.fnv.work/video.fnv"
    while process.poll() is None and not first_group.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    if process.wait(60) == 130:
        run(s, compress(s, *options, "--resume", epochs=60, output="parts.fnv"))
    if (s.dir / "parts.fnv").read_bytes() != (s.dir / "whole.fnv").read_bytes():
        raise Wrong("the files differ")


def hdr_facts(path):
    """What ffprobe says of a stream and its first frame that HDR needs."""
    found = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", "%+#1", "-show_frames", "-show_entries",
         "stream=width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,sample_aspect_ratio:frame=side_data_list",
         "-of", "json", str(path)], capture_output=True, text=True, check=True).stdout)
    light = {item["side_data_type"]: item for item in found["frames"][0].get("side_data_list", [])}
    kept = ("Mastering display metadata", "Content light level metadata")
    stream = {name: value for name, value in found["streams"][0].items() if name != "side_data_list"}
    return stream, {name: light[name] for name in kept if name in light}


@case("compress: 10-bit HDR of an odd size and uneven times")
def _(s):
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x44:r=25,format=yuv444p10,crop=61:43,setsar=4/3,settb=1/1000,setpts='(N*N+N)*10'",
           "-frames:v", 5, "-fps_mode", "passthrough", "-c:v", "libx265", "-pix_fmt", "yuv444p10", "-x265-params",
           "log-level=none:bframes=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:hdr10=1:max-cll=1000,400:"
           "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)", s.dir / "hdr.mkv")
    run(s, compress(s, "--quiet", source=s.dir / "hdr.mkv"))
    s.must_work(["decompress", s.dir / "out.fnv", s.output, "--quiet"], frames=5, size=(61, 43))
    stream, light = hdr_facts(s.dir / "hdr.mkv")
    back, back_light = hdr_facts(s.output)
    if len(light) != 2:
        raise RuntimeError(f"the clip has no HDR10 metadata: {light}")
    if back != stream:
        raise Wrong(f"tags are {back}, were {stream}")
    if back_light != light:
        raise Wrong(f"light is {back_light}, was {light}")
    if frame_times(s.output) != frame_times(s.dir / "hdr.mkv"):
        raise Wrong(f"times are {frame_times(s.output)}, were {frame_times(s.dir / 'hdr.mkv')}")


def with_sound(s, seconds=1):
    """A clip with sound, subtitles, a chapter, a font and a title."""
    (s.dir / "a.srt").write_text("1\n00:00:00,100 --> 00:00:00,600\nHello\n")
    (s.dir / "meta.txt").write_text(";FFMETADATA1\ntitle=The Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n")
    (s.dir / "font.ttf").write_bytes(b"f" * 3000)
    path = s.dir / "sound.mkv"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=40x24:r=8:d={seconds}", "-f", "lavfi", "-i", f"anoisesrc=d={seconds}:r=48000:seed=1", "-i",
           s.dir / "a.srt", "-i", s.dir / "meta.txt", "-map", 0, "-map", 1, "-map", 2, "-map_metadata", 3, "-map_chapters", 3,
           "-c:v", "libx264", "-bf", 0, "-c:a", "pcm_s16le", "-c:s", "srt", "-metadata:s:a", "language=deu", "-attach",
           s.dir / "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font", path)
    return path


def packets(path, stream):
    """[(pts, md5)] of a stream's packets, with times to the millisecond."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_packets", "-show_data_hash", "md5",
                           "-show_entries", "packet=pts_time,data_hash", "-of", "csv=p=0", str(path)],
                          capture_output=True, text=True, check=True).stdout
    return [(round(float(line.split(",")[0]), 3), line.split(",")[1]) for line in text.split()]


def facts_of_others(path):
    entries = "stream=codec_name,codec_type:stream_tags=language,filename:format_tags=title:chapter=start_time,end_time:chapter_tags=title"
    found = json.loads(subprocess.run(["ffprobe", "-v", "error", "-show_chapters", "-show_entries", entries, "-of", "json",
                                       str(path)], capture_output=True, text=True, check=True).stdout)
    return found["chapters"], found["format"], [s for s in found["streams"] if s["codec_type"] != "video"]


@case("compress: sound, subtitles, chapters and a font ride along")
def _(s):
    source = with_sound(s)
    run(s, compress(s, "--quiet", source=source))
    fnv = s.dir / "out.fnv"
    for words in (["decompress", fnv, s.output, "--quiet"], s.upscale("--overwrite", source=fnv)):
        s.must_work(words, frames=8)
        for stream in "as":
            if not packets(source, stream) or packets(s.output, stream) != packets(source, stream):
                raise Wrong(f"{words[0]}: stream {stream} is another")
        if facts_of_others(s.output) != facts_of_others(source):
            raise Wrong(f"{words[0]}: {facts_of_others(s.output)}, were {facts_of_others(source)}")
    s.must_work(["decompress", fnv, s.output, "--quiet", "--overwrite", "--no-copy"], frames=8)
    if packets(s.output, "a"):
        raise Wrong("decompress --no-copy copies sound")
    whole = fnv.stat().st_size
    run(s, compress(s, "--quiet", "--no-copy", "--overwrite", source=source))
    if fnv.stat().st_size > whole - 8000:
        raise Wrong(f"{fnv.stat().st_size} bytes without the other streams, {whole} with them")
    s.must_work(["decompress", fnv, s.output, "--quiet", "--overwrite"], frames=8)
    if packets(s.output, "a"):
        raise Wrong("compress --no-copy copies sound")


@case("compress: a part of a video with its sound")
def _(s):
    source = with_sound(s, seconds=3)
    run(s, compress(s, "--quiet", "--start", 1, "--frames", 8, source=source))
    s.must_work(["decompress", s.dir / "out.fnv", s.output, "--quiet"], frames=8)
    if frame_times(s.output) != [i / 8 for i in range(8)]:
        raise Wrong(f"frames are at {frame_times(s.output)}")
    whole = packets(s.output, "a")
    s.must_work(["decompress", s.dir / "out.fnv", s.output, "--quiet", "--overwrite", "--first-frame", 4, "--frames", 2], frames=2)
    part = packets(s.output, "a")
    if frame_times(s.output) != [0, 0.125]:
        raise Wrong(f"frames of the part are at {frame_times(s.output)}")
    before = {md5: pts for pts, md5 in packets(source, "a")}
    # Packets of 21 ms: each is where it was beside the pictures, and they end with the video.
    for found, begin, length in ((whole, 1, 1), (part, 1.5, 0.25)):
        if not abs(found[0][0]) < 0.022 or not abs(found[-1][0] - length) < 0.05:
            raise Wrong(f"sound from {found[0][0]} to {found[-1][0]}")
        for pts, md5 in found:
            if abs(before[md5] - begin - pts) > 0.0021:
                raise Wrong(f"sound of {before[md5]} is at {pts}")


@case("compress: damaged sound in .fnv")
def _(s):
    run(s, compress(s, "--quiet", source=with_sound(s)))
    fnv = s.dir / "out.fnv"
    content = bytearray(fnv.read_bytes())
    content[content.index(b"f" * 100)] ^= 1
    fnv.write_bytes(content)
    s.must_fail(["decompress", fnv, s.output, "--quiet"], ["out.fnv", "AUXI", "damaged", "--no-copy"])
    s.must_fail(s.upscale(source=fnv), ["out.fnv", "AUXI", "damaged", "--no-copy"])
    s.must_work(["decompress", fnv, s.output, "--quiet", "--no-copy"], frames=8)


@case("compress: planes of 10-bit 4:2:0 of an odd size")
def _(s):
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x44:r=25,format=yuv420p10,crop=61:43:0:0:exact=1", "-frames:v", 5, "-c:v", "ffv1", "-color_range",
           "tv", "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67", s.dir / "hlg.mkv")
    run(s, compress(s, "--planes", "--quiet", source=s.dir / "hlg.mkv"))
    s.must_work(["decompress", s.dir / "out.fnv", s.output, "--quiet", "--encoder", "ffv1"], frames=5, size=(61, 43))
    if color_tags(s.output) != color_tags(s.dir / "hlg.mkv"):
        raise Wrong(f"tags are {color_tags(s.output)}, were {color_tags(s.dir / 'hlg.mkv')}")
    s.clip("32x24", 2, "rgb.mkv", "-pix_fmt", "yuv444p")
    s.must_fail(compress(s, "--planes", source=s.dir / "rgb.mkv", output="other.fnv"), ["rgb.mkv", "4:2:0", "--planes"])


@case("compress: missing input")
def _(s):
    s.must_fail(compress(s), "torch engine|in.mp4")


@case("compress: output folder missing")
def _(s):
    s.clip()
    s.must_fail(compress(s, output="no/out.fnv"), "torch engine|create it first")


@case("compress: folder not writable")
def _(s):
    s.clip()
    if os.geteuid() == 0:
        raise Skip("root may write everywhere")
    folder = s.dir / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    s.must_fail(compress(s, output="closed/out.fnv"), "not writable")


@case("compress: output exists")
def _(s):
    s.clip()
    (s.dir / "out.fnv").write_bytes(b"mine")
    s.must_fail(compress(s), "torch engine|--overwrite")


@case("compress: unknown size")
def _(s):
    s.clip()
    s.must_fail(compress(s, "--size", "bunny"), "torch engine|bunny-xxs")


@case("compress: nothing but sound")
def _(s):
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", s.dir / "sound.wav")
    s.must_fail(compress(s, source=s.dir / "sound.wav"), "torch engine|sound.wav")


@case("compress: floating-point pictures")
def _(s):
    s.must_fail(compress(s, source="test:8x8:2:gbrpf32"), "torch engine|floating-point|gbrpf32")


@case("decompress: .fnv with options that it has no use for")
def _(s):
    s.clip()
    run(s, compress(s, "--quiet"))
    s.must_fail(["decompress", s.dir / "out.fnv", s.output, "--size", "32x24"], "leave out --size")


@case("decompress: truncated .fnv")
def _(s):
    s.clip()
    run(s, compress(s, "--quiet"))
    whole = (s.dir / "out.fnv").read_bytes()
    for size in (8, 40, len(whole) // 2):
        (s.dir / "cut.fnv").write_bytes(whole[:size])
        s.must_fail(["decompress", s.dir / "cut.fnv", s.output], "cut.fnv")


@case("evaluate: against other encoders, with charts")
def _(s):
    s.clip("64x64", 4)  # SVT-AV1 takes no smaller ones
    fnv = s.dir / "out.fnv"
    run(s, compress(s, "--quiet"))
    charts = [s.dir / "frames.svg", s.dir / "rates.svg"]
    result = run(s, ["evaluate", s.input, fnv, "--quiet", "--against", "x264,x265,svtav1", "--json", s.dir / "means.json",
                     "--plot", charts[0], "--rate-plot", charts[1]])
    curves = json.loads((s.dir / "means.json").read_text())["curves"]
    if [c["name"] for c in curves] != ["compressed", "x264", "x265", "svtav1"]:
        raise Wrong(f"curves {[c['name'] for c in curves]}")
    for curve in curves[1:]:
        rates = [f["bits_per_pixel"] for f in curve["files"]]
        if len(rates) < 4 or rates != sorted(rates):
            raise Wrong(f"{curve['name']} has rates {rates}")
        if not re.search(rf"^{curve['name']} .*(has [+-]|no measured rates)", result.stdout, re.M):
            raise Wrong(f"nothing said of {curve['name']}: {result.stdout}")
    for chart, curve_count in zip(charts, (1, 4)):
        root = xml.etree.ElementTree.parse(chart).getroot()
        if len(root.findall("{http://www.w3.org/2000/svg}rect")) != 1 + curve_count:
            raise Wrong(f"{chart.name} has another number of curves")
    s.must_fail(["evaluate", s.input, fnv, "-q", "--rate-plot", charts[1]], "--overwrite")
    s.must_fail(["evaluate", s.input, fnv, "-q", "--plot", fnv, "--overwrite"], "out.fnv")
    s.must_fail(["evaluate", s.input, fnv, "-q", "--against", "h261"], "x264, x265, svtav1")


@case("evaluate: another video than the one that was compressed")
def _(s):
    s.clip("32x24", 4)
    s.clip("48x24", 4, "other.mp4")
    s.clip("32x24", 5, "longer.mp4")
    run(s, compress(s, "--quiet"))
    s.must_fail(["evaluate", s.dir / "other.mp4", s.dir / "out.fnv", "-q"], "48x24")
    s.must_fail(["evaluate", s.dir / "longer.mp4", s.dir / "out.fnv", "-q"], "goes on after")
