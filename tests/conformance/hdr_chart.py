#!/usr/bin/env python3
"""A chart of known colours through `framelift hdr`, compared with the codes that colour-science computes.

    hdr_chart.py FRAMELIFT

Patches are given as light: CIE xy and cd/m2. colour-science makes PQ of them, which goes in as 16-bit RGB; the network
changes nothing; ffmpeg decodes the lossless result. Inside a patch, Y, Cb and Cr (or R, G and B) are compared with the
unrounded values that colour-science computes. Where the output has fewer bits than the input it is dithered by an 8x8
matrix: no code is a whole step away, and the mean over whole matrices is right to half a 64th. Without dither codes are
half a step away at most. To that comes what 16 bits and float arithmetic are off. For HLG the same light is taken for a
1000 cd/m2 display. Exits 1 and lists the codes that differ.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from hdr_support import Pictures, encoders, ffmpeg, run, save_identity_network

warnings.filterwarnings("ignore")  # of parts of colour-science that want further packages
import colour  # noqa: E402

SIDE, COLUMNS, BORDER = 24, 8, 4  # pixels of a patch; patches in a row; what subsampled chroma mixes with the neighbours
D65 = (0.3127, 0.3290)
GRAYS = (0, 0.005, 0.01, 0.1, 0.5, 1, 2, 5, 10, 18, 26, 50, 58, 100, 150, 203, 300, 400, 600, 800, 1000)
BRIGHT_GRAYS = (1500, 2000, 4000, 10000)
# Primaries of BT.709, Display P3 and BT.2020, skin, foliage and sky, as xy.
COLOURS = {"709 red": (0.64, 0.33), "709 green": (0.30, 0.60), "709 blue": (0.15, 0.06), "P3 red": (0.68, 0.32),
           "P3 green": (0.265, 0.69), "2020 red": (0.708, 0.292), "2020 green": (0.17, 0.797),
           "2020 blue": (0.131, 0.046), "cyan": (0.2246, 0.3287), "magenta": (0.3209, 0.1542), "yellow": (0.4193, 0.5053),
           "dark skin": (0.4002, 0.3504), "light skin": (0.3773, 0.3446), "foliage": (0.3372, 0.4220),
           "sky": (0.2470, 0.2514), "orange": (0.5060, 0.4070)}


def chart(peak):
    """[(name, linear BT.2020 RGB in cd/m2)], no component above the peak."""
    space = colour.RGB_COLOURSPACES["ITU-R BT.2020"].copy()
    space.use_derived_transformation_matrices(True)
    patches = [(f"gray {y:g}", D65, y) for y in GRAYS + BRIGHT_GRAYS]
    patches += [(f"{name} {y}", xy, y) for name, xy in COLOURS.items() for y in (5, 50, 200)]
    found = []
    for name, xy, luminance in patches:
        rgb = space.matrix_XYZ_to_RGB @ (colour.xy_to_XYZ(xy) * luminance)
        rgb = np.where(np.abs(rgb) < 1e-9 * luminance, 0, rgb)  # primaries of BT.2020 itself lie on the border
        if rgb.max() <= peak * (1 + 1e-9) and rgb.min() >= 0:
            found.append((name, rgb.clip(0, peak)))
    return found


def write_chart(path, patches):
    rows = (len(patches) + COLUMNS - 1) // COLUMNS
    picture = np.zeros((rows * SIDE, COLUMNS * SIDE, 3), np.uint16)
    for i, (_, rgb) in enumerate(patches):
        y, x = divmod(i, COLUMNS)
        picture[y * SIDE:(y + 1) * SIDE, x * SIDE:(x + 1) * SIDE] = np.rint(colour.models.eotf_inverse_ST2084(rgb) * 65535)
    height, width = picture.shape[:2]
    ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{width}x{height}", "-i", "-", "-frames:v", "1", "-pix_fmt",
           "gbrp16le", "-c:v", "ffv1", path, input=picture.tobytes())


def expected_codes(rgb, hlg, bits, is_rgb):
    """Unrounded codes of the planes Y, Cb, Cr, or of G, B, R in full range."""
    if hlg:
        signal = np.clip(colour.models.eotf_inverse_BT2100_HLG(rgb, L_W=1000), 0, 1)
    else:
        signal = colour.models.eotf_inverse_ST2084(rgb)
    top = 2**bits - 1
    if is_rgb:
        return signal[[1, 2, 0]] * top
    k = colour.WEIGHTS_YCBCR["ITU-R BT.2020"]
    return colour.RGB_to_YCbCr(signal, K=k, out_bits=bits, out_legal=True, out_int=False) * top


def check(framelift, folder, model, name, container, words, hlg, problems):
    patches = chart(1000 if hlg else 10000)
    source, output = folder / "chart.mkv", folder / f"out.{container}"
    write_chart(source, patches)
    run([framelift, "hdr", source, output, "--model", model, "--precision", "f32", "--overwrite", "--quiet",
         *(["--transfer", "hlg"] if hlg else []), *words])
    pictures = Pictures(output)
    # Input codes are within 1/2 of 1/65535. HLG's root magnifies the darkest of them, 0.005 cd/m2, eightfold.
    slack = (8 if hlg else 1) * 0.5 / 65535 * 2**pictures.bits + 0.01
    dithered = pictures.bits < 16
    worst, worst_mean, compared = 0.0, 0.0, 0
    for i, (patch, rgb) in enumerate(patches):
        y, x = divmod(i, COLUMNS)
        expected = expected_codes(rgb, hlg, pictures.bits, pictures.rgb)
        for plane, codes in enumerate(pictures.frames[0]):
            sx, sy = pictures.shift if plane else (0, 0)
            inside = codes[(y * SIDE + BORDER) >> sy:((y + 1) * SIDE - BORDER) >> sy,
                           (x * SIDE + BORDER) >> sx:((x + 1) * SIDE - BORDER) >> sx].astype(float)
            apart = float(np.abs(inside - expected[plane]).max())
            mean_apart = float(abs(inside.mean() - expected[plane]))
            worst, worst_mean, compared = max(worst, apart), max(worst_mean, mean_apart), compared + 1
            if not (apart <= (1 if dithered else 0.5) + slack and mean_apart <= (1 / 128 if dithered else 0.5) + slack):
                problems.append(f"{name}: {patch}, plane {plane}: {inside.min():.0f}..{inside.max():.0f} instead of "
                                f"{expected[plane]:.3f}")
    print(f"| {name} | {'HLG' if hlg else 'PQ'} | {len(patches)} | {compared} | {worst:.3f} | {worst_mean:.3f} | "
          f"{slack:.3f} |")


def main():
    framelift = Path(sys.argv[1]).resolve()
    x265 = ["--encoder", "libx265", "--preset", "ultrafast", "--encoder-option", "x265-params=lossless=1"]
    cases = [(f"libx265 {f}", "mkv", [*x265, "--pixel-format", f])
             for f in ("yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "yuv444p12le")]
    cases += [(f"ffv1 {f}", "mkv", ["--encoder", "ffv1", "--pixel-format", f]) for f in ("gbrp10le", "yuv420p16le")]
    problems = []
    print("| output | transfer | patches | codes compared | largest distance from the exact code | of the mean | 16-bit input's share |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = folder / "identity.safetensors"
        save_identity_network(model)
        for name, container, words in cases:
            if words[1] in encoders():
                for hlg in (False, True):
                    check(framelift, folder, model, name, container, words, hlg, problems)
    for problem in problems:
        print(f"- {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
