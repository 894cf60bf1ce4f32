#!/usr/bin/env python3
"""HDR output in every encoder, container and pixel format: what the file says of itself, and whether it is true.

    hdr_table.py --framelift build/release/bin/framelift [--model WEIGHTS --clip VIDEO] [--only REGEX]

Each cell is a run of `framelift hdr`. ffprobe then reads the colour tags, the mastering display, MaxCLL and MaxFALL from
the container and, where the codec has a place for them, from the bare stream. ffmpeg decodes the file, and numpy measures
MaxCLL and MaxFALL again. Lossless cells must state the measured numbers; for lossy ones the deviation is printed, in
10-bit codes of PQ. Without --model a network that changes nothing is used, on a synthetic clip whose RGB codes are taken
for PQ: saturated colours, full range, sharp edges, noise. Prints a Markdown table; exits 1 and lists the reasons.
"""

import argparse
import re
import struct
import sys
import tempfile
import zlib
from fractions import Fraction
from pathlib import Path

from hdr_support import (SKIPPED, Pictures, encoders, ffmpeg, ffprobe, light_levels, pq_eotf, run,
                         save_identity_network, video_stream)

X265 = ("--preset", "ultrafast", "--encoder-option", "x265-params=lossless=1")
SVT = ("--encoder-option", "preset=12", "--crf", "20")
AOM = ("--encoder-option", "cpu-used=8", "--encoder-option", "aom-params=lossless=1", "--crf", "0")
VPX = ("--crf", "0", "--encoder-option", "lossless=1", "--encoder-option", "deadline=realtime")
X264 = ("--preset", "ultrafast", "--encoder-option", "qp=0")
# encoder, containers, pixel formats, options, lossless, bare stream in which ffprobe finds the metadata
CELLS = [
    ("libx265", "mkv mp4 mov", "yuv420p10le yuv422p10le yuv444p10le", X265, True, "hevc"),
    ("libx265", "mkv", "yuv420p12le yuv422p12le yuv444p12le", X265, True, "hevc"),
    ("libx265", "mkv", "yuv420p10le", ("--crf", "19"), False, "hevc"),
    ("libsvtav1", "mkv mp4", "yuv420p10le", SVT, False, "obu"),
    ("libaom-av1", "mkv mp4", "yuv420p10le yuv444p10le yuv420p12le", AOM, True, "obu"),
    ("libx264", "mkv mp4", "yuv420p10le yuv444p10le", X264, True, None),
    ("libvpx-vp9", "webm mkv", "yuv420p10le yuv444p12le", VPX, True, None),
    ("prores_ks", "mov mkv", "yuv422p10le yuv444p10le", (), False, None),
    ("ffv1", "mkv", "yuv420p10le yuv422p12le yuv444p10le gbrp10le yuv420p16le", (), True, None),
    ("png", "png", "rgb48be", ("--frames", "1"), True, None),
]
HLG_CELLS = [("libx265", "mp4", "yuv420p10le"), ("libsvtav1", "mkv", "yuv420p10le"), ("prores_ks", "mov", "yuv422p10le"),
             ("ffv1", "mkv", "yuv444p10le")]
GIVEN = ("--mastering-display", "p3-d65-1000", "--max-cll", "777,77")
P3_D65 = {"red": (0.68, 0.32), "green": (0.265, 0.69), "blue": (0.15, 0.06), "white_point": (0.3127, 0.329)}
BT2020 = {"red": (0.708, 0.292), "green": (0.17, 0.797), "blue": (0.131, 0.046), "white_point": (0.3127, 0.329)}


def fields(side_data):
    """The metadata among side data, as {name: value}."""
    found = {}
    for data in side_data or []:
        if data.get("side_data_type") in ("Mastering display metadata", "Content light level metadata"):
            found.update({k: float(Fraction(v)) for k, v in data.items() if k != "side_data_type"})
    return found


def check_tags(stream, transfer, problems):
    wanted = {"color_transfer": transfer, "color_primaries": "bt2020"}
    rgb = stream["pix_fmt"].startswith(("gbr", "rgb"))
    wanted["color_space"] = "gbr" if rgb else "bt2020nc"
    wanted["color_range"] = "pc" if rgb else "tv"
    if "420" in stream["pix_fmt"]:
        wanted["chroma_location"] = "topleft"
    problems += [f"{tag} is {stream.get(tag)}, not {value}" for tag, value in wanted.items() if stream.get(tag) != value]


def check_metadata(found, where, light, display, problems):
    primaries, peak = display
    wanted = {f"{name}_{axis}": xy[i] for name, xy in primaries.items() for i, axis in enumerate("xy")}
    for key, value in wanted.items():
        # Chromaticities are stored in steps of 1/50000 or, in AV1, 1/65536.
        if abs(found.get(key, -1) - value) > 1 / 50000:
            problems.append(f"{where}: {key} is {found.get(key)}, not {value}")
    for key, value, step in (("max_luminance", peak, 1 / 256), ("min_luminance", 0.0001, 1 / 16384)):
        if abs(found.get(key, -1) - value) > step:
            problems.append(f"{where}: {key} is {found.get(key)}, not {value}")
    for key, value in zip(("max_content", "max_average"), light):
        if found.get(key) != value:
            problems.append(f"{where}: {key} is {found.get(key)}, not {value}")


def codes_apart(a, b):
    """Between two luminances, in 10-bit limited-range codes of PQ."""
    grid = [float(pq_eotf(i / 8760)) for i in range(8761)]

    def code(nits):
        return next((i for i, value in enumerate(grid) if value >= nits), 8760) / 10
    return code(a) - code(b)


def same_light(stated, measured):
    # Whole cd/m2, and what float arithmetic is off (2e-5 of the curve).
    return abs(stated - max(measured, 1)) <= 0.5 + 1e-4 * measured


def check_png(path, problems):
    """The file has one cICP chunk, before the picture, and every checksum holds."""
    data, at, order, found = path.read_bytes(), 8, [], []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if zlib.crc32(kind + body) != struct.unpack_from(">I", data, at + 8 + length)[0]:
            problems.append(f"checksum of {kind} is wrong")
        order.append(kind)
        if kind == b"cICP":
            found.append(tuple(body))
        at += 12 + length
    if found != [(9, 16, 0, 1)] or order.index(b"cICP") > order.index(b"IDAT"):
        problems.append(f"cICP chunks {found}, chunks {order[:4]}")


class Table:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.reasons, self.cells = [], 0
        self.model, self.clip = options.model, options.clip
        # Real clips are large; reducing them is one more step between the network and the finished picture.
        self.reduction = ["--frames", "3", "--max-width", "320"] if self.clip else []
        if not self.model:
            self.model = folder / "identity.safetensors"
            save_identity_network(self.model)
        if not self.clip:
            self.clip = folder / "clip.mkv"
            # Up to 65% of PQ, 400 cd/m2: no component reaches the end of the scale, where every measurement agrees. 86
            # lines: chroma rows end in the middle of a band.
            levels = ":".join(f"{c}=val*{top}" for c, top in zip("rgb", (0.65, 0.6, 0.55)))
            ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=130x86:r=25,noise=alls=30:allf=t,format=gbrp10le,lutrgb={levels}",
                   "-frames:v", "4", "-c:v", "ffv1", self.clip)

    def hdr(self, output, *words):
        run([self.options.framelift, "hdr", self.clip, output, "--model", self.model, "--overwrite", "--quiet", *self.reduction,
             *words],
            timeout=300)

    def cell(self, encoder, container, pixel_format, words=(), lossless=True, bare=None, transfer="smpte2084",
             given=False):
        name = f"{encoder} {container} {pixel_format} {'HLG' if transfer != 'smpte2084' else 'PQ'}"
        name += (" lossless" if lossless else "") + (" given" if given else "")
        if not re.search(self.options.only, name):
            return
        self.cells += 1
        problems, columns = [], [""] * 5
        try:
            output = self.folder / f"out.{container}"
            words = ["--encoder", encoder, "--pixel-format", pixel_format, *words]
            if transfer != "smpte2084":
                words += ["--transfer", "hlg"]
            self.hdr(output, *words, *(GIVEN if given else ()))
            columns = self.check(output, lossless, bare, transfer, given, problems)
        except (RuntimeError, KeyError) as error:
            problems.append(str(error))
        print(f"| {name} | {' | '.join(columns)} | {'ok' if not problems else f'{len(problems)} wrong'} |", flush=True)
        self.reasons += [f"{name}: {p}" for p in problems]

    def check(self, output, lossless, bare, transfer, given, problems):
        stream = video_stream(output)
        if output.suffix == ".png":
            check_png(output, problems)
            return ["cICP", "", "", "", ""]
        check_tags(stream, transfer, problems)
        found = fields(stream.get("side_data_list"))
        if transfer != "smpte2084":
            if found:
                problems.append(f"HLG with static metadata {found}")
            return ["HLG", "", "", "", ""]
        stated = found.get("max_content", 0), found.get("max_average", 0)
        measured = light_levels(Pictures(output))
        if given:
            light, display = (777, 77), (P3_D65, 1000)
        else:
            light = stated
            display = BT2020, next(p for p in (1000, 2000, 4000, 10000) if stated[0] <= p)
            for which, a, b in zip(("MaxCLL", "MaxFALL"), stated, measured):
                if lossless and not same_light(a, b):
                    problems.append(f"{which} {a:.0f} stated, {b:.2f} measured")
                # A wrong matrix, range or curve moves the mean by more than coding does.
                if not lossless and which == "MaxFALL" and abs(codes_apart(a, b)) > 5:
                    problems.append(f"{which} {a:.0f} stated, {b:.2f} measured")
        check_metadata(found, "container", light, display, problems)
        if bare:
            raw = self.folder / f"bare.{bare}"
            ffmpeg("-i", output, "-map", "0:v:0", "-c", "copy", raw)
            frame = ffprobe(raw, "-select_streams", "v:0", "-show_frames", "-read_intervals", "%+#1")["frames"][0]
            check_metadata(fields(frame.get("side_data_list")), "bitstream", light, display, problems)
        return [f"{stated[0]:.0f} / {measured[0]:.2f}", f"{codes_apart(stated[0], measured[0]):+.1f}",
                f"{stated[1]:.0f} / {measured[1]:.2f}", f"{codes_apart(stated[1], measured[1]):+.1f}",
                bare or ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framelift", default="build/release/bin/framelift", help="the program")
    parser.add_argument("--model", type=Path, help="weights of an SDR to HDR network")
    parser.add_argument("--clip", type=Path, help="an SDR video")
    parser.add_argument("--only", default="", help="regular expression on a cell's name")
    options = parser.parse_args()
    for path in (options.model, options.clip):
        if path and not path.exists():
            print(f"{path}: not at hand, nothing was compared", file=sys.stderr)
            return SKIPPED
    present = encoders()
    print("| cell | MaxCLL stated / decoded | codes apart | MaxFALL stated / decoded | codes apart | bitstream | result |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        table = Table(options, Path(temporary))
        for encoder, containers, formats, words, lossless, bare in CELLS:
            for container in containers.split():
                for pixel_format in formats.split():
                    if encoder in present:
                        table.cell(encoder, container, pixel_format, words, lossless, bare)
        for encoder, container, pixel_format in HLG_CELLS:
            if encoder in present:
                table.cell(encoder, container, pixel_format, SVT if encoder == "libsvtav1" else (), lossless=False,
                           transfer="arib-std-b67")
        table.cell("libx265", "mp4", "yuv420p10le", X265, True, "hevc", given=True)
        table.cell("ffv1", "mkv", "yuv420p10le", given=True)
    for reason in table.reasons:
        print(f"- {reason}")
    if table.cells == 0:
        print("no cell was run", file=sys.stderr)
    return 1 if table.reasons or table.cells == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
