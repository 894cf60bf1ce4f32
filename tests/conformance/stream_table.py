#!/usr/bin/env python3
"""Runs framelift over every clip of a folder and compares input and output stream by stream with ffprobe.

    stream_table.py CLIPS --framelift build/release/bin/framelift --args "upscale --model animevideov3" --ext mkv

Checked for each clip: the streams and their order, the number of video frames, every video timestamp (to within one
tick of the output's clock), colour tags, sample aspect ratio, rotation, and that audio and subtitle packets are the
same bytes at the same times. Prints a Markdown table; exits 1 and lists the reasons when anything differs.
"""

import argparse
import json
import math
import shlex
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

SKIPPED = 77  # the exit code that ctest counts as neither passed nor failed
CLIPS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m4v", ".mpg", ".nut"}
COLOR_TAGS = ("color_range", "color_space", "color_transfer", "color_primaries")
UNSPECIFIED = {None, "unknown", "unspecified", "N/A"}


def ffprobe(path, *arguments):
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, f"file:{path}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rotation(stream):
    for data in stream.get("side_data_list", []):
        if "rotation" in data:
            return int(data["rotation"]) % 360
    return 0


def sample_aspect(stream):
    text = stream.get("sample_aspect_ratio", "1:1")
    numerator, denominator = (int(part) for part in text.split(":")) if ":" in text else (1, 1)
    return Fraction(numerator, denominator) if numerator and denominator else Fraction(1)


class Clip:
    """What ffprobe says about one file."""

    def __init__(self, path):
        self.path = path
        # Chapter titles and time codes of MP4 show up as data streams that players never see.
        self.streams = [s for s in ffprobe(path, "-show_streams")["streams"] if s["codec_type"] != "data"]
        self.packets = {s["index"]: [] for s in self.streams}
        entries = "packet=stream_index,pts_time,dts_time,size,flags,data_hash"
        found = ffprobe(path, "-show_packets", "-show_data_hash", "md5", "-show_entries", entries)
        for packet in found.get("packets", []):
            if packet["stream_index"] in self.packets:
                self.packets[packet["stream_index"]].append(packet)
        self.chapters = len(ffprobe(path, "-show_chapters").get("chapters", []))

    def payloads(self, stream):
        # MP4 text tracks fill the gaps between subtitles with empty samples (two bytes of length 0).
        text = stream["codec_type"] == "subtitle"
        return [p["data_hash"] for p in self.packets[stream["index"]] if not (text and int(p["size"]) <= 2)]

    def times(self, stream):
        return [Fraction(p.get("pts_time", p.get("dts_time", "0"))) for p in self.packets[stream["index"]]]

    def frame_times(self, stream, limit):
        arguments = ["-select_streams", str(stream["index"]), "-show_entries", "frame=best_effort_timestamp"]
        frames = ffprobe(self.path, *arguments).get("frames", [])
        base = Fraction(stream["time_base"])
        times = [int(f["best_effort_timestamp"]) * base for f in frames if "best_effort_timestamp" in f]
        return times[:limit] if limit else times


def tick(stream):
    return Fraction(stream["time_base"])


def compare_video(source, target, clip_in, clip_out, limit, problems):
    before, after = clip_in.frame_times(source, limit), clip_out.frame_times(target, 0)
    if len(before) != len(after):
        problems.append(f"{len(after)} frames instead of {len(before)}")
    worst = max((abs(a - b) for a, b in zip(before, after)), default=Fraction(0))
    # Rounding to the output's clock is half a tick; one tick leaves room for rounding down.
    if worst > tick(target):
        problems.append(f"a frame time is off by {float(worst) * 1000:.3f} ms (tick {float(tick(target)) * 1000:.3f})")
    for tag in COLOR_TAGS:
        wanted, got = source.get(tag), target.get(tag)
        if wanted not in UNSPECIFIED and wanted != got:
            problems.append(f"{tag} {got} instead of {wanted}")
    turned = rotation(source) % 180 == 90 and rotation(target) == 0
    aspect_in = sample_aspect(source)
    if turned:
        aspect_in = 1 / aspect_in
    if aspect_in != sample_aspect(target):
        problems.append(f"sample aspect ratio {sample_aspect(target)} instead of {aspect_in}")
    if rotation(target) not in (rotation(source), 0):
        problems.append(f"rotation {rotation(target)} instead of {rotation(source)}")
    width, height = source["width"], source["height"]
    if turned:
        width, height = height, width
    if not math.isclose(target["width"] / target["height"], width / height, rel_tol=0.02):
        problems.append(f"size {target['width']}x{target['height']} is not {width}x{height} scaled")
    return len(before), len(after), worst


def compare_copied(source, target, clip_in, clip_out, limit, problems):
    name = f"stream {source['index']} ({source['codec_type']} {source['codec_name']})"
    if source["codec_name"] != target["codec_name"]:
        converted = source["codec_type"] == "subtitle"
        if not converted:
            problems.append(f"{name} became {target['codec_name']}")
        elif len(clip_in.payloads(source)) != len(clip_out.payloads(target)):
            problems.append(f"{name} lost subtitles")
        return
    before, after = clip_in.payloads(source), clip_out.payloads(target)
    if limit:
        before = before[: len(after)]
    if before != after:
        problems.append(f"{name}: packets differ ({len(before)} in, {len(after)} out)")
        return
    if source["codec_type"] != "audio":
        return
    room = tick(source) + tick(target)
    worst = max((abs(a - b) for a, b in zip(clip_in.times(source), clip_out.times(target))), default=Fraction(0))
    if worst > room:
        problems.append(f"{name}: a time is off by {float(worst) * 1000:.3f} ms")


def compare(clip_in, clip_out, limit):
    problems = []
    if len(clip_in.streams) != len(clip_out.streams):
        problems.append(f"{len(clip_out.streams)} streams instead of {len(clip_in.streams)}")
        return problems, "", ""
    video = ""
    copied = 0
    for source, target in zip(clip_in.streams, clip_out.streams):
        if source["codec_type"] != target["codec_type"]:
            problems.append(f"stream {source['index']} is {target['codec_type']} instead of {source['codec_type']}")
            continue
        same_bytes = clip_in.payloads(source) == clip_out.payloads(target)
        if source["codec_type"] == "video" and not same_bytes:
            if video:
                problems.append(f"video stream {source['index']} was not copied")
            frames_in, frames_out, worst = compare_video(source, target, clip_in, clip_out, limit, problems)
            video = f"{frames_in} / {frames_out} | {float(worst) * 1000:.3f} ms"
        else:
            compare_copied(source, target, clip_in, clip_out, limit, problems)
            copied += 1
    if clip_in.chapters != clip_out.chapters:
        problems.append(f"{clip_out.chapters} chapters instead of {clip_in.chapters}")
    return problems, video or " | ", str(copied)


def run(options, clip, output):
    arguments = shlex.split(options.args)
    if "{in}" in arguments:
        arguments = [str(clip) if a == "{in}" else str(output) if a == "{out}" else a for a in arguments]
    else:
        arguments += [str(clip), str(output)]
    done = subprocess.run([options.framelift, *arguments], capture_output=True, text=True)
    lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
    return done.returncode, lines[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, help="a folder of clips, or one clip")
    parser.add_argument("--framelift", default="build/release/bin/framelift", help="the program")
    parser.add_argument("--args", default="upscale", help='its arguments; IN and OUT follow, or write {in} and {out}')
    parser.add_argument("--ext", default="mkv", help="container of the outputs: mkv, mp4, ... or same")
    parser.add_argument("--frames", type=int, default=0, help="compare the first N frames only (adds --frames N)")
    parser.add_argument("--keep", type=Path, help="keep the outputs in this folder")
    options = parser.parse_args()
    if options.frames:
        options.args += f" --frames {options.frames}"

    clips = [options.clips]
    if options.clips.is_dir():
        clips = sorted(p for p in options.clips.iterdir() if p.suffix.lower() in CLIPS)
    elif not options.clips.exists():
        print(f"{options.clips}: not at hand, nothing was compared", file=sys.stderr)
        return SKIPPED
    if not clips:
        print(f"{options.clips}: no clips", file=sys.stderr)
        return 1

    reasons = []
    print("| clip | streams in / out | frames in / out | largest time error | copied streams | result |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for clip in clips:
            extension = clip.suffix if options.ext == "same" else "." + options.ext
            output = folder / (clip.stem + extension)
            output.unlink(missing_ok=True)
            code, message = run(options, clip, output)
            if code != 0 or not output.exists():
                reasons.append(f"{clip.name}: exit code {code}: {message}")
                print(f"| {clip.name} | | | | | FAILED (exit {code}) |", flush=True)
                continue
            before, after = Clip(clip), Clip(output)
            problems, video, copied = compare(before, after, options.frames)
            reasons += [f"{clip.name}: {p}" for p in problems]
            result = "same" if not problems else f"{len(problems)} differences"
            counts = f"{len(before.streams)} / {len(after.streams)}"
            print(f"| {clip.name} | {counts} | {video or ' | '} | {copied} | {result} |", flush=True)
    for reason in reasons:
        print(f"- {reason}")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
